import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Clock } from './clock.ts'

/** One request as it goes over the wire. */
export interface Exchange {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Path and query, beginning with '/'. */
  readonly path: string
  /** JSON text, unless `contentType` says otherwise. */
  readonly body?: string
  readonly contentType?: string
  /** Milliseconds from the first byte out to the last byte in. */
  readonly timeoutMs: number
  readonly replyBytesMax: number
  readonly signal?: AbortSignal | undefined
  /** Is handed a way to end the exchange as one that timed out; what it returns is called when the exchange is over. */
  readonly watch?: (giveUp: (why: string) => void) => () => void
}

export interface RawReply {
  readonly status: number
  readonly text: string
  readonly retryAfter: string | null
}

/** `refused`: no connection was made, so nothing was sent. `broken`: it ended early. The rest as they say. */
export type FaultKind = 'refused' | 'broken' | 'timeout' | 'too_large' | 'aborted'

/** The exchange did not end in a whole reply. Stays inside this package; callers see `UnreachableError`. */
export class ConnectionFault extends Error {
  override readonly name = 'ConnectionFault'
  readonly kind: FaultKind
  /** The request went out over a kept connection; a server may close such a one at the very moment it is used again. */
  readonly wasReused: boolean

  constructor(kind: FaultKind, message: string, wasReused: boolean, cause?: unknown) {
    super(message, { cause })
    this.kind = kind
    this.wasReused = wasReused
  }
}

/** Kept connections to one scheduler. */
export interface Connection {
  readonly url: string
  /** @throws ConnectionFault */
  exchange(exchange: Exchange): Promise<RawReply>
  close(): void
}

const refusedCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
])

/**
 * `node:http` with kept connections rather than `fetch`, which costs six times the processor time for a request here.
 *
 * @param url base address, a path prefix is kept
 * @param headers sent with every request
 */
export function createConnection(url: URL, headers: Readonly<Record<string, string>>, clock: Clock): Connection {
  const isSecure = url.protocol === 'https:'
  // The last used connection first: the others may idle until the server closes them, and are then not in use.
  const agentOptions = { keepAlive: true, maxSockets: 64, scheduling: 'lifo' } as const
  const agent = isSecure ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions)
  const open = isSecure ? httpsRequest : httpRequest
  const prefix = url.pathname.replace(/\/+$/, '')

  function exchange({
    method,
    path,
    body,
    contentType = 'application/json',
    timeoutMs,
    replyBytesMax,
    signal,
    watch,
  }: Exchange): Promise<RawReply> {
    return new Promise((resolve, reject) => {
      let isOver = false
      const request = open({
        agent,
        protocol: url.protocol,
        // URL keeps the brackets of an IPv6 address, the resolver does not want them.
        hostname: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port,
        method,
        path: prefix + path,
        headers:
          body === undefined
            ? headers
            : { ...headers, 'content-type': contentType, 'content-length': Buffer.byteLength(body) },
      })
      const finish = (): boolean => {
        if (isOver) return false
        isOver = true
        cancelTimer()
        unwatch?.()
        signal?.removeEventListener('abort', onAbort)
        return true
      }
      const fail = (kind: FaultKind, message: string, cause?: unknown): void => {
        if (!finish()) return
        reject(new ConnectionFault(kind, message, request.reusedSocket, cause))
        request.destroy()
      }
      const onAbort = (): void => fail('aborted', 'the caller gave up')
      const cancelTimer = clock.after(timeoutMs, () => fail('timeout', `no answer within ${timeoutMs / 1_000} s`))
      const unwatch = watch?.(why => fail('timeout', why))
      request.on('error', (error: NodeJS.ErrnoException) => {
        const kind = refusedCodes.has(error.code ?? '') && error.syscall !== 'read' ? 'refused' : 'broken'
        fail(kind, describe(error), error)
      })
      request.on('response', response => {
        readAll(response, replyBytesMax, fail, text => {
          if (!finish()) return
          const retryAfter = response.headers['retry-after'] ?? null
          resolve({ status: response.statusCode ?? 0, text, retryAfter })
        })
      })
      if (signal?.aborted === true) {
        onAbort()
        return
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      request.end(body)
    })
  }

  return Object.freeze<Connection>({ url: url.href.replace(/\/$/, ''), exchange, close: () => agent.destroy() })
}

function readAll(
  response: IncomingMessage,
  bytesMax: number,
  fail: (kind: FaultKind, message: string, cause?: unknown) => void,
  done: (text: string) => void,
): void {
  const chunks: Buffer[] = []
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > bytesMax) fail('too_large', `the reply is longer than ${bytesMax} bytes`)
    else chunks.push(chunk)
  })
  response.on('end', () => {
    // A connection that ends in the middle of a body also ends the stream.
    if (!response.complete) fail('broken', 'the connection ended in the middle of the reply')
    else done((chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)).toString('utf8'))
  })
  response.on('error', error => fail('broken', describe(error), error))
}

/** Of certificates that this process has no reason to believe. */
const unknownAuthority: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
])

function describe(error: NodeJS.ErrnoException): string {
  if (unknownAuthority.has(error.code ?? '')) {
    return `${error.message} (name the file of its authority in NODE_EXTRA_CA_CERTS)`
  }
  // Several addresses of one name fail together as an AggregateError, which has a code but no message.
  return error.message === '' ? (error.code ?? 'the connection failed') : error.message
}
