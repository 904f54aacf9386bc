import { limits } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import { leaseUntilMs } from '../../core/lease.ts'
import { compareRanked, rankOf } from '../../core/rank.ts'
import type { TaskRecord, WorkerId } from '../../core/task.ts'
import type { ClaimAsk, ClaimedTask } from '../../ports/store.ts'
import type { Lane } from './lanes.ts'
import { chunked, merge, type Source } from './merge.ts'
import { parentRecords, parentsBytes } from './parents.ts'
import { type Candidate, number, text, toCandidate } from './rows.ts'
import { readRecord, type Transaction } from './session.ts'

/**
 * Takes tasks under lease in the order of the queues: by rank inside one, and across queues by the urgency of their
 * heads, whatever each one's ordering. A lane with nothing pending costs a look into memory; one with something is read
 * from the index in chunks, as far as it is needed.
 */
export function claim(tx: Transaction, ask: ClaimAsk): readonly ClaimedTask[] {
  const repeated = ask.requestId === null ? null : repeat(tx, ask.workerId, ask.requestId)
  if (repeated !== null) return repeated
  const claimed: ClaimedTask[] = []
  const line = lineOf(tx, ask)
  while (claimed.length < ask.limit) {
    const next = line.shift()
    if (next === undefined) break
    claimed.push(lease(tx, ask, next))
  }
  if (ask.requestId !== null && claimed.length > 0) {
    const leases = JSON.stringify(claimed.map(task => [task.number, task.epoch]))
    tx.sql.insertClaimRequest.run(ask.workerId, ask.requestId, leases, tx.nowMs)
  }
  return claimed
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
    tx.sql.candidates.all(lane.id, after?.rank ?? -Number.MAX_VALUE, after?.number ?? 0, chunk).map(toCandidate),
  )
}

function urgency(tx: Transaction, candidate: Candidate): number {
  return rankOf(candidate.dueAtMs, candidate.priority, tx.headStartMs)
}

function lease(tx: Transaction, ask: ClaimAsk, candidate: Candidate): ClaimedTask {
  const { nowMs } = tx
  const waiting = readRecord(tx, candidate.row)
  const deadlineMs = waiting.timeoutMs === null ? null : nowMs + waiting.timeoutMs
  const until = leaseUntilMs({ nowMs, leaseMs: ask.leaseMs, deadlineMs, cancelRequestedAtMs: null })
  const moved = tx.sql.claimTask.run(ask.workerId, until, nowMs, candidate.number)
  assert(moved.changes === 1, 'a task that was read as pending in this transaction still is')
  tx.counters.move(number(candidate.row[2]), 'pending', 'running')
  const running: TaskRecord = {
    ...waiting,
    state: 'running',
    attempt: waiting.attempt + 1,
    epoch: waiting.epoch + 1,
    workerId: ask.workerId,
    startedAtMs: nowMs,
    progress: null,
  }
  return claimedTask(tx, running, until)
}

function claimedTask(tx: Transaction, running: TaskRecord, leaseExpiresAtMs: number): ClaimedTask {
  const hasParents = running.dependencies.length > 0
  const isTooLarge = hasParents && parentsBytes(tx, running.number) > limits.parentsBytesMax
  const parents = isTooLarge ? null : hasParents ? parentRecords(tx, running.number) : []
  return { ...running, leaseExpiresAtMs, parents }
}

/** What the same request handed out before, as far as the worker still holds it; null where the request is new. */
function repeat(tx: Transaction, workerId: WorkerId, requestId: string): readonly ClaimedTask[] | null {
  const kept = tx.sql.claimRequest.get(workerId, requestId)
  if (kept === undefined) return null
  const leases = JSON.parse(text(kept[0])) as readonly (readonly [number, number])[] // Written by claim.
  return leases.flatMap(([own, epoch]) => {
    const row = tx.reads.recordByNumber.get(own)
    if (row === undefined) return []
    const record = readRecord(tx, row)
    const isHeld = record.state === 'running' && record.epoch === epoch && record.workerId === workerId
    return isHeld ? [claimedTask(tx, record, number(row[12]))] : []
  })
}
