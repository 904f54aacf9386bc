import type { TransitionName } from '../../packages/server/src/core/lifecycle.ts'
import { Problem } from '../../packages/server/src/core/problem.ts'
import type { TaskId, TaskRecord, WorkerId } from '../../packages/server/src/core/task.ts'
import type { WorkerResult } from '../../packages/server/src/engine/engine.ts'
import type { Changes, ExchangeBatch, ExchangeOutcome, Moved, Store } from '../../packages/server/src/ports/store.ts'
import {
  checkCascaded,
  checkChanges,
  checkNobodyForgotten,
  checkReleased,
  createLedger,
  describe,
  type Entry,
  type Fail,
  type Invariant,
  isAllowed,
  isTerminal,
  type Ledger,
  type Look,
} from './ledger.ts'
import { checkExchange, leaseOfClaim, noteGrant } from './referee-exchange.ts'

/**
 * Watches every transaction from outside: what was asked, what was answered, and how every task stands afterwards. It
 * keeps its own book of leases, attempts and acknowledged replies, and trusts no row for what went before.
 */
export interface Referee {
  readonly fail: Fail
  readonly ledger: Ledger
  violation(): Violation | null
  /** A digest of all it saw. */
  trail(): number
  saw(call: StoreCall, answer: Answer, after: readonly TaskRecord[]): void
  nodeStarted(node: string): void
  /** This node met a store that did not answer, so that workers could not be heard. */
  storeFailed(node: string): void
  /** It asks for leases that ran out, to reap them. */
  reaps(node: string): void
  // What clients and workers were told.
  submitAcknowledged(id: TaskId, key: string | null): void
  claimAcknowledged(workerId: WorkerId, task: Pick<TaskRecord, 'id' | 'epoch'>): void
  settleAcknowledged(workerId: WorkerId, id: TaskId, epoch: number, kind: WorkerResult['outcome']): void
  /** What was acknowledged and is neither there nor rightly gone. */
  checkAcknowledged(): void
}

export interface Violation {
  readonly invariant: Invariant
  readonly detail: string
  readonly atMs: number
}

export interface StoreCall {
  readonly node: string
  readonly name: keyof Store
  readonly args: readonly unknown[]
  /** The store's own clock. */
  readonly nowMs: number
}

export type Answer = { readonly value: unknown } | { readonly error: unknown }

export interface RefereeParts {
  readonly elapsedMs: () => number
  readonly headStartMs: number
  readonly leaseMs: number
}

