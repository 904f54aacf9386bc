import type { ProblemCode, TaskState } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import {
  type Asked,
  conflictDetail,
  isSameContent,
  type TaskDraft,
  type TaskId,
  type TaskRecord,
} from '../../core/task.ts'
import type { SubmitGroup, SubmitReceipt, SubmitVerdict } from '../../ports/store.ts'
import { RunAgain } from './database.ts'
import { number, numberOrNull, state, taskIdOf, textOrNull, toRecord } from './rows.ts'
import { learnLanes, type Transaction } from './session.ts'
import { statements as sql } from './statements.ts'

/** What a submit is answered where it is not new: the first task that it repeats, or the one that stands in its way. */

export type Refusal = Extract<SubmitVerdict, { kind: 'refused' }>

export interface NamedTask {
  readonly number: number
  readonly id: TaskId
  readonly state: TaskState
}

/** Tasks that exist by the ids and the keys that a group names, those of its parents included. */
export interface Named {
  readonly byId: ReadonlyMap<TaskId, NamedTask>
  readonly byKey: ReadonlyMap<string, NamedTask>
}

export async function readNamed(tx: Transaction, group: SubmitGroup): Promise<Named> {
  const ids = new Set<TaskId>()
  const keys = new Set<string>()
  for (const { id, idempotencyKey, dependencies } of group.drafts) {
    ids.add(id)
    for (const parent of dependencies) ids.add(parent)
    if (idempotencyKey !== null) keys.add(idempotencyKey)
  }
  const rows = await tx.connection.rows(sql.namedTasks, [...ids], [...keys])
  const byId = new Map<TaskId, NamedTask>()
  const byKey = new Map<string, NamedTask>()
  for (const row of rows) {
    const named = { number: number(row[0]), id: taskIdOf(row[1]), state: state(row[3]) }
    if (ids.has(named.id)) byId.set(named.id, named)
    const key = textOrNull(row[2])
    if (key !== null && keys.has(key)) byKey.set(key, named)
  }
  return { byId, byKey }
}

/** By number, the records of tasks that a group repeats, with what was asked of them first. */
export type Repeated = ReadonlyMap<number, { readonly record: TaskRecord; readonly asked: Asked }>

export async function readRepeated(tx: Transaction, numbers: readonly number[]): Promise<Repeated> {
  if (numbers.length === 0) return new Map()
  const rows = await tx.connection.rows(sql.asked, numbers)
  // One was removed since it was found: then there is nothing to repeat any more, and the group is looked at anew.
  if (rows.length < new Set(numbers).size) throw new RunAgain()
  await learnLanes(
    tx,
    rows.map(row => number(row[2])),
  )
  return new Map(
    rows.map(row => {
      const record = toRecord(row, tx.lanes.byId(number(row[2])))
      const asked = { priority: numberOrNull(row[30]), delayMs: numberOrNull(row[31]), dueAtMs: number(row[32]) }
      return [record.number, { record, asked }]
    }),
  )
}

/** The task that the draft repeats; the id of the one in its way; null where it is new. An id is looked at before a key. */
export function findExisting(
  draft: TaskDraft,
  named: Named,
  repeated: Repeated,
): { readonly kind: 'existing'; readonly number: number } | { readonly kind: 'refused'; readonly by: TaskId } | null {
  const byId = named.byId.get(draft.id)
  const byKey = draft.idempotencyKey === null ? undefined : named.byKey.get(draft.idempotencyKey)
  const found = byId ?? byKey
  if (found === undefined) return null
  const first = repeated.get(found.number)
  assert(first !== undefined, 'every task that is repeated was read')
  const isKeyOfAnother = byKey !== undefined && byKey.number !== found.number
  if (isKeyOfAnother || !isSameContent(draft, first.record, first.asked)) return { kind: 'refused', by: found.id }
  return { kind: 'existing', number: found.number }
}

export function conflict(draft: TaskDraft, existingId: TaskId, index: number): Refusal {
  return refusal('task_conflict', conflictDetail(draft, existingId), index)
}

export function refusal(code: ProblemCode, detail: string, index: number): Refusal {
  return { kind: 'refused', code, detail, index }
}

export function existingReceipt(repeated: Repeated, own: number): SubmitReceipt {
  const existing = repeated.get(own)?.record
  assert(existing !== undefined, 'every task that is repeated was read')
  const { id, state: current, createdAtMs, runAtMs } = existing
  return { taskId: id, number: own, state: current, createdAtMs, runAtMs, error: null, existing }
}
