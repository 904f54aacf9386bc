import type { StatsPoint } from '@tasklane/protocol'

/** The piece of a history that still grows, and how much of it is over. */
export interface SoFar {
  readonly seconds: number
  /** What to multiply its counts by, for what the whole piece comes to when it goes on like this. */
  readonly scale: number
}

/** A rate of so little time says nothing yet; the scheduler writes down what happened every five seconds. */
const leastSeconds = 15
/** What is read is older than its answer by half of the time between two writes, on average. */
const behindSeconds = 2.5

/**
 * Of counts, the last points are not the whole truth: the scheduler writes down every five seconds what happened, so that
 * of pieces as short as that the one before the last may still be empty, too.
 */
export function completePoints(points: readonly StatsPoint[], stepSeconds: number): readonly StatsPoint[] {
  return points.slice(0, stepSeconds <= 5 ? -2 : -1)
}

/** Null where nothing can be said of the last point yet, or where the clocks of browser and scheduler differ too much. */
export function soFarOf(points: readonly StatsPoint[], stepSeconds: number, nowMs: number): SoFar | null {
  const last = points.at(-1)
  if (last === undefined || stepSeconds <= leastSeconds) return null
  const seconds = (nowMs - Date.parse(last.at)) / 1_000
  if (seconds < leastSeconds || seconds > stepSeconds + leastSeconds) return null
  return { seconds: Math.min(seconds, stepSeconds), scale: Math.max(1, stepSeconds / (seconds - behindSeconds)) }
}