export function createReferee({ elapsedMs, headStartMs, leaseMs }: RefereeParts): Referee {
  const ledger = createLedger()
  const acknowledged = new Set<TaskId>()
  const keys = new Map<string, TaskId>()
  const reapFromMs = new Map<string, number>()
  let first: Violation | null = null
  let trail = 0

  const fail: Fail = (invariant, detail) => {
    first ??= { invariant, detail, atMs: elapsedMs() }
  }

  function exchange(call: StoreCall, outcome: ExchangeOutcome, look: Look): void {
    const batch = call.args[0] as ExchangeBatch // An exchange takes one batch.
    checkExchange(ledger, { batch, outcome, after: look, nowMs: call.nowMs, headStartMs }, fail)
    if (outcome.changes.hasLeftovers) ledger.hasLeftovers = true
    update(look)
    for (const [at, ask] of batch.claims.entries()) {
      for (const task of outcome.claims[at] ?? []) {
        const entry = ledger.entries.get(task.id)
        if (entry === undefined || entry.grants.get(task.epoch) !== undefined) continue
        noteGrant(entry, task)
        entry.leaseUntilMs = leaseOfClaim(entry, ask, call.nowMs)
      }
    }
  }

  function update(look: Look): void {
    for (const record of look.values()) {
      const entry = ledger.entries.get(record.id)
      if (entry === undefined) ledger.entries.set(record.id, newEntry(record))
      else entry.record = record
    }
    for (const [id, { record }] of ledger.entries) {
      if (look.has(id)) continue
      ledger.entries.delete(id)
      ledger.gone.add(id)
      if (record.idempotencyKey !== null) {
        ledger.byKey.delete(record.idempotencyKey)
        keys.delete(record.idempotencyKey)
      }
    }
    checkKeys(look)
  }

  function checkKeys(look: Look): void {
    const seen = new Map<string, TaskId>()
    for (const { id, idempotencyKey } of look.values()) {
      if (idempotencyKey === null) continue
      const other = seen.get(idempotencyKey)
      if (other !== undefined) fail('same key, same task', `${other} and ${id} have the key '${idempotencyKey}'.`)
      seen.set(idempotencyKey, id)
    }
  }

  return Object.freeze<Referee>({
    fail,
    ledger,
    violation: () => first,
    trail: () => trail,
    saw: (call, answer, after) => {
      const look = new Map(after.map(record => [record.id, record]))
      for (const { number, epoch, attempt } of after)
        trail = Math.imul(trail ^ (number * 64 + epoch * 8 + attempt), 0x01000193)
      trail = Math.imul(trail ^ (elapsedMs() + call.name.length), 0x01000193)
      if ('error' in answer) {
        if (!(answer.error instanceof Problem)) fail('no fault of our own', `${call.name}: ${String(answer.error)}`)
        checkMoves(ledger, { ...call, ways: [], named: [] }, look, fail)
      } else if (call.name === 'exchange') {
        exchange(call, answer.value as ExchangeOutcome, look) // What an exchange answers with.
      } else {
        checkMove(ledger, call, answer.value, look, fail)
      }
      if (call.name !== 'exchange') update(look)
      checkNobodyForgotten(ledger, look, fail)
    },
    nodeStarted: node => reapFromMs.set(node, elapsedMs() + leaseMs),
    storeFailed: node => reapFromMs.set(node, elapsedMs() + leaseMs),
    reaps: node => {
      if (elapsedMs() >= (reapFromMs.get(node) ?? 0)) return
      fail('outages are not crashes', `${node} reaps, though workers could not be heard within the last lease.`)
    },
    submitAcknowledged: (id, key) => {
      acknowledged.add(id)
      const same = key === null ? undefined : keys.get(key)
      if (same !== undefined && same !== id)
        fail('same key, same task', `'${key}' was answered with ${same} and ${id}.`)
      if (key !== null && !ledger.gone.has(id)) keys.set(key, id)
      if (!ledger.entries.has(id) && !ledger.gone.has(id)) fail('nothing is lost', `${id} was acknowledged, not kept.`)
    },
    claimAcknowledged: (workerId, { id, epoch }) => {
      const entry = ledger.entries.get(id)
      if (entry === undefined || entry.grants.get(epoch) === workerId) return
      fail(
        'one live lease',
        `${workerId} was handed ${id} under epoch ${epoch}, which the store gave to ${entry.grants.get(epoch)}.`,
      )
    },
    settleAcknowledged: (workerId, id, epoch, kind) => {
      const entry = ledger.entries.get(id)
      const said = entry?.said.get(epoch)
      if (entry === undefined || (said?.workerId === workerId && said.kind === kind)) return
      fail(
        'no stale settle',
        `${workerId} was told that '${kind}' of ${id} under epoch ${epoch} is applied; the store never did.`,
      )
    },
    checkAcknowledged: () => {
      for (const id of acknowledged) {
        if (!ledger.entries.has(id) && !ledger.gone.has(id))
          fail('nothing is lost', `${id} was acknowledged and is lost.`)
      }
    },
  })
}

function newEntry(record: TaskRecord): Entry {
  return {
    record,
    dueAtMs: record.runAtMs ?? record.createdAtMs,
    leaseUntilMs: 0,
    deadlineMs: null,
    failures: 0,
    crashes: 0,
    isOverridden: false,
    grants: new Map(),
    said: new Map(),
  }
}

// ─── Every call but the exchange ─────────────────────────────────────────────────────────────────────────────────────

