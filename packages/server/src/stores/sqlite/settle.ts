import { assert } from '../../core/assert.ts'
import { fingerprintOf } from '../../core/fingerprint.ts'
import type { BadEnd } from '../../core/retry.ts'
import type { JsonText } from '../../core/task.ts'
import type { Outcome, Settlement, SettleResult } from '../../ports/store.ts'
import { endTask } from './dependencies.ts'
import { numberOrNull, type SettleFacts, textOrNull, toSettleFacts } from './rows.ts'
import { becomePending, type Transaction } from './session.ts'

/**
 * Ends an attempt. Only (task, epoch, worker) moves a running task, and a cancel mark turns every outcome but
 * `completed` into cancelled. An attempt that did not end the task gets a row of history; one that did is told by the
 * task's own row, so that the happy path writes one row and no second.
 */
export function settle(tx: Transaction, settlement: Settlement): SettleResult {
  const row = tx.sql.taskFacts.get(settlement.lease.taskId)
  if (row === undefined) return { verdict: 'unknown', state: null }
  const facts = toSettleFacts(row)
  if (!isHeld(facts, settlement) || isTooEarly(tx, facts, settlement)) {
    const isRepeated = settlement.guard === 'held' && isRepeat(tx, facts, settlement)
    return { verdict: isRepeated ? 'applied' : 'stale', state: null }
  }
  return { verdict: 'applied', state: apply(tx, facts, settlement) }
}

function isHeld(facts: SettleFacts, { lease }: Settlement): boolean {
  return facts.state === 'running' && facts.epoch === lease.epoch && facts.workerId === lease.workerId
}

/** The reaper's guard: a heartbeat may have come between its reading and its settle. */
function isTooEarly(tx: Transaction, facts: SettleFacts, { guard }: Settlement): boolean {
  return guard === 'expired' && (facts.leaseUntilMs ?? 0) > tx.nowMs
}

type Said = 'completed' | 'failed' | 'released' | 'cancelled'

/** `retry` and `failed` are core's decision on one and the same word of the worker's. */
function saidBy(outcome: Outcome): Said {
  return outcome.kind === 'retry' ? 'failed' : outcome.kind
}

function isRepeat(tx: Transaction, facts: SettleFacts, { lease, outcome }: Settlement): boolean {
  if (facts.epoch === lease.epoch && facts.endOutcome !== null) {
    return facts.workerId === lease.workerId && facts.settledAs === saidBy(outcome)
  }
  const attempt = tx.sql.attemptSettledAs.get(facts.number, lease.epoch)
  return attempt !== undefined && attempt[0] === lease.workerId && attempt[1] === saidBy(outcome)
}

function apply(tx: Transaction, facts: SettleFacts, settlement: Settlement): SettleResult['state'] {
  tx.liveLeases.delete(settlement.lease.taskId)
  const { outcome } = settlement
  if (outcome.kind === 'completed') return complete(tx, facts, settlement, outcome.result)
  const said = isWorkersWord(settlement) ? saidBy(outcome) : null
  if (facts.isMarked) return cancelMarked(tx, facts, settlement, said)
  switch (outcome.kind) {
    case 'cancelled':
      return cancel(tx, facts, settlement, { error: outcome.error, said })
    case 'released':
      return release(tx, facts, settlement, said)
    case 'retry':
      return retry(tx, facts, settlement, { ...outcome, said })
    case 'failed':
      return fail(tx, facts, settlement, { ...outcome, said })
  }
}

/** A loss is decided by the scheduler, and the worker's own settle that comes after it is stale. */
function isWorkersWord({ guard }: Settlement): boolean {
  return guard === 'held'
}

interface BadOutcome {
  readonly error: JsonText
  readonly as: BadEnd
  readonly said: Said | null
}

function complete(tx: Transaction, facts: SettleFacts, { lease }: Settlement, result: JsonText | null): 'completed' {
  const moved = tx.sql.completeTask.run(result, tx.nowMs, facts.number, lease.epoch, lease.workerId)
  assert(moved.changes === 1, 'a lease that was read in this transaction still holds')
  end(tx, facts, lease, 'completed')
  return 'completed'
}

