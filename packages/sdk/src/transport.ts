import type { ProblemDetail } from '@tasklane/protocol'
import { backOffMs, type Clock, sleep } from './clock.ts'
import { ConnectionFault, type Exchange, type RawReply } from './connection.ts'
import { ApiError, UnexpectedReplyError, UnreachableError, UsageError } from './errors.ts'
import { createNodes, type Node } from './nodes.ts'

export interface Call {
  readonly method: Exchange['method']
  readonly path: string
  /** JSON text, unless `contentType` says otherwise. */
  readonly body?: string
  readonly contentType?: string
  /** Whether a second arrival of the same request does no harm. */
  readonly isRepeatable: boolean
  /** Of one try; the transport's own if absent. */
  readonly timeoutMs?: number
  /** Tries after the first; the transport's own if absent. Unless it is 0, every scheduler is tried once at least. */
  readonly retries?: number
  /** Instead of `retries`: every scheduler is tried once, until one answers, and nothing is waited for. */
  readonly isOneRound?: boolean
  readonly signal?: AbortSignal | undefined
  /** Statuses beyond 2xx whose body is an answer, not a refusal. */
  readonly alsoAccept?: readonly number[]
}

export interface Answer {
  readonly status: number
  /** Parsed JSON; null where there was no body. */
  readonly body: unknown
}

/**
 * Requests to a scheduler, or to whichever of several answers (`nodes.ts` chooses).
 *
 * What is tried again: a repeatable call after any fault of the network or any 5xx; any call that surely was not
 * taken (connection refused, 429, or a 503 whose problem document says that nothing was accepted); any call once, at
 * once, whose kept connection turned out to be closed. No other 4xx is ever repeated.
 */
export interface Transport {
  /**
   * @throws ApiError refused · UnreachableError no answer · UnexpectedReplyError no Tasklane · the signal's reason
   */
  call(call: Call): Promise<Answer>
  /** How many schedulers may be asked. */
  nodes(): number
  close(): void
}

export interface TransportSettings {
  readonly urls: readonly string[]
  readonly token: string | null
  readonly timeoutMs: number
  readonly retries: number
  readonly clock: Clock
  /** Told when calls go to another scheduler from now on, since the one before failed. */
  readonly onMove?: (from: string, to: string, why: string) => void
}

/**
 * A claim of 500 tasks with middling payloads, or a page of 500, fits many times over; what does not fit would not fit
 * into this process either.
 */
const replyBytesMax = 268_435_456

const backOff = { baseMs: 100, maxMs: 5_000 }
const retryAfterMsMax = 60_000
/** Refusals of a scheduler that took nothing. */
const nothingTaken: ReadonlySet<string> = new Set(['stopping', 'store_unavailable', 'overloaded'])

export function createTransport({ urls, token, timeoutMs, retries, clock, onMove }: TransportSettings): Transport {
  const headers: Record<string, string> = {
    accept: 'application/json, application/problem+json',
    'user-agent': 'tasklane-sdk',
  }
  if (token !== null) headers.authorization = `Bearer ${checkToken(token)}`
  if (urls.length === 0) throw new UsageError('No address of a scheduler is given.')
  const nodes = createNodes({ urls: urls.map(parseUrl), headers, clock })
  const count = nodes.urls.length

  async function call(ask: Call): Promise<Answer> {
    const isOneRound = ask.isOneRound === true
    const triesMax = isOneRound ? count : Math.max(1 + (ask.retries ?? retries), ask.retries === 0 ? 1 : count)
    const trail: Trail = { asked: new Set(), wasSent: false, hasUsedDeadConnection: false }
    for (let tries = 1; ; tries += 1) {
      const failure = await tryOnce(ask, trail)
      if ('answer' in failure) return failure.answer
      ask.signal?.throwIfAborted()
      if (failure.isDeadConnection) {
        tries -= 1
        continue
      }
      if (!failure.mayRepeat || tries >= triesMax) throw failure.error
      // Another scheduler is asked at once; only when all have failed is it time to wait.
      const isRoundOver = !failure.isNodeDown || tries % count === 0
      if (isRoundOver && isOneRound) throw failure.error
      if (isRoundOver) {
        const round = failure.isNodeDown ? Math.floor(tries / count) - 1 : tries - 1
        await sleep(clock, Math.max(backOffMs(clock, round, backOff), failure.waitMs), ask.signal)
        ask.signal?.throwIfAborted()
      }
    }
  }

  async function tryOnce(ask: Call, trail: Trail): Promise<{ readonly answer: Answer } | Failure> {
    ask.signal?.throwIfAborted()
    const node = nodes.current()
    trail.asked.add(node.url)
    try {
      const reply = await node.exchange({ timeoutMs, replyBytesMax, ...ask })
      if ((reply.status >= 200 && reply.status < 300) || ask.alsoAccept?.includes(reply.status) === true) {
        return { answer: { status: reply.status, body: parseReply(reply, node, ask) } }
      }
      const failure = refusalOf(reply, ask, node, clock)
      if (failure.isNodeDown) moveOn(node, failure.error.message)
      return failure
    } catch (error) {
      if (!(error instanceof ConnectionFault)) throw error
      ask.signal?.throwIfAborted()
      if (error.kind === 'too_large') {
        throw new UnexpectedReplyError(
          `${ask.method} ${ask.path} at ${node.url}: ${error.message}; ask for fewer at a time.`,
          true,
        )
      }
      return faultOf(error, ask, node, trail)
    }
  }

  function faultOf(fault: ConnectionFault, ask: Call, node: Node, trail: Trail): Failure {
    const isDeadConnection = fault.kind === 'broken' && fault.wasReused && !trail.hasUsedDeadConnection
    trail.hasUsedDeadConnection ||= isDeadConnection
    if (!isDeadConnection) moveOn(node, fault.message)
    const wasSent = fault.kind !== 'refused'
    trail.wasSent ||= wasSent
    return {
      error: new UnreachableError([...trail.asked], fault.message, trail.wasSent, fault.cause ?? fault),
      mayRepeat: ask.isRepeatable || !wasSent,
      isNodeDown: true,
      isDeadConnection,
      waitMs: 0,
    }
  }

  function moveOn(failed: Node, why: string): void {
    const next = nodes.moveOn(failed)
    if (next !== null) onMove?.(failed.url, next.url, why)
  }

  return Object.freeze<Transport>({ call, nodes: () => count, close: nodes.close })
}

