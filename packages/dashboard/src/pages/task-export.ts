import type { Task, TaskPage } from '@tasklane/protocol'
import { get, type Query } from '../api/http.ts'
import { exactCount } from '../parts/format.ts'
import { download } from '../parts/json-view.tsx'

export const exportRowsMax = 100_000

const columns = [
  'task_id',
  'task_type',
  'status',
  'queue',
  'name',
  'priority',
  'worker_id',
  'attempt',
  'created_at',
  'started_at',
  'completed_at',
  'payload',
  'result',
  'error',
] as const satisfies readonly (keyof Task)[]

export interface ExportProgress {
  readonly rows: number
  /** As far as it was counted. */
  readonly total: string | null
}

/** Fetches all that match, page by page, and hands them to the browser as a file. @returns how many rows */
export async function exportTasks(
  filter: Query,
  kind: 'csv' | 'json',
  tell: (progress: ExportProgress) => void,
  signal: AbortSignal,
): Promise<number> {
  const counted: TaskPage = await get('api/tasks', { ...filter, limit: 1, count: true }, signal)
  const total = counted.total === undefined ? null : totalText(counted.total, counted.total_is_exact !== false)
  const rows: Task[] = []
  let cursor: string | null = ''
  while (cursor !== null && rows.length < exportRowsMax) {
    const page: TaskPage = await get('api/tasks', { ...filter, limit: 500, cursor }, signal)
    rows.push(...page.tasks)
    cursor = page.next_cursor
    tell({ rows: rows.length, total })
  }
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '')
  if (kind === 'json') download(`tasks-${stamp}.json`, 'application/json', JSON.stringify(rows, null, 2))
  else download(`tasks-${stamp}.csv`, 'text/csv', csvOf(rows))
  return rows.length
}

function totalText(total: number, isExact: boolean): string {
  const text = exactCount(Math.min(total, exportRowsMax))
  return isExact ? text : `more than ${text}`
}

export function csvOf(rows: readonly Task[]): string {
  const lines = rows.map(row => columns.map(column => cell(row[column])).join(','))
  return `${columns.join(',')}\r\n${lines.join('\r\n')}\r\n`
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  let text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  // A spreadsheet runs what begins like this as a formula, and a payload is anybody's text.
  if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) text = `'${text}`
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
