import { limits } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import { dependencyError } from '../../core/dependency.ts'
import { claimsPerSign, leaseUntilMs } from '../../core/lease.ts'
import { compareRanked, rankOf } from '../../core/rank.ts'
import {
  acceptedRecord,
  askedPriority,
  conflictDetail,
  isSameContent,
  type TaskDraft,
  type TaskId,
  textSize,
} from '../../core/task.ts'
import type {
  BeatVerdict,
  ClaimAsk,
  ClaimedTask,
  ExchangeBatch,
  ExchangeOutcome,
  HeldLease,
  Outcome,
  Settlement,
  SettleResult,
  SubmitGroup,
  SubmitReceipt,
  SubmitVerdict,
  WorkerBeat,
} from '../../ports/store.ts'
import { pauseOf } from './pauses.ts'
import { parentRecords } from './reads.ts'
import { countParents, type Edge, holds, type Row, toRecord } from './rows.ts'
import {
  becomePending,
  endAttempt,
  endTask,
  type Gathered,
  gather,
  isSatisfied,
  toChanges,
  type World,
} from './world.ts'

export function exchange(world: World, batch: ExchangeBatch): ExchangeOutcome {
  const gathered = gather(world)
  return {
    settles: batch.settles.map(settlement => settle(world, settlement, gathered)),
    submits: batch.submits.map(group => submit(world, group, gathered)),
    beats: batch.beats.map(beat => takeBeat(world, beat, gathered.nowMs)),
    claims: batch.claims.map(ask => claim(world, ask, gathered.nowMs)),
    changes: toChanges(gathered),
  }
}

// ─── Settle ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function settle(world: World, settlement: Settlement, gathered: Gathered): SettleResult {
  const { lease, outcome, guard } = settlement
  const row = world.byId.get(lease.taskId)
  if (row === undefined) return { verdict: 'unknown', state: null }
  const isHeld = holds(row, lease.workerId, lease.epoch)
  if (!isHeld || (guard === 'expired' && row.leaseUntilMs > gathered.nowMs)) {
    return { verdict: guard === 'held' && isRepeat(row, settlement) ? 'applied' : 'stale', state: null }
  }
  applyOutcome(world, row, settlement, gathered)
  if (outcome.kind !== 'completed') row.progress = null
  return { verdict: 'applied', state: row.state }
}

function applyOutcome(world: World, row: Row, { outcome, guard }: Settlement, gathered: Gathered): void {
  const { nowMs } = gathered
  if (outcome.kind === 'completed') {
    endAttempt(row, { outcome: 'completed', error: null, settledAs: 'completed' }, nowMs)
    endTask(world, row, { state: 'completed', result: outcome.result, error: null }, gathered)
    return
  }
  const error = outcome.kind === 'released' ? null : outcome.error
  const settledAs = guard === 'held' ? saidBy(outcome) : null
  if (row.cancelRequestedAtMs !== null || outcome.kind === 'cancelled') {
    const kept = row.cancelRequestedAtMs === null ? error : row.error
    endAttempt(row, { outcome: 'cancelled', error, settledAs }, nowMs)
    endTask(world, row, { state: 'cancelled', result: null, error: kept }, gathered)
    return
  }
  if (outcome.kind === 'released') {
    endAttempt(row, { outcome: 'released', error: null, settledAs }, nowMs)
    row.attempt -= 1
    leaveRunning(row)
    becomePending(row, gathered)
    return
  }
  endAttempt(row, { outcome: outcome.as, error, settledAs }, nowMs)
  if (outcome.as === 'crashed') row.crashes += 1
  if (outcome.kind === 'failed') {
    endTask(world, row, { state: 'failed', result: null, error }, gathered)
    return
  }
  leaveRunning(row)
  row.error = error
  if (outcome.delayMs === 0) {
    becomePending(row, gathered)
  } else {
    row.state = 'scheduled'
    row.runAtMs = nowMs + outcome.delayMs
  }
}

function leaveRunning(row: Row): void {
  row.workerId = null
  row.startedAtMs = null
  row.progress = null
}

function isRepeat(row: Row, { lease, outcome }: Settlement): boolean {
  const attempt = row.attempts.findLast(each => each.epoch === lease.epoch)
  return attempt !== undefined && attempt.workerId === lease.workerId && attempt.settledAs === saidBy(outcome)
}

/** `retry` and `failed` are core's decision on one and the same word of the worker's. */
function saidBy(outcome: Outcome): Exclude<Outcome['kind'], 'retry'> {
  return outcome.kind === 'retry' ? 'failed' : outcome.kind
}

