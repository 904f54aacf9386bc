import { unreachable } from '../../src/core/assert.ts'
import { findGraphFault } from '../../src/core/graph.ts'
import { decideLoss, retryPolicyDefault } from '../../src/core/retry.ts'
import { type TaskDraft, type TaskId, taskId, type WorkerId, workerId } from '../../src/core/task.ts'
import type {
  Changes,
  ClaimAsk,
  ExchangeBatch,
  ExchangeOutcome,
  Lease,
  Outcome,
  Settlement,
  Store,
  WorkerBeat,
} from '../../src/ports/store.ts'
import { draft, errorJson, json } from '../support/drafts.ts'
import { toAccountCall } from './accounts.ts'
import {
  type BeatSpec,
  type ClaimSpec,
  type Command,
  type ContentSpec,
  type DraftSpec,
  pool,
  type SettleSpec,
} from './commands.ts'

/** A command made concrete: the same call for every store, and its answer in a form that can be compared. */
export type Call = (store: Store) => Promise<unknown>

/** What a run remembers between its commands. */
export interface Run {
  /** Every lease that was handed out, the latest last. */
  readonly leases: Lease[]
  /** Every draft that was accepted, the latest last. */
  readonly drafts: TaskDraft[]
  readonly now: () => number
  nextTask: number
  nextToken: number
  latestSubmits: ExchangeBatch['submits']
}

export function createRun(now: () => number): Run {
  return { leases: [], drafts: [], now, nextTask: 0, nextToken: 0, latestSubmits: [] }
}

/** Notes what an answer brought, for the commands to come. */
export function learn(run: Run, answer: unknown): void {
  const submits = run.latestSubmits
  run.latestSubmits = []
  if (typeof answer !== 'object' || answer === null || !('claims' in answer)) return
  const outcome = answer as Pick<ExchangeOutcome, 'claims' | 'submits'> // Only exchanges answer with claims.
  for (const { id, epoch, workerId } of outcome.claims.flat()) {
    if (workerId !== null) run.leases.push({ taskId: id, epoch, workerId })
  }
  for (const [at, verdict] of outcome.submits.entries()) {
    if (verdict.kind === 'accepted') run.drafts.push(...(submits[at]?.drafts ?? []))
  }
}

export const workerOf = (number: number): WorkerId => workerId(`w${number}`)
export const queueOf = (number: number): string => `q${number}`
export const typeOf = (number: number): string => `x${number}`
export const submitterOf = (number: number): string => `u${number}`

/** Null where the command has nothing to act on, or is the clock’s. */
export function toCall(command: Command, run: Run): Call | null {
  switch (command.kind) {
    case 'submit':
    case 'claim':
    case 'settle':
    case 'beat':
    case 'exchange': {
      const batch = toBatch(command, run)
      return async store => sorted(await store.exchange(batch))
    }
    case 'cancel':
      return async store => moved(await store.cancel(tasksBack(run, command.tasks), command.reason))
    case 'requeue':
      return async store => moved(await store.requeue(tasksBack(run, command.tasks), command.withDependents))
    case 'reprioritise': {
      const changes = tasksBack(run, command.tasks).map(id => ({ id, priority: command.priority }))
      return async store => moved(await store.reprioritise(changes))
    }
    case 'by_hand': {
      const result = command.result === null ? null : json(command.result)
      return async store => moved(await store.completeByHand(tasksBack(run, command.tasks).map(id => ({ id, result }))))
    }
    case 'remove':
      return store => store.remove(tasksBack(run, command.tasks))
    case 'promote':
      return async store => moved(await store.promote(command.limit))
    case 'reap':
      return reap
    case 'unblock':
      return async store => moved(await store.unblock(command.limit))
    case 'prune':
      // The whole table at once: where the walk of small passes stands is a store's own affair.
      return store => store.prune({ keepMs: command.keepMs, workerKeepMs: command.keepMs, limit: 1_000 })
    case 'advance':
      return null
    case 'register':
    case 'drain':
    case 'deregister':
    case 'set_queue':
    case 'append_logs':
      return toWorkerCall(command, run)
    case 'account':
      return toAccountCall(command.account, run)
  }
}

