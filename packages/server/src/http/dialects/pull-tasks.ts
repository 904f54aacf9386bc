import { type Json, limits, type Stats, type TaskError, type TaskSubmission } from '@tasklane/protocol'
import type { TaskRecord } from '../../core/task.ts'
import { formatInstant } from '../instant.ts'

/** Tasks in the words of the pull scheduler: a call of a function by name. */

/** Where its tasks wait. By it a node knows, for as long as the store lives, which types were submitted in this dialect. */
export const pullQueue = 'pull'

/** Tries after the first, where nothing is configured. */
const retriesDefault = 2

export interface PullSubmission {
  readonly func_name: string
  readonly args?: readonly Json[] | null
  readonly kwargs?: Readonly<Record<string, Json>> | null
  readonly priority?: number | null
  readonly dependencies?: readonly string[] | null
  readonly timeout?: number | null
}

export type PullWord = 'PENDING' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'TIMED_OUT' | 'CANCELED'

/** @param warning what the reply's header `Warning` says of the priority; null where it is taken as it came */
export function toSubmission(
  body: PullSubmission,
  retries: number | undefined,
): { readonly submission: TaskSubmission; readonly warning: string | null } {
  const asked = body.priority ?? 0
  const priority = Math.min(limits.priorityMax, Math.max(limits.priorityMin, asked))
  return {
    submission: {
      task_type: body.func_name,
      payload: { args: body.args ?? [], kwargs: body.kwargs ?? {} },
      queue: pullQueue,
      priority,
      dependencies: body.dependencies ?? [],
      timeout: body.timeout ?? null,
      max_retries: retries ?? retriesDefault,
    },
    warning:
      priority === asked
        ? null
        : `299 - "Priority ${asked} is outside ${limits.priorityMin} to ${limits.priorityMax}; the task has priority ${priority}."`,
  }
}

/** A task as it is handed to a worker. */
export function toPullTask(task: TaskRecord): Readonly<Record<string, unknown>> {
  return {
    task_id: task.id,
    func: task.type,
    ...toCall(task.payload === null ? null : (JSON.parse(task.payload) as Json)), // A payload is JSON.
    priority: task.priority,
    dependencies: task.dependencies,
    status: wordOf(task),
    created_at: pullTime(task.createdAtMs),
    started_at: task.startedAtMs === null ? null : pullTime(task.startedAtMs),
    completed_at: task.finishedAtMs === null ? null : pullTime(task.finishedAtMs),
    worker_id: task.workerId,
    timeout: task.timeoutMs === null ? null : task.timeoutMs / 1_000,
    retries: Math.max(0, task.attempt - 1),
    max_retries: task.maxRetries,
  }
}

/**
 * What a function is called with. A payload that did not come as `{args, kwargs}` is what its caller would most likely
 * have meant: a list is positional, an object is named, and any other value is the only argument.
 */
function toCall(payload: Json): { readonly args: readonly Json[]; readonly kwargs: Readonly<Record<string, Json>> } {
  if (payload === null) return { args: [], kwargs: {} }
  if (isList(payload)) return { args: payload, kwargs: {} }
  if (typeof payload !== 'object') return { args: [payload], kwargs: {} }
  const { args, kwargs, ...others } = payload
  const isCall = isList(args) && isObject(kwargs) && Object.keys(others).length === 0
  return isCall ? { args, kwargs } : { args: [], kwargs: payload }
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

function isObject(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function wordOf({ state, error }: Pick<TaskRecord, 'state' | 'error'>): PullWord {
  switch (state) {
    case 'blocked':
    case 'scheduled':
    case 'pending':
      return 'PENDING'
    case 'running':
      return 'RUNNING'
    case 'completed':
      return 'COMPLETED'
    case 'cancelled':
      return 'CANCELED'
    case 'failed':
      return isTimeout(error) ? 'TIMED_OUT' : 'FAILED'
  }
}

function isTimeout(error: TaskRecord['error']): boolean {
  if (error === null) return false
  const { code } = JSON.parse(error) as TaskError // Errors are kept in this form.
  return code === 'timeout'
}

/** @param timedOut how many of the failed tasks ran out of time */
export function countWords(counts: Stats['tasks'], timedOut: number): Readonly<Record<PullWord, number>> {
  // The two were not counted in the same moment.
  const ranOut = Math.min(timedOut, counts.failed)
  return {
    PENDING: counts.blocked + counts.scheduled + counts.pending,
    RUNNING: counts.running,
    COMPLETED: counts.completed,
    FAILED: counts.failed - ranOut,
    TIMED_OUT: ranOut,
    CANCELED: counts.cancelled,
  }
}

/** Python before 3.11 cannot read a `Z`. */
export function pullTime(at: number | string): string {
  const text = typeof at === 'string' ? at : formatInstant(at)
  return text.replace(/Z$/, '+00:00')
}
