import { rankOf } from '../../packages/server/src/core/rank.ts'
import type { TaskId, TaskRecord, WorkerId } from '../../packages/server/src/core/task.ts'
import type {
  BeatVerdict,
  ClaimAsk,
  ClaimedTask,
  ExchangeBatch,
  ExchangeOutcome,
  Settlement,
  SettleResult,
  SubmitGroup,
  SubmitVerdict,
  WorkerBeat,
} from '../../packages/server/src/ports/store.ts'
import {
  checkCascaded,
  checkChanges,
  checkReleased,
  describe,
  type Entry,
  type Fail,
  isTerminal,
  type Ledger,
  type Look,
  type Place,
  type Said,
} from './ledger.ts'

/** The bounds of a lease, written down here a second time, so that a change of core does not change what is demanded. */
const deadlineGraceMs = 10_000
const cancelGraceMs = 30_000
const crashesMax = 3
/** Claim requests are remembered for five minutes; what is near that may be forgotten or not. */
const requestSureMs = 200_000

/** A task on its way through one exchange: settles first, then submits, beats and claims. */
interface Walker {
  state: Place
  epoch: number
  attempt: number
  crashes: number
  workerId: WorkerId | null
  isMarked: boolean
  isSettled: boolean
  isGranted: boolean
  becamePending: number
}

export interface ExchangeSeen {
  readonly batch: ExchangeBatch
  readonly outcome: ExchangeOutcome
  readonly after: Look
  readonly nowMs: number
  readonly headStartMs: number
}

export function checkExchange(ledger: Ledger, seen: ExchangeSeen, fail: Fail): void {
  const walkers = new Map<TaskId, Walker>()
  const walk: Walk = { ledger, seen, fail, walkers, created: new Set() }
  for (const [at, settlement] of seen.batch.settles.entries()) checkSettle(walk, settlement, seen.outcome.settles[at])
  for (const [at, group] of seen.batch.submits.entries()) checkSubmit(walk, group, seen.outcome.submits[at])
  for (const [at, beat] of seen.batch.beats.entries()) checkBeat(walk, beat, seen.outcome.beats[at])
  checkClaims(walk)
  checkEnds(walk)
}

interface Walk {
  readonly ledger: Ledger
  readonly seen: ExchangeSeen
  readonly fail: Fail
  readonly walkers: Map<TaskId, Walker>
  readonly created: Set<TaskId>
}

function walkerOf({ ledger, walkers }: Walk, id: TaskId): Walker {
  const known = walkers.get(id)
  if (known !== undefined) return known
  const record = ledger.entries.get(id)?.record
  const walker: Walker = {
    state: record?.state ?? 'none',
    epoch: record?.epoch ?? 0,
    attempt: record?.attempt ?? 0,
    crashes: record?.crashes ?? 0,
    workerId: record?.workerId ?? null,
    isMarked: (record?.cancelRequestedAtMs ?? null) !== null,
    isSettled: false,
    isGranted: false,
    becamePending: 0,
  }
  walkers.set(id, walker)
  return walker
}

// ─── Settle ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function checkSettle(walk: Walk, settlement: Settlement, result: SettleResult | undefined): void {
  const { ledger, fail, seen } = walk
  const { lease, guard, outcome } = settlement
  const entry = ledger.entries.get(lease.taskId)
  const what = `the settle '${outcome.kind}' (guard ${guard}) of ${lease.taskId} under epoch ${lease.epoch} by ${lease.workerId}`
  if (result === undefined) {
    fail('no fault of our own', `There is no verdict on ${what}.`)
    return
  }
  if (entry === undefined) {
    if (result.verdict !== 'unknown')
      fail('no stale settle', `${what} is ${result.verdict}, but there is no such task.`)
    return
  }
  const walker = walkerOf(walk, lease.taskId)
  const isHeld = walker.state === 'running' && walker.epoch === lease.epoch && walker.workerId === lease.workerId
  const said: Said = outcome.kind === 'retry' ? 'failed' : outcome.kind
  const before = entry.said.get(lease.epoch)
  const isRepeat = guard === 'held' && before?.workerId === lease.workerId && before.kind === said
  const isTooEarly = guard === 'expired' && entry.leaseUntilMs > seen.nowMs
  if (result.verdict === 'applied' && result.state !== null) {
    if (!isHeld) {
      fail(
        'no stale settle',
        `${what} moved the task, but it is ${walker.state} under epoch ${walker.epoch} by ${walker.workerId}.`,
      )
    }
    if (isTooEarly)
      fail('one live lease', `${what} took a lease that runs for ${entry.leaseUntilMs - seen.nowMs} ms more.`)
    applySettle(walk, entry, walker, settlement, result.state)
    return
  }
  if (result.verdict === 'applied') {
    if (!isRepeat)
      fail('no stale settle', `${what} is taken for a repeat, but its worker never said so under that epoch.`)
    return
  }
  if (isHeld && !isTooEarly) fail('no stale settle', `${what} is refused as ${result.verdict} under the live epoch.`)
  if (isRepeat) fail('a repeat is the same', `${what} repeats what was applied, and is refused as ${result.verdict}.`)
}

