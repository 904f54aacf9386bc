import type { TaskState } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import type { TaskDraft, TaskId } from '../../core/task.ts'
import type { SubmitGroup, SubmitVerdict } from '../../ports/store.ts'
import { dependencyError, endTask, isSatisfied } from './dependencies.ts'
import { insert, type Placed, place } from './insert.ts'
import { conflict, type Existing, existingReceipt, findExisting, type Refusal, receiptOf, refusal } from './repeats.ts'
import { number, state } from './rows.ts'
import type { Transaction } from './session.ts'

/** A draft of the group, and what was found of it: the task that it repeats, or the one that it becomes. */
type Member =
  | { readonly kind: 'existing'; readonly draft: TaskDraft; readonly number: number }
  | { readonly kind: 'new'; readonly draft: TaskDraft; readonly number: number; readonly parents: readonly Parent[] }

type NewMember = Extract<Member, { kind: 'new' }>

interface Parent {
  readonly number: number
  readonly id: TaskId
  readonly position: number
  /** Null: it is a member of the group, and new. */
  readonly state: TaskState | null
}

/**
 * Checks the whole group before it writes anything. A parent may stand later in the list than its child, so all rows
 * are written first, blocked where they wait, then all edges; only then are those cancelled whose parents had failed
 * before, so that the cascade finds every edge of the group.
 */
export function submitGraph(tx: Transaction, group: SubmitGroup): SubmitVerdict {
  const members = examine(tx, group)
  if (!Array.isArray(members)) return members
  const inner = new Set(
    members.flatMap(member => (member.kind === 'new' ? member.parents.map(each => each.number) : [])),
  )
  const fresh = members.filter(member => member.kind === 'new')
  const places = new Map(fresh.map(member => [member, write(tx, member, inner.has(member.number))]))
  for (const member of fresh) connect(tx, member)
  for (const [member, placed] of places) cancelWhereHeld(tx, member, placed)
  const receipts = members.map(member => {
    const placed = member.kind === 'new' ? places.get(member) : undefined
    if (placed === undefined) return existingReceipt(tx, member.number)
    return receiptOf(tx, member.draft, placed, state(tx.sql.stateOf.get(member.number)?.[0]))
  })
  return { kind: 'accepted', receipts }
}

function examine(tx: Transaction, group: SubmitGroup): Member[] | Refusal {
  const groupFirstNumber = tx.session.nextNumber
  const found = findMembers(tx, group, groupFirstNumber)
  const members: Member[] = []
  for (const [index, draft] of group.drafts.entries()) {
    const own = found[index]
    assert(own !== undefined, 'every draft was looked for')
    if (own.kind === 'refused') return conflict(draft, own.by, index)
    if (own.kind === 'existing') {
      members.push({ kind: 'existing', draft, number: own.number })
      continue
    }
    const parents = findParents(tx, draft, own.inGroup)
    if (typeof parents === 'string') {
      const detail = `Task ${draft.id} depends on '${parents}', which does not exist; submit the parent first or in the same batch.`
      return refusal('dependency_unknown', detail, index)
    }
    members.push({ kind: 'new', draft, number: own.number, parents })
  }
  return members
}

type Found = Existing | { readonly kind: 'new'; readonly number: number; readonly inGroup: ReadonlyMap<TaskId, number> }

/** Gives numbers to those that are new, so that parents later in the list can be named. */
function findMembers(tx: Transaction, group: SubmitGroup, firstNumber: number): readonly Found[] {
  const inGroup = new Map<TaskId, number>()
  const keys = new Map<string, TaskId>()
  let next = firstNumber
  return group.drafts.map((draft): Found => {
    const existing = findExisting(tx, draft, firstNumber)
    if (existing !== null) return existing
    const twin = inGroup.has(draft.id) ? draft.id : keys.get(draft.idempotencyKey ?? '')
    if (twin !== undefined) return { kind: 'refused', by: twin }
    const own = next
    next += 1
    inGroup.set(draft.id, own)
    if (draft.idempotencyKey !== null) keys.set(draft.idempotencyKey, draft.id)
    return { kind: 'new', number: own, inGroup }
  })
}

