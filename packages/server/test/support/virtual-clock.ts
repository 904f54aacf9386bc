import type { Clock } from '../../src/ports/clock.ts'

/** Time, timers and chance in the hands of a test. */
export interface VirtualClock extends Clock {
  /** Lets time pass: due timers run in their order, and what each of them starts comes to rest before the next. */
  advance(ms: number): Promise<void>
  /** Lets everything that is under way come to rest; no time passes. */
  rest(): Promise<void>
  /** The machine was paused: time has passed, and not one timer has run. They are late at the next `advance`. */
  pause(ms: number): void
  /** Somebody set the wall clock; the monotonic one does not notice. */
  jumpWall(ms: number): void
  /** Runs by hand what waits for `soon`; for clocks made with `soon: 'by hand'`. Tells how many there were. */
  runSoon(): number
  /** Timers that wait. */
  timers(): number
}

export interface VirtualClockOptions {
  readonly startMs?: number
  readonly seed?: number
  /** `by itself` (default): in the next turn of the event loop. `by hand`: at `runSoon`, so that a test gathers a group. */
  readonly soon?: 'by itself' | 'by hand'
}

export const startMsDefault = Date.UTC(2030, 0, 1)

export function createVirtualClock(options: VirtualClockOptions = {}): VirtualClock {
  const random = createRandom(options.seed ?? 1)
  const isByHand = options.soon === 'by hand'
  let wallMs = options.startMs ?? startMsDefault
  let elapsedMs = 0
  let nextOrder = 1
  let timers: { readonly atMs: number; readonly order: number; readonly callback: () => void }[] = []
  let waitingSoon: (() => void)[] = []
  let soonUnderWay = 0

  function pass(ms: number): void {
    wallMs += ms
    elapsedMs += ms
  }

  async function rest(): Promise<void> {
    do {
      // One turn lets promises run dry; a second one lets what they asked for `soon` begin.
      await turn()
      await turn()
    } while (soonUnderWay > 0)
  }

  async function advance(ms: number): Promise<void> {
    const untilMs = elapsedMs + ms
    await rest()
    for (;;) {
      const next = timers.filter(timer => timer.atMs <= untilMs).sort(byTime)[0]
      if (next === undefined) break
      timers = timers.filter(timer => timer !== next)
      if (next.atMs > elapsedMs) pass(next.atMs - elapsedMs)
      next.callback()
      await rest()
    }
    if (untilMs > elapsedMs) pass(untilMs - elapsedMs)
  }

  return Object.freeze<VirtualClock>({
    now: () => wallMs,
    monotonic: () => elapsedMs,
    random,
    fillRandom: bytes => {
      for (let at = 0; at < bytes.length; at += 1) bytes[at] = Math.floor(random() * 256)
    },
    after: (ms, callback) => {
      // Whole milliseconds, as timers and wall clocks have them; a fraction would make an instant be missed by rounding.
      const timer = { atMs: elapsedMs + Math.max(0, Math.ceil(ms)), order: nextOrder, callback }
      nextOrder += 1
      timers.push(timer)
      return () => {
        timers = timers.filter(other => other !== timer)
      }
    },
    soon: callback => {
      if (isByHand) {
        waitingSoon.push(callback)
        return
      }
      soonUnderWay += 1
      setImmediate(() => {
        soonUnderWay -= 1
        callback()
      })
    },
    advance,
    rest,
    pause: pass,
    jumpWall: ms => {
      wallMs += ms
    },
    runSoon: () => {
      const callbacks = waitingSoon
      waitingSoon = []
      for (const callback of callbacks) callback()
      return callbacks.length
    },
    timers: () => timers.length,
  })
}

function byTime(one: { atMs: number; order: number }, other: { atMs: number; order: number }): number {
  return one.atMs - other.atMs || one.order - other.order
}

function turn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}

/** Mulberry32: 32 bits of state, good enough for tests, the same on every machine. From 0 inclusive to 1 exclusive. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
