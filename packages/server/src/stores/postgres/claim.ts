import { limits } from '@tasklane/protocol'
import { deadlineGraceMs } from '../../core/lease.ts'
import { compareRanked, rankOf } from '../../core/rank.ts'
import { textSize } from '../../core/task.ts'
import type { ClaimAsk, ClaimedTask, ParentRecord } from '../../ports/store.ts'
import {
  type Claimant,
  type ClaimFacts,
  claimantsOf,
  type HandedOut,
  idsOf,
  keepRequests,
  readFacts,
  repeat,
  signsOfLife,
} from './claim-facts.ts'
import { type Candidate, createLine, type Line, type Order, toCandidate, toReleased } from './line.ts'
import { type Family, readFamilies } from './parents.ts'
import { number, text, toClaimedTask } from './rows.ts'
import type { Transaction } from './session.ts'
import { statements as sql } from './statements.ts'

/**
 * Takes tasks under lease in the order of the queues: by rank inside one, and across queues by the urgency of their
 * heads, whatever each one's ordering. All claims of an exchange are dealt from one reading of the lanes, first come
 * first served, and written by one statement.
 *
 * The reading takes no locks, so that what it saw may be gone to another node a moment later: the write takes only what
 * is still pending and nobody else is at. Whoever got fewer than were there looks again at once, past those; and where
 * many nodes are at the same tasks, looks at many more than it wants and takes the first that are free.
 */
export async function claimMany(
  tx: Transaction,
  asks: readonly ClaimAsk[],
  facts: ClaimFacts,
): Promise<readonly (readonly ClaimedTask[])[]> {
  const answers = new Map<ClaimAsk, readonly ClaimedTask[]>()
  for (let left = asks, known = facts; ; known = await readFacts(tx, left)) {
    const count = firstDouble(left)
    await claimRound(tx, left.slice(0, count), known, answers)
    left = left.slice(count)
    if (left.length === 0) return asks.map(ask => answers.get(ask) ?? [])
  }
}

/** A request that stands twice in one exchange was doubled on its way: the second is asked once the first is answered. */
function firstDouble(asks: readonly ClaimAsk[]): number {
  const seen = new Set<string>()
  const at = asks.findIndex(({ workerId, requestId }) => {
    if (requestId === null) return false
    const key = `${workerId}\n${requestId}`
    const isDouble = seen.has(key)
    seen.add(key)
    return isDouble
  })
  return at < 0 ? asks.length : at
}

async function claimRound(
  tx: Transaction,
  asks: readonly ClaimAsk[],
  facts: ClaimFacts,
  answers: Map<ClaimAsk, readonly ClaimedTask[]>,
): Promise<void> {
  signsOfLife(tx, asks, facts)
  for (const [ask, leases] of facts.repeats) {
    if (!asks.includes(ask)) continue
    const held = await repeat(tx, ask, JSON.parse(leases) as HandedOut) // Written by keepRequests.
    if (held.length > 0) answers.set(ask, held)
  }
  const open = claimantsOf(
    tx,
    asks.filter(ask => !answers.has(ask)),
    facts,
  )
  await deal(tx, open)
  for (const { ask, taken } of open) answers.set(ask, taken)
  keepRequests(tx, open, facts)
}

// ─── Dealing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Looks in a row that others were faster at; then they shall have it, and whoever got nothing asks again. */
const vainLooksMax = 5

/**
 * From the second look in vain on, of each that is wanted so many are offered: who lost twice would lose again at what
 * comes next, to all the others who lost with it. Seldom are more nodes than that at one line in the same moment.
 */
const offeredInCrowd = 16

/** Above so many lanes it is faster to find those that have something than to look into each. */
const lanesLookedIntoMax = 100

