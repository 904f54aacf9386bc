import type { ProblemCode, TaskState } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import { rankOf } from '../../core/rank.ts'
import { askedPriority, isSameContent, type TaskDraft, type TaskId } from '../../core/task.ts'
import type { SubmitGroup, SubmitReceipt, SubmitVerdict } from '../../ports/store.ts'
import type { SqlValue } from './database.ts'
import { dependencyError, endTask, isSatisfied, waitingState } from './dependencies.ts'
import { number, numberOrNull, state, text } from './rows.ts'
import { readRecord, type Transaction } from './session.ts'
import { tasksPerInsert } from './statements.ts'

type Refusal = Extract<SubmitVerdict, { kind: 'refused' }>

/**
 * A payload above this many characters is kept beside the row, since every transition rewrites the row: claim and settle
 * of a task with 1 MiB would each write 1 MiB again. Below it, a second insert costs more than it saves.
 */
const payloadInRowCharsMax = 2_048

/**
 * The groups of one exchange, each all or nothing. Refusals are verdicts: what the group had written is undone, the
 * transaction goes on. Groups without edges that stand together are tried together.
 */
export function submitMany(tx: Transaction, groups: readonly SubmitGroup[]): readonly SubmitVerdict[] {
  const verdicts: SubmitVerdict[] = []
  let plainGroups: SubmitGroup[] = []
  for (const group of groups) {
    if (group.drafts.every(draft => draft.dependencies.length === 0)) {
      plainGroups.push(group)
      continue
    }
    verdicts.push(...submitPlainGroups(tx, plainGroups), submitGraph(tx, group))
    plainGroups = []
  }
  verdicts.push(...submitPlainGroups(tx, plainGroups))
  return verdicts
}

// ─── Tasks without parents: the hot path ─────────────────────────────────────────────────────────────────────────────

/** Below this one statement for many saves nothing. */
const manyMin = 4

/**
 * Nearly always all ids and keys are new; then the groups are written together. Where one is not, nothing of it stays
 * and each group finds out for itself.
 */
function submitPlainGroups(tx: Transaction, groups: readonly SubmitGroup[]): readonly SubmitVerdict[] {
  const [only] = groups
  const drafts = groups.length === 1 && only !== undefined ? only.drafts : groups.flatMap(group => group.drafts)
  if (drafts.length < manyMin) return groups.map(group => submitPlain(tx, group))
  const firstNumber = tx.session.nextNumber
  const lanesMark = tx.lanes.mark()
  const places = drafts.map((draft, at) => place(tx, draft, firstNumber + at))
  if (!insertMany(tx, drafts, places)) {
    undo(tx, firstNumber)
    tx.lanes.undo(lanesMark)
    return groups.map(group => submitPlain(tx, group))
  }
  let next = 0
  return groups.map(group => {
    const receipts = group.drafts.map(draft => {
      const placed = places[next]
      assert(placed !== undefined, 'every draft has its place')
      next += 1
      tx.counters.add(placed.lane, placed.state, 1)
      return receiptOf(tx, draft, placed, placed.state)
    })
    return { kind: 'accepted', receipts }
  })
}

/** Inserts first and asks only where the insert met an id or a key that exists. */
function submitPlain(tx: Transaction, group: SubmitGroup): SubmitVerdict {
  const firstNumber = tx.session.nextNumber
  const lanesMark = tx.lanes.mark()
  const receipts: SubmitReceipt[] = []
  const created: Placed[] = []
  for (const [index, draft] of group.drafts.entries()) {
    const placed = place(tx, draft, tx.session.nextNumber)
    if (insert(tx, draft, placed, plain)) {
      created.push(placed)
      receipts.push(receiptOf(tx, draft, placed, placed.state))
      continue
    }
    const found = findExisting(tx, draft, firstNumber)
    assert(found !== null, 'an insert is refused only by an id or a key that exists')
    if (found.kind === 'refused') {
      undo(tx, firstNumber)
      tx.lanes.undo(lanesMark)
      return conflict(draft, found.by, index)
    }
    receipts.push(existingReceipt(tx, found.number))
  }
  for (const placed of created) tx.counters.add(placed.lane, placed.state, 1)
  return { kind: 'accepted', receipts }
}

/** Where a new task stands before its parents are known. */
interface Placed {
  readonly number: number
  readonly lane: number
  readonly state: TaskState
  readonly runAtMs: number | null
}

