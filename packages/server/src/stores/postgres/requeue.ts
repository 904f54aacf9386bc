import { isSatisfied } from '../../core/dependency.ts'
import type { TaskId } from '../../core/task.ts'
import type { Moved, RequeueVerdict } from '../../ports/store.ts'
import { boolean, type HeldTask, isFinished, number, policy, state } from './rows.ts'
import { becomePending, type Session, type Transaction } from './session.ts'
import { statements as sql } from './statements.ts'
import { type Moves, move } from './verbs.ts'

/** Parents are counted when the whole list has started anew, so that a family requeued together keeps its order. */
export function requeue(
  session: Session,
  ids: readonly TaskId[],
  withDependents: boolean,
): Promise<Moved<RequeueVerdict>> {
  const anew = async (tx: Transaction, task: HeldTask): Promise<RequeueVerdict> => {
    if (task.state !== 'failed' && task.state !== 'cancelled') return 'not_retryable'
    startAnew(tx, task)
    return 'requeued'
  }
  const before = (tx: Transaction) => holdFamily(tx, ids, withDependents)
  const after = async (tx: Transaction, moved: Moves<RequeueVerdict>): Promise<void> => {
    const own = moved.flatMap(([task, verdict]) => (verdict === 'requeued' ? [task] : []))
    await reopenEdges(tx, own)
    const edges = await readParentEdges(tx, own)
    for (const task of own) {
      if (countParents(tx, task, edges.get(task.number) ?? []) > 0) continue
      task.state = 'pending'
      becomePending(tx, task, 'blocked')
    }
    if (withDependents) await reblockDependents(tx, own)
  }
  return move(session, ids, anew, { before, after })
}

/**
 * Everything that is touched is held at once, in the order of the numbers, before anything is decided: parents that may
 * end meanwhile, the tasks themselves, and what is below. The steps after it find their rows at hand. Were each held when
 * its step comes, children would be held before their parents, while the end of a parent holds them the other way round.
 */
async function holdFamily(tx: Transaction, ids: readonly TaskId[], withDependents: boolean): Promise<void> {
  const rows = await tx.connection.rows(sql.familyOf, ids, withDependents)
  await tx.hand.takeNumbers(
    tx.connection,
    rows.map(row => number(row[0])),
  )
}

/** A new life, blocked until its parents are counted: the epoch goes on, the last attempt goes to the history. */
function startAnew(tx: Transaction, task: HeldTask): void {
  tx.hand.keepLastAttempt(task)
  tx.counters.move(task.lane, task.state, 'blocked')
  task.state = 'blocked'
  task.waitingCount = 0
  task.attempt = 0
  task.crashes = 0
  task.workerId = null
  task.startedAtMs = null
  task.finishedAtMs = null
  task.endOutcome = null
  task.settledAs = null
  task.result = null
  task.error = null
  task.progress = null
  tx.hand.change(task)
}

/** Children that still wait for other parents wait for these again. */
async function reopenEdges(tx: Transaction, parents: readonly HeldTask[]): Promise<void> {
  const numbers = parents.filter(task => task.hasDependents).map(task => task.number)
  if (numbers.length === 0) return
  await tx.hand.flush(tx.connection)
  const before = await tx.connection.rows(sql.edgesOfParents, numbers)
  await tx.hand.takeNumbers(
    tx.connection,
    before.map(row => number(row[1])),
  )
  for (const row of await tx.connection.rows(sql.edgesOfParents, numbers)) {
    const child = tx.hand.byNumber(number(row[1]))
    if (child?.state !== 'blocked' || !boolean(row[3])) continue
    tx.hand.setEdge(child.number, number(row[2]), false)
    child.waitingCount += 1
    tx.hand.change(child)
  }
}

interface ParentEdge {
  readonly position: number
  readonly isOver: boolean
  readonly isHolding: boolean
  readonly isResolved: boolean
}

/** By child. The parents' rows are held: none of them ends while they are counted. */
async function readParentEdges(
  tx: Transaction,
  children: readonly HeldTask[],
): Promise<ReadonlyMap<number, readonly ParentEdge[]>> {
  const numbers = children.map(task => task.number)
  const edges = new Map<number, ParentEdge[]>()
  if (numbers.length === 0) return edges
  await tx.hand.flush(tx.connection)
  const before = await tx.connection.rows(sql.edgesOfChildren, numbers)
  if (before.length === 0) return edges
  await tx.connection.rows(sql.shareParents, [...new Set(before.map(row => number(row[4])))])
  for (const row of await tx.connection.rows(sql.edgesOfChildren, numbers)) {
    const parentState = row[5] === null ? null : state(row[5])
    const isEnded = isFinished(parentState)
    const edge = {
      position: number(row[1]),
      isOver: parentState === null || isEnded,
      isHolding: isEnded && !isSatisfied(policy(row[2]), parentState),
      isResolved: boolean(row[3]),
    }
    const own = edges.get(number(row[0]))
    if (own === undefined) edges.set(number(row[0]), [edge])
    else own.push(edge)
  }
  return edges
}

/** Opens the edges to parents that have not ended, closes the others, and returns how many are open. */
function countParents(tx: Transaction, task: HeldTask, edges: readonly ParentEdge[]): number {
  for (const { isOver, isResolved, position } of edges) {
    if (isOver !== isResolved) tx.hand.setEdge(task.number, position, isOver)
  }
  task.waitingCount = edges.filter(edge => !edge.isOver).length
  tx.hand.change(task)
  return task.waitingCount
}

/**
 * Descendants that a cascade cancelled return to blocked, unless another parent still holds them: a task blocked on a
 * parent that has failed would wait for ever. Walks only below what came back, a level of the graph at a time; one that
 * another parent of the same level brings back is looked at again with the next.
 */
async function reblockDependents(tx: Transaction, roots: readonly HeldTask[]): Promise<void> {
  for (let level = roots; level.length > 0; ) {
    await tx.hand.flush(tx.connection)
    const numbers = level.filter(task => task.hasDependents).map(task => task.number)
    if (numbers.length === 0) return
    const children = new Set((await tx.connection.rows(sql.edgesOfParents, numbers)).map(row => number(row[1])))
    await tx.hand.takeNumbers(tx.connection, [...children])
    const cascaded = [...children].flatMap(own => {
      const child = tx.hand.byNumber(own)
      return child?.state === 'cancelled' && child.isCascaded ? [child] : []
    })
    level = await comeBack(tx, cascaded)
  }
}

async function comeBack(tx: Transaction, tasks: readonly HeldTask[]): Promise<readonly HeldTask[]> {
  const edges = await readParentEdges(tx, tasks)
  const back = tasks.filter(task => !(edges.get(task.number) ?? []).some(edge => edge.isHolding))
  for (const task of back) {
    startAnew(tx, task)
    task.isCascaded = false
  }
  await reopenEdges(tx, back)
  const after = await readParentEdges(tx, back)
  for (const task of back) countParents(tx, task, after.get(task.number) ?? [])
  return back
}
