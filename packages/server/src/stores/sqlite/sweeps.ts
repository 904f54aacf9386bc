import type { Changes, LeaseFacts } from '../../ports/store.ts'
import { resolveLeftovers } from './dependencies.ts'
import { number, numberOrNull, state, toLeaseFacts } from './rows.ts'
import { becomePending, type Session, toChanges } from './session.ts'
import { forget, isNeeded } from './verbs.ts'

/** A client repeats a claim within its request time-out; minutes later nobody asks again. */
const claimRequestKeepMs = 300_000

export function promote(session: Session, limit: number): { changes: Changes; nextDueInMs: number | null } {
  // Asked again and again while nothing is due: that must not cost a transaction.
  const next = nextDueInMs(session)
  if (next === null || next > 0) return { changes: { ready: [], ended: [], hasLeftovers: false }, nextDueInMs: next }
  return session.transact(tx => {
    for (const row of tx.sql.dueTasks.all(tx.nowMs, limit)) {
      if (tx.sql.promoteTask.run(number(row[0])).changes === 1) becomePending(tx, number(row[1]), 'scheduled')
    }
    return { changes: toChanges(tx), nextDueInMs: nextDueInMs(session) }
  })
}

function nextDueInMs(session: Session): number | null {
  const runAtMs = numberOrNull(session.sql.nextDue.get()?.[0] ?? null)
  return runAtMs === null ? null : Math.max(0, runAtMs - session.clock.now())
}

export function expired(session: Session, limit: number): readonly LeaseFacts[] {
  const nowMs = session.clock.now()
  return session.sql.expiredLeases.all(nowMs, limit).map(row => toLeaseFacts(row, nowMs))
}

export function shorten(session: Session, mostMs: number): void {
  session.transact(tx => tx.sql.shortenLeases.run(tx.nowMs + mostMs, tx.nowMs + mostMs))
}

export function unblock(session: Session, limit: number): { changes: Changes; isDone: boolean } {
  return session.transact(tx => {
    const isDone = resolveLeftovers(tx)
    tx.hasLeftovers = !isDone
    return { changes: toChanges(tx), isDone }
  }, limit)
}

/**
 * Walks the numbers upwards and wraps around, so that a crowd of old unfinished tasks costs its pass and no more, and no
 * index has to be kept for it. Where the walk stands is forgotten at a restart, which costs one pass.
 */
export function prune(
  session: Session,
  ask: { readonly keepMs: number; readonly workerKeepMs: number; readonly limit: number },
): number {
  return session.transact(tx => {
    tx.sql.pruneWorkers.run(tx.nowMs - ask.workerKeepMs)
    tx.sql.pruneRequests.run(tx.nowMs - claimRequestKeepMs)
    const looked = tx.sql.oldTasks.all(session.pruneFrom, ask.limit)
    const isOver = looked.length < ask.limit || looked.some(row => number(row[5]) >= tx.nowMs - ask.keepMs)
    session.pruneFrom = isOver ? 0 : number(looked.at(-1)?.[0] ?? 0)
    let pruned = 0
    for (const row of looked) {
      const own = number(row[0])
      const finishedAtMs = numberOrNull(row[3])
      if (finishedAtMs === null || finishedAtMs >= tx.nowMs - ask.keepMs) continue
      if (row[4] !== 0 && isNeeded(tx, own)) continue
      forget(tx, { number: own, lane: number(row[1]), state: state(row[2]) })
      pruned += 1
    }
    return pruned
  })
}