interface Parentage {
  readonly waitingCount: number
  readonly hasDependents: boolean
}

const plain: Parentage = Object.freeze({ waitingCount: 0, hasDependents: false })

function place(tx: Transaction, draft: TaskDraft, own: number): Placed {
  const runAtMs = draft.delayMs === null ? draft.runAtMs : tx.nowMs + draft.delayMs
  const lane = tx.lanes.ensure(draft.queue, draft.type).id
  return { number: own, lane, state: waitingState(runAtMs, tx.nowMs), runAtMs }
}

/** Returns whether the row was written; its number is taken only then. */
function insert(tx: Transaction, draft: TaskDraft, placed: Placed, parentage: Parentage): boolean {
  const values: SqlValue[] = []
  pushColumns(values, tx, draft, placed, parentage)
  if (tx.sql.insertTask.run(...values).changes === 0) return false
  keepApart(tx, draft, placed)
  tx.session.nextNumber = placed.number + 1
  return true
}

/** Returns whether all rows were written; if not, some may have been. */
function insertMany(tx: Transaction, drafts: readonly TaskDraft[], places: readonly Placed[]): boolean {
  const values: SqlValue[] = []
  let rows = 0
  for (const [at, draft] of drafts.entries()) {
    const placed = places[at]
    assert(placed !== undefined, 'every draft has its place')
    pushColumns(values, tx, draft, placed, plain)
    rows += 1
    if (rows < tasksPerInsert) continue
    if (tx.sql.insertTasks.run(...values).changes !== rows) return false
    values.length = 0
    rows = 0
  }
  const width = values.length / rows
  for (let from = 0; from < values.length; from += width) {
    if (tx.sql.insertTask.run(...values.slice(from, from + width)).changes === 0) return false
  }
  for (const [at, draft] of drafts.entries()) keepApart(tx, draft, places[at])
  tx.session.nextNumber += drafts.length
  return true
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

function isPayloadApart({ payload }: TaskDraft): boolean {
  return payload !== null && payload.length > payloadInRowCharsMax
}

function keepApart(tx: Transaction, draft: TaskDraft, placed: Placed | undefined): void {
  if (placed !== undefined && isPayloadApart(draft)) tx.sql.insertPayload.run(placed.number, draft.payload)
}

/** The group is the newest there is, so everything from its first number on is its own. */
function undo(tx: Transaction, firstNumber: number): void {
  tx.sql.undoTasks.run(firstNumber)
  tx.sql.undoPayloads.run(firstNumber)
  tx.session.nextNumber = firstNumber
}

// ─── Repeats ─────────────────────────────────────────────────────────────────────────────────────────────────────────

type Existing =
  | { readonly kind: 'existing'; readonly number: number }
  | { readonly kind: 'refused'; readonly by: TaskId }

/** The first task of this id or key, or the one that stands in the way. An id is looked at before a key. */
function findExisting(tx: Transaction, draft: TaskDraft, groupFirstNumber: number): Existing | null {
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

function conflict(draft: TaskDraft, existingId: TaskId, index: number): Refusal {
  const detail =
    existingId === draft.id
      ? `A task with the id '${draft.id}' exists and has other content.`
      : `The idempotency key '${draft.idempotencyKey}' belongs to task ${existingId}, which has other content.`
  return refusal('task_conflict', detail, index)
}

function refusal(code: ProblemCode, detail: string, index: number): Refusal {
  return { kind: 'refused', code, detail, index }
}

function receiptOf(tx: Transaction, draft: TaskDraft, placed: Placed, current: TaskState): SubmitReceipt {
  const { number: own, runAtMs } = placed
  const error = current === 'cancelled' ? recordOf(tx, own).error : null
  return { taskId: draft.id, number: own, state: current, createdAtMs: tx.nowMs, runAtMs, error, existing: null }
}

function existingReceipt(tx: Transaction, own: number): SubmitReceipt {
  const existing = recordOf(tx, own)
  const { id, state: current, createdAtMs, runAtMs } = existing
  return { taskId: id, number: own, state: current, createdAtMs, runAtMs, error: null, existing }
}

// ─── Tasks with parents ──────────────────────────────────────────────────────────────────────────────────────────────

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
function submitGraph(tx: Transaction, group: SubmitGroup): SubmitVerdict {
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
