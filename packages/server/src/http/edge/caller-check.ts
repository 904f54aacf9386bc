import { isIP } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Problem } from '../../core/problem.ts'
import { sendProblem } from '../problems.ts'
import type { EdgeSettings } from './edge-settings.ts'

/*
 * An open node takes whoever reaches it for its admin, and a browser reaches whatever its user can. So a page of somebody
 * else must not speak through it:
 *
 *   DNS rebinding    the page's own name is made to lead here    → its name stands in `Host`
 *   cross-site call  a form, an image, a fetch without reply     → `Origin`, `Sec-Fetch-Site`
 *   a proxy          opens this node to others unnoticed         → `X-Forwarded-For` and the like
 *
 * What no browser sends (curl, an SDK, a worker) has no `Origin` and a `Host` that somebody typed.
 */

/** What is wrong with a request at an open node, or null. Runs at every request: a few lookups, and no address is parsed twice. */
export type CallerCheck = (request: FastifyRequest) => Problem | null

export function addCallerCheck(app: FastifyInstance, settings: EdgeSettings): void {
  const check = createCallerCheck(settings)
  app.addHook('onRequest', (request, reply, done) => {
    const problem = check(request)
    if (problem === null) {
      done()
      return
    }
    // What was sent along is not read.
    reply.header('connection', 'close')
    sendProblem(reply, problem)
  })
}

export function createCallerCheck(settings: EdgeSettings): CallerCheck {
  const { trustProxy } = settings
  const mayForward = trustProxy !== false
  const isOwnHost = remember(host => isHostAllowed(host, settings))
  const corsOrigins = new Set(settings.corsOrigins)
  return request => {
    const { headers } = request
    const path = request.routeOptions.url
    // Probes come from anywhere, and learn nothing.
    if (path !== undefined && healthPaths.has(path)) return null
    if (!mayForward) {
      for (const name of forwardingHeaders) if (headers[name] !== undefined) return forwarded(name)
    }
    const host = mayForward ? request.host : (headers.host ?? '')
    // HTTP/1.0 may leave it out; no browser does.
    if (host !== '' && !isOwnHost(host)) return foreignHost()
    const { origin } = headers
    if (origin !== undefined && corsOrigins.has(origin)) return null
    if (origin !== undefined && !isSameOrigin(origin, host)) return foreignOrigin(origin)
    const site = headers['sec-fetch-site']
    // `same-site` is somebody else, too: another port of this machine, another name of the same domain.
    if ((site === 'cross-site' || site === 'same-site') && !isNavigation(request)) return foreignOrigin('another site')
    return null
  }
}

const healthPaths: ReadonlySet<string> = new Set(['/livez', '/readyz', '/health'])

const forwardingHeaders = [
  'x-forwarded-for',
  'forwarded',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
] as const

/** Answers are kept, as the same few hosts are asked for again and again; a flood of others costs this many texts. */
function remember(judge: (text: string) => boolean): (text: string) => boolean {
  const known = new Map<string, boolean>()
  return text => {
    const before = known.get(text)
    if (before !== undefined) return before
    if (known.size >= 100) known.clear()
    const isFine = judge(text)
    known.set(text, isFine)
    return isFine
  }
}

function isHostAllowed(header: string, { hosts, takesAddresses }: EdgeSettings): boolean {
  const name = nameOf(header)
  if (name === null) return false
  if (isLoopbackName(name)) return true
  // No DNS of the world has names of one word: nobody outside of this network can make one lead here.
  if (takesAddresses && (isIP(name) !== 0 || !name.includes('.'))) return true
  return hosts.some(
    host => host === '*' || host === name || (host.startsWith('.') && (name.endsWith(host) || name === host.slice(1))),
  )
}

/** `Host` without its port and brackets, in small letters; null where it is none. */
function nameOf(header: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+?)\.?)(?::\d{1,5})?$/i.exec(header)
  return (match?.[1] ?? match?.[2])?.toLowerCase() ?? null
}

/** RFC 6761: names below `localhost` lead to loopback, whatever a DNS says. */
function isLoopbackName(name: string): boolean {
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1') return true
  return isIP(name) === 4 && name.startsWith('127.')
}

/** The scheme is left out: before TLS that ends at a proxy it differs. A text that is no address, such as `null`, is nobody's. */
function isSameOrigin(origin: string, host: string): boolean {
  const at = origin.indexOf('://')
  return at !== -1 && origin.slice(at + 3).toLowerCase() === host.toLowerCase()
}

/**
 * Somebody followed a link to a page here, which the page it came from cannot read. Pages are public; a call of the API is no
 * page, and one that is asked by GET may change something: a pull worker gets its task so.
 */
function isNavigation({ method, headers, routeOptions }: FastifyRequest): boolean {
  if (method !== 'GET' || routeOptions.config.access !== 'public') return false
  return headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
}

/** The name is not repeated: it may have been made to harm who reads this. */
function foreignHost(): Problem {
  return new Problem(
    'host_not_allowed',
    'This node asks nobody for a login, and so answers only to names it knows; the one in Host is none of them. Call it by the address it listens on, ' +
      'add the name to TASKLANE_ALLOWED_HOSTS, or set TASKLANE_AUTH=required.',
  )
}

function foreignOrigin(origin: string): Problem {
  return new Problem(
    'origin_not_allowed',
    `The request comes from a page of ${origin.slice(0, 200)}, and this node asks nobody for a login. Add the page's origin to TASKLANE_CORS_ORIGINS if it may do everything here.`,
  )
}

function forwarded(name: string): Problem {
  return new Problem(
    'forwarded_not_trusted',
    `The request came through a proxy (it has '${name}'), and this node asks nobody for a login: whoever reaches the proxy could do everything. ` +
      "Set TRUST_PROXY to the proxy's address if that is meant, or TASKLANE_AUTH=required.",
  )
}
