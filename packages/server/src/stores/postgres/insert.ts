import type { TaskState } from '@tasklane/protocol'
import { waitingState } from '../../core/dependency.ts'
import { rankOf } from '../../core/rank.ts'
import { askedPriority, type TaskDraft, type WorkerId } from '../../core/task.ts'
import { RunAgain, type SqlRow } from './database.ts'
import type { Lanes } from './lanes.ts'
import { number, text } from './rows.ts'
import { type Ground, noteRank, type Transaction } from './session.ts'
import { statements as sql } from './statements.ts'

/** Where a new task stands. */
export interface Placed {
  readonly lane: number
  readonly state: TaskState
  readonly runAtMs: number | null
}

export interface NewRow {
  readonly draft: TaskDraft
  readonly placed: Placed
  readonly waitingCount: number
  readonly hasDependents: boolean
  /** Of a task that is handed out at once. */
  readonly lease: NewLease | null
}

/** The lease of a task that is claimed in the same breath: its first. */
export interface NewLease {
  readonly workerId: WorkerId
  readonly untilMs: number
}

/** Where it stands if it waits for no parent. */
export function place(tx: Pick<Transaction, 'lanes' | 'nowMs'>, draft: TaskDraft): Placed {
  const runAtMs = draft.delayMs === null ? draft.runAtMs : tx.nowMs + draft.delayMs
  return { lane: laneOf(tx.lanes, draft), state: waitingState(runAtMs, tx.nowMs), runAtMs }
}

function laneOf(lanes: Lanes, draft: TaskDraft): number {
  const lane = lanes.find(draft.queue, draft.type)
  // The lanes of all drafts were made before; the server may have become another one since.
  if (lane === undefined) throw new RunAgain()
  return lane.id
}

/** What was written: the number of each row by its id. Fewer than the rows where an id or a key exists. */
export type Numbers = ReadonlyMap<string, number>

export async function insertMany(tx: Transaction, rows: readonly NewRow[]): Promise<Numbers> {
  if (!rows.every(row => isPlain(row.draft) && isFree(row))) return toNumbers(await insertAny(tx, rows))
  return insertPlain(tx, tx.nowMs, rows)
}

function toNumbers(rows: readonly SqlRow[]): Numbers {
  return new Map(rows.map(row => [text(row[1]), number(row[0])]))
}

/** Takes back what was just written. */
export async function undo(tx: Transaction, numbers: readonly number[]): Promise<void> {
  if (numbers.length > 0) await tx.connection.run(sql.deleteTasks, numbers)
}

/** Counts new tasks, and tells of queues that have their first one. */
export function welcome(tx: Transaction, rows: readonly NewRow[]): void {
  const fresh = new Set<string>()
  for (const { draft, placed, lease } of rows) {
    tx.counters.add(placed.lane, lease === null ? placed.state : 'running', 1)
    if (lease === null && placed.state === 'pending') {
      noteRank(tx, placed.lane, rankOf(placed.runAtMs ?? tx.nowMs, draft.priority, tx.headStartMs))
    }
    if (!tx.lanes.queues.has(draft.queue) && !tx.newQueues.has(draft.queue)) fresh.add(draft.queue)
  }
  if (fresh.size === 0) return
  tx.later(tx.connection.run(sql.insertQueues, [...fresh].sort()))
  for (const queue of fresh) tx.newQueues.add(queue)
}

/** Says no more than what `insertPlainTasks` writes: it is pending at once. */
export function isPlain(draft: TaskDraft): boolean {
  return (
    draft.dependencies.length === 0 &&
    draft.runAtMs === null &&
    draft.delayMs === null &&
    draft.idempotencyKey === null &&
    draft.name === null &&
    draft.labels === null &&
    draft.description === null
  )
}

function isFree({ placed, waitingCount, hasDependents }: NewRow): boolean {
  return placed.state === 'pending' && waitingCount === 0 && !hasDependents
}

/** @param nowMs null: the database's clock */
export async function insertPlain(
  { connection, lanes, headStartMs }: Ground,
  nowMs: number | null,
  rows: readonly { readonly draft: TaskDraft; readonly lease: NewLease | null }[],
): Promise<Numbers> {
  const written = await connection.rows(
    sql.insertPlainTasks,
    nowMs,
    headStartMs,
    rows.map(row => row.draft.id),
    rows.map(row => laneOf(lanes, row.draft)),
    rows.map(row => row.draft.priority),
    rows.map(row => row.draft.prioritySource),
    rows.map(row => row.draft.timeoutMs),
    rows.map(row => row.draft.maxRetries),
    rows.map(row => askedPriority(row.draft)),
    rows.map(row => row.draft.onDependencyFailure),
    rows.map(row => row.draft.trace),
    rows.map(row => row.draft.payload),
    rows.map(row => row.draft.submittedBy),
    rows.map(row => row.lease?.workerId ?? null),
    rows.map(row => row.lease?.untilMs ?? null),
  )
  return toNumbers(written)
}

function insertAny(tx: Transaction, rows: readonly NewRow[]): ReturnType<typeof tx.connection.rows> {
  const list = rows.map(({ draft, placed, waitingCount, hasDependents }) => {
    const dueAtMs = placed.runAtMs ?? tx.nowMs
    return {
      id: draft.id,
      lane: placed.lane,
      state: placed.state,
      rank: rankOf(dueAtMs, draft.priority, tx.headStartMs),
      due_at: dueAtMs,
      priority: draft.priority,
      priority_source: draft.prioritySource,
      run_at: placed.runAtMs,
      waiting_count: waitingCount,
      parent_count: draft.dependencies.length,
      has_dependents: hasDependents,
      timeout_ms: draft.timeoutMs,
      max_retries: draft.maxRetries,
      delay_ms: draft.delayMs,
      asked_priority: askedPriority(draft),
      policy: draft.onDependencyFailure,
      idempotency_key: draft.idempotencyKey,
      submitted_by: draft.submittedBy,
      trace: draft.trace,
      name: draft.name,
      labels: draft.labels,
      payload: draft.payload,
      description: draft.description,
    }
  })
  return tx.connection.rows(sql.insertTasks, tx.nowMs, JSON.stringify(list))
}
