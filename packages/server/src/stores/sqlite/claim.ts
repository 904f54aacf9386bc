import { limits } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import { claimsPerSign, leaseUntilMs } from '../../core/lease.ts'
import { chunked, merge, type Source } from '../../core/merge.ts'
import { compareRanked, rankOf } from '../../core/rank.ts'
import { textSize, type WorkerId } from '../../core/task.ts'
import type { ClaimAsk, ClaimedTask, ParentRecord } from '../../ports/store.ts'
import type { Lane } from './lanes.ts'
import { type Family, readFamily } from './parents.ts'
import {
  type Candidate,
  hasDependents,
  hasParents,
  number,
  text,
  timeoutOf,
  toCandidate,
  toClaimedTask,
} from './rows.ts'
import { readRecord, type Transaction } from './session.ts'

/**
 * Takes tasks under lease in the order of the queues: by rank inside one, and across queues by the urgency of their
 * heads, whatever each one's ordering. A lane with nothing pending costs a look into memory; one with something is read
 * from the index in chunks, as far as it is needed.
 */
export function claim(tx: Transaction, ask: ClaimAsk): readonly ClaimedTask[] {
  const repeated = ask.requestId === null ? [] : repeat(tx, ask.workerId, ask.requestId)
  const isDraining = signOfLife(tx, ask)
  if (repeated.length > 0) return repeated
  if (isDraining) return []
  const claimed: ClaimedTask[] = []
  const line = lineOf(tx, ask)
  let size = 0
  while (claimed.length < ask.limit && size < limits.replyBytesMax) {
    const next = line.shift()
    if (next === undefined) break
    const task = leased(tx, ask, next)
    claimed.push(task)
    remember(tx, next, task)
    size += textSize(task)
  }
  write(tx, ask.workerId, claimed)
  keepRequest(tx, ask, claimed)
  return claimed
}

/** What `repeat` will look up. */
export function keepRequest(tx: Transaction, ask: ClaimAsk, claimed: readonly ClaimedTask[]): void {
  if (ask.requestId === null || claimed.length === 0) return
  const leases = JSON.stringify(claimed.map(task => [task.number, task.epoch]))
  tx.sql.insertClaimRequest.run(ask.workerId, ask.requestId, leases, tx.nowMs)
}

/** Tells whether the worker is draining. The write is spared where the last sign is fresh. */
export function signOfLife(tx: Transaction, ask: ClaimAsk): boolean {
  const worker = tx.sql.claimant.get(ask.workerId)
  if (worker === undefined) return false
  if (number(worker[1]) <= tx.nowMs - ask.leaseMs / claimsPerSign) tx.sql.seeWorker.run(tx.nowMs, ask.workerId)
  return worker[0] === 1
}

function lineOf(tx: Transaction, ask: ClaimAsk): Source<Candidate> {
  const lanes = tx.lanes
    .matching(ask.queues, ask.types)
    .filter(lane => tx.counters.count(lane.id, 'pending') > 0 && !tx.lanes.isPaused(lane.queue))
  // Twice an even share: the first chunk of each lane is then mostly all that is read.
  const chunk = Math.min(ask.limit, Math.ceil((2 * ask.limit) / Math.max(1, lanes.length)))
  const byQueue = new Map<string, Source<Candidate>[]>()
  for (const lane of lanes) {
    const sources = byQueue.get(lane.queue)
    const source = candidates(tx, lane, chunk)
    if (sources === undefined) byQueue.set(lane.queue, [source])
    else sources.push(source)
  }
  const lines = [...byQueue.values()].map(sources => merge(sources, compareRanked))
  return merge(lines, (one, other) => urgency(tx, one) - urgency(tx, other) || one.number - other.number)
}

/** The pending tasks of a lane by rank. */
function candidates(tx: Transaction, lane: Lane, chunk: number): Source<Candidate> {
  return chunked(after =>
    tx.sql.candidates
      .all(lane.id, after?.rank ?? -Number.MAX_VALUE, after?.number ?? 0, chunk)
      .map(row => toCandidate(row, lane)),
  )
}

