import type { Attempt, Task } from '@tasklane/protocol'
import type { Output } from '../output/output.ts'
import { formatAge, formatDuration } from '../output/quantities.ts'
import { renderFacts } from '../output/table.ts'
import { visibleText } from '../output/text-width.ts'

/** A payload or result longer than this is for `--json`. */
const jsonCharsMax = 2_000

/** One task for people: what it is, where it stands, how it was tried. */
export function renderTask(task: Task, attempts: readonly Attempt[], output: Output, nowMs: number): string {
  const parts = [renderFacts(factsOf(task, nowMs), output.paint)]
  if (attempts.length > 0) {
    parts.push(
      output.table(attempts, [
        { title: 'attempt', text: attempt => String(attempt.attempt), align: 'right' },
        { title: 'outcome', text: attempt => attempt.outcome },
        { title: 'worker', text: attempt => attempt.worker_id ?? '-' },
        { title: 'started', text: attempt => attempt.started_at },
        { title: 'ran', text: attempt => spanOf(attempt.started_at, attempt.ended_at, nowMs), align: 'right' },
        { title: 'error', text: attempt => attempt.error?.message ?? '', shrinks: true },
      ]),
    )
  }
  if (task.error?.stack !== undefined) parts.push(visibleText(task.error.stack, { keepLines: true }))
  return parts.join('\n\n')
}

function factsOf(task: Task, nowMs: number): readonly (readonly [string, string])[] {
  const at = (time: string) => `${time} (${formatAge(time, nowMs)})`
  const facts: (readonly [string, string | null])[] = [
    ['id', task.task_id],
    ['type', task.task_type],
    ['name', task.name],
    ['description', task.description],
    ['status', task.status],
    ['queue', task.queue],
    ['priority', `${task.priority} (${task.priority_source})`],
    ['worker', task.worker_id],
    ['attempts', `${task.attempt} of ${task.max_retries + 1}`],
    ['time limit', task.timeout === null ? 'none' : formatDuration(task.timeout * 1_000)],
    ['depends on', task.dependencies.length === 0 ? null : listOf(task.dependencies)],
    ['labels', listOf(Object.entries(task.labels).map(([key, value]) => `${key}=${value}`))],
    ['key', task.idempotency_key],
    ['submitted', at(task.created_at)],
    ['not before', task.run_at === null ? null : at(task.run_at)],
    ['started', task.started_at === null ? null : at(task.started_at)],
    ['ended', task.completed_at === null ? null : at(task.completed_at)],
    ['progress', task.progress === null ? null : `${task.progress.percent} % ${task.progress.message ?? ''}`],
    ['payload', jsonOf(task.payload)],
    ['result', task.status === 'completed' ? jsonOf(task.result) : null],
    ['error', task.error === null ? null : `${task.error.message} (${task.error.code})`],
  ]
  return facts.flatMap(([name, value]) => (value === null || value === '' ? [] : [[name, visibleText(value)] as const]))
}

function listOf(values: readonly string[]): string {
  const more = values.length - 10
  return more > 0 ? `${values.slice(0, 10).join(', ')} and ${more} more` : values.join(', ')
}

function jsonOf(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length <= jsonCharsMax ? text : `${text.slice(0, jsonCharsMax)}… (all of it with --json)`
}

function spanOf(from: string, to: string | null, nowMs: number): string {
  return formatDuration(Math.max(0, (to === null ? nowMs : Date.parse(to)) - Date.parse(from)))
}
