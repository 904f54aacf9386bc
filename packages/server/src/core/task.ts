import type { DependencyPolicy, PrioritySource, TaskState } from '@tasklane/protocol'
import { taskErrorCodes } from '@tasklane/protocol'

declare const brand: unique symbol
export type TaskId = string & { readonly [brand]: 'TaskId' }
export type WorkerId = string & { readonly [brand]: 'WorkerId' }
/** Text that parses as JSON and holds nothing a store may not keep. It is spliced into replies unparsed. */
export type JsonText = string & { readonly [brand]: 'JsonText' }

/** Marks a string that came through the door (schema or row) as an id. */
export function taskId(text: string): TaskId {
  return text as TaskId // The brand exists at compile time only.
}

export function workerId(text: string): WorkerId {
  return text as WorkerId // The brand exists at compile time only.
}

/** Serialises a value whose strings were checked at the door. Undefined and null are both the absence of a text. */
export function jsonText(value: unknown): JsonText | null {
  if (value === undefined || value === null) return null
  return JSON.stringify(value) as JsonText // JSON.stringify returns a string for every JSON value.
}

/** What a client asks for, complete with defaults, before any store has seen it. */
export interface TaskDraft {
  readonly id: TaskId
  readonly type: string
  readonly queue: string
  readonly name: string | null
  readonly description: string | null
  readonly payload: JsonText | null
  readonly priority: number
  readonly prioritySource: PrioritySource
  readonly dependencies: readonly TaskId[]
  readonly onDependencyFailure: DependencyPolicy
  /** One attempt's limit; null is none. */
  readonly timeoutMs: number | null
  readonly maxRetries: number
  /** An instant, or a delay from the store's now; at most one of the two. */
  readonly runAtMs: number | null
  readonly delayMs: number | null
  readonly labels: JsonText | null
  readonly idempotencyKey: string | null
  readonly submittedBy: string | null
  /** Only what this submitter submitted exists for it: another's task of the same id or key is never its first task. */
  readonly isOwnOnly: boolean
  readonly trace: string | null
}

/** A task as a store returns it. */
export interface TaskRecord extends Omit<TaskDraft, 'delayMs' | 'isOwnOnly'> {
  /** Counts up from 1 in the order of acceptance; gaps are allowed. */
  readonly number: number
  readonly state: TaskState
  readonly attempt: number
  readonly crashes: number
  readonly epoch: number
  readonly workerId: WorkerId | null
  readonly createdAtMs: number
  readonly startedAtMs: number | null
  readonly finishedAtMs: number | null
  readonly cancelRequestedAtMs: number | null
  readonly result: JsonText | null
  readonly error: JsonText | null
  readonly progress: JsonText | null
}

/** What a store adds to a draft when it accepts it. */
export interface Acceptance {
  readonly number: number
  readonly state: TaskState
  readonly createdAtMs: number
  readonly runAtMs: number | null
  /** Where the task was cancelled at once. */
  readonly error: JsonText | null
}

/** The record of a task that was accepted this moment, without asking the store again. */
export function acceptedRecord(draft: TaskDraft, acceptance: Acceptance): TaskRecord {
  const isCancelled = acceptance.state === 'cancelled'
  return {
    number: acceptance.number,
    id: draft.id,
    type: draft.type,
    queue: draft.queue,
    name: draft.name,
    description: draft.description,
    payload: draft.payload,
    priority: draft.priority,
    prioritySource: draft.prioritySource,
    dependencies: draft.dependencies,
    onDependencyFailure: draft.onDependencyFailure,
    timeoutMs: draft.timeoutMs,
    maxRetries: draft.maxRetries,
    runAtMs: acceptance.runAtMs,
    labels: draft.labels,
    idempotencyKey: draft.idempotencyKey,
    submittedBy: draft.submittedBy,
    trace: draft.trace,
    state: acceptance.state,
    attempt: 0,
    crashes: 0,
    epoch: 0,
    workerId: null,
    createdAtMs: acceptance.createdAtMs,
    startedAtMs: null,
    finishedAtMs: isCancelled ? acceptance.createdAtMs : null,
    cancelRequestedAtMs: null,
    result: null,
    error: acceptance.error,
    progress: null,
  }
}

interface Texts {
  readonly payload?: JsonText | null
  readonly result: JsonText | null
  readonly error: JsonText | null
}

/** How much of a reply a task and its parents take, as far as it can be much: characters of their texts. */
export function textSize(task: Texts & { readonly parents?: readonly Texts[] | null }): number {
  const own = (task.payload?.length ?? 0) + (task.result?.length ?? 0) + (task.error?.length ?? 0)
  return (task.parents ?? []).reduce((sum, parent) => sum + textSize(parent), own)
}

/** The error text that the scheduler itself writes, e.g. for a lost worker. */
export function taskErrorText(code: keyof typeof taskErrorCodes, detail?: string): JsonText {
  return JSON.stringify({ code, message: detail ?? taskErrorCodes[code] }) as JsonText // An object is always a text.
}

/** What the client said at submit and the row may have moved on from: a retry moves `run_at`, a change the priority. */
export interface Asked {
  /** Null where the client declared none. */
  readonly priority: number | null
  readonly delayMs: number | null
  /** run_at or created_at; nothing changes it. */
  readonly dueAtMs: number
}

export function askedPriority(draft: TaskDraft): number | null {
  return draft.prioritySource === 'declared' ? draft.priority : null
}

/**
 * Is a repeated submit the same task? Compares what the client says with what was asked first, whatever became of the
 * task since. `run_at` counts only where it was given as an instant, since a delay means another instant at every
 * repeat. JSON texts are compared as values, so that another order of keys is the same content.
 */
export function isSameContent(draft: TaskDraft, record: TaskRecord, asked: Asked): boolean {
  return (
    (!draft.isOwnOnly || draft.submittedBy === record.submittedBy) &&
    draft.type === record.type &&
    draft.queue === record.queue &&
    draft.name === record.name &&
    draft.description === record.description &&
    draft.timeoutMs === record.timeoutMs &&
    draft.maxRetries === record.maxRetries &&
    draft.onDependencyFailure === record.onDependencyFailure &&
    draft.idempotencyKey === record.idempotencyKey &&
    askedPriority(draft) === asked.priority &&
    draft.delayMs === asked.delayMs &&
    (asked.delayMs !== null || (draft.runAtMs ?? record.createdAtMs) === asked.dueAtMs) &&
    draft.dependencies.length === record.dependencies.length &&
    draft.dependencies.every((id, at) => id === record.dependencies[at]) &&
    isSameJson(draft.payload, record.payload) &&
    isSameJson(draft.labels, record.labels)
  )
}

/** Why a submit meets `task_conflict`. Who may see only its own tasks is told of no other. */
export function conflictDetail(draft: TaskDraft, existingId: TaskId): string {
  if (existingId === draft.id) return `A task with the id '${draft.id}' exists and has other content.`
  const owner = draft.isOwnOnly ? 'another task' : `task ${existingId}`
  return `The idempotency key '${draft.idempotencyKey}' belongs to ${owner}, which has other content.`
}

function isSameJson(one: JsonText | null, other: JsonText | null): boolean {
  if (one === other) return true
  if (one === null || other === null) return false
  return canonical(JSON.parse(one)) === canonical(JSON.parse(other))
}

// Depth is bounded at the door, so the recursion is too.
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
    return `{${entries.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`
  }
  return JSON.stringify(value)
}
