import { type DependencyPolicy, type PrioritySource, type TaskState, taskStates } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import { type JsonText, type TaskId, type TaskRecord, taskId, type WorkerId, workerId } from '../../core/task.ts'
import type { ClaimedTask, LeaseFacts, ParentRecord } from '../../ports/store.ts'
import type { SqlRow, SqlValue } from './database.ts'

/** The door from rows to values: what comes out of here has the type it claims, or the call fails as a fault of ours. */
export function text(value: SqlValue | undefined): string {
  assert(typeof value === 'string', 'the column holds text')
  return value
}

export function number(value: SqlValue | undefined): number {
  assert(typeof value === 'number', 'the column holds a number')
  return value
}

export function boolean(value: SqlValue | undefined): boolean {
  assert(typeof value === 'boolean', 'the column holds a truth value')
  return value
}

export function textOrNull(value: SqlValue | undefined): string | null {
  assert(value === null || typeof value === 'string', 'the column holds text or null')
  return value
}

export function numberOrNull(value: SqlValue | undefined): number | null {
  assert(value === null || typeof value === 'number', 'the column holds a number or null')
  return value
}

export function json(value: SqlValue | undefined): JsonText | null {
  return textOrNull(value) as JsonText | null // Only texts that were JSON at the door are written.
}

export function workerOrNull(value: SqlValue | undefined): WorkerId | null {
  return value === null ? null : workerId(text(value))
}

export function taskIdOf(value: SqlValue | undefined): TaskId {
  return taskId(text(value))
}

const statesByName: ReadonlyMap<SqlValue | undefined, TaskState> = new Map(taskStates.map(state => [state, state]))

export function state(value: SqlValue | undefined): TaskState {
  const known = statesByName.get(value)
  assert(known !== undefined, 'the column holds a state')
  return known
}

export function policy(value: SqlValue | undefined): DependencyPolicy {
  assert(value === 'cancel' || value === 'proceed', 'the column holds a policy')
  return value
}

export function prioritySource(value: SqlValue | undefined): PrioritySource {
  assert(value === 'declared' || value === 'predicted' || value === 'default', 'the column holds a source')
  return value
}

export interface LaneNames {
  readonly queue: string
  readonly type: string
}

/** A row of `recordColumns` and the lane that its third column names. */
export function toRecord(row: SqlRow, lane: LaneNames): TaskRecord {
  return {
    number: number(row[0]),
    id: taskId(text(row[1])),
    type: lane.type,
    queue: lane.queue,
    name: textOrNull(row[21]),
    description: textOrNull(row[26]),
    payload: json(row[24]),
    priority: number(row[4]),
    prioritySource: prioritySource(row[5]),
    dependencies: idsOf(row[28]),
    onDependencyFailure: policy(row[17]),
    timeoutMs: numberOrNull(row[15]),
    maxRetries: number(row[16]),
    runAtMs: numberOrNull(row[13]),
    labels: json(row[22]),
    idempotencyKey: textOrNull(row[18]),
    submittedBy: textOrNull(row[19]),
    trace: textOrNull(row[20]),
    state: state(row[3]),
    attempt: number(row[7]),
    crashes: number(row[8]),
    epoch: number(row[6]),
    workerId: workerOrNull(row[9]),
    createdAtMs: number(row[12]),
    startedAtMs: numberOrNull(row[10]),
    finishedAtMs: numberOrNull(row[14]),
    cancelRequestedAtMs: numberOrNull(row[11]),
    result: json(row[27]),
    error: json(row[25]),
    progress: json(row[23]),
  }
}

const none: readonly TaskId[] = Object.freeze([])

function idsOf(value: SqlValue | undefined): readonly TaskId[] {
  return value === null ? none : (JSON.parse(text(value)) as readonly TaskId[]) // Written from TaskIds.
}

/** Of a row of `recordColumns`. */
export function leaseUntilOf(row: SqlRow): number | null {
  return numberOrNull(row[29])
}

export interface Claimed {
  readonly lane: LaneNames
  readonly workerId: WorkerId
  readonly startedAtMs: number
  readonly dependencies: readonly TaskId[]
  readonly parents: readonly ParentRecord[] | null
}