/** The ways by which each call may move a task. */
const waysOf: Partial<Record<keyof Store, readonly TransitionName[]>> = {
  cancel: ['cancel', 'cascade', 'unblock'],
  requeue: ['requeue'],
  reprioritise: ['reprioritise'],
  completeByHand: ['complete_by_hand', 'unblock'],
  remove: ['prune'],
  promote: ['promote'],
  unblock: ['unblock', 'cascade'],
  prune: ['prune'],
}

interface Move extends StoreCall {
  readonly ways: readonly TransitionName[]
  /** The tasks that the call names. */
  readonly named: readonly TaskId[]
}

function checkMove(ledger: Ledger, call: StoreCall, value: unknown, look: Look, fail: Fail): void {
  const move: Move = { ...call, ways: waysOf[call.name] ?? [], named: namedBy(call) }
  const { ready, ended } = checkMoves(ledger, move, look, fail)
  if (call.name === 'shorten') shortenLeases(ledger, call)
  noteWorker(ledger, call, value)
  if (call.name === 'appendLogs') checkLogs(ledger, call, value, fail)
  if (call.name === 'setQueue') {
    const [queue, { isPaused }] = call.args as Parameters<Store['setQueue']> // The arguments of this very call.
    if (isPaused) ledger.pausedQueues.add(queue)
    else ledger.pausedQueues.delete(queue)
  }
  if (typeof value !== 'object' || value === null || !('changes' in value)) return
  const { changes } = value as { readonly changes: Changes } // Checked a line above.
  checkChanges(changes, { ready, ended, created: new Set() }, fail)
  if (changes.hasLeftovers) ledger.hasLeftovers = true
  if ('isDone' in value && value.isDone === true) ledger.hasLeftovers = false
  if (call.name === 'cancel') checkCancelled(ledger, move, value as Moved<string>, look, fail) // What a cancel answers with.
}

function noteWorker({ drainingWorkers }: Ledger, { name, args }: StoreCall, value: unknown): void {
  if (name === 'drainWorker' && value === true) drainingWorkers.add(args[0] as WorkerId) // Called with an id.
  if (name === 'removeWorker') drainingWorkers.delete(args[0] as WorkerId) // Called with an id.
  if (name === 'registerWorker') drainingWorkers.delete((args[0] as { readonly id: WorkerId }).id) // Called with settings.
}

/** Lines are kept for the holder of the lease only. (Nobody here writes as many as the bound.) */
function checkLogs({ entries }: Ledger, { args }: StoreCall, value: unknown, fail: Fail): void {
  const [workerId, lines] = args as Parameters<Store['appendLogs']> // The arguments of this very call.
  const held = lines.filter(({ taskId, epoch }) => {
    const record = entries.get(taskId)?.record
    return record?.state === 'running' && record.epoch === epoch && record.workerId === workerId
  })
  if (value !== held.length)
    fail('no stale settle', `${workerId} holds ${held.length} leases, and ${value} lines of it are kept.`)
}

/** After a clock was set back, leases of a far future end earlier. */
function shortenLeases(ledger: Ledger, { args, nowMs }: StoreCall): void {
  const [mostMs] = args as Parameters<Store['shorten']> // The arguments of this very call.
  for (const entry of ledger.entries.values()) entry.leaseUntilMs = Math.min(entry.leaseUntilMs, nowMs + mostMs)
}

function namedBy({ name, args }: StoreCall): readonly TaskId[] {
  if (name === 'cancel' || name === 'requeue' || name === 'remove') return args[0] as readonly TaskId[] // Lists of ids.
  if (name !== 'completeByHand' && name !== 'reprioritise') return []
  return (args[0] as readonly { readonly id: TaskId }[]).map(each => each.id) // Lists of tasks by id.
}

function checkCancelled(ledger: Ledger, move: Move, moved: Moved<string>, look: Look, fail: Fail): void {
  for (const [at, id] of move.named.entries()) {
    const verdict = moved.verdicts[at]
    const before = ledger.entries.get(id)?.record
    const after = look.get(id)
    if (before === undefined || after === undefined) continue
    const isMarked = after.state === 'running' && after.cancelRequestedAtMs !== null
    const isRight =
      (verdict === 'cancelled' && after.state === 'cancelled') ||
      (verdict === 'requested' && isMarked) ||
      (verdict === 'finished' && isTerminal(before.state))
    if (!isRight)
      fail(
        'cancelled stays cancelled',
        `The cancel of ${describe(before)} is '${verdict}', and it is ${describe(after)}.`,
      )
  }
}

