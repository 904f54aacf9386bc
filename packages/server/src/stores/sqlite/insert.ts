import type { TaskState } from '@tasklane/protocol'
import { waitingState } from '../../core/dependency.ts'
import { rankOf } from '../../core/rank.ts'
import { askedPriority, type TaskDraft, type WorkerId } from '../../core/task.ts'
import type { SqlValue, Statement } from './database.ts'
import type { Transaction } from './session.ts'
import { tasksPerInsert } from './statements.ts'

/** How new rows are written: one, or many by statements of `tasksPerInsert` rows. */

/**
 * A payload above this many characters is kept beside the row, since every transition rewrites the row: claim and settle
 * of a task with 1 MiB would each write 1 MiB again. Below it, a second insert costs more than it saves.
 */
const payloadInRowCharsMax = 2_048

/** Where a new task stands before its parents are known. */
export interface Placed {
  readonly number: number
  readonly lane: number
  readonly state: TaskState
  readonly runAtMs: number | null
}

export interface Parentage {
  readonly waitingCount: number
  readonly hasDependents: boolean
}

export const plain: Parentage = Object.freeze({ waitingCount: 0, hasDependents: false })

export function place(tx: Transaction, draft: TaskDraft, own: number): Placed {
  const runAtMs = draft.delayMs === null ? draft.runAtMs : tx.nowMs + draft.delayMs
  const lane = tx.lanes.ensure(draft.queue, draft.type).id
  return { number: own, lane, state: waitingState(runAtMs, tx.nowMs), runAtMs }
}

/** Returns whether the row was written; its number is taken only then. */
export function insert(tx: Transaction, draft: TaskDraft, placed: Placed, parentage: Parentage): boolean {
  const values: SqlValue[] = []
  pushColumns(values, tx, draft, placed, parentage)
  if (tx.sql.insertTask.run(...values).changes === 0) return false
  keepApart(tx, draft, placed)
  tx.session.nextNumber = placed.number + 1
  return true
}

/** The lease of a task that is claimed in the same breath: its first. */
export interface NewLease {
  readonly workerId: WorkerId
  readonly untilMs: number
}

export interface NewRow {
  readonly draft: TaskDraft
  readonly placed: Placed
  readonly parentage: Parentage
  /** Of a task that is handed out at once. */
  readonly lease: NewLease | null
}

/** Returns whether all rows were written; if not, some may have been. Their numbers are the next ones, in this order. */
export function insertMany(tx: Transaction, rows: readonly NewRow[]): boolean {
  const bare = createRows(tx.sql.insertBareTask, tx.sql.insertBareTasks, tasksPerInsert)
  const waiting = createRows(tx.sql.insertTask, tx.sql.insertTasks, tasksPerInsert)
  const leased = createRows(tx.sql.insertLeasedTask, tx.sql.insertLeasedTasks, tasksPerInsert)
  for (const { draft, placed, parentage, lease } of rows) {
    const into = lease !== null ? leased : isBare(draft, placed, parentage) ? bare : waiting
    if (lease !== null) {
      pushColumns(into.values, tx, draft, { ...placed, state: 'running' }, parentage)
      into.values.push(firstEpoch, firstEpoch, lease.workerId, lease.untilMs, tx.nowMs)
    } else if (into === bare) pushBareColumns(into.values, tx, draft, placed)
    else pushColumns(into.values, tx, draft, placed, parentage)
    if (!into.endRow()) return false
  }
  if (!bare.flush() || !waiting.flush() || !leased.flush()) return false
  for (const { draft, placed } of rows) keepApart(tx, draft, placed)
  tx.session.nextNumber += rows.length
  return true
}

/** Of an attempt, too. */
const firstEpoch = 1

/** Gathers the values of rows until they fill a statement. Its methods tell whether every row was written. */
export function createRows(one: Statement, many: Statement, rowsOfMany: number) {
  const values: SqlValue[] = []
  let rows = 0
  return {
    values,
    endRow(): boolean {
      rows += 1
      if (rows < rowsOfMany) return true
      const { changes } = many.run(...values)
      rows = 0
      values.length = 0
      return changes === rowsOfMany
    },
    flush(): boolean {
      const width = values.length / rows
      for (let from = 0; from < values.length; from += width) {
        if (one.run(...values.slice(from, from + width)).changes === 0) return false
      }
      return true
    },
  }
}

/** The values of one row of `insertTasks`. */
function pushColumns(
  values: SqlValue[],
  tx: Transaction,
  draft: TaskDraft,
  placed: Placed,
  parentage: Parentage,
): void {
  const dueAtMs = placed.runAtMs ?? tx.nowMs
  const isApart = isPayloadApart(draft)
  values.push(
    placed.number,
    draft.id,
    placed.lane,
    placed.state,
    rankOf(dueAtMs, draft.priority, tx.headStartMs),
    dueAtMs,
    draft.priority,
    draft.prioritySource,
    tx.nowMs,
    placed.runAtMs,
    parentage.waitingCount,
    draft.dependencies.length,
    parentage.hasDependents ? 1 : 0,
    draft.timeoutMs,
    draft.maxRetries,
    draft.delayMs,
    askedPriority(draft),
    draft.onDependencyFailure,
    isApart ? 1 : 0,
    draft.idempotencyKey,
    draft.submittedBy,
    draft.trace,
    draft.name,
    draft.labels,
    isApart ? null : draft.payload,
    draft.description,
  )
}

/** Nothing is said but what `insertBareTasks` writes. */
function isBare(draft: TaskDraft, { runAtMs }: Placed, parentage: Parentage): boolean {
  return (
    parentage === plain &&
    runAtMs === null &&
    draft.idempotencyKey === null &&
    draft.submittedBy === null &&
    draft.name === null &&
    draft.labels === null &&
    draft.description === null &&
    !isPayloadApart(draft)
  )
}

/** The values of one row of `insertBareTasks`. */
function pushBareColumns(values: SqlValue[], tx: Transaction, draft: TaskDraft, placed: Placed): void {
  values.push(
    placed.number,
    draft.id,
    placed.lane,
    placed.state,
    rankOf(tx.nowMs, draft.priority, tx.headStartMs),
    tx.nowMs,
    draft.priority,
    draft.prioritySource,
    tx.nowMs,
    draft.timeoutMs,
    draft.maxRetries,
    askedPriority(draft),
    draft.onDependencyFailure,
    draft.trace,
    draft.payload,
  )
}

function isPayloadApart({ payload }: TaskDraft): boolean {
  return payload !== null && payload.length > payloadInRowCharsMax
}

function keepApart(tx: Transaction, draft: TaskDraft, placed: Placed): void {
  if (isPayloadApart(draft)) tx.sql.insertPayload.run(placed.number, draft.payload)
}

/** The group is the newest there is, so everything from its first number on is its own. */
export function undo(tx: Transaction, firstNumber: number): void {
  tx.sql.undoTasks.run(firstNumber)
  tx.sql.undoPayloads.run(firstNumber)
  tx.session.nextNumber = firstNumber
}
