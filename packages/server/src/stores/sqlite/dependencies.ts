import type { FinishedState, TaskState } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import { dependencyError, isSatisfied, waitingState } from '../../core/dependency.ts'
import { type TaskId, taskId } from '../../core/task.ts'
import type { SqlRow } from './database.ts'
import { number, numberOrNull, policy, state, text } from './rows.ts'
import { becomePending, type EndedParent, type Transaction } from './session.ts'

/**
 * What the end of a task means to its children. Every edge is resolved exactly once, by the `resolved` mark on it: that
 * is what makes a child's waiting count exact. A transaction resolves at most `edgesLeft` edges; what is left over is
 * remembered in `unresolved` and gone on with by `unblock`, so that a hub with a million children stalls nobody.
 * A cascade appends to the list of parents instead of calling itself: a chain may be as long as the table.
 */

export interface Ending {
  readonly number: number
  readonly id: TaskId
  readonly lane: number
  readonly from: TaskState
  readonly dueAtMs: number
  readonly startedAtMs: number | null
  readonly hasDependents: boolean
}

/** Counts and tells an end that the caller has just written to the row, and resolves the children. */
export function endTask(tx: Transaction, ending: Ending, to: FinishedState): void {
  tellEnd(tx, ending, to)
  if (!ending.hasDependents) return
  tx.parentsToResolve.push({ number: ending.number, id: ending.id, state: to })
  resolveChildren(tx)
}

/**
 * The same for tasks that were all completed: their children are told together, where the transaction may still resolve
 * so many edges.
 */
export function endCompleted(tx: Transaction, endings: readonly Ending[]): void {
  for (const ending of endings) tellEnd(tx, ending, 'completed')
  const parents = endings.filter(ending => ending.hasDependents)
  if (parents.length === 0 || releaseTogether(tx, parents)) return
  for (const { number: own, id } of parents) tx.parentsToResolve.push({ number: own, id, state: 'completed' })
  resolveChildren(tx)
}

/** What the edges to completed parents mean to one child. */
interface Release {
  readonly lane: number
  readonly runAtMs: number | null
  readonly waitingCount: number
  edges: number
}

/** Every edge to a completed parent is satisfied, so that nobody is cancelled here. False where the edges are too many. */
function releaseTogether(tx: Transaction, parents: readonly Ending[]): boolean {
  const open = tx.sql.openEdgesOfMany.all(JSON.stringify(parents.map(parent => parent.number)), tx.edgesLeft + 1)
  if (open.length > tx.edgesLeft) return false
  if (open.length === 0) return true
  tx.edgesLeft -= open.length
  const marked = tx.sql.resolveEdges.run(JSON.stringify(open.map(row => [row[0], row[1]])))
  assert(marked.changes === open.length, 'an edge is resolved once')
  const releases = new Map<number, Release>()
  for (const row of open) {
    if (state(row[3]) !== 'blocked') continue
    const child = number(row[0])
    const release = releases.get(child)
    if (release !== undefined) release.edges += 1
    else {
      const [, , lane, , runAt, waiting] = row
      releases.set(child, { lane: number(lane), runAtMs: numberOrNull(runAt), waitingCount: number(waiting), edges: 1 })
    }
  }
  unblock(tx, releases)
  return true
}

function unblock(tx: Transaction, releases: ReadonlyMap<number, Release>): void {
  const entries: (readonly [number, number, TaskState])[] = []
  for (const [child, { lane, runAtMs, waitingCount, edges }] of releases) {
    const to = waitingCount === edges ? waitingState(runAtMs, tx.nowMs) : 'blocked'
    entries.push([child, edges, to])
    if (to === 'pending') becomePending(tx, lane, 'blocked')
    else if (to === 'scheduled') tx.counters.move(lane, 'blocked', 'scheduled')
  }
  if (entries.length === 0) return
  const moved = tx.sql.unblockTasks.run(JSON.stringify(entries))
  assert(moved.changes === entries.length, 'a blocked task waits for at least its open edges')
}

