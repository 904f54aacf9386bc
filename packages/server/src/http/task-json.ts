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

export function taskPageJson(
  tasks: readonly TaskRecord[],
  nextCursor: string | null,
  counted: { readonly total: number; readonly isExact: boolean } | null = null,
): string {
  const total = counted === null ? '' : `,"total":${counted.total},"total_is_exact":${counted.isExact}`
  return `{"tasks":[${tasks.map(taskJson).join(',')}],"next_cursor":${quoted(nextCursor)}${total}}`
}

/** The reply to a claim. A sparse one leaves out what is null or empty. */
export function claimJson(tasks: readonly ClaimedTask[], isSparse = false): string {
  return isSparse ? sparseClaimJson(tasks) : `{"tasks":[${tasks.map(claimedJson).join(',')}]}`
}

function claimedJson(task: ClaimedTask): string {
  const parents = task.parents === null ? parentsUrlMember(task) : `,"parents":${parentsJson(task.parents)}`
  return `{${taskMembers(task)},"epoch":${task.epoch},"lease_expires_at":"${formatInstant(task.leaseExpiresAtMs)}"${parents}}`
}

/**
 * The form that the hot path asks for: 0.9 µs a task instead of 2. What is always said is mostly the same as of the task
 * before, and pieces that are joined once cost half of what text does that grows by `+` and is laid out afterwards.
 */
function sparseClaimJson(tasks: readonly ClaimedTask[]): string {
  const parts = ['{"tasks":[']
  let always = ''
  let last: ClaimedTask | null = null
  for (const task of tasks) {
    if (last === null || !isSaidAlike(task, last)) always = alwaysSaid(task)
    parts.push(last === null ? '{"task_id":"' : ',{"task_id":"', task.id, always)
    addSometimesSaid(parts, task)
    parts.push('}')
    last = task
  }
  parts.push(']}')
  return parts.join('')
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

/** Of a task that was just claimed; it stands behind the id. Joined, so that it is laid out once for all its uses. */
function alwaysSaid(task: ClaimedTask): string {
  return [
    `","task_type":${name(task.type)},"queue":${name(task.queue)},`,
    `"priority":${task.priority},"priority_source":"${task.prioritySource}","status":"${task.state}",`,
    `"worker_id":${name(task.workerId)},"max_retries":${task.maxRetries},"attempt":${task.attempt},`,
    `"created_at":${time(task.createdAtMs)},"started_at":${time(task.startedAtMs)},`,
    `"epoch":${task.epoch},"lease_expires_at":"${formatInstant(task.leaseExpiresAtMs)}"`,
  ].join('')
}

/** Whether `alwaysSaid` is the same text of both: it looks at all that is in it. */
function isSaidAlike(one: ClaimedTask, other: ClaimedTask): boolean {
  return (
    one.type === other.type &&
    one.queue === other.queue &&
    one.priority === other.priority &&
    one.prioritySource === other.prioritySource &&
    one.state === other.state &&
    one.workerId === other.workerId &&
    one.maxRetries === other.maxRetries &&
    one.attempt === other.attempt &&
    one.createdAtMs === other.createdAtMs &&
    one.startedAtMs === other.startedAtMs &&
    one.epoch === other.epoch &&
    one.leaseExpiresAtMs === other.leaseExpiresAtMs
  )
}

/** What is neither null nor empty. */
function addSometimesSaid(parts: string[], task: ClaimedTask): void {
  if (task.name !== null) parts.push(',"name":', quoted(task.name))
  if (task.description !== null) parts.push(',"description":', quoted(task.description))
  if (task.payload !== null) parts.push(',"payload":', task.payload)
  if (task.dependencies.length > 0) parts.push(',"dependencies":', idsJson(task.dependencies))
  if (task.timeoutMs !== null) parts.push(',"timeout":', seconds(task.timeoutMs))
  if (task.idempotencyKey !== null) parts.push(',"idempotency_key":', quoted(task.idempotencyKey))
  if (task.runAtMs !== null) parts.push(',"run_at":', time(task.runAtMs))
  if (task.error !== null) parts.push(',"error":', task.error)
  if (task.labels !== null) parts.push(',"labels":', task.labels)
  if (task.submittedBy !== null) parts.push(',"submitted_by":', quoted(task.submittedBy))
  if (task.trace !== null) parts.push(',"trace":', quoted(task.trace))
  if (task.parents === null) parts.push(parentsUrlMember(task))
  else if (task.parents.length > 0) parts.push(',"parents":', parentsJson(task.parents))
}

function parentsUrlMember(task: ClaimedTask): string {
  return `,"parents_url":${JSON.stringify(parentsUrl(task.id, 0))}`
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
