import type { Task } from '@tasklane/protocol'

/** So many rows at most are fetched to be sorted: the scheduler tells tasks newest first and in no other order. */
export const sortedRowsMax = 5_000

type Measure = (task: Task, now: number) => number

const measures: Readonly<Record<string, Measure>> = {
  priority: task => task.priority,
  attempt: task => task.attempt,
  created: task => Date.parse(task.created_at),
  wait: (task, now) =>
    (task.started_at === null ? now : Date.parse(task.started_at)) - Date.parse(task.run_at ?? task.created_at),
  ran: (task, now) =>
    task.started_at === null
      ? -1
      : (task.completed_at === null ? now : Date.parse(task.completed_at)) - Date.parse(task.started_at),
}

export interface Order {
  readonly column: string
  readonly isDown: boolean
}

export function isSortable(column: string): boolean {
  return Object.hasOwn(measures, column)
}

/** As it stands in the address: the column, and before it a minus for the largest first. */
export function orderOf(sort: string | undefined): Order | null {
  const column = sort?.replace(/^-/, '') ?? ''
  return isSortable(column) ? { column, isDown: sort?.startsWith('-') === true } : null
}

/** Largest first, then smallest first, then as the scheduler tells them. */
export function nextSort(sort: string | undefined, column: string): string {
  const order = orderOf(sort)
  if (order?.column !== column) return `-${column}`
  return order.isDown ? column : ''
}

export function sortRows(rows: readonly Task[], order: Order | null, now: number): readonly Task[] {
  const measure = order === null ? undefined : measures[order.column]
  if (order === null || measure === undefined) return rows
  const sign = order.isDown ? -1 : 1
  return rows.toSorted((one, other) => sign * (measure(one, now) - measure(other, now)))
}
