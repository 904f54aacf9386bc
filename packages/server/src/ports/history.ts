import type { JsonText } from '../core/task.ts'

/**
 * What nodes counted, in cells of time. A cell belongs to one node, which writes it anew as long as it grows: nothing is
 * read to be written, a repeat changes nothing, and the cells of all nodes are added up by who reads them.
 */
export interface HistoryStore {
  /** Creates or replaces. */
  putHistory(cells: readonly HistoryCell[]): Promise<void>
  /** The cells of this step and queue that begin at `fromMs` or later, oldest first; up to `limit`. */
  history(ask: {
    readonly stepMs: number
    readonly queue: string
    readonly fromMs: number
    readonly limit: number
  }): Promise<readonly Pick<HistoryCell, 'atMs' | 'cell'>[]>
  /** Deletes up to `limit` cells of this step that begin before; returns how many. */
  pruneHistory(stepMs: number, beforeMs: number, limit: number): Promise<number>
}

export interface HistoryCell {
  readonly stepMs: number
  /** Empty is all queues together. */
  readonly queue: string
  readonly atMs: number
  readonly node: string
  readonly cell: JsonText
}
