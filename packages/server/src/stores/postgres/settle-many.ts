import type { TaskId } from '../../core/task.ts'
import type { Settlement, SettleResult } from '../../ports/store.ts'
import type { Connection, SqlRow } from './database.ts'
import { type Ending, resolveChildren, tellEnd } from './dependencies.ts'
import { boolean, number, numberOrNull, taskIdOf } from './rows.ts'
import { learnLanes, type Transaction } from './session.ts'
import { settle } from './settle.ts'
import { statements as sql } from './statements.ts'

const completed: SettleResult = Object.freeze({ verdict: 'applied', state: 'completed' })

/**
 * The settlements of one exchange. Most are completions of leases that still hold: one statement writes them all, unread.
 * Everything else, and whatever else is said of the same task, is decided one by one and in its order. No child is
 * released or cancelled but by its own edges, so that it cannot be seen that the list was not taken one by one.
 * What changed at hand is left to be written by the caller.
 */
export async function settleMany(
  tx: Transaction,
  settlements: readonly Settlement[],
  completions: Completions,
): Promise<readonly SettleResult[]> {
  const ended = await readCompletions(tx, completions)
  for (const ending of ended.values()) tellEnd(tx, ending, 'completed')
  const others = settlements.filter((_, at) => !ended.has(at))
  if (others.length > 0) await prepare(tx, others)
  const results: SettleResult[] = []
  for (const [at, settlement] of settlements.entries()) {
    const ending = ended.get(at)
    if (ending === undefined) results.push(await settle(tx, settlement))
    else {
      if (ending.hasDependents) tx.parentsToResolve.push({ number: ending.number, id: ending.id, state: 'completed' })
      // Beside others each parent takes its turn, since a transaction resolves a bounded number of edges.
      if (others.length > 0) await resolveChildren(tx)
      results.push(completed)
    }
  }
  await resolveChildren(tx)
  return results
}

/** What the first statement of an exchange completed. */
export interface Completions {
  /** Index of the settlement by its task. */
  readonly atById: ReadonlyMap<TaskId, number>
  readonly rows: readonly SqlRow[]
}

/** Completes, unread, whatever of the settlements completes a lease that holds. @param nowMs null: the database's clock */
export async function completeTogether(
  connection: Connection,
  nowMs: number | null,
  settlements: readonly Settlement[],
): Promise<Completions> {
  const atById = new Map<TaskId, number>()
  const seen = new Set<TaskId>()
  for (const [at, { lease, outcome, guard }] of settlements.entries()) {
    const isFirst = !seen.has(lease.taskId)
    seen.add(lease.taskId)
    if (isFirst && guard === 'held' && outcome.kind === 'completed') atById.set(lease.taskId, at)
  }
  if (atById.size === 0) return { atById, rows: [] }
  const chosen = [...atById.values()].flatMap(at => settlements[at] ?? [])
  const rows = await connection.rows(
    sql.completeTasks,
    nowMs,
    chosen.map(each => each.lease.taskId),
    chosen.map(each => each.lease.epoch),
    chosen.map(each => each.lease.workerId),
    chosen.map(each => (each.outcome.kind === 'completed' ? each.outcome.result : null)),
  )
  return { atById, rows }
}

/** By index of the settlement, in their order. */
async function readCompletions(tx: Transaction, { atById, rows }: Completions): Promise<ReadonlyMap<number, Ending>> {
  await learnLanes(
    tx,
    rows.map(row => number(row[2])),
  )
  const ended = new Map<number, Ending>()
  for (const row of rows) {
    const id = taskIdOf(row[0])
    const at = atById.get(id)
    if (at === undefined) continue
    ended.set(at, {
      id,
      number: number(row[1]),
      lane: number(row[2]),
      from: 'running',
      dueAtMs: number(row[3]),
      startedAtMs: numberOrNull(row[4]),
      hasDependents: boolean(row[5]),
    })
  }
  return new Map([...ended].sort(([one], [other]) => one - other))
}

/** Holds the rows, and reads the history that tells a repeated settle from a stale one. */
async function prepare(tx: Transaction, settlements: readonly Settlement[]): Promise<void> {
  await tx.hand.takeIds(
    tx.connection,
    settlements.map(each => each.lease.taskId),
  )
  const earlier = settlements.flatMap(({ lease, guard }) => {
    const task = tx.hand.byId(lease.taskId)
    const isOver = task !== undefined && (task.epoch !== lease.epoch || task.state !== 'running')
    return isOver && guard === 'held' ? [{ number: task.number, epoch: lease.epoch }] : []
  })
  if (earlier.length === 0) return
  const rows = await tx.connection.rows(
    sql.attemptsSettledAs,
    earlier.map(each => each.number),
    earlier.map(each => each.epoch),
  )
  for (const row of rows) tx.hand.knowAttempt(row)
}
