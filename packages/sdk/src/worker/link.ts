import { backOffMs, type Clock, sleep } from '../clock.ts'
import { ApiError, UnexpectedReplyError, UnreachableError } from '../errors.ts'
import type { WorkerLogger } from '../log.ts'
import type { Answer, Call, Transport } from '../transport.ts'

/**
 * A worker's line to its scheduler. It does not give up: an outage is told once when it begins and once when it is
 * over, and in between the scheduler is asked at least every two seconds.
 */
export interface Link {
  /** One try of each scheduler, until one answers; of the next at once. @throws as `Transport.call` */
  once(call: Call): Promise<Answer>
  /**
   * Tries until it is answered.
   * @param isFirst nothing was ever answered: a token that is refused was wrong from the start, and is not tried for ever
   * @throws ApiError refused for a reason that time does not heal · UnexpectedReplyError too large · the signal's reason
   */
  persist(call: Call, isFirst?: boolean): Promise<Answer>
  /** Sleeps for a jittered while, two seconds at most, or `msMax`. @param failures so far, from 0 */
  pause(failures: number, signal?: AbortSignal, msMax?: number): Promise<void>
  isConnected(): boolean
  /** How many schedulers there are to try. */
  nodes(): number
}

/**
 * Whether the scheduler is away. A worker has two lines, one of them in the thread of its leases; whichever notices, an
 * outage is told once.
 */
export interface Outages {
  /** @param code what kind it is: another kind is told anew */
  begin(code: string, message: string): void
  end(): void
  isOver(): boolean
}

const backOff = { baseMs: 50, maxMs: 2_000 }

export function createLink(transport: Transport, clock: Clock, outages: Outages): Link {
  const once = (call: Call): Promise<Answer> => ask(call, mayHeal)

  async function ask(call: Call, isTrouble: (error: unknown) => error is Error): Promise<Answer> {
    try {
      const answer = await transport.call({ ...call, isOneRound: true })
      outages.end()
      return answer
    } catch (error) {
      if (isTrouble(error)) outages.begin(error instanceof ApiError ? error.code : error.name, error.message)
      throw error
    }
  }

  async function persist(call: Call, isFirst = false): Promise<Answer> {
    const isTrouble = isFirst ? mayHealAtFirst : mayHeal
    for (let failures = 0; ; failures += 1) {
      try {
        return await ask(call, isTrouble)
      } catch (error) {
        call.signal?.throwIfAborted()
        if (!isTrouble(error)) throw error
        await pause(failures, call.signal)
        call.signal?.throwIfAborted()
      }
    }
  }

  function pause(failures: number, signal?: AbortSignal, msMax: number = backOff.maxMs): Promise<void> {
    const bounds = { ...backOff, maxMs: Math.min(backOff.maxMs, msMax) }
    return sleep(clock, backOffMs(clock, failures, bounds), signal)
  }

  return Object.freeze<Link>({ once, persist, pause, isConnected: outages.isOver, nodes: transport.nodes })
}

export function createOutages(on: { begin(code: string, message: string): void; end(): void }): Outages {
  let trouble: string | null = null
  return Object.freeze<Outages>({
    begin: (code, message) => {
      if (trouble === code) return
      trouble = code
      on.begin(code, message)
    },
    end: () => {
      if (trouble === null) return
      trouble = null
      on.end()
    },
    isOver: () => trouble === null,
  })
}

/** @param onKind what the trouble is from now on; null is none */
export function createLoggedOutages(logger: WorkerLogger, onKind: (code: string | null) => void = () => {}): Outages {
  return createOutages({
    begin: (code, message) => {
      logger.warn({ code }, `${message} The worker keeps trying.`)
      onKind(code)
    },
    end: () => {
      logger.info({}, 'The scheduler answers again.')
      onKind(null)
    },
  })
}

function mayHealAtFirst(error: unknown): error is Error {
  return mayHeal(error) && !(error instanceof ApiError && (error.status === 401 || error.status === 403))
}

/** Outages end, and so do wrong tokens: the scheduler may be restarted with the right ones. */
function mayHeal(error: unknown): error is Error {
  if (error instanceof UnreachableError) return true
  if (error instanceof UnexpectedReplyError) return !error.isTooLarge
  if (!(error instanceof ApiError)) return false
  return error.status >= 500 || error.status === 429 || error.status === 401 || error.status === 403
}
