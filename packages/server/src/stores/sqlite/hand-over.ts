import { limits } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import { leaseUntilMs } from '../../core/lease.ts'
import { rankOf } from '../../core/rank.ts'
import { type TaskDraft, textSize } from '../../core/task.ts'
import type { ClaimAsk, ClaimedTask, SubmitGroup, SubmitVerdict } from '../../ports/store.ts'
import { keepRequest, signOfLife } from './claim.ts'
import { insertMany, type NewLease, type Placed, place, plain, undo } from './insert.ts'
import type { Transaction } from './session.ts'
import { acceptedVerdicts, isPlain, placeAt } from './submit.ts'

/**
 * Where the queue is empty and a worker waits, a new task is written as running, once, instead of as pending, to be read
 * and written again by the claim that stands behind it in the same exchange. What is seen afterwards is the same: the
 * claims take the new tasks by rank, then by number, as they would have from the index.
 */
export interface HandedOver {
  readonly submits: readonly SubmitVerdict[]
  readonly claims: readonly (readonly ClaimedTask[])[]
}

/**
 * Null, with nothing written but signs of life, where submits and claims are to take their own ways: something older is
 * pending, a task has parents or exists already, a claim is repeated, or nothing fits.
 */
export function handOver(
  tx: Transaction,
  groups: readonly SubmitGroup[],
  asks: readonly ClaimAsk[],
): HandedOver | null {
  if (asks.length === 0 || groups.length === 0 || !groups.every(isPlain)) return null
  if (hasRepeats(tx, asks)) return null
  const drafts = groups.flatMap(group => group.drafts)
  const firstNumber = tx.session.nextNumber
  const lanesMark = tx.lanes.mark()
  const places = drafts.map((draft, at) => place(tx, draft, firstNumber + at))
  const deal = dealOut(tx, drafts, places, asks)
  const rows = drafts.map((draft, at) => ({
    draft,
    placed: placeAt(places, at),
    parentage: plain,
    lease: deal?.leases[at] ?? null,
  }))
  if (deal === null || !insertMany(tx, rows)) {
    if (deal !== null) undo(tx, firstNumber)
    tx.lanes.undo(lanesMark)
    return null
  }
  for (const [at, placed] of places.entries()) {
    tx.counters.add(placed.lane, deal.leases[at] === undefined ? placed.state : 'running', 1)
  }
  for (const [at, ask] of asks.entries()) {
    const claimed = deal.claims[at] ?? []
    for (const task of claimed) remember(tx, task, places[task.number - firstNumber])
    keepRequest(tx, ask, claimed)
  }
  return { submits: acceptedVerdicts(tx, groups, places), claims: deal.claims }
}

/** A claim that was answered before, or that stands twice in this exchange. */
function hasRepeats(tx: Transaction, asks: readonly ClaimAsk[]): boolean {
  const seen = new Set<string>()
  return asks.some(({ workerId, requestId }) => {
    if (requestId === null) return false
    const key = `${workerId}\n${requestId}`
    const isRepeated = seen.has(key) || tx.sql.claimRequest.get(workerId, requestId) !== undefined
    seen.add(key)
    return isRepeated
  })
}

interface Deal {
  readonly claims: readonly (readonly ClaimedTask[])[]
  /** By index of the draft. */
  readonly leases: readonly (NewLease | undefined)[]
}

/** Who gets what; nothing is written. Null where an older task is pending, or nobody gets anything. */
function dealOut(
  tx: Transaction,
  drafts: readonly TaskDraft[],
  places: readonly Placed[],
  asks: readonly ClaimAsk[],
): Deal | null {
  const leases: (NewLease | undefined)[] = new Array(drafts.length).fill(undefined)
  let line = lineOf(tx, drafts, places)
  const claims: (readonly ClaimedTask[])[] = []
  for (const ask of asks) {
    const lanes = openLanes(tx, ask)
    if (lanes === null) return null
    const claimed: ClaimedTask[] = []
    let size = 0
    const left: number[] = []
    for (const at of signOfLife(tx, ask) ? [] : line) {
      const draft = drafts[at]
      const placed = places[at]
      assert(draft !== undefined && placed !== undefined, 'the line names drafts')
      if (claimed.length >= ask.limit || size >= limits.replyBytesMax || !lanes.has(placed.lane)) {
        left.push(at)
        continue
      }
      const task = claimedAtOnce(tx, ask, draft, placed)
      leases[at] = { workerId: ask.workerId, untilMs: task.leaseExpiresAtMs }
      claimed.push(task)
      size += textSize(task)
    }
    if (claimed.length > 0) line = left
    claims.push(claimed)
  }
  return line.length === drafts.length || claims.every(claimed => claimed.length === 0) ? null : { claims, leases }
}

/** Indexes of the drafts that may run now, in the order of claims. */
function lineOf(tx: Transaction, drafts: readonly TaskDraft[], places: readonly Placed[]): number[] {
  const ranks = drafts.map((draft, at) => rankOf(places[at]?.runAtMs ?? tx.nowMs, draft.priority, tx.headStartMs))
  const line = drafts.map((_, at) => at).filter(at => places[at]?.state === 'pending')
  return line.sort((one, other) => (ranks[one] ?? 0) - (ranks[other] ?? 0) || one - other)
}

/** The lanes that the claim may take from, or null where one of them has something older. */
function openLanes(tx: Transaction, ask: ClaimAsk): ReadonlySet<number> | null {
  const open = new Set<number>()
  for (const lane of tx.lanes.matching(ask.queues, ask.types)) {
    if (tx.lanes.isPaused(lane.queue)) continue
    if (tx.counters.count(lane.id, 'pending') > 0) return null
    open.add(lane.id)
  }
  return open
}

function claimedAtOnce(tx: Transaction, ask: ClaimAsk, draft: TaskDraft, placed: Placed): ClaimedTask {
  const { nowMs } = tx
  const deadlineMs = draft.timeoutMs === null ? null : nowMs + draft.timeoutMs
  // Member by member: spreading an object of this many members costs more than writing the row.
  return {
    number: placed.number,
    id: draft.id,
    type: draft.type,
    queue: draft.queue,
    name: draft.name,
    description: draft.description,
    payload: draft.payload,
    priority: draft.priority,
    prioritySource: draft.prioritySource,
    dependencies: draft.dependencies,
    onDependencyFailure: draft.onDependencyFailure,
    timeoutMs: draft.timeoutMs,
    maxRetries: draft.maxRetries,
    runAtMs: placed.runAtMs,
    labels: draft.labels,
    idempotencyKey: draft.idempotencyKey,
    submittedBy: draft.submittedBy,
    trace: draft.trace,
    state: 'running',
    attempt: 1,
    crashes: 0,
    epoch: 1,
    workerId: ask.workerId,
    createdAtMs: nowMs,
    startedAtMs: nowMs,
    finishedAtMs: null,
    cancelRequestedAtMs: null,
    result: null,
    error: null,
    progress: null,
    leaseExpiresAtMs: leaseUntilMs({ nowMs, leaseMs: ask.leaseMs, deadlineMs, cancelRequestedAtMs: null }),
    parents: [],
  }
}

function remember(tx: Transaction, task: ClaimedTask, placed: Placed | undefined): void {
  assert(placed !== undefined, 'a claimed task has its place')
  tx.liveLeases.set(task.id, {
    number: task.number,
    id: task.id,
    lane: placed.lane,
    from: 'running',
    epoch: task.epoch,
    workerId: task.workerId,
    dueAtMs: placed.runAtMs ?? tx.nowMs,
    startedAtMs: task.startedAtMs,
    hasDependents: false,
  })
}