function applySettle(walk: Walk, entry: Entry, walker: Walker, settlement: Settlement, to: Place): void {
  const { fail } = walk
  const { outcome, lease, guard } = settlement
  const expected = ((): readonly Place[] => {
    if (outcome.kind === 'completed') return ['completed']
    if (walker.isMarked) return ['cancelled']
    if (outcome.kind === 'released') return ['pending']
    if (outcome.kind === 'cancelled') return ['cancelled']
    return outcome.kind === 'failed' ? ['failed'] : [outcome.delayMs === 0 ? 'pending' : 'scheduled']
  })()
  if (!expected.includes(to)) {
    const invariant = walker.isMarked ? 'cancelled stays cancelled' : 'only known transitions'
    fail(invariant, `'${outcome.kind}' led ${describe(entry.record)} to ${to} instead of ${expected.join(' or ')}.`)
  }
  if (guard === 'held') {
    const kind: Said = outcome.kind === 'retry' ? 'failed' : outcome.kind
    entry.said.set(lease.epoch, { workerId: lease.workerId, kind })
  }
  const isCrash = 'as' in outcome && outcome.as === 'crashed'
  if ('as' in outcome && !isCrash) entry.failures += 1
  if (isCrash) entry.crashes += 1
  // A mark ends the task; what the attempt was counted as does not matter any more.
  if (isCrash && !walker.isMarked) walker.crashes += 1
  if (outcome.kind === 'released' && !walker.isMarked) walker.attempt -= 1
  walker.state = to
  walker.isSettled = true
  if (to === 'pending') walker.becamePending += 1
  if (to !== 'pending' && to !== 'scheduled') return
  if (entry.failures > entry.record.maxRetries || entry.crashes >= crashesMax) {
    fail(
      'budgets hold',
      `${describe(entry.record)} goes on after ${entry.failures} failures and ${entry.crashes} crashes; its retries are ${entry.record.maxRetries}.`,
    )
  }
}

// ─── Submit and beat ─────────────────────────────────────────────────────────────────────────────────────────────────

function checkSubmit(walk: Walk, group: SubmitGroup, verdict: SubmitVerdict | undefined): void {
  const { ledger, seen, fail, created } = walk
  if (verdict?.kind !== 'accepted') return
  for (const [at, draft] of group.drafts.entries()) {
    const receipt = verdict.receipts[at]
    if (receipt === undefined) {
      fail('nothing is lost', `An accepted group has no receipt for ${draft.id}.`)
      return
    }
    const byKey = draft.idempotencyKey === null ? undefined : ledger.byKey.get(draft.idempotencyKey)
    const first = ledger.entries.has(draft.id) || created.has(draft.id) ? draft.id : byKey
    if (first !== undefined && (receipt.taskId !== first || receipt.existing === null)) {
      fail(
        'same key, same task',
        `${draft.id} with key '${draft.idempotencyKey}' is ${first}, but became ${receipt.taskId} anew.`,
      )
    }
    if (!seen.after.has(receipt.taskId)) fail('nothing is lost', `${receipt.taskId} was accepted and is not there.`)
    if (receipt.existing === null) created.add(receipt.taskId)
    if (draft.idempotencyKey !== null) ledger.byKey.set(draft.idempotencyKey, receipt.taskId)
  }
}

