import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * The dashboard's session: a cookie that no script can read and that the browser sends to this site alone. Since a
 * browser sends it by itself, it is believed only where the request is known to come from our own pages.
 */
const name = 'tasklane_session'
/** All that the dashboard calls; the pages themselves need no cookie. */
const path = '/api'
/** A header that no other site's page can set without asking first, which is never granted. */
const pageHeader = 'x-requested-with'
const pageHeaderValue = 'tasklane'

/** The token in the cookie, where it may be believed. */
export function readCookie(request: FastifyRequest): string | null {
  const header = request.headers.cookie
  if (header === undefined || !isFromOurPages(request)) return null
  for (const part of header.split(';')) {
    const at = part.indexOf('=')
    if (at !== -1 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim() || null
  }
  return null
}

type Incoming = Pick<FastifyRequest, 'protocol'>
type Outgoing = Pick<FastifyReply, 'header'>

export function setCookie(request: Incoming, reply: Outgoing, token: string, lastsMs: number): void {
  reply.header('set-cookie', cookie(request, token, Math.ceil(lastsMs / 1_000)))
}

export function clearCookie(request: Incoming, reply: Outgoing): void {
  reply.header('set-cookie', cookie(request, '', 0))
}

function cookie(request: Incoming, value: string, maxAgeSeconds: number): string {
  const secure = request.protocol === 'https' ? '; Secure' : ''
  return `${name}=${value}; Path=${path}; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${secure}`
}

/**
 * `Sec-Fetch-Site` is the browser's own word, but it is sent to https and to this machine only. Without it, `Origin` has
 * to name this very host, or the page's header has to be there; it is asked for in any case where something may change.
 */
export function isFromOurPages(request: FastifyRequest): boolean {
  const isSafe = request.method === 'GET' || request.method === 'HEAD'
  const isMarked = request.headers[pageHeader] === pageHeaderValue
  if (!isSafe && !isMarked) return false
  const site = request.headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || (site === 'none' && isSafe)
  const { origin } = request.headers
  return origin === undefined ? isMarked : isOwnOrigin(request, origin)
}

/** The scheme is not compared: behind a proxy that speaks TLS for this node, only the browser knows it. */
function isOwnOrigin(request: FastifyRequest, origin: string): boolean {
  return /^https?:\/\/(.+)$/.exec(origin)?.[1] === request.host
}
