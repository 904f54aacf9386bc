import { rankOf } from '../../core/rank.ts'
import { type JsonText, type TaskId, taskErrorText } from '../../core/task.ts'
import type { ByHandVerdict, CancelVerdict, Moved, RemoveVerdict, ReprioritiseVerdict } from '../../ports/store.ts'
import { endTask } from './dependencies.ts'
import { type HeldTask, isFinished, isWaiting, number } from './rows.ts'
import { noteRank, type Session, type Transaction, toChanges } from './session.ts'
import { keepAttempt } from './settle.ts'
import { statements as sql } from './statements.ts'

export function cancel(session: Session, ids: readonly TaskId[], reason: string | null): Promise<Moved<CancelVerdict>> {
  const error = taskErrorText('cancelled', reason ?? undefined)
  return move(session, ids, async (tx, task): Promise<CancelVerdict> => {
    if (isWaiting(task)) {
      task.error = error
      task.result = null
      await endTask(tx, task, 'cancelled')
      return 'cancelled'
    }
    if (task.state !== 'running') return 'finished'
    if (task.cancelRequestedAtMs === null) {
      task.cancelRequestedAtMs = tx.nowMs
      task.error = error
      tx.hand.change(task)
    }
    return 'requested'
  })
}

export function completeByHand(
  session: Session,
  tasks: readonly { readonly id: TaskId; readonly result: JsonText | null }[],
): Promise<Moved<ByHandVerdict>> {
  return move(session, tasks, async (tx, task, { result }): Promise<ByHandVerdict> => {
    if (isFinished(task.state)) return 'finished'
    if (task.state === 'running') keepAttempt(tx, task, { outcome: 'cancelled', error: null, said: null })
    task.result = result
    task.error = null
    task.endOutcome = null
    task.settledAs = null
    await endTask(tx, task, 'completed')
    return 'completed'
  })
}

export function reprioritise(
  session: Session,
  changes: readonly { readonly id: TaskId; readonly priority: number }[],
): Promise<Moved<ReprioritiseVerdict>> {
  return move(session, changes, async (tx, task, { priority }): Promise<ReprioritiseVerdict> => {
    if (!isWaiting(task)) return 'not_waiting'
    task.priority = priority
    task.prioritySource = 'declared'
    task.rank = rankOf(task.dueAtMs, priority, tx.headStartMs)
    if (task.state === 'pending') noteRank(tx, task.lane, task.rank)
    tx.hand.change(task)
    return 'changed'
  })
}

export type Moves<Verdict> = readonly (readonly [HeldTask, Verdict])[]

/** Applies one verb to tasks in the order of the list, within one transaction. */
export function move<Item extends TaskId | { readonly id: TaskId }, Verdict extends string>(
  session: Session,
  items: readonly Item[],
  verb: (tx: Transaction, task: HeldTask, item: Item) => Promise<Verdict>,
  around: {
    readonly before?: (tx: Transaction) => Promise<void>
    readonly after?: (tx: Transaction, moved: Moves<Verdict>) => Promise<void>
  } = {},
): Promise<Moved<Verdict | 'unknown'>> {
  return session.transact(async tx => {
    const idOf = (item: Item): TaskId => (typeof item === 'string' ? item : item.id)
    await around.before?.(tx)
    await tx.hand.takeIds(tx.connection, items.map(idOf))
    const verdicts: (Verdict | 'unknown')[] = []
    const moved: (readonly [HeldTask, Verdict])[] = []
    for (const item of items) {
      const task = tx.hand.byId(idOf(item))
      const verdict = task === undefined ? 'unknown' : await verb(tx, task, item)
      verdicts.push(verdict)
      if (task !== undefined && verdict !== 'unknown') moved.push([task, verdict])
    }
    await around.after?.(tx, moved)
    return { verdicts, changes: toChanges(tx) }
  })
}

// ─── Remove ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export function remove(session: Session, ids: readonly TaskId[]): Promise<readonly RemoveVerdict[]> {
  return session.transact(async tx => {
    await tx.hand.takeIds(tx.connection, ids)
    const needed = await readNeeded(
      tx,
      ids.flatMap(id => tx.hand.byId(id)?.number ?? []),
    )
    const removed: HeldTask[] = []
    const verdicts = ids.map((id): RemoveVerdict => {
      const task = tx.hand.byId(id)
      if (task === undefined) return 'unknown'
      if (!isFinished(task.state)) return 'unfinished'
      if (needed.has(task.number)) return 'needed'
      removed.push(task)
      tx.hand.drop(task)
      return 'removed'
    })
    await forget(tx, removed)
    return verdicts
  })
}

/** Which of these parents an unfinished child needs. */
export async function readNeeded(tx: Transaction, parents: readonly number[]): Promise<ReadonlySet<number>> {
  if (parents.length === 0) return new Set()
  return new Set((await tx.connection.rows(sql.needed, parents)).map(row => number(row[0])))
}

/** Deletes the rows and all that is the tasks' own. Edges to their children stay: they tell the children's parents. */
export async function forget(
  tx: Transaction,
  tasks: readonly Pick<HeldTask, 'number' | 'lane' | 'state'>[],
): Promise<void> {
  if (tasks.length === 0) return
  const numbers = tasks.map(task => task.number)
  for (const task of tasks) tx.counters.add(task.lane, task.state, -1)
  await Promise.all([
    tx.connection.run(sql.forgetTasks, numbers),
    tx.connection.run(sql.forgetEdges, numbers),
    tx.connection.run(sql.forgetAttempts, numbers),
    tx.connection.run(sql.forgetLogs, numbers),
    tx.connection.run(sql.forgetUnresolved, numbers),
  ])
}
