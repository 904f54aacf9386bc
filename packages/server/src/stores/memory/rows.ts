import type { AttemptOutcome, DependencyPolicy } from '@tasklane/protocol'
import type { Asked, JsonText, TaskId, TaskRecord, WorkerId } from '../../core/task.ts'
import type { Lease, LeaseFacts, LogRecord, WorkerSettings } from '../../ports/store.ts'

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** A task as the model keeps it: the record itself, and what only the store needs. */
export interface Row extends Mutable<TaskRecord> {
  /** What was asked at submit, by which a repeated submit is known; `dueAtMs` is also what the rank is made of. */
  readonly asked: Asked
  readonly dueAtMs: number
  rank: number
  leaseUntilMs: number
  deadlineMs: number | null
  waitingCount: number
  readonly parents: Edge[]
  readonly children: Edge[]
  attempts: AttemptRow[]
  logs: LogRecord[]
}

export interface Edge {
  readonly child: Row
  /** Null once the parent was pruned. */
  parent: Row | null
  readonly parentId: TaskId
  readonly policy: DependencyPolicy
  /** The parent has ended and the child was told. Set exactly once, so that a child is released exactly once. */
  isResolved: boolean
}

export interface AttemptRow {
  attempt: number
  readonly epoch: number
  readonly workerId: WorkerId
  readonly startedAtMs: number
  endedAtMs: number | null
  outcome: AttemptOutcome
  error: JsonText | null
  /** What the worker itself said, by which a repeated settle is known; null while it runs or where another ended it. */
  settledAs: 'completed' | 'failed' | 'released' | 'cancelled' | null
}

export interface WorkerRow extends Mutable<WorkerSettings> {
  leaseMs: number
  isDraining: boolean
  systemInfo: JsonText | null
  registeredAtMs: number
  lastSeenAtMs: number
}

export interface ClaimRequestRow {
  readonly leases: readonly Lease[]
  readonly atMs: number
}

/** Parents that have ended, or were pruned, hold nothing back; the others are counted. */
export function countParents(row: Row): void {
  for (const edge of row.parents) edge.isResolved = edge.parent === null || edge.parent.finishedAtMs !== null
  row.waitingCount = row.parents.filter(edge => !edge.isResolved).length
}

export function isWaiting(row: Row): boolean {
  return row.state === 'blocked' || row.state === 'scheduled' || row.state === 'pending'
}

export function holds(row: Row, workerId: WorkerId, epoch: number | null): boolean {
  return row.state === 'running' && row.workerId === workerId && (epoch === null || row.epoch === epoch)
}

export function leaseFacts(row: Row, workerId: WorkerId, nowMs: number): LeaseFacts {
  return {
    taskId: row.id,
    epoch: row.epoch,
    workerId,
    attempt: row.attempt,
    crashes: row.crashes,
    maxRetries: row.maxRetries,
    pastDeadline: row.deadlineMs !== null && row.deadlineMs <= nowMs,
  }
}

export function toRecord(row: Row): TaskRecord {
  return {
    number: row.number,
    id: row.id,
    type: row.type,
    queue: row.queue,
    name: row.name,
    description: row.description,
    payload: row.payload,
    priority: row.priority,
    prioritySource: row.prioritySource,
    dependencies: row.dependencies,
    onDependencyFailure: row.onDependencyFailure,
    timeoutMs: row.timeoutMs,
    maxRetries: row.maxRetries,
    runAtMs: row.runAtMs,
    labels: row.labels,
    idempotencyKey: row.idempotencyKey,
    submittedBy: row.submittedBy,
    trace: row.trace,
    state: row.state,
    attempt: row.attempt,
    crashes: row.crashes,
    epoch: row.epoch,
    workerId: row.workerId,
    createdAtMs: row.createdAtMs,
    startedAtMs: row.startedAtMs,
    finishedAtMs: row.finishedAtMs,
    cancelRequestedAtMs: row.cancelRequestedAtMs,
    result: row.result,
    error: row.error,
    progress: row.progress,
  }
}