function fail(tx: Transaction, facts: SettleFacts, { lease }: Settlement, outcome: BadOutcome): 'failed' {
  const { error, as, said } = outcome
  const crashes = as === 'crashed' ? 1 : 0
  const print = fingerprintOf(tx.lanes.byId(facts.lane).type, error)
  const { nowMs } = tx
  const held = [facts.number, lease.epoch, lease.workerId] as const
  const moved = tx.sql.failTask.run(error, nowMs, crashes, as, said, print, nowMs, ...held)
  assert(moved.changes === 1, 'a lease that was read in this transaction still holds')
  end(tx, facts, lease, 'failed')
  return 'failed'
}

/** The task keeps the error that the mark left; the attempt keeps its own, which is why it needs a row. */
function cancelMarked(
  tx: Transaction,
  facts: SettleFacts,
  { lease, outcome }: Settlement,
  said: Said | null,
): 'cancelled' {
  keepAttempt(tx, facts, { outcome: 'cancelled', error: 'error' in outcome ? outcome.error : null, said })
  const moved = tx.sql.cancelMarked.run(tx.nowMs, facts.number, lease.epoch, lease.workerId)
  assert(moved.changes === 1, 'a marked lease that was read in this transaction still holds')
  end(tx, facts, lease, 'cancelled')
  return 'cancelled'
}

function cancel(
  tx: Transaction,
  facts: SettleFacts,
  { lease }: Settlement,
  { error, said }: Omit<BadOutcome, 'as'>,
): 'cancelled' {
  const moved = tx.sql.cancelTask.run(error, tx.nowMs, said, facts.number, lease.epoch, lease.workerId)
  assert(moved.changes === 1, 'a lease that was read in this transaction still holds')
  end(tx, facts, lease, 'cancelled')
  return 'cancelled'
}

function release(tx: Transaction, facts: SettleFacts, { lease }: Settlement, said: Said | null): 'pending' {
  keepAttempt(tx, facts, { outcome: 'released', error: null, said })
  const moved = tx.sql.releaseTask.run(facts.number, lease.epoch, lease.workerId)
  assert(moved.changes === 1, 'a lease that was read in this transaction still holds')
  becomePending(tx, facts.lane, 'running')
  return 'pending'
}

function retry(
  tx: Transaction,
  facts: SettleFacts,
  { lease }: Settlement,
  outcome: BadOutcome & { readonly delayMs: number },
): 'pending' | 'scheduled' {
  const { error, as, said, delayMs } = outcome
  keepAttempt(tx, facts, { outcome: as, error, said })
  const to = delayMs === 0 ? 'pending' : 'scheduled'
  const runAtMs = delayMs === 0 ? null : tx.nowMs + delayMs
  const crashes = as === 'crashed' ? 1 : 0
  const moved = tx.sql.retryTask.run(to, runAtMs, error, crashes, facts.number, lease.epoch, lease.workerId)
  assert(moved.changes === 1, 'a lease that was read in this transaction still holds')
  if (to === 'pending') becomePending(tx, facts.lane, 'running')
  else tx.counters.move(facts.lane, 'running', 'scheduled')
  return to
}

/** Counts and tells the end of an attempt that has just been written to the row. */
function end(
  tx: Transaction,
  facts: SettleFacts,
  lease: Settlement['lease'],
  to: 'completed' | 'failed' | 'cancelled',
): void {
  const { number, lane, dueAtMs, startedAtMs, hasDependents } = facts
  endTask(tx, { number, id: lease.taskId, lane, from: 'running', dueAtMs, startedAtMs, hasDependents }, to)
}

/** History of the running attempt, written before the row forgets it. */
export function keepAttempt(
  tx: Transaction,
  facts: Pick<SettleFacts, 'number' | 'epoch' | 'attempt' | 'workerId' | 'startedAtMs'>,
  ended: {
    readonly outcome: BadEnd | 'cancelled' | 'released'
    readonly error: JsonText | null
    readonly said: Said | null
  },
): void {
  const { number, epoch, attempt, workerId, startedAtMs } = facts
  const { outcome, said, error } = ended
  tx.sql.insertAttempt.run(
    number,
    epoch,
    attempt,
    textOrNull(workerId),
    numberOrNull(startedAtMs),
    tx.nowMs,
    outcome,
    said,
    error,
  )
}
