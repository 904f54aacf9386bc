import type { TaskState } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import { dependencyError, isSatisfied } from '../../core/dependency.ts'
import type { JsonText, TaskDraft, TaskId } from '../../core/task.ts'
import type { SubmitGroup, SubmitReceipt, SubmitVerdict } from '../../ports/store.ts'
import { RunAgain } from './database.ts'
import { endTask } from './dependencies.ts'
import { insertMany, type NewRow, type Placed, place, welcome } from './insert.ts'
import {
  conflict,
  existingReceipt,
  findExisting,
  type Named,
  type Refusal,
  type Repeated,
  readNamed,
  readRepeated,
  refusal,
} from './repeats.ts'
import { type HeldTask, isFinished, keep, number, state } from './rows.ts'
import type { Transaction } from './session.ts'
import { statements as sql } from './statements.ts'

/** A draft of the group, and what was found of it: the task that it repeats, or the one that it becomes. */
type Member =
  | { readonly kind: 'existing'; readonly draft: TaskDraft; readonly number: number }
  | { readonly kind: 'new'; readonly draft: TaskDraft; readonly parents: readonly Parent[] }

type NewMember = Extract<Member, { kind: 'new' }>

interface Parent {
  readonly id: TaskId
  readonly position: number
  /** Null: it is a member of the group, and new. */
  readonly outer: { readonly number: number; readonly state: TaskState } | null
}

/**
 * One group, whatever it holds: edges, repeats, twins. The whole group is checked before anything is written. A parent
 * may stand later in the list than its child, so all rows are written first, blocked where they wait, then all edges;
 * only then are those cancelled whose parents had failed before, so that the cascade finds every edge of the group.
 *
 * Parents outside the group are held until the commit: one that ends meanwhile waits, and then finds its new edges.
 */
export async function submitGroup(tx: Transaction, group: SubmitGroup): Promise<SubmitVerdict> {
  // An earlier group of this exchange may have members that fell at once; the table is asked what this one names.
  await tx.hand.flush(tx.connection)
  const named = await readNamed(tx, group)
  const repeats = group.drafts.flatMap(draft => {
    const found = named.byId.get(draft.id) ?? named.byKey.get(draft.idempotencyKey ?? '')
    return found === undefined ? [] : [found.number]
  })
  const repeated = await readRepeated(tx, repeats)
  const members = examine(group, named, repeated)
  if (!Array.isArray(members)) return members
  const fresh = await holdParents(
    tx,
    members.filter(member => member.kind === 'new'),
  )
  const written = fresh.length === 0 ? nothing : await write(tx, fresh)
  const receipts = members.map((member): SubmitReceipt => {
    if (member.kind === 'existing') return existingReceipt(repeated, member.number)
    const receipt = written.get(member.draft.id)
    assert(receipt !== undefined, 'every new member was written')
    return receipt
  })
  return { kind: 'accepted', receipts }
}

const nothing: ReadonlyMap<TaskId, SubmitReceipt> = new Map()

function examine(group: SubmitGroup, named: Named, repeated: Repeated): Member[] | Refusal {
  const inGroup = new Set<TaskId>()
  const keys = new Map<string, TaskId>()
  const found = group.drafts.map((draft): ReturnType<typeof findExisting> => {
    const existing = findExisting(draft, named, repeated)
    if (existing !== null) return existing
    // Two tasks of one group under one id or key are a mistake, not a repeat.
    const twin = inGroup.has(draft.id) ? draft.id : keys.get(draft.idempotencyKey ?? '')
    if (twin !== undefined) return { kind: 'refused', by: twin }
    inGroup.add(draft.id)
    if (draft.idempotencyKey !== null) keys.set(draft.idempotencyKey, draft.id)
    return null
  })
  const members: Member[] = []
  for (const [index, draft] of group.drafts.entries()) {
    const own = found[index] ?? null
    if (own?.kind === 'refused') return conflict(draft, own.by, index)
    if (own?.kind === 'existing') {
      members.push({ kind: 'existing', draft, number: own.number })
      continue
    }
    const parents = findParents(draft, inGroup, named)
    if (typeof parents === 'string') {
      const detail = `Task ${draft.id} depends on '${parents}', which does not exist; submit the parent first or in the same batch.`
      return refusal('dependency_unknown', detail, index)
    }
    members.push({ kind: 'new', draft, parents })
  }
  return members
}

/** Distinct parents with the position of their first mention, or the id that does not exist. */
function findParents(draft: TaskDraft, inGroup: ReadonlySet<TaskId>, named: Named): readonly Parent[] | TaskId {
  const parents = new Map<TaskId, Parent>()
  for (const [position, id] of draft.dependencies.entries()) {
    if (parents.has(id)) continue
    const outer = inGroup.has(id) ? null : named.byId.get(id)
    if (outer === undefined) return id
    parents.set(id, { id, position, outer })
  }
  return [...parents.values()]
}

