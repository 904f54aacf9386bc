import type { TaskId, TaskRecord } from '../core/task.ts'
import type { ClaimedTask, ParentRecord } from '../ports/store.ts'
import { formatInstant } from './instant.ts'

/**
 * Replies of the hot calls are put together as text: payload, result, error, labels and progress are JSON texts in the
 * store and go out as they are, neither parsed nor serialised again.
 */
export function taskJson(task: TaskRecord): string {
  return `{${taskMembers(task)}}`
}

export function taskPageJson(tasks: readonly TaskRecord[], nextCursor: string | null): string {
  return `{"tasks":[${tasks.map(taskJson).join(',')}],"next_cursor":${quoted(nextCursor)}}`
}

/** The reply to a claim. */
export function claimJson(tasks: readonly ClaimedTask[]): string {
  return `{"tasks":[${tasks.map(claimedJson).join(',')}]}`
}

function claimedJson(task: ClaimedTask): string {
  const parents =
    task.parents === null
      ? `"parents_url":${JSON.stringify(parentsUrl(task.id, 0))}`
      : `"parents":${parentsJson(task.parents)}`
  return `{${taskMembers(task)},"epoch":${task.epoch},"lease_expires_at":"${formatInstant(task.leaseExpiresAtMs)}",${parents}}`
}

/**
 * Parents by id. A parent that was pruned ended in a way that let the child go on, but its result is gone: it is told as
 * completed without a result and with an error of code `pruned`, so that a child can tell this from a null result.
 */
export function parentsJson(parents: readonly ParentRecord[]): string {
  const members = parents.map(parent => {
    const outcome =
      parent.state === null
        ? `{"status":"completed","result":null,"error":${prunedError}}`
        : `{"status":"${parent.state}","result":${parent.result ?? 'null'},"error":${parent.error ?? 'null'}}`
    return `${JSON.stringify(parent.id)}:${outcome}`
  })
  return `{${members.join(',')}}`
}

const prunedError = JSON.stringify({
  code: 'pruned',
  message: 'This parent finished longer ago than the retention and was pruned; its result is gone.',
})

export function parentsUrl(id: TaskId, from: number): string {
  return `/api/tasks/${encodeURIComponent(id)}/parents?from=${from}`
}

function taskMembers(task: TaskRecord): string {
  const timeout = task.timeoutMs === null ? 'null' : task.timeoutMs / 1_000
  return (
    `"task_id":${quoted(task.id)},"task_type":${quoted(task.type)},"queue":${quoted(task.queue)},` +
    `"name":${quoted(task.name)},"description":${quoted(task.description)},"payload":${task.payload ?? 'null'},` +
    `"priority":${task.priority},"priority_source":"${task.prioritySource}","status":"${task.state}",` +
    `"worker_id":${quoted(task.workerId)},"dependencies":${idsJson(task.dependencies)},"timeout":${timeout},` +
    `"max_retries":${task.maxRetries},"attempt":${task.attempt},"idempotency_key":${quoted(task.idempotencyKey)},` +
    `"run_at":${time(task.runAtMs)},"created_at":${time(task.createdAtMs)},"started_at":${time(task.startedAtMs)},` +
    `"completed_at":${time(task.finishedAtMs)},"result":${task.result ?? 'null'},"error":${task.error ?? 'null'},` +
    `"progress":${task.progress ?? 'null'},"labels":${task.labels ?? '{}'},` +
    `"submitted_by":${quoted(task.submittedBy)},"trace":${quoted(task.trace)}`
  )
}

function idsJson(ids: readonly TaskId[]): string {
  return ids.length === 0 ? '[]' : JSON.stringify(ids)
}

function quoted(text: string | null): string {
  return text === null ? 'null' : JSON.stringify(text)
}

function time(ms: number | null): string {
  return ms === null ? 'null' : `"${formatInstant(ms)}"`
}
