import { randomFillSync } from 'node:crypto'
import type { Clock } from '../src/clock.ts'

/** Time that stands still until it is told to move. */
export interface VirtualClock extends Clock {
  /** Moves time on, and calls what becomes due on the way, in order. */
  advance(ms: number): void
  /** Moves time on and calls nothing, as if the event loop were blocked meanwhile. */
  skip(ms: number): void
  /** How many wait for their time. */
  pending(): number
}

/** @param random what chance gives; one half if absent */
export function createVirtualClock(random: () => number = () => 0.5): VirtualClock {
  const startedMs = Date.UTC(2026, 0, 1)
  const timers = new Map<number, { readonly atMs: number; readonly callback: () => void }>()
  let nowMs = 0
  let nextId = 1

  function advance(ms: number): void {
    const untilMs = nowMs + ms
    for (;;) {
      const due = [...timers].filter(([, timer]) => timer.atMs <= untilMs).sort(([, a], [, b]) => a.atMs - b.atMs)[0]
      if (due === undefined) break
      const [id, timer] = due
      timers.delete(id)
      nowMs = Math.max(nowMs, timer.atMs)
      timer.callback()
    }
    nowMs = untilMs
  }

  return {
    now: () => startedMs + nowMs,
    monotonic: () => nowMs,
    random,
    fillRandom: bytes => {
      randomFillSync(bytes)
    },
    after: (ms, callback) => {
      const id = nextId
      nextId += 1
      timers.set(id, { atMs: nowMs + Math.max(0, ms), callback })
      return () => timers.delete(id)
    },
    soon: callback => {
      setImmediate(callback)
    },
    advance,
    skip: ms => {
      nowMs += ms
    },
    pending: () => timers.size,
  }
}