function urgency(tx: Transaction, candidate: Candidate): number {
  return rankOf(candidate.dueAtMs, candidate.priority, tx.headStartMs)
}

/** The task as the claim will have left it; the row is written by `write`. */
function leased(tx: Transaction, ask: ClaimAsk, candidate: Candidate): ClaimedTask {
  const { nowMs } = tx
  const timeoutMs = timeoutOf(candidate)
  const deadlineMs = timeoutMs === null ? null : nowMs + timeoutMs
  const family = hasParents(candidate) ? familyOf(tx, candidate.number) : alone
  tx.counters.move(candidate.lane.id, 'pending', 'running')
  return toClaimedTask(candidate, {
    workerId: ask.workerId,
    startedAtMs: nowMs,
    leaseExpiresAtMs: leaseUntilMs({ nowMs, leaseMs: ask.leaseMs, deadlineMs, cancelRequestedAtMs: null }),
    dependencies: family.dependencies,
    parents: family.parents,
  })
}

function remember(tx: Transaction, candidate: Candidate, task: ClaimedTask): void {
  tx.liveLeases.set(task.id, {
    number: task.number,
    id: task.id,
    lane: candidate.lane.id,
    from: 'running',
    epoch: task.epoch,
    workerId: task.workerId,
    dueAtMs: candidate.dueAtMs,
    startedAtMs: task.startedAtMs,
    hasDependents: hasDependents(candidate),
  })
}

/** One statement for all that get the same lease, which is nearly always all. */
function write(tx: Transaction, worker: WorkerId, claimed: readonly ClaimedTask[]): void {
  const byExpiry = new Map<number, number[]>()
  for (const { number: own, leaseExpiresAtMs } of claimed) {
    const numbers = byExpiry.get(leaseExpiresAtMs)
    if (numbers === undefined) byExpiry.set(leaseExpiresAtMs, [own])
    else numbers.push(own)
  }
  for (const [until, numbers] of byExpiry) {
    const [only] = numbers
    const moved =
      numbers.length === 1 && only !== undefined
        ? tx.sql.claimTask.run(worker, until, tx.nowMs, only)
        : tx.sql.claimTasks.run(worker, until, tx.nowMs, JSON.stringify(numbers))
    assert(moved.changes === numbers.length, 'tasks that were read as pending in this transaction still are')
  }
}

const alone: Family = Object.freeze({ dependencies: [], parents: [] })

/** Parents are null where they are too large together for a claim's reply. */
function familyOf(tx: Transaction, child: number): Family {
  const family = readFamily(tx, child, limits.parentsBytesMax)
  // A parent that an operator started anew may be claimed together with its child, and its row is written after both.
  const asClaimed = (parent: ParentRecord): ParentRecord => {
    const isBeingClaimed = parent.state === 'pending' && tx.liveLeases.has(parent.id)
    return isBeingClaimed ? { ...parent, state: 'running' } : parent
  }
  return { dependencies: family.dependencies, parents: family.parents?.map(asClaimed) ?? null }
}

/** What the same request handed out before, as far as the worker still holds it. */
function repeat(tx: Transaction, workerId: WorkerId, requestId: string): readonly ClaimedTask[] {
  const kept = tx.sql.claimRequest.get(workerId, requestId)
  if (kept === undefined) return []
  const leases = JSON.parse(text(kept[0])) as readonly (readonly [number, number])[] // Written by claim.
  return leases.flatMap(([own, epoch]) => {
    const row = tx.reads.recordByNumber.get(own)
    if (row === undefined) return []
    const record = readRecord(tx, row)
    const isHeld = record.state === 'running' && record.epoch === epoch && record.workerId === workerId
    if (!isHeld) return []
    const parents = record.dependencies.length === 0 ? [] : familyOf(tx, own).parents
    return [{ ...record, leaseExpiresAtMs: number(row[12]), parents }]
  })
}
