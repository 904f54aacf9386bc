import { limits } from '@tasklane/protocol'
import { claimsPerSign } from '../../core/lease.ts'
import type { ClaimAsk, ClaimedTask } from '../../ports/store.ts'
import type { SqlRow } from './database.ts'
import type { Lane } from './lanes.ts'
import { readFamilies } from './parents.ts'
import { leaseUntilOf, number, state, text, toRecord } from './rows.ts'
import { type Ground, learnLanes, type Transaction } from './session.ts'
import { statements as sql } from './statements.ts'

// ─── What is known before a claim ────────────────────────────────────────────────────────────────────────────────────

export interface Claimant {
  readonly ask: ClaimAsk
  readonly lanes: readonly Lane[]
  readonly taken: ClaimedTask[]
  bytes: number
  isDone: boolean
}

export interface ClaimFacts {
  readonly paused: ReadonlySet<string>
  /** By worker, of those that are registered. */
  readonly workers: ReadonlyMap<string, { readonly isDraining: boolean; readonly lastSeenAtMs: number }>
  /** What the same request handed out before, as it was written. */
  readonly repeats: ReadonlyMap<ClaimAsk, string>
  /** Of lanes that this node knew when it asked: whether anything was pending there; true where it did not ask. */
  readonly isAnyPending: boolean
}

export type HandedOut = readonly (readonly [number: number, epoch: number])[]

const noFacts: ClaimFacts = Object.freeze({
  paused: new Set<string>(),
  workers: new Map(),
  repeats: new Map(),
  isAnyPending: true,
})

/**
 * In one statement; nothing that settles or submits of the same exchange could change, but for what is pending.
 * @param asksForPending whether it matters that nothing is pending
 */
export async function readFacts(
  { connection, lanes, floors, clock }: Ground,
  asks: readonly ClaimAsk[],
  asksForPending = false,
): Promise<ClaimFacts> {
  if (asks.length === 0) return noFacts
  const named = asks.filter(ask => ask.requestId !== null)
  const knownBefore = lanes.last()
  const watched = asksForPending ? idsOf(asks.flatMap(ask => lanes.matching(ask.queues, ask.types))) : []
  const beganMs = clock.monotonic()
  const look = floors.plan(watched, beganMs)
  const rows = await connection.rows(
    sql.claimFacts,
    asks.map(ask => ask.workerId),
    named.map(ask => ask.workerId),
    named.map(ask => ask.requestId),
    knownBefore,
    watched,
    look.from,
  )
  if (watched.length > 0) look.done(new Map(), clock.monotonic() - beganMs)
  const of = (kind: string): readonly SqlRow[] => rows.filter(row => row[0] === kind)
  lanes.learn(of('lane').map(row => ({ id: Number(row[1]), queue: text(row[2]), type: text(row[3]) })))
  const kept = new Map(of('request').map(row => [`${row[1]}\n${row[2]}`, text(row[3])]))
  const repeats = new Map<ClaimAsk, string>()
  for (const ask of named) {
    const leases = kept.get(`${ask.workerId}\n${ask.requestId}`)
    if (leases !== undefined) repeats.set(ask, leases)
  }
  return {
    paused: new Set(of('paused').map(row => text(row[1]))),
    workers: new Map(
      of('worker').map(row => [text(row[1]), { isDraining: row[2] === 'true', lastSeenAtMs: Number(row[3]) }]),
    ),
    repeats,
    isAnyPending: !asksForPending || of('pending').length > 0 || lanes.last() > knownBefore,
  }
}

/** The write is spared where the last sign is fresh. */
export function signsOfLife(tx: Transaction, asks: readonly ClaimAsk[], { workers }: ClaimFacts): void {
  const stale = asks.filter(ask => {
    const lastSeenAtMs = workers.get(ask.workerId)?.lastSeenAtMs ?? tx.nowMs
    return lastSeenAtMs <= tx.nowMs - ask.leaseMs / claimsPerSign
  })
  if (stale.length === 0) return
  tx.later(
    tx.connection.run(
      sql.seeWorkers,
      tx.nowMs,
      stale.map(ask => ask.workerId),
    ),
  )
}

/** Those who may get something. */
export function claimantsOf(tx: Transaction, asks: readonly ClaimAsk[], facts: ClaimFacts): readonly Claimant[] {
  return asks
    .filter(ask => facts.workers.get(ask.workerId)?.isDraining !== true)
    .map(ask => {
      const lanes = tx.lanes.matching(ask.queues, ask.types).filter(lane => !facts.paused.has(lane.queue))
      return { ask, lanes, taken: [], bytes: 0, isDone: false }
    })
}

// ─── Repeated requests ───────────────────────────────────────────────────────────────────────────────────────────────

/** What the same request handed out before, as far as the worker still holds it. */
export async function repeat(tx: Transaction, ask: ClaimAsk, leases: HandedOut): Promise<readonly ClaimedTask[]> {
  const rows = await tx.connection.rows(
    sql.recordsByNumbers,
    leases.map(lease => lease[0]),
  )
  await learnLanes(
    tx,
    rows.map(row => number(row[2])),
  )
  const byNumber = new Map(rows.map(row => [number(row[0]), row]))
  const held = leases.flatMap(([own, epoch]): readonly SqlRow[] => {
    const row = byNumber.get(own)
    if (row === undefined) return []
    const isHeld = state(row[3]) === 'running' && row[6] === epoch && row[9] === ask.workerId
    return isHeld ? [row] : []
  })
  const withParents = held.filter(row => row[28] !== null).map(row => number(row[0]))
  const families = await readFamilies(tx.connection, withParents, limits.parentsBytesMax)
  return held.map(row => ({
    ...toRecord(row, tx.lanes.byId(number(row[2]))),
    leaseExpiresAtMs: leaseUntilOf(row) ?? 0,
    parents: families.get(number(row[0]))?.parents ?? (row[28] === null ? [] : null),
  }))
}

/**
 * The same request may be under way at another node. Whoever writes it first is right; the other one waits until that is
 * committed, fails, is run again, and repeats it.
 */
export function keepRequests(tx: Transaction, claimants: readonly Claimant[], { repeats }: ClaimFacts): void {
  const kept = claimants.filter(({ ask, taken }) => ask.requestId !== null && taken.length > 0)
  if (kept.length === 0) return
  const ids = (of: readonly Claimant[]) =>
    [of.map(({ ask }) => ask.workerId), of.map(({ ask }) => ask.requestId)] as const
  const old = kept.filter(({ ask }) => repeats.has(ask))
  if (old.length > 0) {
    const leases = old.map(({ ask }) => repeats.get(ask) ?? null)
    tx.later(tx.connection.run(sql.forgetClaimRequests, ...ids(old), leases))
  }
  const leases = kept.map(({ taken }) => JSON.stringify(taken.map(task => [task.number, task.epoch])))
  tx.later(tx.connection.run(sql.insertClaimRequests, tx.nowMs, ...ids(kept), leases))
}

/** Each once. */
export function idsOf(lanes: readonly Lane[]): readonly number[] {
  return [...new Set(lanes.map(lane => lane.id))]
}
