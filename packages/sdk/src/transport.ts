import type { ProblemDetail } from '@tasklane/protocol'
import { backOffMs, type Clock, sleep } from './clock.ts'
import { type Connection, ConnectionFault, createConnection, type Exchange, type RawReply } from './connection.ts'
import { ApiError, UnexpectedReplyError, UnreachableError, UsageError } from './errors.ts'

export interface Call {
  readonly method: Exchange['method']
  readonly path: string
  /** JSON text. */
  readonly body?: string
  /** Whether a second arrival of the same request does no harm. */
  readonly isRepeatable: boolean
  /** Of one try; the transport's own if absent. */
  readonly timeoutMs?: number
  /** Tries after the first; the transport's own if absent. */
  readonly retries?: number
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
 * Requests to a scheduler, or to whichever of several answers.
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
  close(): void
}

export interface TransportSettings {
  readonly urls: readonly string[]
  readonly token: string | null
  readonly timeoutMs: number
  readonly retries: number
  readonly clock: Clock
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

export function createTransport({ urls, token, timeoutMs, retries, clock }: TransportSettings): Transport {
  const headers: Record<string, string> = {
    accept: 'application/json, application/problem+json',
    'user-agent': 'tasklane-sdk',
  }
  if (token !== null) headers.authorization = `Bearer ${checkToken(token)}`
  const connections = urls.map(url => createConnection(parseUrl(url), headers, clock))
  let current = 0

  async function call(ask: Call): Promise<Answer> {
    const triesMax = Math.max(1 + (ask.retries ?? retries), ask.retries === 0 ? 1 : connections.length)
    let hasUsedDeadConnection = false
    for (let tries = 1; ; tries += 1) {
      const failure = await tryOnce(ask)
      if ('answer' in failure) return failure.answer
      ask.signal?.throwIfAborted()
      if (failure.isDeadConnection && !hasUsedDeadConnection) {
        hasUsedDeadConnection = true
        tries -= 1
        continue
      }
      if (!failure.mayRepeat || tries >= triesMax) throw failure.error
      // Another scheduler is asked at once; only when all have failed is it time to wait.
      const isRoundOver = !failure.isNodeDown || tries % connections.length === 0
      if (isRoundOver) {
        const round = failure.isNodeDown ? Math.floor(tries / connections.length) - 1 : tries - 1
        await sleep(clock, Math.max(backOffMs(clock, round, backOff), failure.waitMs), ask.signal)
        ask.signal?.throwIfAborted()
      }
    }
  }

  async function tryOnce(ask: Call): Promise<{ readonly answer: Answer } | Failure> {
    const connection = connections[current] ?? connections[0]
    if (connection === undefined) throw new UsageError('No address of a scheduler is given.')
    ask.signal?.throwIfAborted()
    try {
      const reply = await connection.exchange({ timeoutMs, replyBytesMax, ...ask })
      if ((reply.status >= 200 && reply.status < 300) || ask.alsoAccept?.includes(reply.status) === true) {
        return { answer: { status: reply.status, body: parseReply(reply, connection, ask) } }
      }
      const failure = refusalOf(reply, ask, connection, clock)
      if (failure.isNodeDown) moveOn(connection)
      return failure
    } catch (error) {
      if (!(error instanceof ConnectionFault)) throw error
      ask.signal?.throwIfAborted()
      if (error.kind === 'too_large') {
        throw new UnexpectedReplyError(
          `${ask.method} ${ask.path} at ${connection.url}: ${error.message}; ask for fewer at a time.`,
          true,
        )
      }
      const isDeadConnection = error.kind === 'broken' && error.wasReused
      if (!isDeadConnection) moveOn(connection)
      const wasSent = error.kind !== 'refused'
      return {
        error: new UnreachableError(
          connections.map(each => each.url),
          error.message,
          wasSent,
          error.cause ?? error,
        ),
        mayRepeat: ask.isRepeatable || !wasSent,
        isNodeDown: true,
        isDeadConnection,
        waitMs: 0,
      }
    }
  }

  /** Calls run side by side: only who saw the current one fail moves on, so that one outage moves once. */
  function moveOn(failed: Connection): void {
    if (connections[current] === failed) current = (current + 1) % connections.length
  }

  return Object.freeze<Transport>({
    call,
    close: () => {
      for (const connection of connections) connection.close()
    },
  })
}

interface Failure {
  readonly error: ApiError | UnreachableError
  readonly mayRepeat: boolean
  /** Another scheduler may do better. */
  readonly isNodeDown: boolean
  readonly isDeadConnection: boolean
  /** What the scheduler asked for. */
  readonly waitMs: number
}

function refusalOf(reply: RawReply, ask: Call, connection: Connection, clock: Clock): Failure {
  const problem = parseProblem(reply.text)
  const retryAfterMs = parseRetryAfter(reply.retryAfter, clock)
  const error = new ApiError({
    status: reply.status,
    code: problem?.code ?? `http_${reply.status}`,
    detail:
      problem?.detail ??
      `${ask.method} ${ask.path} at ${connection.url} was answered ${reply.status} without a problem document; is this a Tasklane scheduler?`,
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

function parseReply(reply: RawReply, connection: Connection, ask: Call): unknown {
  if (reply.text === '') return null
  try {
    return JSON.parse(reply.text)
  } catch {
    throw new UnexpectedReplyError(
      `${ask.method} ${ask.path} at ${connection.url} was answered ${reply.status} with a text that is not JSON; is this a Tasklane scheduler?`,
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