/** A row of `claimedColumns`. */
export function toClaimedTask(row: SqlRow, claimed: Claimed): ClaimedTask {
  return {
    number: number(row[0]),
    id: taskId(text(row[1])),
    type: claimed.lane.type,
    queue: claimed.lane.queue,
    name: textOrNull(row[16]),
    description: textOrNull(row[20]),
    payload: json(row[18]),
    priority: number(row[3]),
    prioritySource: prioritySource(row[4]),
    dependencies: claimed.dependencies,
    onDependencyFailure: policy(row[12]),
    timeoutMs: numberOrNull(row[10]),
    maxRetries: number(row[11]),
    runAtMs: numberOrNull(row[9]),
    labels: json(row[17]),
    idempotencyKey: textOrNull(row[13]),
    submittedBy: textOrNull(row[14]),
    trace: textOrNull(row[15]),
    state: 'running',
    attempt: number(row[6]),
    crashes: number(row[7]),
    epoch: number(row[5]),
    workerId: claimed.workerId,
    createdAtMs: number(row[8]),
    startedAtMs: claimed.startedAtMs,
    finishedAtMs: null,
    cancelRequestedAtMs: null,
    result: null,
    error: json(row[19]),
    progress: null,
    leaseExpiresAtMs: number(row[21]),
    parents: claimed.parents,
  }
}

/** A row of `leaseColumns`. */
export function toLeaseFacts(row: SqlRow, nowMs: number): LeaseFacts {
  const startedAtMs = numberOrNull(row[6])
  const timeoutMs = numberOrNull(row[7])
  return {
    taskId: taskId(text(row[0])),
    epoch: number(row[1]),
    workerId: workerId(text(row[2])),
    attempt: number(row[3]),
    crashes: number(row[4]),
    maxRetries: number(row[5]),
    pastDeadline: startedAtMs !== null && timeoutMs !== null && startedAtMs + timeoutMs <= nowMs,
  }
}

/** A text that a statement does not touch: `keep`. */
export type TextChange = JsonText | null | typeof keep
export const keep: unique symbol = Symbol('keep')

/** A task's state while a transaction holds its row: what is changed here is written by `flush` (at-hand.ts). */
export interface HeldTask {
  readonly number: number
  readonly id: TaskId
  readonly lane: number
  /** As it stands in the table. */
  was: TaskState
  state: TaskState
  readonly epoch: number
  attempt: number
  crashes: number
  workerId: string | null
  leaseUntilMs: number | null
  startedAtMs: number | null
  cancelRequestedAtMs: number | null
  runAtMs: number | null
  readonly dueAtMs: number
  priority: number
  prioritySource: PrioritySource
  rank: number
  finishedAtMs: number | null
  endOutcome: string | null
  settledAs: string | null
  waitingCount: number
  hasDependents: boolean
  /** Of its own texts, as they stood in the table. */
  readonly bytes: number
  /** Cancelled because a parent failed: such a task may come back with its parent. */
  isCascaded: boolean
  error: TextChange
  result: TextChange
  progress: TextChange
  /** Set where this transaction ends the task as failed. */
  fingerprint: string | null
  /** The error that this transaction wrote last. */
  errorWritten: JsonText | null
}

/** A row of `stateColumns`. */
export function toHeldTask(row: SqlRow): HeldTask {
  return {
    number: number(row[0]),
    id: taskId(text(row[1])),
    lane: number(row[2]),
    was: state(row[3]),
    state: state(row[3]),
    epoch: number(row[4]),
    attempt: number(row[5]),
    crashes: number(row[6]),
    workerId: textOrNull(row[7]),
    leaseUntilMs: numberOrNull(row[8]),
    startedAtMs: numberOrNull(row[9]),
    cancelRequestedAtMs: numberOrNull(row[10]),
    runAtMs: numberOrNull(row[11]),
    dueAtMs: number(row[12]),
    priority: number(row[13]),
    prioritySource: prioritySource(row[14]),
    rank: number(row[15]),
    finishedAtMs: numberOrNull(row[16]),
    endOutcome: textOrNull(row[17]),
    settledAs: textOrNull(row[18]),
    waitingCount: number(row[19]),
    hasDependents: boolean(row[20]),
    bytes: number(row[22]),
    isCascaded: row[21] === '{"code":"dependency_failed"',
    error: keep,
    result: keep,
    progress: keep,
    fingerprint: null,
    errorWritten: null,
  }
}

export function isWaiting(task: Pick<HeldTask, 'state'>): boolean {
  return task.state === 'blocked' || task.state === 'scheduled' || task.state === 'pending'
}

export function isFinished(of: TaskState | null): of is 'completed' | 'failed' | 'cancelled' {
  return of === 'completed' || of === 'failed' || of === 'cancelled'
}