// ─── Submit ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function submit(world: World, group: SubmitGroup, gathered: Gathered): SubmitVerdict {
  const refusal = checkGroup(world, group)
  if (refusal !== null) return refusal
  const receipts: SubmitReceipt[] = []
  const created: Row[] = []
  for (const draft of group.drafts) {
    const existing = findExisting(world, draft)
    if (existing === null) {
      const row = insert(world, draft, gathered.nowMs)
      created.push(row)
      receipts.push({
        taskId: row.id,
        number: row.number,
        state: row.state,
        createdAtMs: row.createdAtMs,
        runAtMs: row.runAtMs,
        error: null,
        existing: null,
      })
    } else {
      const record = toRecord(existing)
      receipts.push({
        taskId: record.id,
        number: record.number,
        state: record.state,
        createdAtMs: record.createdAtMs,
        runAtMs: record.runAtMs,
        error: null,
        existing: record,
      })
    }
  }
  for (const row of created) connect(world, row)
  for (const row of created) countParents(row)
  for (const row of created) settleDown(world, row, gathered)
  return {
    kind: 'accepted',
    // A receipt tells the state after the whole group was connected.
    receipts: receipts.map(receipt => {
      const row = world.byId.get(receipt.taskId)
      assert(row !== undefined, 'what was accepted is there')
      return { ...receipt, state: row.state, error: receipt.existing === null ? row.error : null }
    }),
  }
}

function findExisting(world: World, draft: TaskDraft): Row | null {
  const byKey = draft.idempotencyKey === null ? undefined : world.byKey.get(draft.idempotencyKey)
  return world.byId.get(draft.id) ?? byKey ?? null
}

function checkGroup(world: World, group: SubmitGroup): Extract<SubmitVerdict, { kind: 'refused' }> | null {
  // A draft whose key belongs to an earlier task brings no task under its own id.
  const inGroup = new Set<TaskId>(group.drafts.filter(draft => findExisting(world, draft) === null).map(({ id }) => id))
  const keys = new Map<string, TaskDraft>()
  for (const [index, draft] of group.drafts.entries()) {
    const existing = findExisting(world, draft)
    const byKey = draft.idempotencyKey === null ? undefined : world.byKey.get(draft.idempotencyKey)
    const keyClash = existing !== null && byKey !== undefined && byKey !== existing
    if (existing !== null && (keyClash || !isSameContent(draft, toRecord(existing), existing.asked))) {
      return conflict(draft, existing.id, index)
    }
    if (existing === null && draft.idempotencyKey !== null) {
      const twin = keys.get(draft.idempotencyKey)
      if (twin !== undefined) return conflict(draft, twin.id, index)
      keys.set(draft.idempotencyKey, draft)
    }
    const missing =
      existing === null ? draft.dependencies.find(id => !inGroup.has(id) && !world.byId.has(id)) : undefined
    if (missing !== undefined) {
      return {
        kind: 'refused',
        code: 'dependency_unknown',
        detail: `Task ${draft.id} depends on '${missing}', which does not exist; submit the parent first or in the same batch.`,
        index,
      }
    }
  }
  return null
}

function conflict(draft: TaskDraft, existingId: TaskId, index: number): Extract<SubmitVerdict, { kind: 'refused' }> {
  return { kind: 'refused', code: 'task_conflict', detail: conflictDetail(draft, existingId), index }
}

function insert(world: World, draft: TaskDraft, nowMs: number): Row {
  const { delayMs, isOwnOnly: _, ...rest } = draft
  const runAtMs = delayMs === null ? draft.runAtMs : nowMs + delayMs
  const number = world.nextNumber
  world.nextNumber += 1
  const dueAtMs = runAtMs ?? nowMs
  const row: Row = {
    ...acceptedRecord(draft, { number, state: 'blocked', createdAtMs: nowMs, runAtMs, error: null }),
    ...rest,
    runAtMs,
    asked: { priority: askedPriority(draft), delayMs, dueAtMs },
    dueAtMs,
    rank: rankOf(dueAtMs, draft.priority, world.headStartMs),
    leaseUntilMs: 0,
    deadlineMs: null,
    waitingCount: 0,
    parents: [],
    children: [],
    attempts: [],
    logs: [],
  }
  world.byId.set(row.id, row)
  world.byNumber.set(row.number, row)
  if (row.idempotencyKey !== null) world.byKey.set(row.idempotencyKey, row)
  if (!world.queues.has(row.queue)) world.queues.set(row.queue, null)
  world.types.set(row.queue, (world.types.get(row.queue) ?? new Set<string>()).add(row.type))
  return row
}

/** Draws the edges of a new task. */
function connect(world: World, row: Row): void {
  for (const parentId of new Set(row.dependencies)) {
    const parent = world.byId.get(parentId) ?? null
    const edge: Edge = { child: row, parent, parentId, policy: row.onDependencyFailure, isResolved: false }
    row.parents.push(edge)
    parent?.children.push(edge)
  }
}

/** Gives a new task its first state. All counts of its group stand by then, since ending one task tells the others. */
function settleDown(world: World, row: Row, gathered: Gathered): void {
  // An earlier task of the group ended at once and has told this one already.
  if (row.state !== 'blocked') return
  const failed = row.parents.find(edge => edge.isResolved && !isSatisfied(edge))
  if (failed !== undefined) {
    const error = dependencyError(failed.parentId, failed.parent?.state ?? 'failed')
    endTask(world, row, { state: 'cancelled', result: null, error }, gathered)
  } else if (row.waitingCount === 0) {
    row.state = row.runAtMs !== null && row.runAtMs > gathered.nowMs ? 'scheduled' : 'pending'
  }
}

