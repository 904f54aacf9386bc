import type { ProblemCode, TaskState } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import { conflictDetail, isSameContent, type TaskDraft, type TaskId } from '../../core/task.ts'
import type { SubmitReceipt, SubmitVerdict } from '../../ports/store.ts'
import type { Placed } from './insert.ts'
import { number, numberOrNull, text } from './rows.ts'
import { readRecord, type Transaction } from './session.ts'

/** What a submit is answered: the receipt of a new task, the first task that it repeats, or the one that stands in its way. */

export type Refusal = Extract<SubmitVerdict, { kind: 'refused' }>

export type Existing =
  | { readonly kind: 'existing'; readonly number: number }
  | { readonly kind: 'refused'; readonly by: TaskId }

/** The first task of this id or key, or the one that stands in the way. An id is looked at before a key. */
export function findExisting(tx: Transaction, draft: TaskDraft, groupFirstNumber: number): Existing | null {
  const byId = tx.sql.taskById.get(draft.id)
  const byKey = draft.idempotencyKey === null ? undefined : tx.sql.taskByKey.get(draft.idempotencyKey)
  const found = byId ?? byKey
  if (found === undefined) return null
  const own = number(found[0])
  const isKeyOfAnother = byKey !== undefined && number(byKey[0]) !== own
  // Two tasks of one group under one key are a mistake, not a repeat.
  const isTwin = byId === undefined && own >= groupFirstNumber
  if (isKeyOfAnother || isTwin || !isRepeat(tx, draft, own)) {
    return { kind: 'refused', by: (byId === undefined ? text(byKey?.[1]) : draft.id) as TaskId } // Written from a TaskId.
  }
  return { kind: 'existing', number: own }
}

function isRepeat(tx: Transaction, draft: TaskDraft, own: number): boolean {
  const row = tx.sql.askedOf.get(own)
  assert(row !== undefined, 'the task was found in this transaction')
  const asked = { priority: numberOrNull(row[0]), delayMs: numberOrNull(row[1]), dueAtMs: number(row[2]) }
  return isSameContent(draft, recordOf(tx, own), asked)
}

function recordOf(tx: Transaction, own: number): ReturnType<typeof readRecord> {
  const row = tx.reads.recordByNumber.get(own)
  assert(row !== undefined, 'the task was found in this transaction')
  return readRecord(tx, row)
}

export function conflict(draft: TaskDraft, existingId: TaskId, index: number): Refusal {
  return refusal('task_conflict', conflictDetail(draft, existingId), index)
}

export function refusal(code: ProblemCode, detail: string, index: number): Refusal {
  return { kind: 'refused', code, detail, index }
}

export function receiptOf(tx: Transaction, draft: TaskDraft, placed: Placed, current: TaskState): SubmitReceipt {
  const { number: own, runAtMs } = placed
  const error = current === 'cancelled' ? recordOf(tx, own).error : null
  return { taskId: draft.id, number: own, state: current, createdAtMs: tx.nowMs, runAtMs, error, existing: null }
}

export function existingReceipt(tx: Transaction, own: number): SubmitReceipt {
  const existing = recordOf(tx, own)
  const { id, state: current, createdAtMs, runAtMs } = existing
  return { taskId: id, number: own, state: current, createdAtMs, runAtMs, error: null, existing }
}
