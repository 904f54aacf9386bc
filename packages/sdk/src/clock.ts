/**
 * The only source of time, timers and chance in this package. Tests hand in one of their own, so that nothing has to be
 * waited for.
 */
export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump. */
  now(): number
  /** Milliseconds that only go forward. */
  monotonic(): number
  /** 0 inclusive to 1 exclusive. */
  random(): number
  fillRandom(bytes: Uint8Array): void
  /** Calls back once after `ms` (or at the platform's longest delay, 24 days), unless cancelled by the function returned. */
  after(ms: number, callback: () => void): () => void
  /** Calls back once when everything that has already arrived was read: the moment to send what was gathered. */
  soon(callback: () => void): void
}

/** Above this Node fires a timer at once instead of late. */
const delayMsMax = 2_147_483_647

export const systemClock: Clock = Object.freeze<Clock>({
  now: () => Date.now(),
  // One count for all threads of a process, unlike `performance.now`: they compare what they noted.
  monotonic: () => {
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1_000 + nanoseconds / 1_000_000
  },
  random: () => Math.random(),
  fillRandom: bytes => {
    crypto.getRandomValues(bytes)
  },
  after: (ms, callback) => {
    const timer = setTimeout(callback, Math.min(Math.max(ms, 0), delayMsMax))
    return () => clearTimeout(timer)
  },
  soon: callback => {
    setImmediate(callback)
  },
})

/**
 * Resolves after `ms`, or at once when the signal aborts; look at the signal afterwards to know which.
 * It never rejects, so that a loop can sleep and then decide.
 */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve()
  return new Promise(resolve => {
    const wake = (): void => {
      cancel()
      signal?.removeEventListener('abort', wake)
      resolve()
    }
    const cancel = clock.after(ms, wake)
    signal?.addEventListener('abort', wake, { once: true })
  })
}

/**
 * Exponential back-off with full jitter: anything from 0 to the step's height, so that many who failed together do not
 * come back together (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 * @param tries failures so far, from 0
 */
export function backOffMs(
  clock: Clock,
  tries: number,
  bounds: { readonly baseMs: number; readonly maxMs: number },
): number {
  return clock.random() * Math.min(bounds.maxMs, bounds.baseMs * 2 ** Math.min(tries, 30))
}