function tellEnd(tx: Transaction, ending: Ending, to: FinishedState): void {
  tx.counters.move(ending.lane, ending.from, to)
  const { queue, type } = tx.lanes.byId(ending.lane)
  const startedAtMs = ending.from === 'running' ? ending.startedAtMs : null
  tx.ended.push({
    id: ending.id,
    type,
    queue,
    state: to,
    waitMs: startedAtMs === null ? null : Math.max(0, startedAtMs - ending.dueAtMs),
    runMs: startedAtMs === null ? null : Math.max(0, tx.nowMs - startedAtMs),
  })
}

function resolveChildren(tx: Transaction): void {
  // A cascade appends to the list that is being walked.
  for (const parent of tx.parentsToResolve) resolveParent(tx, parent)
  tx.parentsToResolve.length = 0
}

/** Tells up to `edgesLeft` children; remembers the parent where that is not all of them. */
function resolveParent(tx: Transaction, parent: EndedParent): void {
  const open = tx.edgesLeft === 0 ? [] : tx.sql.openEdges.all(parent.number, tx.edgesLeft)
  tx.edgesLeft -= open.length
  for (const row of open) resolveEdge(tx, parent, row)
  if (tx.edgesLeft > 0 || tx.sql.openEdges.get(parent.number, 1) === undefined) return
  tx.sql.insertUnresolved.run(parent.number)
  tx.hasLeftovers = true
}

/** A row of `openEdges`. */
function resolveEdge(tx: Transaction, parent: EndedParent, row: SqlRow): void {
  const child = number(row[2])
  const marked = tx.sql.resolveEdge.run(child, number(row[0]))
  assert(marked.changes === 1, 'an edge is resolved once')
  if (state(row[5]) !== 'blocked') return
  if (isSatisfied(policy(row[1]), parent.state)) releaseChild(tx, row)
  else cancelChild(tx, parent, row)
}

function releaseChild(tx: Transaction, row: SqlRow): void {
  const child = number(row[2])
  const lane = number(row[4])
  const isLast = number(row[8]) === 1
  const to = isLast ? waitingState(numberOrNull(row[7]), tx.nowMs) : 'blocked'
  const moved = tx.sql.unblockTask.run(to, child)
  assert(moved.changes === 1, 'a blocked task waits for at least one parent')
  if (to === 'pending') becomePending(tx, lane, 'blocked')
  else if (to === 'scheduled') tx.counters.move(lane, 'blocked', 'scheduled')
}

function cancelChild(tx: Transaction, parent: EndedParent, row: SqlRow): void {
  const child = { number: number(row[2]), id: taskId(text(row[3])) }
  const moved = tx.sql.cancelBlocked.run(dependencyError(parent.id, parent.state), tx.nowMs, child.number)
  assert(moved.changes === 1, 'a blocked task can be cancelled')
  const ending = {
    ...child,
    lane: number(row[4]),
    from: 'blocked',
    dueAtMs: number(row[6]),
    startedAtMs: null,
  } as const
  const hasDependents = row[9] !== 0
  tellEnd(tx, { ...ending, hasDependents }, 'cancelled')
  if (hasDependents) tx.parentsToResolve.push({ ...child, state: 'cancelled' })
}

/** Goes on with what transactions left over. Returns whether nothing is left. */
export function resolveLeftovers(tx: Transaction): boolean {
  for (let row = tx.sql.firstUnresolved.get(); row !== undefined; row = tx.sql.firstUnresolved.get()) {
    if (tx.edgesLeft === 0) return false
    const parent = number(row[0])
    const parentState = row[2] === null ? null : state(row[2])
    tx.sql.deleteUnresolved.run(parent)
    // Pruned, or requeued since: in its new life it resolves its edges when it ends again.
    if (!isFinishedState(parentState)) continue
    tx.parentsToResolve.push({ number: parent, id: taskId(text(row[1])), state: parentState })
    resolveChildren(tx)
  }
  return true
}

function isFinishedState(of: TaskState | null): of is FinishedState {
  return of === 'completed' || of === 'failed' || of === 'cancelled'
}
