/** A stretch of time in which something ran, or none in which nothing did. */
export interface Stretch {
  readonly fromMs: number
  readonly toMs: number
  readonly isIdle: boolean
  /** Where it begins and ends on the scale, 0 to 1. */
  readonly from: number
  readonly to: number
}

export interface TimeScale {
  readonly stretches: readonly Stretch[]
  readonly at: (ms: number) => number
  readonly busyMs: number
}

export type Interval = readonly [fromMs: number, toMs: number]

/** A gap is folded when it is longer than this share of all that ran, and than a second: shorter ones do not disturb. */
const gapShareMin = 0.08
const gapMinMs = 1_000
/** What is left of a folded gap. */
const gapWidth = 0.03

/** Time along which idle gaps are folded: a graph that waited a night is still read at a glance. */
export function timeScale(intervals: readonly Interval[]): TimeScale {
  const busy = merge(intervals)
  const busyMs = busy.reduce((sum, [from, to]) => sum + to - from, 0)
  const longGap = Math.max(gapMinMs, busyMs * gapShareMin)
  const parts: { fromMs: number; toMs: number; isIdle: boolean }[] = []
  for (const [fromMs, toMs] of busy) {
    const before = parts.at(-1)
    if (before !== undefined && fromMs - before.toMs <= longGap) before.toMs = toMs
    else {
      if (before !== undefined) parts.push({ fromMs: before.toMs, toMs: fromMs, isIdle: true })
      parts.push({ fromMs, toMs, isIdle: false })
    }
  }
  const gaps = parts.filter(part => part.isIdle).length
  const idleWidth = gaps === 0 ? 0 : Math.min(gapWidth, 0.5 / gaps)
  const shownMs = parts.reduce((sum, part) => sum + (part.isIdle ? 0 : part.toMs - part.fromMs), 0)
  let from = 0
  const stretches = parts.map(part => {
    const share = shownMs === 0 ? 1 / parts.length : (part.toMs - part.fromMs) / shownMs
    const to = Math.min(1, from + (part.isIdle ? idleWidth : share * (1 - gaps * idleWidth)))
    const stretch = { ...part, from, to }
    from = to
    return stretch
  })
  return { stretches, busyMs, at: ms => placeOf(stretches, ms) }
}

function merge(intervals: readonly Interval[]): [number, number][] {
  const merged: [number, number][] = []
  for (const [from, to] of intervals.toSorted((one, other) => one[0] - other[0])) {
    const before = merged.at(-1)
    if (before !== undefined && from <= before[1]) before[1] = Math.max(before[1], to)
    else merged.push([from, Math.max(from, to)])
  }
  return merged
}

function placeOf(stretches: readonly Stretch[], ms: number): number {
  for (const { fromMs, toMs, from, to } of stretches) {
    if (ms < fromMs) return from
    if (ms <= toMs) return toMs === fromMs ? from : from + ((ms - fromMs) / (toMs - fromMs)) * (to - from)
  }
  return 1
}
