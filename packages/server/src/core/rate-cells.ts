import type { JsonText } from './task.ts'

/** What one node counted in one cell of time. Times are counted in buckets, so that the cells of several nodes add up. */
export interface RateCell {
  submitted: number
  completed: number
  failed: number
  cancelled: number
  retried: number
  readonly waits: Map<number, number>
  readonly runs: Map<number, number>
  /** What was there when somebody looked last. */
  levels: Levels | null
}

export interface Levels {
  readonly waiting: number
  readonly running: number
  readonly workers: number
  readonly slots: number
  readonly slotsUsed: number
}

export interface RatePoint extends Pick<RateCell, 'submitted' | 'completed' | 'failed' | 'cancelled' | 'retried'> {
  readonly atMs: number
  readonly waitP95Ms: number | null
  readonly runP95Ms: number | null
  readonly levels: Levels | null
}

export function emptyCell(): RateCell {
  return {
    submitted: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    retried: 0,
    waits: new Map(),
    runs: new Map(),
    levels: null,
  }
}

/** Four buckets an octave: a quantile is told to a fifth of its size. Up to 24 days. */
const bucketsPerOctave = 4
const bucketMax = 31 * bucketsPerOctave

export function countTime(buckets: Map<number, number>, ms: number): void {
  const bucket = Math.min(bucketMax, Math.max(0, Math.ceil(Math.log2(Math.max(1, ms)) * bucketsPerOctave)))
  buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1)
}

/** The upper end of the bucket in which so large a share of the times has passed; null of none. */
export function quantileOf(buckets: ReadonlyMap<number, number>, share: number): number | null {
  const total = [...buckets.values()].reduce((sum, count) => sum + count, 0)
  let passed = 0
  for (const [bucket, count] of [...buckets].sort(([one], [other]) => one - other)) {
    passed += count
    if (passed >= total * share) return Math.round(2 ** (bucket / bucketsPerOctave))
  }
  return null
}

/** Adds what another cell counted; of the levels, which each node sees as a whole, the largest stands. */
export function addCell(sum: RateCell, other: RateCell): void {
  sum.submitted += other.submitted
  sum.completed += other.completed
  sum.failed += other.failed
  sum.cancelled += other.cancelled
  sum.retried += other.retried
  for (const [bucket, count] of other.waits) sum.waits.set(bucket, (sum.waits.get(bucket) ?? 0) + count)
  for (const [bucket, count] of other.runs) sum.runs.set(bucket, (sum.runs.get(bucket) ?? 0) + count)
  if (other.levels !== null) sum.levels = sum.levels === null ? other.levels : highest(sum.levels, other.levels)
}

function highest(one: Levels, other: Levels): Levels {
  return {
    waiting: Math.max(one.waiting, other.waiting),
    running: Math.max(one.running, other.running),
    workers: Math.max(one.workers, other.workers),
    slots: Math.max(one.slots, other.slots),
    slotsUsed: Math.max(one.slotsUsed, other.slotsUsed),
  }
}

export function writeCell(cell: RateCell): JsonText {
  const { submitted, completed, failed, cancelled, retried, waits, runs, levels } = cell
  const counts = [submitted, completed, failed, cancelled, retried]
  return JSON.stringify({ n: counts, w: [...waits], r: [...runs], l: levels }) as JsonText // An object is always a text.
}

export function readCell(text: JsonText): RateCell {
  // Written by `writeCell`.
  const cell = JSON.parse(text) as { n: number[]; w: [number, number][]; r: [number, number][]; l: Levels | null }
  const [submitted = 0, completed = 0, failed = 0, cancelled = 0, retried = 0] = cell.n
  const counts = { submitted, completed, failed, cancelled, retried }
  return { ...counts, waits: new Map(cell.w), runs: new Map(cell.r), levels: cell.l }
}

/** One point for each step from `fromMs` on, whether or not anything was counted there. */
export function toPoints(
  cells: readonly { readonly atMs: number; readonly cell: JsonText }[],
  { fromMs, stepMs, count }: { readonly fromMs: number; readonly stepMs: number; readonly count: number },
): readonly RatePoint[] {
  const sums = Array.from({ length: count }, emptyCell)
  for (const { atMs, cell } of cells) {
    const sum = sums[Math.floor((atMs - fromMs) / stepMs)]
    if (sum !== undefined) addCell(sum, readCell(cell))
  }
  return sums.map(({ waits, runs, ...counts }, at) => ({
    ...counts,
    atMs: fromMs + at * stepMs,
    waitP95Ms: quantileOf(waits, 0.95),
    runP95Ms: quantileOf(runs, 0.95),
  }))
}