/** What the tries of one call have seen. */
interface Trail {
  readonly asked: Set<string>
  /** Whether one of them may have arrived. */
  wasSent: boolean
  hasUsedDeadConnection: boolean
}

interface Failure {
  readonly error: ApiError | UnreachableError
  readonly mayRepeat: boolean
  /** Another scheduler may do better. */
  readonly isNodeDown: boolean
  /** A kept connection, closed meanwhile: the same scheduler is asked at once, which says nothing about it. Once a call. */
  readonly isDeadConnection: boolean
  /** What the scheduler asked for. */
  readonly waitMs: number
}

function refusalOf(reply: RawReply, ask: Call, node: Node, clock: Clock): Failure {
  const problem = parseProblem(reply.text)
  const retryAfterMs = parseRetryAfter(reply.retryAfter, clock)
  const error = new ApiError({
    status: reply.status,
    code: problem?.code ?? `http_${reply.status}`,
    detail:
      problem?.detail ??
      `${ask.method} ${ask.path} at ${node.url} was answered ${reply.status} without a problem document; is this a Tasklane scheduler?`,
    errors: problem?.errors ?? [],
    requestId: problem?.requestId ?? null,
    retryAfterMs,
  })
  const wasTaken = !(reply.status === 429 || (reply.status === 503 && nothingTaken.has(problem?.code ?? '')))
  return {
    error,
    mayRepeat: wasTaken ? ask.isRepeatable && reply.status >= 500 : true,
    isNodeDown: reply.status === 502 || reply.status === 503 || reply.status === 504,
    isDeadConnection: false,
    waitMs: retryAfterMs ?? 0,
  }
}

function parseReply(reply: RawReply, node: Node, ask: Call): unknown {
  if (reply.text === '') return null
  try {
    return JSON.parse(reply.text)
  } catch {
    throw new UnexpectedReplyError(
      `${ask.method} ${ask.path} at ${node.url} was answered ${reply.status} with a text that is not JSON; is this a Tasklane scheduler?`,
    )
  }
}

interface Problem {
  readonly code: string
  readonly detail: string
  readonly errors: readonly ProblemDetail[]
  readonly requestId: string | null
}

function parseProblem(text: string): Problem | null {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof body !== 'object' || body === null) return null
  if (!('code' in body) || typeof body.code !== 'string') return null
  if (!('detail' in body) || typeof body.detail !== 'string') return null
  return {
    code: body.code,
    detail: body.detail,
    // Only told to people: what a stranger put there does no harm.
    errors: 'errors' in body && Array.isArray(body.errors) ? (body.errors as ProblemDetail[]) : [],
    requestId: 'request_id' in body && typeof body.request_id === 'string' ? body.request_id : null,
  }
}

/** Seconds or an HTTP date, bounded. */
function parseRetryAfter(header: string | null, clock: Clock): number | null {
  if (header === null) return null
  const ms = /^[0-9]+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - clock.now()
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), retryAfterMsMax)
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new UsageError(`The address '${text}' is not one of a scheduler; write it like http://127.0.0.1:8000.`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError(
      'The address holds a user name or a password; give a token by the option `token` or TASKLANE_TOKEN.',
    )
  }
  return url
}

function checkToken(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new UsageError('The token holds a space, a line break or a character beyond ASCII; copy it again.')
}
