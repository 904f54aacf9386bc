import { fingerprintOf } from '../../core/fingerprint.ts'
import type { BadEnd } from '../../core/retry.ts'
import type { JsonText } from '../../core/task.ts'
import type { Outcome, Settlement, SettleResult } from '../../ports/store.ts'
import { endTask } from './dependencies.ts'
import type { HeldTask } from './rows.ts'
import { becomePending, type Transaction } from './session.ts'

/**
 * Ends an attempt of a task at hand. Only (task, epoch, worker) moves a running task, and a cancel mark turns every
 * outcome but `completed` into cancelled. An attempt that did not end the task gets a row of history; one that did is
 * told by the task's own row.
 */
export async function settle(tx: Transaction, settlement: Settlement): Promise<SettleResult> {
  const task = tx.hand.byId(settlement.lease.taskId)
  if (task === undefined) return { verdict: 'unknown', state: null }
  if (!isHeld(task, settlement) || isTooEarly(tx, task, settlement)) {
    const isRepeated = settlement.guard === 'held' && isRepeat(tx, task, settlement)
    return { verdict: isRepeated ? 'applied' : 'stale', state: null }
  }
  await apply(tx, task, settlement)
  return { verdict: 'applied', state: task.state }
}

function isHeld(task: HeldTask, { lease }: Settlement): boolean {
  return task.state === 'running' && task.epoch === lease.epoch && task.workerId === lease.workerId
}

/** The reaper's guard: a heartbeat may have come between its reading and its settle. */
function isTooEarly(tx: Transaction, task: HeldTask, { guard }: Settlement): boolean {
  return guard === 'expired' && (task.leaseUntilMs ?? 0) > tx.nowMs
}

type Said = 'completed' | 'failed' | 'released' | 'cancelled'

/** `retry` and `failed` are core's decision on one and the same word of the worker's. */
function saidBy(outcome: Outcome): Said {
  return outcome.kind === 'retry' ? 'failed' : outcome.kind
}

function isRepeat(tx: Transaction, task: HeldTask, { lease, outcome }: Settlement): boolean {
  if (task.epoch === lease.epoch && task.endOutcome !== null) {
    return task.workerId === lease.workerId && task.settledAs === saidBy(outcome)
  }
  const attempt = tx.hand.attempt(task.number, lease.epoch)
  return attempt?.workerId === lease.workerId && attempt.settledAs === saidBy(outcome)
}

async function apply(tx: Transaction, task: HeldTask, { outcome, guard }: Settlement): Promise<void> {
  // A loss is decided by the scheduler, and the worker's own settle that comes after it is stale.
  const said = guard === 'held' ? saidBy(outcome) : null
  tx.hand.change(task)
  if (outcome.kind === 'completed') {
    task.endOutcome = 'completed'
    task.settledAs = 'completed'
    task.result = outcome.result
    task.error = null
    await endTask(tx, task, 'completed')
  } else if (task.cancelRequestedAtMs !== null) {
    // The task keeps the error that the mark left; the attempt keeps its own, which is why it needs a row.
    keepAttempt(tx, task, { outcome: 'cancelled', error: 'error' in outcome ? outcome.error : null, said })
    task.result = null
    task.progress = null
    await endTask(tx, task, 'cancelled')
  } else if (outcome.kind === 'failed') {
    await fail(tx, task, { ...outcome, said })
  } else if (outcome.kind === 'cancelled') {
    writeBadEnd(task, 'cancelled', { error: outcome.error, said })
    await endTask(tx, task, 'cancelled')
  } else if (outcome.kind === 'released') {
    keepAttempt(tx, task, { outcome: 'released', error: null, said })
    task.attempt -= 1
    leaveRunning(task)
    task.state = 'pending'
    becomePending(tx, task, 'running')
  } else {
    retry(tx, task, { ...outcome, said })
  }
}

interface BadOutcome {
  readonly error: JsonText
  readonly as: BadEnd
  readonly said: Said | null
}

async function fail(tx: Transaction, task: HeldTask, outcome: BadOutcome): Promise<void> {
  if (outcome.as === 'crashed') task.crashes += 1
  writeBadEnd(task, outcome.as, outcome)
  task.fingerprint = fingerprintOf(tx.lanes.byId(task.lane).type, outcome.error)
  await endTask(tx, task, 'failed')
}

function writeBadEnd(task: HeldTask, as: BadEnd | 'cancelled', { error, said }: Omit<BadOutcome, 'as'>): void {
  task.endOutcome = as
  task.settledAs = said
  task.error = error
  task.result = null
  task.progress = null
}

function retry(tx: Transaction, task: HeldTask, outcome: BadOutcome & { readonly delayMs: number }): void {
  const { error, as, said, delayMs } = outcome
  keepAttempt(tx, task, { outcome: as, error, said })
  if (as === 'crashed') task.crashes += 1
  leaveRunning(task)
  task.error = error
  if (delayMs === 0) {
    task.state = 'pending'
    becomePending(tx, task, 'running')
  } else {
    task.state = 'scheduled'
    task.runAtMs = tx.nowMs + delayMs
    tx.counters.move(task.lane, 'running', 'scheduled')
  }
}

function leaveRunning(task: HeldTask): void {
  task.workerId = null
  task.leaseUntilMs = null
  task.startedAtMs = null
  task.progress = null
}

/** History of the running attempt, before the row forgets it. */
export function keepAttempt(
  tx: Transaction,
  task: HeldTask,
  ended: {
    readonly outcome: BadEnd | 'cancelled' | 'released'
    readonly error: JsonText | null
    readonly said: Said | null
  },
): void {
  tx.hand.keepAttempt({
    number: task.number,
    epoch: task.epoch,
    attempt: task.attempt,
    worker_id: task.workerId,
    started_at: task.startedAtMs ?? tx.nowMs,
    ended_at: tx.nowMs,
    outcome: ended.outcome,
    settled_as: ended.said,
    error: ended.error,
  })
}
