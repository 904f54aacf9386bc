import type { TaskState } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import { dependencyError, isSatisfied } from '../../core/dependency.ts'
import type { TaskDraft, TaskId } from '../../core/task.ts'
import type { SubmitGroup, SubmitVerdict } from '../../ports/store.ts'
import { endTask } from './dependencies.ts'
import { createRows, insertMany, type Placed, place } from './insert.ts'
import { conflict, type Existing, existingReceipt, findExisting, type Refusal, receiptOf, refusal } from './repeats.ts'
import { number, state, text } from './rows.ts'
import type { Transaction } from './session.ts'
import { edgesPerInsert } from './statements.ts'

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
  const places = write(tx, fresh, inner)
  connect(tx, fresh)
  const held = fresh.filter(member => holdingParent(member.draft, member.parents) !== undefined)
  for (const member of held) cancelWhereHeld(tx, member, places.get(member))
  const receipts = members.map(member => {
    const placed = member.kind === 'new' ? places.get(member) : undefined
    if (placed === undefined) return existingReceipt(tx, member.number)
    // One that was cancelled may have taken any other of the group along.
    const current = held.length === 0 ? placed.state : state(tx.sql.stateOf.get(member.number)?.[0])
    return receiptOf(tx, member.draft, placed, current)
  })
  return { kind: 'accepted', receipts }
}

function examine(tx: Transaction, group: SubmitGroup): Member[] | Refusal {
  const groupFirstNumber = tx.session.nextNumber
  const known = findKnown(tx, group)
  const found = findMembers(tx, group, groupFirstNumber, known)
  const members: Member[] = []
  for (const [index, draft] of group.drafts.entries()) {
    const own = found[index]
    assert(own !== undefined, 'every draft was looked for')
    if (own.kind === 'refused') return conflict(draft, own.by, index)
    if (own.kind === 'existing') {
      members.push({ kind: 'existing', draft, number: own.number })
      continue
    }
    const parents = findParents(draft, own.inGroup, known)
    if (typeof parents === 'string') {
      const detail = `Task ${draft.id} depends on '${parents}', which does not exist; submit the parent first or in the same batch.`
      return refusal('dependency_unknown', detail, index)
    }
    members.push({ kind: 'new', draft, number: own.number, parents })
  }
  return members
}

type Found = Existing | { readonly kind: 'new'; readonly number: number; readonly inGroup: ReadonlyMap<TaskId, number> }

/** Tasks by the ids that the group names: its own, and those of parents. */
type Known = ReadonlyMap<string, { readonly number: number; readonly state: TaskState }>

function findKnown(tx: Transaction, group: SubmitGroup): Known {
  const named = new Set<TaskId>()
  for (const { id, dependencies } of group.drafts) {
    named.add(id)
    for (const parent of dependencies) named.add(parent)
  }
  const rows = tx.sql.tasksById.all(JSON.stringify([...named]))
  return new Map(rows.map(row => [text(row[0]), { number: number(row[1]), state: state(row[2]) }]))
}

/** Gives numbers to those that are new, so that parents later in the list can be named. */
function findMembers(tx: Transaction, group: SubmitGroup, firstNumber: number, known: Known): readonly Found[] {
  const inGroup = new Map<TaskId, number>()
  const keys = new Map<string, TaskId>()
  let next = firstNumber
  return group.drafts.map((draft): Found => {
    const mayExist = draft.idempotencyKey !== null || known.has(draft.id)
    const existing = mayExist ? findExisting(tx, draft, firstNumber) : null
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
function findParents(draft: TaskDraft, inGroup: ReadonlyMap<TaskId, number>, known: Known): readonly Parent[] | TaskId {
  const parents = new Map<TaskId, Parent>()
  for (const [position, id] of draft.dependencies.entries()) {
    if (parents.has(id)) continue
    const inner = inGroup.get(id)
    const outer = inner === undefined ? known.get(id) : undefined
    const parentNumber = inner ?? outer?.number
    if (parentNumber === undefined) return id
    parents.set(id, { number: parentNumber, id, position, state: outer?.state ?? null })
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

function write(
  tx: Transaction,
  members: readonly NewMember[],
  inner: ReadonlySet<number>,
): ReadonlyMap<NewMember, Placed> {
  const places = new Map<NewMember, Placed>()
  const rows = members.map(member => {
    const { draft, parents } = member
    const waitingCount = parents.filter(parent => !isOver(parent)).length
    const isBlocked = waitingCount > 0 || holdingParent(draft, parents) !== undefined
    const free = place(tx, draft, member.number)
    const placed: Placed = isBlocked ? { ...free, state: 'blocked' } : free
    places.set(member, placed)
    tx.counters.add(placed.lane, placed.state, 1)
    return { draft, placed, parentage: { waitingCount, hasDependents: inner.has(member.number) }, lease: null }
  })
  assert(insertMany(tx, rows), 'neither the ids nor the keys existed a moment ago')
  return places
}

/** One row an entry; an entry that names a parent again is kept for the record and holds nothing. */
function connect(tx: Transaction, members: readonly NewMember[]): void {
  const edges = createRows(tx.sql.insertEdge, tx.sql.insertEdges, edgesPerInsert)
  const outer = new Map<number, TaskId>()
  let isWritten = true
  for (const { draft, number: own, parents } of members) {
    const byId = new Map(parents.map(parent => [parent.id, parent]))
    for (const [position, id] of draft.dependencies.entries()) {
      const parent = byId.get(id)
      assert(parent !== undefined, 'every parent was found')
      const isRepeat = parent.position !== position
      const resolved = isRepeat || isOver(parent) ? 1 : 0
      edges.values.push(own, position, parent.number, id, draft.onDependencyFailure, resolved, isRepeat ? 1 : 0)
      isWritten = edges.endRow() && isWritten
      if (parent.state !== null) outer.set(parent.number, parent.id)
    }
  }
  assert(edges.flush() && isWritten, 'a new task has no edges yet')
  if (outer.size > 0) markDependents(tx, outer)
}

function markDependents(tx: Transaction, parents: ReadonlyMap<number, TaskId>): void {
  tx.sql.markDependents.run(JSON.stringify([...parents.keys()]))
  for (const id of parents.values()) {
    const lease = tx.liveLeases.get(id)
    if (lease !== undefined) lease.hasDependents = true
  }
}

/** Accepted and cancelled at once: a parent had failed before, and the edge says cancel. */
function cancelWhereHeld(tx: Transaction, { draft, parents }: NewMember, placed: Placed | undefined): void {
  assert(placed !== undefined, 'every new member has its place')
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