/** The members with their outer parents' states as they are while nobody else can change them. */
async function holdParents(tx: Transaction, members: readonly NewMember[]): Promise<readonly NewMember[]> {
  const numbers = new Set(
    members.flatMap(member => member.parents.flatMap(({ outer }) => (outer === null ? [] : [outer.number]))),
  )
  if (numbers.size === 0) return members
  await tx.connection.run(sql.markDependents, [...numbers])
  const rows = await tx.connection.rows(sql.shareParents, [...numbers])
  // One was removed since it was found: then it does not exist, or not any more, and the group is looked at anew.
  if (rows.length < numbers.size) throw new RunAgain()
  const states = new Map(rows.map(row => [number(row[0]), state(row[1])]))
  for (const own of numbers) {
    const held = tx.hand.byNumber(own)
    if (held !== undefined) held.hasDependents = true
  }
  return members.map(member => ({
    ...member,
    parents: member.parents.map(parent => {
      if (parent.outer === null) return parent
      return { ...parent, outer: { ...parent.outer, state: states.get(parent.outer.number) ?? parent.outer.state } }
    }),
  }))
}

function isOver({ outer }: Parent): boolean {
  return outer !== null && isFinished(outer.state)
}

function holdingParent({ draft, parents }: NewMember): { readonly error: JsonText } | null {
  for (const { id, outer } of parents) {
    if (outer === null || !isFinished(outer.state) || isSatisfied(draft.onDependencyFailure, outer.state)) continue
    return { error: dependencyError(id, outer.state) }
  }
  return null
}

async function write(tx: Transaction, members: readonly NewMember[]): Promise<ReadonlyMap<TaskId, SubmitReceipt>> {
  const inner = new Set(
    members.flatMap(member => member.parents.flatMap(({ id, outer }) => (outer === null ? [id] : []))),
  )
  const held = new Map<TaskId, JsonText>()
  const rows = members.map((member): NewRow => {
    const { draft, parents } = member
    const waitingCount = parents.filter(parent => !isOver(parent)).length
    const holding = holdingParent(member)
    if (holding !== null) held.set(draft.id, holding.error)
    const free = place(tx, draft)
    const placed: Placed = waitingCount > 0 || holding !== null ? { ...free, state: 'blocked' } : free
    return { draft, placed, waitingCount, hasDependents: inner.has(draft.id), lease: null }
  })
  const numbers = await insertMany(tx, rows)
  // Another submit brought one of these ids or keys since they were looked for.
  if (numbers.size < rows.length) throw new RunAgain()
  welcome(tx, rows)
  await connect(tx, members, numbers)
  if (held.size > 0) await cancelHeld(tx, rows, numbers, held)
  return new Map(rows.map(row => [row.draft.id, receiptOf(tx, row, numbers, held.size > 0)]))
}

function numberIn(numbers: ReadonlyMap<string, number>, id: TaskId): number {
  const own = numbers.get(id)
  assert(own !== undefined, 'every row was written')
  return own
}

/** One row an entry; an entry that names a parent again is kept for the record and holds nothing. */
async function connect(
  tx: Transaction,
  members: readonly NewMember[],
  numbers: ReadonlyMap<string, number>,
): Promise<void> {
  const children: number[] = []
  const positions: number[] = []
  const parentNumbers: number[] = []
  const parentIds: string[] = []
  const policies: string[] = []
  const resolved: string[] = []
  const repeats: string[] = []
  for (const { draft, parents } of members) {
    const byId = new Map(parents.map(parent => [parent.id, parent]))
    for (const [position, id] of draft.dependencies.entries()) {
      const parent = byId.get(id)
      assert(parent !== undefined, 'every parent was found')
      const isRepeat = parent.position !== position
      children.push(numberIn(numbers, draft.id))
      positions.push(position)
      parentNumbers.push(parent.outer?.number ?? numberIn(numbers, id))
      parentIds.push(id)
      policies.push(draft.onDependencyFailure)
      resolved.push(isRepeat || isOver(parent) ? 'true' : 'false')
      repeats.push(isRepeat ? 'true' : 'false')
    }
  }
  if (children.length === 0) return
  await tx.connection.run(sql.insertEdges, children, positions, parentNumbers, parentIds, policies, resolved, repeats)
}

/** Accepted and cancelled at once: a parent had failed before, and the edge says cancel. */
async function cancelHeld(
  tx: Transaction,
  rows: readonly NewRow[],
  numbers: ReadonlyMap<string, number>,
  held: ReadonlyMap<TaskId, JsonText>,
): Promise<void> {
  await tx.hand.takeNumbers(tx.connection, [...numbers.values()])
  for (const { draft } of rows) {
    const error = held.get(draft.id)
    const task = tx.hand.byNumber(numberIn(numbers, draft.id))
    assert(task !== undefined, 'what was just written can be held')
    // A cascade from an earlier member of the group may have ended it already.
    if (error === undefined || task.state !== 'blocked') continue
    task.error = error
    await endTask(tx, task, 'cancelled')
  }
}

function errorOf(task: HeldTask): JsonText | null {
  return task.error === keep ? task.errorWritten : task.error
}

function receiptOf(
  tx: Transaction,
  { draft, placed }: NewRow,
  numbers: ReadonlyMap<string, number>,
  isAnyHeld: boolean,
): SubmitReceipt {
  const own = numberIn(numbers, draft.id)
  // One that was cancelled may have taken any other of the group along.
  const task: HeldTask | undefined = isAnyHeld ? tx.hand.byNumber(own) : undefined
  const current = task?.state ?? placed.state
  const error = task === undefined || current !== 'cancelled' ? null : errorOf(task)
  const { runAtMs } = placed
  return { taskId: draft.id, number: own, state: current, createdAtMs: tx.nowMs, runAtMs, error, existing: null }
}
