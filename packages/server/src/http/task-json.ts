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

/** The reply to a claim. A sparse one leaves out what is null or empty. */
export function claimJson(tasks: readonly ClaimedTask[], isSparse = false): string {
  return `{"tasks":[${tasks.map(task => claimedJson(task, isSparse)).join(',')}]}`
}

function claimedJson(task: ClaimedTask, isSparse: boolean): string {
  const parents =
    task.parents === null
      ? `,"parents_url":${JSON.stringify(parentsUrl(task.id, 0))}`
      : isSparse && task.parents.length === 0
        ? ''
        : `,"parents":${parentsJson(task.parents)}`
  const members = isSparse ? sparseMembers(task) : taskMembers(task)
  return `{${members},"epoch":${task.epoch},"lease_expires_at":"${formatInstant(task.leaseExpiresAtMs)}"${parents}}`
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
  return (
    `"task_id":${name(task.id)},"task_type":${name(task.type)},"queue":${name(task.queue)},` +
    `"name":${quoted(task.name)},"description":${quoted(task.description)},"payload":${task.payload ?? 'null'},` +
    `"priority":${task.priority},"priority_source":"${task.prioritySource}","status":"${task.state}",` +
    `"worker_id":${name(task.workerId)},"dependencies":${idsJson(task.dependencies)},"timeout":${seconds(task.timeoutMs)},` +
    `"max_retries":${task.maxRetries},"attempt":${task.attempt},"idempotency_key":${quoted(task.idempotencyKey)},` +
    `"run_at":${time(task.runAtMs)},"created_at":${time(task.createdAtMs)},"started_at":${time(task.startedAtMs)},` +
    `"completed_at":${time(task.finishedAtMs)},"result":${task.result ?? 'null'},"error":${task.error ?? 'null'},` +
    `"progress":${task.progress ?? 'null'},"labels":${task.labels ?? '{}'},` +
    `"submitted_by":${quoted(task.submittedBy)},"trace":${quoted(task.trace)}`
  )
}

/** The same of a task that was just claimed, without what is null or empty. */
function sparseMembers(task: ClaimedTask): string {
  return (
    `"task_id":${name(task.id)},"task_type":${name(task.type)},"queue":${name(task.queue)},` +
    `"priority":${task.priority},"priority_source":"${task.prioritySource}","status":"${task.state}",` +
    `"worker_id":${name(task.workerId)},"max_retries":${task.maxRetries},"attempt":${task.attempt},` +
    `"created_at":${time(task.createdAtMs)},"started_at":${time(task.startedAtMs)}` +
    said('name', task.name === null ? null : quoted(task.name)) +
    said('description', task.description === null ? null : quoted(task.description)) +
    said('payload', task.payload) +
    said('dependencies', task.dependencies.length === 0 ? null : idsJson(task.dependencies)) +
    said('timeout', task.timeoutMs === null ? null : seconds(task.timeoutMs)) +
    said('idempotency_key', task.idempotencyKey === null ? null : quoted(task.idempotencyKey)) +
    said('run_at', task.runAtMs === null ? null : time(task.runAtMs)) +
    said('error', task.error) +
    said('labels', task.labels) +
    said('submitted_by', task.submittedBy === null ? null : quoted(task.submittedBy)) +
    said('trace', task.trace === null ? null : quoted(task.trace))
  )
}

function said(member: string, text: string | null): string {
  return text === null ? '' : `,"${member}":${text}`
}

function seconds(ms: number | null): string {
  return ms === null ? 'null' : String(ms / 1_000)
}

/** Ids and names of types, queues and workers have, by their patterns at the door, nothing in them to escape. */
function name(text: string | null): string {
  return text === null ? 'null' : `"${text}"`
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
