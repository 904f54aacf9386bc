import { type IncomingMessage, request as requestHttp, validateHeaderName, validateHeaderValue } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { LookupFunction } from 'node:net'
import { defineTask, PermanentError, RetryAfter } from '@tasklane/sdk'
import { AddressRefused, guardedLookup, refuseLiteralAddress } from './address-guard.ts'
import { choiceField, numberField, objectSchema, optional, stringField, stringMapField } from './schema.ts'

/** Bytes of a response that are kept; the rest is left unread. A result holds 1 MiB of JSON. */
const bodyBytesMax = 262_144
/** Above this a text is mostly escapes (`\u0001`) and travels smaller as base64. */
const bodyJsonCharsMax = 786_432
const redirectsMax = 5
const timeoutSecondsDefault = 30
const timeoutSecondsMax = 300
/** How long a server that answers 503 with a Retry-After is believed. */
const retryAfterSecondsMax = 3_600

/** Headers that speak of the connection, which is not the caller's, or would smuggle a second request into it. */
const connectionHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const input = objectSchema({
  url: stringField({ maxLength: 8_192, description: 'http:// or https://', check: urlFault }),
  method: optional(choiceField(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])),
  headers: optional(stringMapField({ description: 'Request headers', check: headerFault })),
  body: optional(stringField({ description: 'Request body' })),
  timeout: optional(
    numberField({
      min: 0.001,
      max: timeoutSecondsMax,
      description: `Seconds in all, ${timeoutSecondsDefault} if absent`,
    }),
  ),
})

export interface HttpResult {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: string
  /** `base64` where the body is no text that JSON can carry. */
  readonly body_encoding: 'utf-8' | 'base64'
  /** Whether the body went on after what is here (256 KiB). */
  readonly truncated: boolean
  /** The address that answered, after redirects. */
  readonly url: string
}

export interface HttpRequestOptions {
  /** Allows loopback, private and other special addresses. */
  readonly allowPrivateAddresses: boolean
  /** Resolves names; the guarded system resolver if absent. */
  readonly lookup?: LookupFunction
}

/**
 * `{url, method?, headers?, body?, timeout?}` → `HttpResult`. Every connection, those of up to five redirects included,
 * is checked when it is made. A 5xx, a lost connection and a time-out are failures that are tried again, a 4xx is a
 * result; so a request that is not idempotent may arrive more than once.
 */
export function createHttpRequest(options: HttpRequestOptions) {
  return defineTask({
    type: 'http_request',
    input,
    run: async (wanted, ctx): Promise<HttpResult> => {
      const timeoutSeconds = wanted.timeout ?? timeoutSecondsDefault
      const deadline = AbortSignal.timeout(timeoutSeconds * 1_000)
      const signal = AbortSignal.any([ctx.signal, deadline])
      try {
        return await follow(firstHop(wanted), options, signal)
      } catch (error) {
        if (error instanceof AddressRefused) throw new PermanentError(error.message)
        if (deadline.aborted && !ctx.signal.aborted) {
          throw new Error(`${wanted.url} did not answer within ${timeoutSeconds} s.`)
        }
        throw error
      }
    },
  })
}

interface Hop {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

function firstHop(wanted: {
  url: string
  method?: string
  headers?: Readonly<Record<string, string>>
  body?: string
}): Hop {
  const headers = Object.fromEntries(
    Object.entries(wanted.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  )
  return { url: new URL(wanted.url), method: wanted.method ?? 'GET', headers, body: wanted.body }
}

async function follow(first: Hop, options: HttpRequestOptions, signal: AbortSignal): Promise<HttpResult> {
  let hop = first
  for (let hops = 0; hops <= redirectsMax; hops += 1) {
    const response = await send(hop, options, signal)
    const status = response.statusCode ?? 0
    const location = response.headers.location
    if (isRedirect(status) && location !== undefined) {
      response.destroy()
      hop = nextHop(hop, status, location)
      continue
    }
    if (status >= 500) {
      response.destroy()
      throw serverFailure(hop.url, status, response.headers['retry-after'])
    }
    return { status, headers: plainHeaders(response), ...(await readBody(response, signal)), url: hop.url.href }
  }
  throw new PermanentError(`${first.url.href} redirects more than ${redirectsMax} times.`)
}

function send(hop: Hop, options: HttpRequestOptions, signal: AbortSignal): Promise<IncomingMessage> {
  if (!options.allowPrivateAddresses) refuseLiteralAddress(hop.url.hostname)
  const lookup = options.lookup ?? (options.allowPrivateAddresses ? undefined : guardedLookup())
  const request = hop.url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const outgoing = request(hop.url, {
      method: hop.method,
      // Without an agent there is no connection of another task that this one could be given unchecked.
      agent: false,
      signal,
      headers: {
        'user-agent': 'tasklane',
        accept: '*/*',
        'accept-encoding': 'identity',
        ...hop.headers,
        ...(hop.body === undefined ? {} : { 'content-length': Buffer.byteLength(hop.body) }),
      },
      ...(lookup === undefined ? {} : { lookup }),
    })
    outgoing.once('response', resolve)
    outgoing.once('error', reject)
    outgoing.end(hop.body)
  })
}

