import { limits } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import { leaseUntilMs } from '../../core/lease.ts'
import { rankOf } from '../../core/rank.ts'
import { acceptedRecord } from '../../core/task.ts'
import type { ClaimAsk, ClaimedTask, SubmitGroup, SubmitVerdict } from '../../ports/store.ts'
import { orderOf } from './claim.ts'
import { type Claimant, type ClaimFacts, claimantsOf, keepRequests, signsOfLife } from './claim-facts.ts'
import { insertMany, isPlain, type NewLease, type NewRow, place, undo, welcome } from './insert.ts'
import { createLine } from './line.ts'
import type { Transaction } from './session.ts'
import { acceptedVerdicts, isFree } from './submit.ts'

export interface HandedOver {
  readonly submits: readonly SubmitVerdict[]
  readonly claims: readonly (readonly ClaimedTask[])[]
}

/**
 * Where nothing is pending in any lane that the claims of this exchange can take from, its new tasks are dealt out as the
 * claims would have found them and written once, as running: half of what a short life costs. Null where that is not the
 * case or not sure; then nothing has been written, and each takes its own way.
 */
export async function handOver(
  tx: Transaction,
  groups: readonly SubmitGroup[],
  asks: readonly ClaimAsk[],
  facts: ClaimFacts,
): Promise<HandedOver | null> {
  if (groups.length === 0 || asks.length === 0 || facts.repeats.size > 0 || isAnyDoubled(asks)) return null
  if (!groups.every(isFree)) return null
  // What settles of this exchange have just released stands before them.
  if (facts.isAnyPending || tx.ready.size > 0) return null
  const drafts = groups.flatMap(group => group.drafts)
  if (drafts.length === 0 || !drafts.every(isPlain)) return null
  // A reply has room for so much: where that might matter, the claims count it themselves.
  if (drafts.reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0) >= limits.replyBytesMax) return null
  const rows = drafts.map(draft => ({ draft, placed: place(tx, draft), waitingCount: 0, hasDependents: false }))
  const claimants = claimantsOf(tx, asks, facts)
  const leases = deal(tx, rows, claimants)
  const leased = rows.map((row, at): NewRow => ({ ...row, lease: leases.get(at)?.lease ?? null }))
  const numbers = await insertMany(tx, leased)
  if (numbers.size < rows.length) {
    await undo(tx, [...numbers.values()])
    return null
  }
  welcome(tx, leased)
  for (const [at, { claimant, lease }] of leases) claimant.taken.push(toClaimedTask(tx, leased[at], lease, numbers))
  signsOfLife(tx, asks, facts)
  keepRequests(tx, claimants, facts)
  return {
    submits: acceptedVerdicts(tx, groups, leased, numbers),
    claims: asks.map(ask => claimants.find(claimant => claimant.ask === ask)?.taken ?? []),
  }
}

function isAnyDoubled(asks: readonly ClaimAsk[]): boolean {
  const named = asks.filter(ask => ask.requestId !== null).map(ask => `${ask.workerId}\n${ask.requestId}`)
  return new Set(named).size < named.length
}

interface Dealt {
  readonly claimant: Claimant
  readonly lease: NewLease
}

type WaitingRow = Omit<NewRow, 'lease'>

/** By index of the row, in the order in which the claims would have taken them. */
function deal(
  tx: Transaction,
  rows: readonly WaitingRow[],
  claimants: readonly Claimant[],
): ReadonlyMap<number, Dealt> {
  const candidates = rows.map(({ draft, placed }, at) => ({
    lane: placed.lane,
    // New numbers come in the order of the list.
    number: at,
    rank: rankOf(tx.nowMs, draft.priority, tx.headStartMs),
    dueAtMs: tx.nowMs,
    priority: draft.priority,
    hasParents: false,
    bytes: 0,
    written: 'pending' as const,
  }))
  const order = orderOf(tx)
  const line = createLine(candidates.sort(order.inQueue), new Set())
  const dealt = new Map<number, Dealt>()
  for (const claimant of claimants) {
    for (const { number: at } of line.take(claimant.lanes, claimant.ask.limit, order).items) {
      dealt.set(at, { claimant, lease: leaseOf(tx, claimant.ask, rows[at]) })
    }
  }
  return dealt
}

function leaseOf(tx: Transaction, { workerId, leaseMs }: ClaimAsk, row: WaitingRow | undefined): NewLease {
  const timeoutMs = row?.draft.timeoutMs ?? null
  const deadlineMs = timeoutMs === null ? null : tx.nowMs + timeoutMs
  return { workerId, untilMs: leaseUntilMs({ nowMs: tx.nowMs, leaseMs, deadlineMs, cancelRequestedAtMs: null }) }
}

function toClaimedTask(
  tx: Transaction,
  row: NewRow | undefined,
  { workerId, untilMs }: NewLease,
  numbers: ReadonlyMap<string, number>,
): ClaimedTask {
  const own = numbers.get(row?.draft.id ?? '')
  assert(row !== undefined && own !== undefined, 'every row was written')
  const accepted = { number: own, state: 'pending', createdAtMs: tx.nowMs, runAtMs: null, error: null } as const
  return {
    ...acceptedRecord(row.draft, accepted),
    state: 'running',
    attempt: 1,
    epoch: 1,
    workerId,
    startedAtMs: tx.nowMs,
    leaseExpiresAtMs: untilMs,
    parents: [],
  }
}
