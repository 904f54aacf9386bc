import { assert } from '../../core/assert.ts'
import type { Settlement, SettleResult } from '../../ports/store.ts'
import { endCompleted } from './dependencies.ts'
import type { LiveLease } from './live-leases.ts'
import type { Transaction } from './session.ts'
import { settle } from './settle.ts'

/** A longer result would be escaped, parsed and unescaped once more on its way through the list. */
const resultInListCharsMax = 2_048

const completed: SettleResult = Object.freeze({ verdict: 'applied', state: 'completed' })

/**
 * The settlements of one exchange. Most are completions of leases that this process has handed out and that still hold:
 * one statement writes them all, and their children are told together. Everything else, and whatever else is said of the
 * same task, goes one by one after them and in its order: no child is released or cancelled but by its own edges, so that
 * it cannot be seen that the list was not taken one by one.
 */
export function settleMany(tx: Transaction, settlements: readonly Settlement[]): readonly SettleResult[] {
  const together = keepOrder(takeCompletions(tx, settlements))
  write(tx, settlements, together)
  endCompleted(
    tx,
    together.filter(lease => lease !== undefined),
  )
  return settlements.map((settlement, at) => (together[at] === undefined ? settle(tx, settlement) : completed))
}

/**
 * A transaction resolves a bounded number of edges, so that which children are told now and which later is a matter of
 * order: beside settlements that go their own way, parents go theirs.
 */
function keepOrder(together: readonly (LiveLease | undefined)[]): readonly (LiveLease | undefined)[] {
  if (!together.includes(undefined)) return together
  return together.map(lease => (lease?.hasDependents === true ? undefined : lease))
}

/** By index, the leases that are completed together; nothing where a settlement goes its own way. */
function takeCompletions(tx: Transaction, settlements: readonly Settlement[]): readonly (LiveLease | undefined)[] {
  const seen = new Set<string>()
  return settlements.map(settlement => {
    const { taskId, epoch, workerId } = settlement.lease
    const isFirst = !seen.has(taskId)
    seen.add(taskId)
    if (!isFirst || !isPlainCompletion(settlement)) return undefined
    const live = tx.liveLeases.get(taskId)
    if (live?.epoch !== epoch || live.workerId !== workerId) return undefined
    tx.liveLeases.delete(taskId)
    return live
  })
}

function isPlainCompletion({ outcome, guard }: Settlement): boolean {
  return guard === 'held' && outcome.kind === 'completed' && (outcome.result?.length ?? 0) <= resultInListCharsMax
}

function write(
  tx: Transaction,
  settlements: readonly Settlement[],
  together: readonly (LiveLease | undefined)[],
): void {
  const entries: (readonly [number, number, string, string | null])[] = []
  for (const [at, { lease, outcome }] of settlements.entries()) {
    const live = together[at]
    if (live === undefined || outcome.kind !== 'completed') continue
    entries.push([live.number, lease.epoch, lease.workerId, outcome.result])
  }
  if (entries.length === 0) return
  const moved = tx.sql.completeTasks.run(tx.nowMs, JSON.stringify(entries))
  assert(moved.changes === entries.length, 'whoever ends a lease forgets it')
}
