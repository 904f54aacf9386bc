import type { TaskState } from '@tasklane/protocol'
import { type TransitionName, transitions } from '../../packages/server/src/core/lifecycle.ts'
import type { TaskId, TaskRecord, WorkerId } from '../../packages/server/src/core/task.ts'
import type { Changes } from '../../packages/server/src/ports/store.ts'

/** The promises, by the names under which a failure is told. */
export type Invariant =
  | 'one live lease'
  | 'epochs only grow'
  | 'terminal is terminal'
  | 'budgets hold'
  | 'parents come first'
  | 'released exactly once'
  | 'same key, same task'
  | 'no stale settle'
  | 'a repeat is the same'
  | 'cancelled stays cancelled'
  | 'nothing is lost'
  | 'rank is the order'
  | 'only known transitions'
  | 'outages are not crashes'
  | 'changes are told'
  | 'no fault of our own'
  | 'everything ends'

export type Fail = (invariant: Invariant, detail: string) => void

/** What the referee knows of one task, from what it has seen happen and not from what the row says of its past. */
export interface Entry {
  record: TaskRecord
  readonly dueAtMs: number
  /** Until when the store must hold the lease, as claims and beats have told. */
  leaseUntilMs: number
  deadlineMs: number | null
  /** Attempts of this life that ended badly, by the code's fault and by the worker's. */
  failures: number
  crashes: number
  /** An operator asked for it again, over the heads of parents that failed. */
  isOverridden: boolean
  /** Who was given which epoch. */
  readonly grants: Map<number, WorkerId>
  /** What the worker of an epoch said, and was believed. */
  readonly said: Map<number, { readonly workerId: WorkerId; readonly kind: Said }>
}

export type Said = 'completed' | 'failed' | 'released' | 'cancelled'

export interface Ledger {
  readonly entries: Map<TaskId, Entry>
  readonly pausedQueues: Set<string>
  readonly drainingWorkers: Set<WorkerId>
  /** By worker and request id: the leases of the first answer. */
  readonly requests: Map<string, { readonly leases: readonly LeaseName[]; readonly atMs: number }>
  /** Taken away by an operator or by age, so that nobody misses them. */
  readonly gone: Set<TaskId>
  readonly byKey: Map<string, TaskId>
  /** Edges remain that no transaction had room for. */
  hasLeftovers: boolean
}

export interface LeaseName {
  readonly taskId: TaskId
  readonly epoch: number
}

export function createLedger(): Ledger {
  return {
    entries: new Map(),
    pausedQueues: new Set(),
    drainingWorkers: new Set(),
    requests: new Map(),
    gone: new Set(),
    byKey: new Map(),
    hasLeftovers: false,
  }
}

export type Look = ReadonlyMap<TaskId, TaskRecord>
export type Place = TaskState | 'none'

export function isTerminal(place: Place): boolean {
  return place === 'completed' || place === 'failed' || place === 'cancelled'
}

export function describe(record: TaskRecord): string {
  return `${record.id} (${record.state}, epoch ${record.epoch}, attempt ${record.attempt}, worker ${record.workerId})`
}

/** Is there a way from one place to the other among these transitions? */
export function isAllowed(ways: readonly TransitionName[], from: Place, to: Place): boolean {
  return ways.some(way => transitions[way].from.includes(from) && transitions[way].to.includes(to))
}

/** A task that waits for no parent any more: every one of them has ended, and ended well where the edge asks for it. */
export function checkReleased(record: TaskRecord, isOverridden: boolean, look: Look, fail: Fail): void {
  for (const id of record.dependencies) {
    const parent = look.get(id)
    // A parent that was pruned had ended.
    if (parent === undefined) continue
    if (!isTerminal(parent.state)) {
      fail('parents come first', `${describe(record)} was released while its parent ${describe(parent)} has not ended.`)
    } else if (parent.state !== 'completed' && record.onDependencyFailure === 'cancel' && !isOverridden) {
      fail('parents come first', `${describe(record)} was released although its parent ${describe(parent)} failed.`)
    }
  }
}

export function checkCascaded(record: TaskRecord, look: Look, fail: Fail): void {
  const isHeld = record.dependencies.some(id => {
    const state = look.get(id)?.state
    return state === 'failed' || state === 'cancelled'
  })
  if (isHeld && record.onDependencyFailure === 'cancel') return
  fail('parents come first', `${describe(record)} was cancelled by a cascade, but no parent of it failed.`)
}

/** A child that waits for nothing and was not let go; where nothing was left over, its parent's transaction did it. */
export function checkNobodyForgotten(ledger: Ledger, look: Look, fail: Fail): void {
  if (ledger.hasLeftovers) return
  for (const record of look.values()) {
    if (record.state !== 'blocked') continue
    const waits = record.dependencies.some(id => {
      const parent = look.get(id)
      return parent !== undefined && !isTerminal(parent.state)
    })
    if (!waits) fail('released exactly once', `${describe(record)} waits for parents that have all ended.`)
  }
}

/** What a transaction tells of itself is what it did: those who wait are woken by it, and metrics count it. */
export function checkChanges(
  told: Changes,
  done: { readonly ready: number; readonly ended: readonly TaskId[]; readonly created: ReadonlySet<TaskId> },
  fail: Fail,
): void {
  const ready = told.ready.reduce((sum, lane) => sum + lane.count, 0)
  if (ready < done.ready || ready > done.ready + done.created.size) {
    fail('changes are told', `${done.ready} tasks became claimable, but the transaction tells of ${ready}.`)
  }
  const ended = new Set(told.ended.map(task => task.id))
  if (ended.size !== told.ended.length)
    fail('changes are told', 'A task is told to have ended twice in one transaction.')
  for (const id of done.ended)
    if (!ended.has(id)) fail('changes are told', `${id} ended, and the transaction is silent.`)
  for (const id of ended) {
    if (!done.ended.includes(id) && !done.created.has(id)) fail('changes are told', `${id} is told to have ended.`)
  }
}