function checkMoves(
  ledger: Ledger,
  move: Move,
  look: Look,
  fail: Fail,
): { readonly ready: number; readonly ended: readonly TaskId[] } {
  let ready = 0
  const ended: TaskId[] = []
  for (const after of look.values()) {
    const entry = ledger.entries.get(after.id)
    if (entry === undefined) {
      fail('only known transitions', `${describe(after)} appeared in a call of '${move.name}'.`)
      continue
    }
    const from = entry.record.state
    checkOne(entry, after, move, look, fail)
    if (from === after.state) continue
    if (after.state === 'pending') ready += 1
    if (isTerminal(after.state)) ended.push(after.id)
    if (isTerminal(from)) {
      entry.failures = 0
      entry.crashes = 0
      entry.isOverridden = move.named.includes(after.id)
    }
  }
  for (const { record } of ledger.entries.values()) if (!look.has(record.id)) checkGone(ledger, record, move, fail)
  return { ready, ended }
}

function checkOne(
  { record: before, isOverridden }: Entry,
  after: TaskRecord,
  move: Move,
  look: Look,
  fail: Fail,
): void {
  const isNamed = move.named.includes(after.id)
  const isRequeued = move.name === 'requeue' && isTerminal(before.state) && !isTerminal(after.state)
  if (after.epoch !== before.epoch) {
    fail('epochs only grow', `'${move.name}' took ${describe(before)} to epoch ${after.epoch}.`)
  }
  const isCountKept = after.attempt === before.attempt && after.crashes === before.crashes
  if (isRequeued ? after.attempt !== 0 || after.crashes !== 0 : !isCountKept) {
    fail('budgets hold', `'${move.name}' left ${describe(before)} as ${describe(after)}.`)
  }
  if (before.state === after.state) {
    if (isTerminal(before.state) && (before.result !== after.result || before.error !== after.error)) {
      fail('terminal is terminal', `'${move.name}' changed the end of ${describe(before)}.`)
    }
    return
  }
  if (!isAllowed(move.ways, before.state, after.state)) {
    const invariant = isTerminal(before.state) ? 'terminal is terminal' : 'only known transitions'
    fail(invariant, `'${move.name}' took ${describe(before)} to ${after.state}.`)
    return
  }
  if (isRequeued) {
    const isDescendant = move.args[1] === true && (before.error ?? '').includes('dependency_failed')
    if (!isNamed && !isDescendant) fail('terminal is terminal', `A requeue of others brought back ${describe(before)}.`)
    if (after.state === 'pending') checkReleased(after, true, look, fail)
    return
  }
  if (isNamed) return
  if (before.state === 'running') fail('only known transitions', `'${move.name}' of others moved ${describe(before)}.`)
  if (before.state === 'scheduled' && (after.runAtMs ?? 0) > move.nowMs) {
    fail('only known transitions', `${describe(after)} was promoted before its time.`)
  }
  if (before.state !== 'blocked') return
  if (after.state === 'cancelled') checkCascaded(after, look, fail)
  else checkReleased(after, isOverridden, look, fail)
}

function checkGone(ledger: Ledger, record: TaskRecord, move: Move, fail: Fail): void {
  const isNeeded = [...ledger.entries.values()].some(
    other => !isTerminal(other.record.state) && other.record.dependencies.includes(record.id),
  )
  const isRemoved = move.name === 'remove' && move.named.includes(record.id)
  const isOld = move.name === 'prune' && (record.finishedAtMs ?? move.nowMs) < move.nowMs - keepMsOf(move)
  if (isTerminal(record.state) && !isNeeded && (isRemoved || isOld)) return
  fail('nothing is lost', `${describe(record)} is gone after '${move.name}'.`)
}

function keepMsOf({ args }: StoreCall): number {
  const [ask] = args as Parameters<Store['prune']> // Called for a prune only.
  return ask.keepMs
}
