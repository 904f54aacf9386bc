import { assert } from '../../core/assert.ts'
import { isSatisfied } from '../../core/dependency.ts'
import { rankOf } from '../../core/rank.ts'
import { type JsonText, type TaskId, taskErrorText } from '../../core/task.ts'
import type {
  ByHandVerdict,
  CancelVerdict,
  Moved,
  RemoveVerdict,
  ReprioritiseVerdict,
  RequeueVerdict,
} from '../../ports/store.ts'
import { endTask } from './dependencies.ts'
import { number, policy, type SettleFacts, state, toSettleFacts } from './rows.ts'
import { becomePending, lastNumberName, type Session, type Transaction, toChanges } from './session.ts'
import { keepAttempt } from './settle.ts'

export function cancel(session: Session, ids: readonly TaskId[], reason: string | null): Moved<CancelVerdict> {
  const error = taskErrorText('cancelled', reason ?? undefined)
  return move(session, ids, (tx, facts, id): CancelVerdict => {
    if (isWaiting(facts)) {
      const moved = tx.sql.cancelWaiting.run(error, tx.nowMs, facts.number)
      assert(moved.changes === 1, 'a task that was read as waiting in this transaction still is')
      endTask(tx, { ...facts, id, from: facts.state }, 'cancelled')
      return 'cancelled'
    }
    if (facts.state !== 'running') return 'finished'
    // A second mark changes nothing: the statement asks for a row without one.
    tx.sql.markCancel.run(tx.nowMs, error, facts.number)
    return 'requested'
  })
}

export function completeByHand(
  session: Session,
  tasks: readonly { readonly id: TaskId; readonly result: JsonText | null }[],
): Moved<ByHandVerdict> {
  return move(session, tasks, (tx, facts, { id, result }): ByHandVerdict => {
    if (!isWaiting(facts) && facts.state !== 'running') return 'finished'
    if (facts.state === 'running') keepAttempt(tx, facts, { outcome: 'cancelled', error: null, said: null })
    tx.liveLeases.delete(id)
    const moved = tx.sql.completeByHand.run(result, tx.nowMs, facts.number)
    assert(moved.changes === 1, 'a task that was read as unfinished in this transaction still is')
    endTask(tx, { ...facts, id, from: facts.state }, 'completed')
    return 'completed'
  })
}

export function reprioritise(
  session: Session,
  changes: readonly { readonly id: TaskId; readonly priority: number }[],
): Moved<ReprioritiseVerdict> {
  return move(session, changes, (tx, facts, { priority }): ReprioritiseVerdict => {
    const rank = rankOf(facts.dueAtMs, priority, tx.headStartMs)
    return tx.sql.reprioritiseTask.run(priority, rank, facts.number).changes === 1 ? 'changed' : 'not_waiting'
  })
}

/** Parents are counted when the whole list has started anew, so that a family requeued together keeps its order. */
export function requeue(session: Session, ids: readonly TaskId[], withDependents: boolean): Moved<RequeueVerdict> {
  const requeued: SettleFacts[] = []
  const anew = (tx: Transaction, facts: SettleFacts): RequeueVerdict => {
    if (facts.state !== 'failed' && facts.state !== 'cancelled') return 'not_retryable'
    startAnew(tx, facts.number)
    tx.counters.move(facts.lane, facts.state, 'blocked')
    requeued.push(facts)
    return 'requeued'
  }
  return move(session, ids, anew, tx => {
    for (const facts of requeued) {
      if (countParents(tx, facts.number, edgesOf(tx, facts.number)) > 0) continue
      const moved = tx.sql.startRequeued.run(facts.number)
      assert(moved.changes === 1, 'a task that started anew in this transaction is blocked')
      becomePending(tx, facts.lane, 'blocked')
    }
    const numbers = requeued.map(facts => facts.number)
    if (withDependents) reblockDependents(tx, numbers)
  })
}

/** Applies one verb to tasks in the order of the list, within one transaction. */
function move<Item extends TaskId | { readonly id: TaskId }, Verdict extends string>(
  session: Session,
  items: readonly Item[],
  verb: (tx: Transaction, facts: SettleFacts, item: Item) => Verdict,
  afterAll?: (tx: Transaction) => void,
): Moved<Verdict | 'unknown'> {
  return session.transact(tx => {
    const verdicts = items.map(item => {
      const row = tx.sql.taskFacts.get(typeof item === 'string' ? item : item.id)
      return row === undefined ? 'unknown' : verb(tx, toSettleFacts(row), item)
    })
    afterAll?.(tx)
    return { verdicts, changes: toChanges(tx) }
  })
}

