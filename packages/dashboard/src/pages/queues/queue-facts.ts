import type { Queue, StatsPoint, Worker } from '@tasklane/protocol'
import { span } from '../../parts/format.ts'
import { servants } from '../served.ts'
import { slotsOf } from '../slots.ts'

/** Tasks that have not ended, whatever keeps them. */
export function openTasks({ counts }: Queue): number {
  return counts.pending + counts.running + counts.scheduled + counts.blocked
}

/** Slots of the workers that serve it, and how many of those its own tasks take. */
export function utilisation(
  queue: Queue,
  workers: readonly Worker[],
): { readonly used: number; readonly slots: number } {
  const { slots } = slotsOf(servants(queue, workers))
  return { used: Math.min(queue.counts.running, slots), slots }
}

/** What becomes of a line at the present rates, in words. */
export function drainText({ counts, paused, submitted_per_second: comes, finished_per_second: goes }: Queue): string {
  if (counts.pending === 0) return 'empty'
  if (paused) return 'paused'
  if (goes <= 0) return 'nothing leaves it'
  if (goes <= comes) return comes - goes < goes * 0.05 ? 'stays as it is' : 'grows'
  return `about ${span(Math.max(1_000, Math.ceil(counts.pending / (goes - comes)) * 1_000))}`
}

/**
 * How many unfinished tasks a queue had at each point of its history, counted back from now: what came in since was not
 * there yet, and what has ended since still was. Tasks that were deleted or started anew by hand are not in the history,
 * so that it is an estimate, and never below nothing.
 */
export function depthHistory(openNow: number, points: readonly StatsPoint[]): readonly number[] {
  const depths: number[] = [openNow]
  let depth = openNow
  for (const { submitted, completed, failed, cancelled } of points.toReversed()) {
    depth = Math.max(0, depth - submitted + completed + failed + cancelled)
    depths.push(depth)
  }
  return depths.reverse()
}