async function deal(tx: Transaction, claimants: readonly Claimant[]): Promise<void> {
  const gone = new Set<number>()
  for (let vainLooks = 0; vainLooks < vainLooksMax; ) {
    const open = claimants.filter(each => !each.isDone && each.lanes.length > 0 && roomOf([each]) > 0)
    if (open.length === 0) return
    // In a crowd one at a time, since what is offered to one is not offered to another.
    const isCrowd = vainLooks > 1
    const those = isCrowd ? open.slice(0, 1) : open
    const forEach = isCrowd ? offeredInCrowd : 1
    const picks = await choose(tx, those, await look(tx, those, gone, forEach), forEach)
    if (picks.length === 0) {
      for (const claimant of those) claimant.isDone = true
      continue
    }
    const most = isCrowd ? Math.min(picks.length, roomOf(those)) : picks.length
    vainLooks = (await take(tx, picks, gone, most)) > 0 ? 0 : vainLooks + 1
  }
}

function roomOf(open: readonly Claimant[]): number {
  return open.reduce((sum, { ask, taken }) => sum + ask.limit - taken.length, 0)
}

interface Sight {
  readonly line: Line
  /** Of children that are in the line; of others they are read when they are chosen. */
  readonly families: ReadonlyMap<number, Family>
}

/** The first tasks of every lane that one of the claimants serves, what this transaction has released among them. */
async function look(
  tx: Transaction,
  open: readonly Claimant[],
  gone: ReadonlySet<number>,
  forEach: number,
): Promise<Sight> {
  const wanted = forEach * roomOf(open)
  let lanes = idsOf(open.flatMap(each => each.lanes))
  const released = releasedIn(tx, new Set(lanes))
  if (lanes.length > lanesLookedIntoMax) {
    const pending = new Set((await tx.connection.rows(sql.pendingLanes)).map(row => number(row[0])))
    lanes = lanes.filter(lane => pending.has(lane))
  }
  // Twice an even share: what one round leaves out the next one brings.
  const chunk = Math.min(wanted, Math.ceil((2 * wanted) / Math.max(1, lanes.length))) + gone.size
  const { clock, floors, connection } = tx
  let beganMs = clock.monotonic()
  const look = floors.plan(lanes, beganMs)
  // What was sent before takes its own time.
  void connection.answered().then(() => {
    beganMs = clock.monotonic()
  })
  const sought = lanes.length === 0 ? [] : connection.rows(sql.candidates, lanes, chunk, look.from)
  const first = released.slice(0, wanted).map(candidate => candidate.number)
  const [rows, families] = await Promise.all([sought, readFamilies(connection, first, limits.parentsBytesMax)])
  const heads = new Map<number, number>()
  const tails = new Map<number, { readonly last: Candidate; readonly count: number }>()
  const found = rows.map(toCandidate)
  for (const candidate of found) {
    const { lane, rank } = candidate
    if (!heads.has(lane)) heads.set(lane, rank)
    tails.set(lane, { last: candidate, count: (tails.get(lane)?.count ?? 0) + 1 })
  }
  look.done(heads, clock.monotonic() - beganMs)
  const cut = new Map([...tails].filter(([, { count }]) => count >= chunk).map(([lane, { last }]) => [lane, last]))
  return { line: createLine(inTurn(found, released, cut), new Set(cut.keys()), gone), families }
}

/** In the order of their ranks. */
function releasedIn(tx: Transaction, lanes: ReadonlySet<number>): readonly Candidate[] {
  return tx.hand
    .released()
    .filter(task => lanes.has(task.lane))
    .map(toReleased)
    .sort(compareRanked)
}

/** @param cut of lanes that may have more, the last that was seen: what comes behind it waits for the next look */
function inTurn(
  found: readonly Candidate[],
  released: readonly Candidate[],
  cut: ReadonlyMap<number, Candidate>,
): readonly Candidate[] {
  if (released.length === 0) return found
  const reached = released.filter(candidate => {
    const last = cut.get(candidate.lane)
    return last === undefined || compareRanked(candidate, last) < 0
  })
  return [...found, ...reached].sort(compareRanked)
}

interface Choice {
  readonly claimant: Claimant
  readonly candidate: Candidate
  readonly family: Family | null
  /** Of its own texts and those of its parents: its part of the reply. */
  readonly bytes: number
}

/** Across queues the heads compare by urgency, whatever each queue's ordering. */
export function orderOf(tx: Transaction): Order {
  return {
    inQueue: compareRanked,
    acrossQueues: (one, other) =>
      rankOf(one.dueAtMs, one.priority, tx.headStartMs) - rankOf(other.dueAtMs, other.priority, tx.headStartMs) ||
      one.number - other.number,
  }
}

