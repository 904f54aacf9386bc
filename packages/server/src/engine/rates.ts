import type { Clock } from '../ports/clock.ts'

const windowSeconds = 60
const samplesMax = 2_048

/** Counts per second over the last minute, by key. Bounded: a key that has been silent for a minute is forgotten. */
export interface Rates {
  add(key: string, count: number): void
  perSecond(key: string): number
}

export function createRates(clock: Clock): Rates {
  const startedMs = clock.monotonic()
  let lastLook = -1
  const bySecond = new Map<string, { readonly counts: Float64Array; last: number }>()

  const second = (): number => Math.floor(clock.monotonic() / 1_000)

  /** Looks through the keys once a second at most, however many new ones come. */
  function forgetSilent(now: number): void {
    if (now === lastLook) return
    lastLook = now
    for (const [key, each] of bySecond) if (now - each.last > windowSeconds) bySecond.delete(key)
  }

  /** Forgets what is older than the window. */
  function advance(entry: { readonly counts: Float64Array; last: number }, now: number): void {
    const silent = Math.min(windowSeconds, now - entry.last)
    for (let step = 1; step <= silent; step += 1) entry.counts[(entry.last + step) % windowSeconds] = 0
    entry.last = now
  }

  return Object.freeze<Rates>({
    add: (key, count) => {
      const now = second()
      let entry = bySecond.get(key)
      if (entry === undefined) {
        forgetSilent(now)
        entry = { counts: new Float64Array(windowSeconds), last: now }
        bySecond.set(key, entry)
      }
      advance(entry, now)
      entry.counts[now % windowSeconds] = (entry.counts[now % windowSeconds] ?? 0) + count
    },
    perSecond: key => {
      const entry = bySecond.get(key)
      if (entry === undefined) return 0
      advance(entry, second())
      const seconds = Math.min(windowSeconds, Math.max(1, (clock.monotonic() - startedMs) / 1_000))
      return Math.round((entry.counts.reduce((sum, count) => sum + count, 0) / seconds) * 100) / 100
    },
  })
}

/** A commit ends many tasks of few queues: they are counted first and told once, each time with a look at the clock. */
export function countBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const item of items) {
    const key = keyOf(item)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

/** The latest durations, for percentiles. */
export interface Samples {
  add(value: number): void
  percentiles(): { readonly p50: number; readonly p95: number } | null
}

export function createSamples(): Samples {
  const values: number[] = []
  let next = 0
  return Object.freeze<Samples>({
    add: value => {
      values[next] = value
      next = (next + 1) % samplesMax
    },
    percentiles: () => {
      if (values.length === 0) return null
      const sorted = [...values].sort((one, other) => one - other)
      const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
      return { p50: at(0.5), p95: at(0.95) }
    },
  })
}