function toWorkerCall(command: Extract<Command, { kind: WorkerKind }>, run: Run): Call {
  switch (command.kind) {
    case 'register': {
      const { worker, instance } = command
      const rest = { capabilities: null, queues: null, slots: 2, labels: null, types: null }
      return async store => {
        const { orphans } = await store.registerWorker(
          { id: workerOf(worker), instance: `i${instance}`, ...rest },
          15_000,
        )
        return byTask(orphans)
      }
    }
    case 'drain':
      return store => store.drainWorker(workerOf(command.worker))
    case 'deregister':
      return async store => {
        // Its leases are to be settled before, says the contract.
        const leases = byTask(await store.leasesOf(workerOf(command.worker)))
        const settles = leases.map(lease => ({ lease, outcome: { kind: 'released' }, guard: 'held' }) as const)
        const outcome = await store.exchange({ settles, submits: [], beats: [], claims: [] })
        return [sorted(outcome), await store.removeWorker(workerOf(command.worker))]
      }
    case 'set_queue':
      return store => store.setQueue(queueOf(command.queue), command)
    case 'append_logs': {
      const leases = command.leases.flatMap(back => leaseAt(run, back) ?? [])
      const lines = leases.map(({ taskId, epoch }, at) => ({
        taskId,
        epoch,
        level: 'info' as const,
        message: `line ${at}`,
        atMs: command.isDated ? run.now() - 5 : null,
      }))
      return store => store.appendLogs(leases[0]?.workerId ?? workerOf(0), lines)
    }
    default:
      return unreachable(command)
  }
}

type WorkerKind = 'register' | 'drain' | 'deregister' | 'set_queue' | 'append_logs'

/** Every lease that has run out ends as core decides, in the order of ids: which of two comes first is left open. */
async function reap(store: Store): Promise<unknown> {
  const facts = byTask(await store.expired(1_000))
  const settles = facts.map((each): Settlement => {
    const loss = { pastDeadline: each.pastDeadline, detail: 'Its lease ran out.' }
    const { taskId, epoch, workerId } = each
    return {
      lease: { taskId, epoch, workerId },
      outcome: decideLoss(each, loss, retryPolicyDefault, 0.5),
      guard: 'expired',
    }
  })
  return [facts, sorted(await store.exchange({ settles, submits: [], beats: [], claims: [] }))]
}

function toBatch(
  command: Extract<Command, { kind: 'submit' | 'claim' | 'settle' | 'beat' | 'exchange' }>,
  run: Run,
): ExchangeBatch {
  const none = { settles: [], submits: [], beats: [], claims: [] }
  switch (command.kind) {
    case 'submit':
      return { ...none, submits: toGroups(command.groups, run) }
    case 'claim':
      return { ...none, claims: [toAsk(command)] }
    case 'settle':
      return { ...none, settles: command.settles.flatMap(spec => toSettlement(spec, run) ?? []) }
    case 'beat':
      return { ...none, beats: [toBeat(command, run)] }
    case 'exchange':
      return {
        settles: command.settles.flatMap(spec => toSettlement(spec, run) ?? []),
        submits: toGroups(command.groups, run),
        beats: command.beats.map(spec => toBeat(spec, run)),
        claims: command.claims.map(toAsk),
      }
  }
}

/** Groups that the engine would refuse before any store (a cycle, an id twice) are left out. */
function toGroups(groups: readonly (readonly DraftSpec[])[], run: Run): ExchangeBatch['submits'] {
  const drafted = groups.map(specs => toGroup(specs, run))
  run.latestSubmits = drafted.filter(drafts => findGraphFault(drafts) === null).map(drafts => ({ drafts }))
  return run.latestSubmits
}

function toGroup(specs: readonly DraftSpec[], run: Run): readonly TaskDraft[] {
  const ids = specs.map((_, at) => `t${run.nextTask + at}`)
  run.nextTask += ids.length
  return specs.map((spec, at): TaskDraft => {
    if (spec.kind === 'new') return toDraft(at, spec.content, ids, run)
    const again = run.drafts.at(-1 - spec.back)
    if (again === undefined) return draft(ids[at] ?? '')
    return spec.isChanged ? { ...again, payload: json('changed') } : again
  })
}

function toDraft(place: number, spec: ContentSpec, group: readonly string[], run: Run): TaskDraft {
  const id = group[place] ?? ''
  const times = {
    now: {},
    delayed: { delayMs: 700 },
    past: { runAtMs: run.now() - 500 },
    future: { runAtMs: run.now() + 9_000 },
  }
  const parents = spec.parents.flatMap(({ from, at }) => {
    if (from === 'earlier') return run.drafts.at(-1 - at)?.id ?? []
    return (from === 'before' ? group.slice(0, place)[at % Math.max(1, place)] : group[at]) ?? []
  })
  return draft(id, {
    type: typeOf(spec.type),
    queue: queueOf(spec.queue),
    dependencies: [...parents.filter(parent => parent !== id), ...(spec.isGhostWanted ? ['ghost'] : [])],
    onDependencyFailure: spec.proceeds ? 'proceed' : 'cancel',
    payload: { x: [1, 'two'] },
    name: !spec.isBare && place % 4 === 0 ? `The ${place}th` : null,
    ...(spec.isBare || place % 3 === 0 ? {} : { labels: { shade: place % 2 === 0 ? 'red' : 'blue' } }),
    idempotencyKey: spec.key === null ? null : `key-${spec.key}`,
    timeoutMs: spec.timeoutMs,
    submittedBy: spec.submitter === null ? null : submitterOf(spec.submitter),
    isOwnOnly: spec.isOwnOnly,
    ...(spec.priority === null ? {} : { priority: spec.priority }),
    ...times[spec.time],
  })
}

