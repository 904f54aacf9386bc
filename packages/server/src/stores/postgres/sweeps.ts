import type { Changes, LeaseFacts } from '../../ports/store.ts'
import { resolveLeftovers } from './dependencies.ts'
import { boolean, number, numberOrNull, state, toLeaseFacts } from './rows.ts'
import { becomePending, learnLanes, type Reader, type Session, toChanges } from './session.ts'
import { statements as sql } from './statements.ts'
import { forget, readNeeded } from './verbs.ts'

/** A client repeats a claim within its request time-out; minutes later nobody asks again. */
const claimRequestKeepMs = 300_000

export async function promote(
  session: Session,
  limit: number,
): Promise<{ changes: Changes; nextDueInMs: number | null }> {
  // Asked again and again while nothing is due: that must not cost a transaction.
  const next = await session.read(reader => dueInMs(reader, bottom))
  if (next === null || next > 0) return { changes: { ready: [], ended: [], hasLeftovers: false }, nextDueInMs: next }
  const { changes, nowMs } = await session.transact(async tx => {
    const rows = await tx.connection.rows(sql.promoteTasks, tx.nowMs, limit)
    await learnLanes(
      tx,
      rows.map(row => number(row[0])),
    )
    for (const row of rows) becomePending(tx, { lane: number(row[0]), rank: number(row[1]) }, 'scheduled')
    // Where there was room for more, what else is due is in another node's hands: to ask at once would be to wait for it.
    return { changes: toChanges(tx), nowMs: rows.length === limit ? bottom : tx.nowMs }
  })
  return { changes, nextDueInMs: await session.read(reader => dueInMs(reader, nowMs)) }
}

const bottom = Number.MIN_SAFE_INTEGER

/** Of the first one that is due after that. */
async function dueInMs({ connection, now }: Reader, afterMs: number): Promise<number | null> {
  const [[row], nowMs] = await Promise.all([connection.rows(sql.nextDueAfter, afterMs), now()])
  return row === undefined ? null : Math.max(0, number(row[0]) - nowMs)
}

export function expired(session: Session, limit: number): Promise<readonly LeaseFacts[]> {
  return session.read(async ({ connection, now }) => {
    const nowMs = await now()
    return (await connection.rows(sql.expiredLeases, nowMs, limit)).map(row => toLeaseFacts(row, nowMs))
  })
}

export function shorten(session: Session, mostMs: number): Promise<void> {
  return session.transact(async tx => {
    await tx.connection.run(sql.shortenLeases, tx.nowMs + mostMs)
  })
}

export async function unblock(session: Session, limit: number): Promise<{ changes: Changes; isDone: boolean }> {
  // Asked at every pass, and nearly always in vain.
  const isAny = await session.read(async ({ connection }) => (await connection.rows(sql.isAnyUnresolved))[0]?.[0])
  if (isAny !== true) return { changes: { ready: [], ended: [], hasLeftovers: false }, isDone: true }
  return session.transact(async tx => {
    const isDone = await resolveLeftovers(tx)
    tx.hasLeftovers = !isDone
    return { changes: toChanges(tx), isDone }
  }, limit)
}

/**
 * Walks the numbers upwards and wraps around, so that a crowd of old unfinished tasks costs its pass and no more, and no
 * index has to be kept for it. Each node walks for itself; what another is at is passed over.
 */
export async function prune(
  session: Session,
  ask: { readonly keepMs: number; readonly workerKeepMs: number; readonly limit: number },
): Promise<number> {
  await session.transact(async tx => {
    await tx.connection.run(sql.addUpCounters)
  })
  const walked = await session.transact(async tx => {
    await tx.connection.run(sql.pruneWorkers, tx.nowMs - ask.workerKeepMs)
    await tx.connection.run(sql.pruneRequests, tx.nowMs - claimRequestKeepMs)
    const before = tx.nowMs - ask.keepMs
    const looked = await tx.connection.rows(sql.oldTasks, session.pruneFrom, ask.limit)
    const isOver = looked.length < ask.limit || looked.some(row => number(row[2]) >= before)
    const old = looked.filter(row => (numberOrNull(row[1]) ?? before) < before)
    const held = await tx.connection.rows(
      sql.holdFinished,
      old.map(row => number(row[0])),
      before,
    )
    const needed = await readNeeded(
      tx,
      held.filter(row => boolean(row[3])).map(row => number(row[0])),
    )
    const pruned = held.filter(row => !needed.has(number(row[0])))
    await forget(
      tx,
      pruned.map(row => ({ number: number(row[0]), lane: number(row[1]), state: state(row[2]) })),
    )
    return { count: pruned.length, next: isOver ? 0 : number(looked.at(-1)?.[0] ?? 0) }
  })
  session.pruneFrom = walked.next
  return walked.count
}