function nextHop(hop: Hop, status: number, location: string): Hop {
  const url = URL.canParse(location, hop.url.href) ? new URL(location, hop.url) : null
  const fault = url === null ? 'is not a URL' : urlFault(url.href)
  if (url === null || fault !== null) {
    throw new PermanentError(`${hop.url.href} redirects to '${location.slice(0, 200)}', which ${fault}.`)
  }
  const isForeign = url.origin !== hop.url.origin
  // What was meant for one server is not shown to another.
  const secret = new Set(isForeign ? ['authorization', 'cookie'] : [])
  const becomesGet = status === 303 ? hop.method !== 'HEAD' : status <= 302 && hop.method === 'POST'
  const kept = Object.entries(hop.headers).filter(
    ([name]) => !secret.has(name) && !(becomesGet && name.startsWith('content-')),
  )
  return {
    url,
    method: becomesGet ? 'GET' : hop.method,
    headers: Object.fromEntries(kept),
    body: becomesGet ? undefined : hop.body,
  }
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

function serverFailure(url: URL, status: number, retryAfter: string | undefined): Error {
  const message = `${url.href} answered ${status}.`
  const seconds = Number(retryAfter)
  if (retryAfter === undefined || !Number.isFinite(seconds) || seconds < 0) return new Error(message)
  return new RetryAfter(Math.min(seconds, retryAfterSecondsMax), message)
}

async function readBody(
  response: IncomingMessage,
  signal: AbortSignal,
): Promise<Pick<HttpResult, 'body' | 'body_encoding' | 'truncated'>> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    signal.throwIfAborted()
    // Without an encoding set, a response yields buffers.
    const bytes = chunk as Buffer
    chunks.push(bytes)
    size += bytes.length
    // Leaving the loop destroys the response and with it the connection.
    if (size > bodyBytesMax) break
  }
  const truncated = size > bodyBytesMax
  const bytes = Buffer.concat(chunks).subarray(0, bodyBytesMax)
  const text = decodeText(bytes, truncated)
  if (text === null) return { body: bytes.toString('base64'), body_encoding: 'base64', truncated }
  return { body: text, body_encoding: 'utf-8', truncated }
}

/** The bytes as a text that a store can keep, or null. The half character at a cut is left out. */
function decodeText(bytes: Buffer, isCut: boolean): string | null {
  if (bytes.includes(0)) return null
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: isCut })
    return JSON.stringify(text).length <= bodyJsonCharsMax ? text : null
  } catch {
    return null
  }
}

function plainHeaders(response: IncomingMessage): HttpResult['headers'] {
  const headers: Record<string, string | readonly string[]> = {}
  for (const [name, value] of Object.entries(response.headers)) if (value !== undefined) headers[name] = value
  return headers
}

function urlFault(text: string): string | null {
  if (!URL.canParse(text)) return `must be a whole URL such as https://example.org/, not '${text.slice(0, 100)}'`
  const { protocol } = new URL(text)
  if (protocol === 'http:' || protocol === 'https:') return null
  return `must begin with http:// or https://, not ${protocol}`
}

function headerFault(name: string, value: string): string | null {
  if (connectionHeaders.has(name.toLowerCase())) return `must not set '${name}', which belongs to the connection`
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return null
  } catch {
    return `has a name or value that HTTP does not allow at '${name}'`
  }
}