function checkBeat(walk: Walk, beat: WorkerBeat, verdict: BeatVerdict | undefined): void {
  const { ledger, seen, fail } = walk
  if (verdict === undefined || !verdict.isKnown) return
  const cancel: TaskId[] = []
  const lost: TaskId[] = []
  const extend = (id: TaskId, epoch: number | null): void => {
    const entry = ledger.entries.get(id)
    const walker = walkerOf(walk, id)
    const isHeld =
      walker.state === 'running' && walker.workerId === beat.workerId && (epoch === null || epoch === walker.epoch)
    if (entry === undefined || !isHeld) {
      lost.push(id)
      return
    }
    let until = seen.nowMs + beat.leaseMs
    if (entry.deadlineMs !== null) until = Math.min(until, entry.deadlineMs + deadlineGraceMs)
    const markedAtMs = entry.record.cancelRequestedAtMs
    if (markedAtMs !== null) until = Math.min(until, markedAtMs + cancelGraceMs)
    entry.leaseUntilMs = Math.max(entry.leaseUntilMs, until)
    if (walker.isMarked) cancel.push(id)
  }
  if (beat.held === 'all') {
    for (const { record } of ledger.entries.values()) if (record.workerId === beat.workerId) extend(record.id, null)
    // Who is not held was not asked for.
    lost.length = 0
  } else {
    for (const held of beat.held) extend(held.taskId, held.epoch)
  }
  if (!isSameSet(lost, verdict.lost)) {
    fail(
      'one live lease',
      `${beat.workerId} lost [${lost.join(', ')}], but its beat says [${verdict.lost.join(', ')}].`,
    )
  }
  if (!isSameSet(cancel, verdict.cancel)) {
    fail(
      'cancelled stays cancelled',
      `${beat.workerId} is to cancel [${cancel.join(', ')}], but its beat says [${verdict.cancel.join(', ')}].`,
    )
  }
}

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  return [...one].sort().join('\n') === [...other].sort().join('\n')
}

// ─── Claim ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function checkClaims(walk: Walk): void {
  const { ledger, seen } = walk
  const { claims } = seen.outcome
  if (seen.batch.claims.length === 0) return
  // Claims come last, so that what is pending now and what they took is all that they could choose from.
  const taken = new Set<TaskId>()
  for (const task of claims.flat()) {
    const isOld = walkerOf(walk, task.id).state === 'running' && walkerOf(walk, task.id).epoch === task.epoch
    if (!isOld) taken.add(task.id)
  }
  const pool = [...seen.after.values()].filter(record => record.state === 'pending' || taken.has(record.id))
  const rank = (record: TaskRecord): number => {
    const dueAtMs = ledger.entries.get(record.id)?.dueAtMs ?? record.runAtMs ?? record.createdAtMs
    return rankOf(dueAtMs, record.priority, seen.headStartMs)
  }
  const inOrder = pool.sort((one, other) => rank(one) - rank(other) || one.number - other.number)
  for (const [at, ask] of seen.batch.claims.entries()) checkClaim(walk, ask, claims[at] ?? [], inOrder)
}

function checkClaim(walk: Walk, ask: ClaimAsk, claimed: readonly ClaimedTask[], inOrder: TaskRecord[]): void {
  const { ledger, seen, fail } = walk
  const key = ask.requestId === null ? null : `${ask.workerId}\n${ask.requestId}`
  const first = key === null ? undefined : ledger.requests.get(key)
  const held = (first?.leases ?? []).filter(lease => {
    const walker = walkerOf(walk, lease.taskId)
    return walker.state === 'running' && walker.epoch === lease.epoch && walker.workerId === ask.workerId
  })
  const isSure = first !== undefined && Math.abs(seen.nowMs - first.atMs) < requestSureMs
  if (held.length > 0) {
    const told = claimed.map(task => `${task.id} ${task.epoch}`).join(', ')
    const expected = held.map(lease => `${lease.taskId} ${lease.epoch}`).join(', ')
    if (told === expected) return
    if (isSure) {
      fail(
        'a repeat is the same',
        `${ask.workerId} repeats its claim ${ask.requestId} of [${expected}] and gets [${told}].`,
      )
      return
    }
  }
  const isDraining = ledger.drainingWorkers.has(ask.workerId)
  const eligible = inOrder.filter(
    record =>
      !isDraining &&
      !ledger.pausedQueues.has(record.queue) &&
      (ask.queues === null || ask.queues.includes(record.queue)) &&
      (ask.types === null || ask.types.includes(record.type)),
  )
  const expected = eligible.slice(0, ask.limit)
  const told = claimed.map(task => task.id).join(', ')
  if (told !== expected.map(record => record.id).join(', ')) {
    fail(
      'rank is the order',
      `${ask.workerId} claims up to ${ask.limit} and gets [${told}] instead of [${expected.map(record => record.id).join(', ')}].`,
    )
  }
  for (const task of claimed) {
    grant(walk, ask, task)
    const at = inOrder.findIndex(record => record.id === task.id)
    if (at >= 0) inOrder.splice(at, 1)
  }
  if (key !== null && claimed.length > 0) {
    const leases = claimed.map(task => ({ taskId: task.id, epoch: task.epoch }))
    ledger.requests.set(key, { leases, atMs: seen.nowMs })
  }
}

