import type { Worker } from '@tasklane/protocol'

/** Slots that are taken: never more than there are, though a task whose end is on its way still counts as the worker's. */
export function slotsUsed({ current_tasks: held, max_concurrent_tasks: slots }: Worker): number {
  return Math.min(held.length, slots)
}

/** Of all these workers together. */
export function slotsOf(workers: readonly Worker[]): { readonly used: number; readonly slots: number } {
  return {
    used: workers.reduce((sum, worker) => sum + slotsUsed(worker), 0),
    slots: workers.reduce((sum, worker) => sum + worker.max_concurrent_tasks, 0),
  }
}
