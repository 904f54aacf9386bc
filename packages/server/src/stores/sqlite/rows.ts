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

function prioritySource(value: SqlValue | undefined): PrioritySource {
  assert(value === 'declared' || value === 'predicted' || value === 'default', 'the column holds a source')
  return value
}

/** A row of `recordColumns`, the lane that its third column names, and the ids of its parents. */
export function toRecord(
  row: SqlRow,
  lane: { readonly queue: string; readonly type: string },
  dependencies: readonly TaskId[],
): TaskRecord {
  return {
    number: number(row[0]),
    id: taskId(text(row[1])),
    type: lane.type,
    queue: lane.queue,
    name: textOrNull(row[25]),
    description: textOrNull(row[30]),
    payload: json(row[28]),
    priority: number(row[6]),
    prioritySource: prioritySource(row[7]),
    dependencies,
    onDependencyFailure: policy(row[21]),
    timeoutMs: numberOrNull(row[19]),
    maxRetries: number(row[20]),
    runAtMs: numberOrNull(row[16]),
    labels: json(row[26]),
    idempotencyKey: textOrNull(row[22]),
    submittedBy: textOrNull(row[23]),
    trace: textOrNull(row[24]),
    state: state(row[3]),
    attempt: number(row[9]),
    crashes: number(row[10]),
    epoch: number(row[8]),
    workerId: workerOrNull(row[11]),
    createdAtMs: number(row[15]),
    startedAtMs: numberOrNull(row[13]),
    finishedAtMs: numberOrNull(row[17]),
    cancelRequestedAtMs: numberOrNull(row[14]),
    result: json(row[31]),
    error: json(row[29]),
    progress: json(row[27]),
  }
}

/** A row of `candidateColumns`, and what a claim sorts by. */
export interface Candidate {
  readonly row: SqlRow
  /** In the order of the text that holds them. */
  readonly oddities: SqlRow
  readonly lane: { readonly id: number; readonly queue: string; readonly type: string }
  readonly number: number
  readonly rank: number
  readonly dueAtMs: number
  readonly priority: number
}

/** Of a task about which nothing was said that most tasks do without. */
const noOddities: SqlRow = Object.freeze([null, null, null, null, null, null, null, 0, 0, 0, 0, 0, 'cancel', 'default'])

export function toCandidate(row: SqlRow, lane: Candidate['lane']): Candidate {
  const oddities = textOrNull(row[10])
  return {
    row,
    oddities: oddities === null ? noOddities : (JSON.parse(oddities) as SqlRow), // An array of columns, by its statement.
    lane,
    number: number(row[0]),
    rank: number(row[2]),
    dueAtMs: number(row[3]),
    priority: number(row[4]),
  }
}

export interface Claimed {
  readonly workerId: WorkerId
  readonly startedAtMs: number
  readonly leaseExpiresAtMs: number
  readonly dependencies: readonly TaskId[]
  readonly parents: readonly ParentRecord[] | null
}

/** The task that a candidate has become by its claim, without reading it again. */
export function toClaimedTask(candidate: Candidate, claimed: Claimed): ClaimedTask {
  const { row, oddities, lane } = candidate
  return {
    number: candidate.number,
    id: taskId(text(row[1])),
    type: lane.type,
    queue: lane.queue,
    name: textOrNull(oddities[1]),
    description: textOrNull(oddities[6]),
    payload: json(row[9]),
    priority: candidate.priority,
    prioritySource: prioritySource(oddities[13]),
    dependencies: claimed.dependencies,
    onDependencyFailure: policy(oddities[12]),
    timeoutMs: numberOrNull(row[6]),
    maxRetries: number(row[7]),
    runAtMs: numberOrNull(oddities[0]),
    labels: json(oddities[2]),
    idempotencyKey: textOrNull(oddities[3]),
    submittedBy: textOrNull(oddities[4]),
    trace: textOrNull(row[8]),
    state: 'running',
    attempt: number(oddities[8]) + 1,
    crashes: number(oddities[9]),
    epoch: number(oddities[7]) + 1,
    workerId: claimed.workerId,
    createdAtMs: number(row[5]),
    startedAtMs: claimed.startedAtMs,
    finishedAtMs: null,
    cancelRequestedAtMs: null,
    result: null,
    error: json(oddities[5]),
    progress: null,
    leaseExpiresAtMs: claimed.leaseExpiresAtMs,
    parents: claimed.parents,
  }
}

export function timeoutOf({ row }: Candidate): number | null {
  return numberOrNull(row[6])
}

export function hasParents({ oddities }: Candidate): boolean {
  return oddities[10] !== 0
}

export function hasDependents({ oddities }: Candidate): boolean {
  return oddities[11] !== 0
}

/** A row of `settleColumns`. */
export interface SettleFacts {
  readonly number: number
  readonly lane: number
  readonly state: TaskState
  readonly epoch: number
  readonly workerId: string | null
  readonly leaseUntilMs: number | null
  readonly isMarked: boolean
  readonly attempt: number
  readonly dueAtMs: number
  readonly startedAtMs: number | null
  readonly hasDependents: boolean
  readonly endOutcome: string | null
  readonly settledAs: string | null
}

export function toSettleFacts(row: SqlRow): SettleFacts {
  return {
    number: number(row[0]),
    lane: number(row[1]),
    state: state(row[2]),
    epoch: number(row[3]),
    workerId: textOrNull(row[4]),
    leaseUntilMs: numberOrNull(row[5]),
    isMarked: row[6] !== null,
    attempt: number(row[7]),
    dueAtMs: number(row[8]),
    startedAtMs: numberOrNull(row[9]),
    hasDependents: row[10] !== 0,
    endOutcome: textOrNull(row[11]),
    settledAs: textOrNull(row[12]),
  }
}

/** A row of `leaseColumns` of a running task. */
export interface HeldRow {
  readonly number: number
  readonly id: TaskId
  readonly isRunning: boolean
  readonly epoch: number
  readonly workerId: string | null
  readonly leaseUntilMs: number
  readonly deadlineMs: number | null
  readonly cancelRequestedAtMs: number | null
}

export function toHeldRow(row: SqlRow): HeldRow {
  return {
    number: number(row[0]),
    id: taskId(text(row[1])),
    isRunning: row[2] === 'running',
    epoch: number(row[3]),
    workerId: textOrNull(row[4]),
    leaseUntilMs: numberOrNull(row[10]) ?? 0,
    deadlineMs: deadlineOf(row),
    cancelRequestedAtMs: numberOrNull(row[11]),
  }
}

export function toLeaseFacts(row: SqlRow, nowMs: number): LeaseFacts {
  const deadlineMs = deadlineOf(row)
  return {
    taskId: taskId(text(row[1])),
    epoch: number(row[3]),
    workerId: workerId(text(row[4])),
    attempt: number(row[5]),
    crashes: number(row[6]),
    maxRetries: number(row[7]),
    pastDeadline: deadlineMs !== null && deadlineMs <= nowMs,
  }
}

function deadlineOf(row: SqlRow): number | null {
  const startedAtMs = numberOrNull(row[8])
  const timeoutMs = numberOrNull(row[9])
  return startedAtMs === null || timeoutMs === null ? null : startedAtMs + timeoutMs
}