// ─── Beat ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function takeBeat(world: World, beat: WorkerBeat, nowMs: number): BeatVerdict {
  const worker = world.workers.get(beat.workerId)
  if (worker === undefined) return { isKnown: false, isDraining: false, cancel: [], lost: [] }
  worker.lastSeenAtMs = nowMs
  if (beat.systemInfo !== null) worker.systemInfo = beat.systemInfo
  const cancel: TaskId[] = []
  const lost: TaskId[] = []
  for (const held of beat.held === 'all' ? allHeld(world, beat) : beat.held) {
    const row = world.byId.get(held.taskId)
    if (row === undefined || !holds(row, beat.workerId, held.epoch)) {
      lost.push(held.taskId)
      continue
    }
    row.leaseUntilMs = Math.max(row.leaseUntilMs, leaseUntilMs({ nowMs, leaseMs: beat.leaseMs, ...row }))
    if (held.progress !== null) row.progress = held.progress
    if (row.cancelRequestedAtMs !== null) cancel.push(row.id)
  }
  return { isKnown: true, isDraining: worker.isDraining, cancel, lost }
}

function allHeld(world: World, beat: WorkerBeat): HeldLease[] {
  return [...world.byId.values()]
    .filter(row => holds(row, beat.workerId, null))
    .map(row => ({ taskId: row.id, epoch: row.epoch, progress: null }))
}

// ─── Claim ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function claim(world: World, ask: ClaimAsk, nowMs: number): readonly ClaimedTask[] {
  const worker = world.workers.get(ask.workerId)
  if (worker !== undefined && worker.lastSeenAtMs <= nowMs - ask.leaseMs / claimsPerSign) worker.lastSeenAtMs = nowMs
  const requestKey = ask.requestId === null ? null : `${ask.workerId}\n${ask.requestId}`
  const repeated = requestKey === null ? undefined : world.claimRequests.get(requestKey)
  const stillHeld = (repeated?.leases ?? []).flatMap(lease => {
    const row = world.byId.get(lease.taskId)
    return row !== undefined && holds(row, ask.workerId, lease.epoch) ? [toClaimed(row)] : []
  })
  if (stillHeld.length > 0) return stillHeld
  if (worker?.isDraining === true) return []
  const claimed: ClaimedTask[] = []
  let size = 0
  for (const row of pick(world, ask)) {
    if (size >= limits.replyBytesMax) break
    row.state = 'running'
    row.workerId = ask.workerId
    row.attempt += 1
    row.epoch += 1
    row.startedAtMs = nowMs
    row.progress = null
    row.deadlineMs = row.timeoutMs === null ? null : nowMs + row.timeoutMs
    row.leaseUntilMs = leaseUntilMs({
      nowMs,
      leaseMs: ask.leaseMs,
      deadlineMs: row.deadlineMs,
      cancelRequestedAtMs: null,
    })
    row.attempts.push({
      attempt: row.attempt,
      epoch: row.epoch,
      workerId: ask.workerId,
      startedAtMs: nowMs,
      endedAtMs: null,
      outcome: 'running',
      error: null,
      settledAs: null,
    })
    const task = toClaimed(row)
    claimed.push(task)
    size += textSize(task)
  }
  if (requestKey !== null && claimed.length > 0) {
    const leases = claimed.map(task => ({ taskId: task.id, epoch: task.epoch, workerId: ask.workerId }))
    world.claimRequests.set(requestKey, { leases, atMs: nowMs })
  }
  return claimed
}

/** By rank inside a queue; across queues the heads compare by urgency, whatever each queue's ordering. */
function pick(world: World, ask: ClaimAsk): readonly Row[] {
  const byQueue = new Map<string, Row[]>()
  for (const row of world.byId.values()) {
    if (row.state !== 'pending' || pauseOf(world, row.queue) !== null) continue
    if (ask.queues !== null && !ask.queues.includes(row.queue)) continue
    if (ask.types !== null && !ask.types.includes(row.type)) continue
    const rows = byQueue.get(row.queue)
    if (rows === undefined) byQueue.set(row.queue, [row])
    else rows.push(row)
  }
  const lines = [...byQueue.values()].map(rows => rows.sort(compareRanked))
  const urgency = (row: Row): number => rankOf(row.dueAtMs, row.priority, world.headStartMs)
  const picked: Row[] = []
  while (picked.length < ask.limit) {
    const heads = lines.flatMap(rows => (rows[0] === undefined ? [] : [{ rows, head: rows[0] }]))
    const first = heads.sort((a, b) => urgency(a.head) - urgency(b.head) || a.head.number - b.head.number)[0]
    if (first === undefined) break
    picked.push(first.head)
    first.rows.shift()
  }
  return picked
}

function toClaimed(row: Row): ClaimedTask {
  const parents = parentRecords(row)
  const bytes = parents.reduce((sum, parent) => sum + (parent.result?.length ?? 0) + (parent.error?.length ?? 0), 0)
  return {
    ...toRecord(row),
    leaseExpiresAtMs: row.leaseUntilMs,
    parents: bytes > limits.parentsBytesMax ? null : parents,
  }
}