function tasksBack(run: Run, backs: readonly number[]): readonly TaskId[] {
  return backs.map(back => run.drafts.at(-1 - (back % Math.max(1, run.drafts.length)))?.id ?? taskId('ghost'))
}

function toAsk(spec: ClaimSpec): ClaimAsk {
  return {
    workerId: workerOf(spec.worker),
    queues: spec.queues?.map(queueOf) ?? null,
    types: spec.types?.map(typeOf) ?? null,
    limit: spec.limit,
    leaseMs: spec.leaseMs,
    requestId: spec.request === null ? null : `r${spec.request}`,
  }
}

function toSettlement(spec: SettleSpec, run: Run): Settlement | null {
  const lease = leaseAt(run, spec.lease)
  if (lease === null) return null
  return { lease: twisted(lease, spec.twist), outcome: toOutcome(spec), guard: spec.guard }
}

function twisted(lease: Lease, twist: SettleSpec['twist']): Lease {
  switch (twist) {
    case 'none':
      return lease
    case 'other epoch':
      return { ...lease, epoch: lease.epoch + 1 }
    case 'other worker':
      return { ...lease, workerId: workerOf(pool.workers) }
    case 'other task':
      return { ...lease, taskId: taskId('ghost') }
  }
}

function toOutcome({ outcome, resultChars }: SettleSpec): Outcome {
  switch (outcome) {
    case 'completed':
      return { kind: 'completed', result: resultChars === 0 ? null : json('r'.repeat(resultChars)) }
    case 'failed':
      return { kind: 'failed', error: errorJson('boom', 'e'.repeat(resultChars)), as: 'failed' }
    case 'retry now':
      return { kind: 'retry', delayMs: 0, error: errorJson('boom'), as: 'failed' }
    case 'retry later':
      return { kind: 'retry', delayMs: 600, error: errorJson('boom'), as: 'failed' }
    case 'timeout':
      return { kind: 'retry', delayMs: 300, error: errorJson('timeout'), as: 'timeout' }
    case 'released':
      return { kind: 'released' }
    case 'cancelled':
      return { kind: 'cancelled', error: errorJson('cancelled') }
    case 'crashed':
      return { kind: 'retry', delayMs: 0, error: errorJson('worker_lost'), as: 'crashed' }
  }
}

function toBeat(spec: BeatSpec, run: Run): WorkerBeat {
  const { held } = spec
  return {
    workerId: workerOf(spec.worker),
    systemInfo: null,
    leaseMs: spec.leaseMs,
    held:
      held === 'all'
        ? 'all'
        : held.flatMap(({ lease, isBare, percent }) => {
            const found = leaseAt(run, lease)
            const progress = percent === null ? null : json({ percent })
            return found === null ? [] : [{ taskId: found.taskId, epoch: isBare ? null : found.epoch, progress }]
          }),
  }
}

function leaseAt(run: Run, back: number): Lease | null {
  return run.leases.at(-1 - (back % Math.max(1, run.leases.length))) ?? null
}

/** The contract leaves open in which order changes are told, so they are compared as sets. */
function sortedChanges({ ready, ended, hasLeftovers }: Changes): unknown {
  const lanes = [...ready].sort((one, other) => (`${one.queue} ${one.type}` < `${other.queue} ${other.type}` ? -1 : 1))
  const tasks = [...ended].sort((one, other) => (one.id < other.id ? -1 : 1))
  return { ready: lanes, ended: tasks, hasLeftovers }
}

function sorted(outcome: ExchangeOutcome): unknown {
  // `all` extends in no order; `cancel` and `lost` are told as sets.
  const beats = outcome.beats.map(beat => ({ ...beat, cancel: [...beat.cancel].sort(), lost: [...beat.lost].sort() }))
  // Where a group has several faults, any of them may be told.
  const submits = outcome.submits.map(verdict => (verdict.kind === 'refused' ? { kind: 'refused' } : verdict))
  return { ...outcome, beats, submits, changes: sortedChanges(outcome.changes) }
}

function moved(answer: { readonly changes: Changes }): unknown {
  return { ...answer, changes: sortedChanges(answer.changes) }
}

function byTask<T extends Lease>(leases: readonly T[]): readonly T[] {
  return [...leases].sort((one, other) => (one.taskId < other.taskId ? -1 : 1))
}