function isWaiting({ state: of }: SettleFacts): boolean {
  return of === 'blocked' || of === 'scheduled' || of === 'pending'
}

/** A new life, blocked until its parents are counted: the epoch goes on, the last attempt goes to the history. */
function startAnew(tx: Transaction, own: number): void {
  tx.sql.keepLastAttempt.run(own)
  const moved = tx.sql.requeueTask.run(own)
  assert(moved.changes === 1, 'a task that was read as failed or cancelled in this transaction still is')
  // Children that still wait for other parents wait for this one again.
  tx.sql.waitAgain.run(own)
  tx.sql.reopenEdges.run(own)
}

/**
 * Descendants that a cascade cancelled return to blocked, unless another parent still holds them: a task blocked on a
 * parent that has failed would wait for ever. Walks only below what came back, each edge once a parent's return.
 */
function reblockDependents(tx: Transaction, roots: readonly number[]): void {
  const parents = [...roots]
  for (const parent of parents) {
    for (const row of tx.sql.cascadedChildren.all(parent)) {
      const child = number(row[0])
      const edges = edgesOf(tx, child)
      if (edges.some(edge => edge.isHolding)) continue
      startAnew(tx, child)
      countParents(tx, child, edges)
      tx.counters.move(number(row[1]), 'cancelled', 'blocked')
      parents.push(child)
    }
  }
}

interface ParentEdge {
  readonly position: number
  readonly isOver: boolean
  readonly isHolding: boolean
  readonly isResolved: boolean
}

function edgesOf(tx: Transaction, child: number): readonly ParentEdge[] {
  return tx.sql.parentEdges.all(child).map(row => {
    const parentState = row[3] === null ? null : state(row[3])
    const ended = parentState === 'completed' || parentState === 'failed' || parentState === 'cancelled'
    const isHolding = ended && !isSatisfied(policy(row[1]), parentState)
    return { position: number(row[0]), isOver: parentState === null || ended, isHolding, isResolved: row[2] === 1 }
  })
}

/** Opens the edges to parents that have not ended, closes the others, and returns how many are open. */
function countParents(tx: Transaction, child: number, edges: readonly ParentEdge[]): number {
  for (const { isOver, isResolved, position } of edges) {
    if (isOver !== isResolved) tx.sql.setEdge.run(isOver ? 1 : 0, child, position)
  }
  const waitingCount = edges.filter(edge => !edge.isOver).length
  if (waitingCount > 0) tx.sql.setWaitingCount.run(waitingCount, child)
  return waitingCount
}

// ─── Remove ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export function remove(session: Session, ids: readonly TaskId[]): readonly RemoveVerdict[] {
  return session.transact(tx =>
    ids.map((id): RemoveVerdict => {
      const row = tx.sql.taskFacts.get(id)
      if (row === undefined) return 'unknown'
      const facts = toSettleFacts(row)
      if (isWaiting(facts) || facts.state === 'running') return 'unfinished'
      if (facts.hasDependents && isNeeded(tx, facts.number)) return 'needed'
      forget(tx, facts)
      return 'removed'
    }),
  )
}

export function isNeeded(tx: Transaction, own: number): boolean {
  return tx.sql.isNeeded.get(own) !== undefined
}

/** Deletes the row and all that is the task's own. Edges to its children stay: they tell the children's parents. */
export function forget(
  tx: Transaction,
  { number: own, lane, state: of }: Pick<SettleFacts, 'number' | 'lane' | 'state'>,
): void {
  const deleted = tx.sql.deleteTask.run(own)
  assert(deleted.changes === 1, 'a task that was read as finished in this transaction still is')
  tx.counters.add(lane, of, -1)
  tx.sql.deletePayload.run(own)
  tx.sql.deleteEdges.run(own)
  tx.sql.deleteAttempts.run(own)
  tx.sql.deleteLogs.run(own)
  tx.sql.deleteUnresolved.run(own)
  if (own === tx.session.nextNumber - 1) tx.sql.writeMeta.run(lastNumberName, own)
}
