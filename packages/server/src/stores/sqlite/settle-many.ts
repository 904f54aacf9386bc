import { assert } from '../../core/assert.ts'
import type { TaskId } from '../../core/task.ts'
import type { Settlement, SettleResult } from '../../ports/store.ts'
import { type SettleFacts, text, toSettleFacts } from './rows.ts'
import type { Transaction } from './session.ts'
import { end, isHeld, settle } from './settle.ts'

/** Below this the two statements for many cost more than two for each. */
const manyMin = 4
/** A longer result would be escaped, parsed and unescaped once more on its way through the list. */
const resultInListCharsMax = 2_048

const completed: SettleResult = Object.freeze({ verdict: 'applied', state: 'completed' })

/**
 * The settlements of one exchange. Most are completions of leases that hold: one statement reads their facts and another
 * writes them all. Everything else, and whatever else is said of the same task, goes one by one after them and in its
 * order. Their children are told in that order, too, so that it cannot be seen that the list was not taken one by one.
 */
export function settleMany(tx: Transaction, settlements: readonly Settlement[]): readonly SettleResult[] {
  if (settlements.length < manyMin) return settlements.map(settlement => settle(tx, settlement))
  const facts = factsOfCompletions(tx, settlements)
  write(tx, settlements, facts)
  return settlements.map((settlement, at) => {
    const own = facts[at]
    if (own === undefined) return settle(tx, settlement)
    end(tx, own, settlement.lease, 'completed')
    return completed
  })
}

/** By index, what was read of the tasks that are completed together; nothing where a settlement goes its own way. */
function factsOfCompletions(tx: Transaction, settlements: readonly Settlement[]): readonly (SettleFacts | undefined)[] {
  const seen = new Map<TaskId, number>()
  const ids: TaskId[] = []
  for (const [at, settlement] of settlements.entries()) {
    const { taskId } = settlement.lease
    if (seen.has(taskId)) continue
    seen.set(taskId, at)
    if (isPlainCompletion(settlement)) ids.push(taskId)
  }
  const facts: (SettleFacts | undefined)[] = new Array(settlements.length).fill(undefined)
  for (const row of tx.sql.tasksFacts.all(JSON.stringify(ids))) {
    const at = seen.get(text(row[13]) as TaskId) // Written from a TaskId.
    const settlement = at === undefined ? undefined : settlements[at]
    assert(at !== undefined && settlement !== undefined, 'only what was asked for is found')
    const own = toSettleFacts(row)
    if (isHeld(own, settlement)) facts[at] = own
  }
  return facts
}

function isPlainCompletion({ outcome, guard }: Settlement): boolean {
  return guard === 'held' && outcome.kind === 'completed' && (outcome.result?.length ?? 0) <= resultInListCharsMax
}

function write(tx: Transaction, settlements: readonly Settlement[], facts: readonly (SettleFacts | undefined)[]): void {
  const entries: (readonly [number, number, string, string | null])[] = []
  for (const [at, { lease, outcome }] of settlements.entries()) {
    const own = facts[at]
    if (own === undefined || outcome.kind !== 'completed') continue
    entries.push([own.number, lease.epoch, lease.workerId, outcome.result])
  }
  if (entries.length === 0) return
  const moved = tx.sql.completeTasks.run(tx.nowMs, JSON.stringify(entries))
  assert(moved.changes === entries.length, 'leases that were read in this transaction still hold')
}
