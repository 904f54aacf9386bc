import { getRandomValues } from 'node:crypto'
import type { Clock } from './ports/clock.ts'

/** The machine's own time and chance. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  fillRandom: (bytes: Uint8Array) => {
    getRandomValues(bytes)
  },
  after: (ms: number, callback: () => void) => {
    // setTimeout fires at once above 2^31 − 1 ms; nothing here waits for weeks, and who is woken early looks again.
    const timer = setTimeout(callback, Math.min(Math.max(0, ms), 2_147_483_647))
    return () => clearTimeout(timer)
  },
  soon: (callback: () => void) => {
    setImmediate(callback)
  },
})