function grant(walk: Walk, ask: ClaimAsk, task: ClaimedTask): void {
  const { ledger, fail, created, seen } = walk
  const walker = walkerOf(walk, task.id)
  const isFree = walker.state === 'pending' || walker.state === 'blocked' || created.has(task.id)
  if (walker.isGranted || !isFree) {
    fail(
      'one live lease',
      `${ask.workerId} is given ${describe(task)}, which is ${walker.state} under epoch ${walker.epoch} by ${walker.workerId}.`,
    )
  }
  if (task.epoch !== walker.epoch + 1) {
    fail('epochs only grow', `${ask.workerId} is given ${describe(task)} after epoch ${walker.epoch}.`)
  }
  if (task.attempt !== walker.attempt + 1) {
    fail('budgets hold', `${ask.workerId} is given ${describe(task)} after ${walker.attempt} attempts.`)
  }
  if (walker.state === 'blocked' || created.has(task.id)) {
    if (walker.state === 'blocked') walker.becamePending += 1
    checkReleased(task, ledger.entries.get(task.id)?.isOverridden ?? false, seen.after, fail)
  }
  walker.state = 'running'
  walker.epoch = task.epoch
  walker.attempt = task.attempt
  walker.workerId = ask.workerId
  walker.isMarked = false
  walker.isGranted = true
}

// ─── After all of it ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Every task stands where the verdicts say; nothing else moved but children of parents that ended. */
function checkEnds(walk: Walk): void {
  const { ledger, seen, fail, created } = walk
  let ready = 0
  const ended: TaskId[] = []
  for (const record of seen.after.values()) {
    const entry = ledger.entries.get(record.id)
    const before: Place = entry?.record.state ?? 'none'
    if (before === 'none' && !created.has(record.id)) {
      fail('only known transitions', `${describe(record)} is there, and nobody submitted it.`)
    }
    const walker = walkerOf(walk, record.id)
    if (walker.isSettled || walker.isGranted) {
      if (record.state !== walker.state) {
        fail('only known transitions', `${describe(record)} should be ${walker.state} by the verdicts.`)
      }
    } else {
      checkUntouched(walk, entry, record, before)
      if (before === 'blocked' && record.state === 'pending') walker.becamePending += 1
    }
    ready += walker.becamePending
    if (record.epoch !== walker.epoch) {
      fail('epochs only grow', `${describe(record)} should stand at epoch ${walker.epoch}.`)
    }
    if (before !== 'none' && (record.attempt !== walker.attempt || record.crashes !== walker.crashes)) {
      fail(
        'budgets hold',
        `${describe(record)} with ${record.crashes} crashes should count ${walker.attempt} attempts and ${walker.crashes} crashes.`,
      )
    }
    if (entry !== undefined && !isTerminal(before) && isTerminal(record.state)) ended.push(record.id)
  }
  for (const id of ledger.entries.keys()) {
    if (!seen.after.has(id)) fail('nothing is lost', `${id} is gone after an exchange.`)
  }
  checkChanges(seen.outcome.changes, { ready, ended, created }, fail)
}

function checkUntouched(walk: Walk, entry: Entry | undefined, record: TaskRecord, before: Place): void {
  const { seen, fail } = walk
  if (before === record.state) return
  const isNew = before === 'none'
  if ((before === 'blocked' || isNew) && (record.state === 'pending' || record.state === 'scheduled')) {
    checkReleased(record, entry?.isOverridden ?? false, seen.after, fail)
    return
  }
  if ((before === 'blocked' || isNew) && record.state === 'cancelled') {
    checkCascaded(record, seen.after, fail)
    return
  }
  if (isNew && record.state === 'blocked') return
  const invariant = isTerminal(before) ? 'terminal is terminal' : 'only known transitions'
  fail(invariant, `${describe(record)} was ${before}, and nothing in the exchange moves it.`)
}

export function noteGrant(entry: Entry, record: TaskRecord): void {
  if (record.workerId !== null) entry.grants.set(record.epoch, record.workerId)
  const startedAtMs = record.startedAtMs ?? 0
  entry.deadlineMs = record.timeoutMs === null ? null : startedAtMs + record.timeoutMs
}

/** Where the lease of a fresh claim must run to, at the least. */
export function leaseOfClaim(entry: Entry, ask: ClaimAsk, nowMs: number): number {
  const until = nowMs + ask.leaseMs
  return entry.deadlineMs === null ? until : Math.min(until, entry.deadlineMs + deadlineGraceMs)
}