async function choose(
  tx: Transaction,
  open: readonly Claimant[],
  { line, families: known }: Sight,
  forEach: number,
): Promise<readonly Choice[]> {
  const order = orderOf(tx)
  const dealt: { readonly claimant: Claimant; readonly candidate: Candidate }[] = []
  for (const claimant of open) {
    const room = forEach * roomOf([claimant])
    const { items, isCut } = line.take(claimant.lanes, room, order)
    claimant.isDone = !isCut
    for (const candidate of items) dealt.push({ claimant, candidate })
    // Whoever comes after must not take what this one has not been shown yet.
    if (isCut) break
  }
  const children = dealt.filter(({ candidate }) => candidate.hasParents).map(({ candidate }) => candidate.number)
  const unread = children.filter(child => !known.has(child))
  const others = await readFamilies(tx.connection, unread, limits.parentsBytesMax)
  const picks: Choice[] = []
  for (const { claimant, candidate } of dealt) {
    // At least one, and then as many as a reply has room for.
    if (claimant.bytes >= limits.replyBytesMax) {
      claimant.isDone = true
      continue
    }
    const family = known.get(candidate.number) ?? others.get(candidate.number) ?? null
    const parents = (family?.parents ?? []).reduce((sum, parent) => sum + textSize({ payload: null, ...parent }), 0)
    const bytes = candidate.bytes + parents
    claimant.bytes += bytes
    picks.push({ claimant, candidate, family, bytes })
  }
  if (tx.hand.released().length > 0) return picks.map(pick => ({ ...pick, family: asHeld(tx, pick.family) }))
  return picks
}

/** Writes what is still there, the first `most` of it; returns how many that were. */
async function take(tx: Transaction, picks: readonly Choice[], gone: Set<number>, most: number): Promise<number> {
  const rows = await tx.connection.rows(
    sql.claimTasks,
    tx.nowMs,
    deadlineGraceMs,
    picks.map(({ candidate }) => candidate.number),
    picks.map(({ claimant }) => claimant.ask.workerId),
    picks.map(({ claimant }) => tx.nowMs + claimant.ask.leaseMs),
    picks.map(({ candidate }) => candidate.written),
    most,
  )
  const byNumber = new Map(rows.map(row => [number(row[0]), row]))
  const claimedIds = new Set<string>()
  for (const { claimant, candidate, family, bytes } of picks) {
    const row = byNumber.get(candidate.number)
    if (row === undefined) {
      claimant.bytes -= bytes
      // There was more than enough, and this one is left where it is.
      if (rows.length === most) continue
      // Another node was faster: whoever was to get it looks again, past it.
      gone.add(candidate.number)
      claimant.isDone = false
      continue
    }
    const held = candidate.written === 'blocked' ? tx.hand.byNumber(candidate.number) : undefined
    if (held !== undefined) tx.hand.noteClaimed(held)
    tx.counters.move(candidate.lane, 'pending', 'running')
    claimedIds.add(text(row[1]))
    claimant.taken.push(
      toClaimedTask(row, {
        lane: tx.lanes.byId(candidate.lane),
        workerId: claimant.ask.workerId,
        startedAtMs: tx.nowMs,
        dependencies: family?.dependencies ?? [],
        parents: family === null ? [] : asClaimed(family.parents, claimedIds),
      }),
    )
  }
  return rows.length
}

/** A parent that an operator started anew may have been released a moment ago: its row does not say so yet. */
function asHeld(tx: Transaction, family: Family | null): Family | null {
  if (family === null) return null
  const parents = family.parents?.map(parent => ({ ...parent, state: tx.hand.byId(parent.id)?.state ?? parent.state }))
  return { ...family, parents: parents ?? null }
}

/** A parent that an operator started anew may be claimed together with its child, and was read as pending. */
function asClaimed(
  parents: readonly ParentRecord[] | null,
  claimedIds: ReadonlySet<string>,
): readonly ParentRecord[] | null {
  return (
    parents?.map(parent =>
      parent.state === 'pending' && claimedIds.has(parent.id) ? { ...parent, state: 'running' } : parent,
    ) ?? null
  )
}
