import { backOffMs, type Clock, sleep } from '../clock.ts'
import { ApiError, UnexpectedReplyError, UnreachableError } from '../errors.ts'
import type { WorkerLogger } from '../log.ts'
import type { Answer, Call, Transport } from '../transport.ts'

/**
 * A worker's line to its scheduler. It does not give up: an outage is told once when it begins and once when it is
 * over, and in between the scheduler is asked at least every two seconds.
 */
export interface Link {
  /** One try. @throws as `Transport.call` */
  once(call: Call): Promise<Answer>
  /**
   * Tries until it is answered.
   * @throws ApiError refused for a reason that time does not heal · UnexpectedReplyError too large · the signal's reason
   */
  persist(call: Call): Promise<Answer>
  /** Sleeps for a jittered while, two seconds at most, or `msMax`. @param failures so far, from 0 */
  pause(failures: number, signal?: AbortSignal, msMax?: number): Promise<void>
  isConnected(): boolean
}

const backOff = { baseMs: 50, maxMs: 2_000 }

export function createLink(transport: Transport, clock: Clock, logger: WorkerLogger): Link {
  let trouble: string | null = null

  async function once(call: Call): Promise<Answer> {
    try {
      const answer = await transport.call({ ...call, retries: 0 })
      if (trouble !== null) {
        trouble = null
        logger.info({}, 'The scheduler answers again.')
      }
      return answer
    } catch (error) {
      if (mayHeal(error)) tell(error)
      throw error
    }
  }

  function tell(error: Error): void {
    const kind = error instanceof ApiError ? error.code : error.name
    if (trouble === kind) return
    trouble = kind
    logger.warn({ code: kind }, `${error.message} The worker keeps trying.`)
  }

  async function persist(call: Call): Promise<Answer> {
    for (let failures = 0; ; failures += 1) {
      try {
        return await once(call)
      } catch (error) {
        call.signal?.throwIfAborted()
        if (!mayHeal(error)) throw error
        await pause(failures, call.signal)
        call.signal?.throwIfAborted()
      }
    }
  }

  function pause(failures: number, signal?: AbortSignal, msMax: number = backOff.maxMs): Promise<void> {
    const bounds = { ...backOff, maxMs: Math.min(backOff.maxMs, msMax) }
    return sleep(clock, backOffMs(clock, failures, bounds), signal)
  }

  return Object.freeze<Link>({ once, persist, pause, isConnected: () => trouble === null })
}

/** Outages end, and so do wrong tokens: the scheduler may be restarted with the right ones. */
function mayHeal(error: unknown): error is Error {
  if (error instanceof UnreachableError) return true
  if (error instanceof UnexpectedReplyError) return !error.isTooLarge
  if (!(error instanceof ApiError)) return false
  return error.status >= 500 || error.status === 429 || error.status === 401 || error.status === 403
}
