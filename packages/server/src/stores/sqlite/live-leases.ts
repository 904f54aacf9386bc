import type { TaskId } from '../../core/task.ts'
import type { Ending } from './dependencies.ts'

/**
 * The leases that this process has handed out: what the end of an attempt is told from, so that a completion reads
 * nothing. One process owns the file, nothing here can change while the epoch lasts but `hasDependents`, and whoever ends
 * a lease deletes it here; still the row decides, by the state, epoch and worker in the WHERE of the completion. A lease
 * that is not here (the process was started anew, a transaction was rolled back) is read from its row.
 */
export type LiveLeases = Map<TaskId, LiveLease>

export interface LiveLease extends Omit<Ending, 'hasDependents'> {
  readonly epoch: number
  readonly workerId: string | null
  /** Becomes true when a child is submitted while its parent runs. */
  hasDependents: boolean
}