/** Distinct parents with the position of their first mention, or the id that does not exist. */
function findParents(
  tx: Transaction,
  draft: TaskDraft,
  inGroup: ReadonlyMap<TaskId, number>,
): readonly Parent[] | TaskId {
  const parents = new Map<TaskId, Parent>()
  for (const [position, id] of draft.dependencies.entries()) {
    if (parents.has(id)) continue
    const inner = inGroup.get(id)
    const row = inner === undefined ? tx.sql.taskById.get(id) : undefined
    if (inner === undefined && row === undefined) return id
    const parentNumber = inner ?? number(row?.[0])
    parents.set(id, { number: parentNumber, id, position, state: row === undefined ? null : state(row[1]) })
  }
  return [...parents.values()]
}

function isOver(parent: Parent): boolean {
  return parent.state === 'completed' || parent.state === 'failed' || parent.state === 'cancelled'
}

function holdingParent(draft: TaskDraft, parents: readonly Parent[]): Parent | undefined {
  return parents.find(
    ({ state: of }) => (of === 'failed' || of === 'cancelled') && !isSatisfied(draft.onDependencyFailure, of),
  )
}

function write(tx: Transaction, member: NewMember, hasDependents: boolean): Placed {
  const { draft, parents } = member
  const waitingCount = parents.filter(parent => !isOver(parent)).length
  const isBlocked = waitingCount > 0 || holdingParent(draft, parents) !== undefined
  const free = place(tx, draft, member.number)
  assert(free.number === tx.session.nextNumber, 'numbers are taken in the order of the list')
  const placed: Placed = isBlocked ? { ...free, state: 'blocked' } : free
  const isWritten = insert(tx, draft, placed, { waitingCount, hasDependents })
  assert(isWritten, 'neither the id nor the key existed a moment ago')
  tx.counters.add(placed.lane, placed.state, 1)
  return placed
}

/** One row an entry; an entry that names a parent again is kept for the record and holds nothing. */
function connect(tx: Transaction, member: NewMember): void {
  const { draft } = member
  const byId = new Map(member.parents.map(parent => [parent.id, parent]))
  for (const [position, id] of draft.dependencies.entries()) {
    const parent = byId.get(id)
    assert(parent !== undefined, 'every parent was found')
    const isRepeat = parent.position !== position
    const resolved = isRepeat || isOver(parent) ? 1 : 0
    tx.sql.insertEdge.run(
      member.number,
      position,
      parent.number,
      id,
      draft.onDependencyFailure,
      resolved,
      isRepeat ? 1 : 0,
    )
    if (!isRepeat && parent.state !== null) markDependents(tx, parent)
  }
}

function markDependents(tx: Transaction, parent: Parent): void {
  tx.sql.markDependents.run(parent.number)
  const lease = tx.liveLeases.get(parent.id)
  if (lease !== undefined) lease.hasDependents = true
}

/** Accepted and cancelled at once: a parent had failed before, and the edge says cancel. */
function cancelWhereHeld(tx: Transaction, { draft, parents }: NewMember, placed: Placed): void {
  const parent = holdingParent(draft, parents)
  if (parent === undefined || (parent.state !== 'failed' && parent.state !== 'cancelled')) return
  const moved = tx.sql.cancelBlocked.run(dependencyError(parent.id, parent.state), tx.nowMs, placed.number)
  // A cascade from an earlier member of the group may have ended it already.
  if (moved.changes === 0) return
  const { number: own, lane, runAtMs } = placed
  const dueAtMs = runAtMs ?? tx.nowMs
  const ending = {
    number: own,
    id: draft.id,
    lane,
    from: 'blocked',
    dueAtMs,
    startedAtMs: null,
    hasDependents: true,
  } as const
  endTask(tx, ending, 'cancelled')
}
