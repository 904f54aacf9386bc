import type { FinishedState, TaskState } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import { dependencyError, isSatisfied, waitingState } from '../../core/dependency.ts'
import type { TaskId } from '../../core/task.ts'
import type { SqlRow } from './database.ts'
import { type HeldTask, isFinished, number, policy } from './rows.ts'
import { becomePending, type EndedParent, type Transaction } from './session.ts'
import { statements as sql } from './statements.ts'

/**
 * What the end of a task means to its children. Every edge is resolved exactly once, by the `resolved` mark on it, and
 * only by who holds the child's row: that is what makes a child's waiting count exact, whoever ends its other parents at
 * the same moment. A transaction resolves at most `edgesLeft` edges; what is left over is remembered in `unresolved` and
 * gone on with by `unblock`, so that a hub with a million children stalls nobody. A cascade takes a level of the graph
 * at a time: a chain may be as long as the table.
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

/** Ends a task at hand, whose other columns the caller has changed, and resolves its children. */
export async function endTask(tx: Transaction, task: HeldTask, to: FinishedState): Promise<void> {
  writeEnd(tx, task, to)
  await resolveChildren(tx)
}

function writeEnd(tx: Transaction, task: HeldTask, to: FinishedState): void {
  const { number: own, id, lane, state: from, dueAtMs, startedAtMs, hasDependents } = task
  tellEnd(tx, { number: own, id, lane, from, dueAtMs, startedAtMs, hasDependents }, to)
  task.state = to
  task.finishedAtMs = tx.nowMs
  task.leaseUntilMs = null
  task.cancelRequestedAtMs = null
  tx.hand.change(task)
  if (hasDependents) tx.parentsToResolve.push({ number: own, id, state: to })
}

export function tellEnd(tx: Transaction, ending: Ending, to: FinishedState): void {
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

/** Tells the children of all `parentsToResolve`, those that a cascade adds included. */
export async function resolveChildren(tx: Transaction): Promise<void> {
  while (tx.parentsToResolve.length > 0) {
    const parents = tx.parentsToResolve.splice(0)
    const told = await resolveLevel(tx, parents)
    if (told === parents.length) continue
    await leaveOver(tx, parents.slice(told))
  }
}

/** Returns how many of the parents, the first ones, are done with. */
async function resolveLevel(tx: Transaction, parents: readonly EndedParent[]): Promise<number> {
  if (tx.edgesLeft === 0) return 0
  const numbers = parents.map(parent => parent.number)
  const room = tx.edgesLeft + 1
  tx.checked(tx.hand.flushButChildren(tx.connection))
  // Sent together, done one after the other: the edges are read when the rows of their children are held.
  const [, open] = await Promise.all([
    tx.hand.takeOpenChildren(tx.connection, numbers, room),
    tx.connection.rows(sql.openEdges, numbers, room),
  ])
  const byNumber = new Map(parents.map((parent, at) => [parent.number, { parent, at }]))
  // Where children of the first reading were removed before they could be held, others have moved up in the second one.
  const notHeld = open.findIndex(row => tx.hand.byNumber(number(row[1])) === undefined)
  const done = Math.min(tx.edgesLeft, notHeld < 0 ? open.length : notHeld)
  for (const row of open.slice(0, done)) resolveEdge(tx, byNumber.get(number(row[0]))?.parent, row)
  tx.edgesLeft -= done
  const next = open[done]
  return next === undefined ? parents.length : (byNumber.get(number(next[0]))?.at ?? 0)
}

/** A row of `openEdges`. */
function resolveEdge(tx: Transaction, parent: EndedParent | undefined, row: SqlRow): void {
  assert(parent !== undefined, 'an edge leads from one of the parents that were asked for')
  const child = tx.hand.byNumber(number(row[1]))
  assert(child !== undefined, 'a child is told while its row is held')
  tx.hand.resolveEdge(child.number, number(row[2]))
  if (child.state !== 'blocked') return
  if (isSatisfied(policy(row[3]), parent.state)) releaseChild(tx, child)
  else {
    child.error = dependencyError(parent.id, parent.state)
    child.result = null
    writeEnd(tx, child, 'cancelled')
  }
}

function releaseChild(tx: Transaction, child: HeldTask): void {
  assert(child.waitingCount > 0, 'a blocked task waits for at least its open edges')
  child.waitingCount -= 1
  tx.hand.release(child)
  if (child.waitingCount === 0) leaveBlocked(tx, child)
}

export function leaveBlocked(tx: Transaction, task: HeldTask): void {
  task.state = waitingState(task.runAtMs, tx.nowMs)
  if (task.state === 'pending') becomePending(tx, task, 'blocked')
  else tx.counters.move(task.lane, 'blocked', 'scheduled')
}

async function leaveOver(tx: Transaction, parents: readonly EndedParent[]): Promise<void> {
  await tx.hand.flush(tx.connection)
  const rows = await tx.connection.rows(
    sql.withOpenEdges,
    parents.map(parent => parent.number),
  )
  if (rows.length === 0) return
  const open = new Set(rows.map(row => number(row[0])))
  const left = parents.filter(parent => open.has(parent.number)).map(parent => parent.number)
  await tx.connection.run(sql.insertUnresolved, left)
  tx.hasLeftovers = true
}

/** Goes on with what transactions left over. Returns whether nothing is left that no other node is at. */
export async function resolveLeftovers(tx: Transaction): Promise<boolean> {
  for (;;) {
    const [any] = await tx.connection.rows(sql.isAnyUnresolved)
    if (any?.[0] !== true) return true
    if (tx.edgesLeft === 0) return false
    const [taken] = await tx.connection.rows(sql.takeUnresolved, 1)
    // Another node is at it, and goes on with it: to look again at once would be to wait for that.
    if (taken === undefined) return true
    const parent = number(taken[0])
    await tx.hand.takeNumbers(tx.connection, [parent])
    const task = tx.hand.byNumber(parent)
    // Pruned, or requeued since: in its new life it resolves its edges when it ends again.
    if (task === undefined || !isFinished(task.state)) continue
    tx.parentsToResolve.push({ number: parent, id: task.id, state: task.state })
    await resolveChildren(tx)
  }
}
