import { limits } from '@tasklane/protocol'
import { headStartMsDefault, rankOf } from '../../core/rank.ts'
import { type TaskId, taskErrorText, type WorkerId } from '../../core/task.ts'
import type { Clock } from '../../ports/clock.ts'
import type {
  ByHandVerdict,
  CancelVerdict,
  Changes,
  LeaseFacts,
  LogDraft,
  Moved,
  RemoveVerdict,
  ReprioritiseVerdict,
  RequeueVerdict,
  Store,
  WorkerSettings,
} from '../../ports/store.ts'
import { createMemoryAccounts } from './accounts.ts'
import { createMemoryAlerts } from './alerts.ts'
import { exchange } from './exchange.ts'
import { createMemoryHistory } from './history.ts'
import * as looks from './looks.ts'
import { setPause } from './pauses.ts'
import * as reads from './reads.ts'
import { countParents, holds, isWaiting, leaseFacts, type Row, toRecord } from './rows.ts'
import {
  becomePending,
  createWorld,
  endAttempt,
  endTask,
  type Gathered,
  gather,
  isSatisfied,
  resolveLeftovers,
  toChanges,
  type World,
} from './world.ts'

/**
 * The model of a store: plain maps, slow and obvious, forgotten with the process. Every other store is compared with
 * it. Each method runs to its end without yielding, and checks before it writes: that is its transaction.
 */
export function createMemoryStore(parts: { readonly clock: Clock; readonly headStartMs?: number }): Store {
  const world = createWorld(parts.clock, parts.headStartMs ?? headStartMsDefault)
  const find = (id: TaskId): Row | null => world.byId.get(id) ?? null

  const store: Store = {
    ...createMemoryAccounts(parts),
    ...createMemoryHistory(),
    ...createMemoryAlerts(parts),
    exchangesAtOnce: 1,
    isShared: false,
    migrate: async () => {},
    check: async () => {},
    close: async () => {},

    exchange: async batch => exchange(world, batch),
    cancel: async (ids, reason) => move(world, ids, (row, gathered) => cancel(world, row, reason, gathered)),
    requeue: async (ids, withDependents) => requeue(world, ids, withDependents),
    reprioritise: async changes => {
      const priorities = new Map(changes.map(change => [change.id, change.priority]))
      const ids = changes.map(change => change.id)
      return move(world, ids, row => reprioritise(world, row, priorities.get(row.id) ?? row.priority))
    },
    completeByHand: async tasks => {
      const results = new Map(tasks.map(task => [task.id, task.result]))
      const ids = tasks.map(task => task.id)
      return move(world, ids, (row, gathered) => completeByHand(world, row, results.get(row.id) ?? null, gathered))
    },
    remove: async ids => ids.map(id => remove(world, find(id))),

    promote: async limit => promote(world, limit),
    expired: async limit => {
      const nowMs = world.clock.now()
      const over = [...world.byNumber.values()].filter(row => row.state === 'running' && row.leaseUntilMs <= nowMs)
      const first = over.sort((one, other) => one.leaseUntilMs - other.leaseUntilMs).slice(0, limit)
      return first.flatMap(row => (row.workerId === null ? [] : [leaseFacts(row, row.workerId, nowMs)]))
    },
    shorten: async mostMs => {
      const latest = world.clock.now() + mostMs
      for (const row of world.byNumber.values()) {
        if (row.state === 'running' && row.leaseUntilMs > latest) row.leaseUntilMs = latest
      }
    },
    unblock: async limit => {
      const gathered = gather(world, limit)
      const isDone = resolveLeftovers(world, gathered)
      return { changes: toChanges(gathered), isDone }
    },
    prune: async ask => prune(world, ask),

    task: async id => {
      const row = find(id)
      return row === null ? null : toRecord(row)
    },
    taskByNumber: async number => {
      const row = world.byNumber.get(number)
      return row === undefined ? null : toRecord(row)
    },
    submittersOf: async ids =>
      ids.flatMap(id => {
        const row = find(id)
        return row === null ? [] : [{ id, submittedBy: row.submittedBy }]
      }),
    endedAmong: async ids => ids.filter(id => (find(id) ?? ended).finishedAtMs !== null),
    tasks: async (filter, page) => reads.selectRows(world, filter, page).map(toRecord),
    taskIds: async (filter, page) =>
      reads.selectRows(world, filter, page).map(row => ({ id: row.id, number: row.number })),
    countTasks: async (filter, most, newest) => reads.countRows(world, filter, most, newest),
    leases: async leases => leases.map(lease => reads.findLease(world, lease)),
    leasesOf: async workerId => reads.leasesOf(world, workerId),
    attempts: async id => find(id)?.attempts.map(({ settledAs: _, ...attempt }) => attempt) ?? null,
    logs: async (id, after, limit) =>
      find(id)
        ?.logs.filter(line => line.line > after)
        .slice(0, limit) ?? null,
    parents: async (id, from, bytesMax) => {
      const row = find(id)
      return row === null ? null : reads.parentsPage(row, from, bytesMax)
    },
    graph: async (id, tasksMax, edgesMax) => {
      const row = find(id)
      return row === null ? null : reads.neighbourhood(row, tasksMax, edgesMax)
    },
    standing: async (id, positionMax) => {
      const row = find(id)
      return row === null ? null : reads.standingOf(world, row, positionMax)
    },
    queues: async () => [...world.queues.keys()].sort().map(name => reads.queueRecord(world, name)),
    typesIn: async queue => [...(world.types.get(queue) ?? [])],
    counts: async () => reads.countStates(world.byNumber.values()),
    countTimedOut: async (submittedBy, most) => reads.countTimedOut(world, submittedBy, most),
    failures: async ask => looks.failures(world, ask),
    waiting: async looked => looks.waiting(world, looked),
    presence: async () => {
      const nowMs = world.clock.now()
      return [...world.workers.values()].map(({ id, slots, isDraining, leaseMs, lastSeenAtMs }) => ({
        id,
        slots,
        isDraining,
        leaseMs,
        lastSeenAtMs,
        nowMs,
      }))
    },
    workers: async () =>
      [...world.workers.values()]
        .sort((one, other) => (one.id < other.id ? -1 : 1))
        .map(worker => reads.workerRecord(world, worker)),
    worker: async id => {
      const worker = world.workers.get(id)
      return worker === undefined ? null : reads.workerRecord(world, worker)
    },

    registerWorker: async (settings, leaseMs) => ({ orphans: registerWorker(world, settings, leaseMs) }),
    drainWorker: async id => {
      const worker = world.workers.get(id)
      if (worker !== undefined) worker.isDraining = true
      return worker !== undefined
    },
    removeWorker: async id => world.workers.delete(id),
    setQueue: async (name, settings) => {
      setPause(world, name, settings)
      return reads.queueRecord(world, name)
    },
    appendLogs: async (workerId, lines) => appendLogs(world, workerId, lines),
  }
  return Object.freeze(store)
}

/** What an unknown task is taken for. */
const ended: Pick<Row, 'finishedAtMs'> = Object.freeze({ finishedAtMs: 0 })

/** Applies one verb to tasks in the order of the list, within one transaction. */
function move<Verdict extends string>(
  world: World,
  ids: readonly TaskId[],
  verb: (row: Row, gathered: Gathered) => Verdict,
): Moved<Verdict | 'unknown'> {
  const gathered = gather(world)
  const verdicts = ids.map(id => {
    const row = world.byId.get(id)
    return row === undefined ? 'unknown' : verb(row, gathered)
  })
  return { verdicts, changes: toChanges(gathered) }
}

function cancel(world: World, row: Row, reason: string | null, gathered: Gathered): CancelVerdict {
  const error = taskErrorText('cancelled', reason ?? undefined)
  if (isWaiting(row)) {
    endTask(world, row, { state: 'cancelled', result: null, error }, gathered)
    return 'cancelled'
  }
  if (row.state !== 'running') return 'finished'
  if (row.cancelRequestedAtMs === null) {
    row.cancelRequestedAtMs = gathered.nowMs
    row.error = error
  }
  return 'requested'
}

function reprioritise(world: World, row: Row, priority: number): ReprioritiseVerdict {
  if (!isWaiting(row)) return 'not_waiting'
  row.priority = priority
  row.prioritySource = 'declared'
  row.rank = rankOf(row.dueAtMs, priority, world.headStartMs)
  return 'changed'
}

function completeByHand(world: World, row: Row, result: Row['result'], gathered: Gathered): ByHandVerdict {
  if (row.finishedAtMs !== null) return 'finished'
  if (row.state === 'running') endAttempt(row, { outcome: 'cancelled', error: null, settledAs: null }, gathered.nowMs)
  endTask(world, row, { state: 'completed', result, error: null }, gathered)
  return 'completed'
}

function requeue(world: World, ids: readonly TaskId[], withDependents: boolean): Moved<RequeueVerdict> {
  const gathered = gather(world)
  const requeued: Row[] = []
  const verdicts = ids.map((id): RequeueVerdict => {
    const row = world.byId.get(id)
    if (row === undefined) return 'unknown'
    if (row.state !== 'failed' && row.state !== 'cancelled') return 'not_retryable'
    startAnew(row)
    reopenEdges(row)
    requeued.push(row)
    return 'requeued'
  })
  // Parents are counted when the whole list has started anew, so that a family requeued together keeps its order.
  for (const row of requeued) {
    countParents(row)
    if (row.waitingCount === 0) becomePending(row, gathered)
  }
  if (withDependents) for (const row of requeued) reblockDependents(row)
  return { verdicts, changes: toChanges(gathered) }
}

/** Children that still wait for other parents wait for this one again. */
function reopenEdges(row: Row): void {
  for (const edge of row.children) {
    if (edge.child.state !== 'blocked' || !edge.isResolved) continue
    edge.isResolved = false
    edge.child.waitingCount += 1
  }
}

function startAnew(row: Row): void {
  row.state = 'blocked'
  row.attempt = 0
  row.crashes = 0
  row.workerId = null
  row.startedAtMs = null
  row.finishedAtMs = null
  row.result = null
  row.error = null
  row.progress = null
  row.deadlineMs = null
}

/** A descendant comes back only if no other parent still holds it: a task blocked on a failed parent would wait for ever. */
function reblockDependents(root: Row): void {
  const work: Row[] = [root]
  for (let parent = work.shift(); parent !== undefined; parent = work.shift()) {
    for (const { child } of parent.children) {
      const wasCascaded = child.state === 'cancelled' && (child.error ?? '').startsWith('{"code":"dependency_failed"')
      const isHeld = child.parents.some(
        edge => edge.parent !== null && edge.parent.finishedAtMs !== null && !isSatisfied(edge),
      )
      if (!wasCascaded || isHeld) continue
      startAnew(child)
      reopenEdges(child)
      countParents(child)
      work.push(child)
    }
  }
}

function remove(world: World, row: Row | null): RemoveVerdict {
  if (row === null) return 'unknown'
  if (row.finishedAtMs === null) return 'unfinished'
  if (isNeeded(row)) return 'needed'
  forget(world, row)
  return 'removed'
}

function isNeeded(row: Row): boolean {
  return row.children.some(edge => edge.child.finishedAtMs === null)
}

function forget(world: World, row: Row): void {
  world.byId.delete(row.id)
  world.leftovers.delete(row)
  world.byNumber.delete(row.number)
  if (row.idempotencyKey !== null) world.byKey.delete(row.idempotencyKey)
  for (const edge of row.children) edge.parent = null
  for (const edge of row.parents) {
    const siblings = edge.parent?.children ?? []
    siblings.splice(siblings.indexOf(edge), 1)
  }
}

function promote(world: World, limit: number): { changes: Changes; nextDueInMs: number | null } {
  const gathered = gather(world)
  const scheduled = [...world.byNumber.values()].filter(row => row.state === 'scheduled')
  const inOrder = scheduled.sort((one, other) => (one.runAtMs ?? 0) - (other.runAtMs ?? 0) || one.number - other.number)
  for (const row of inOrder.filter(each => (each.runAtMs ?? 0) <= gathered.nowMs).slice(0, limit)) {
    becomePending(row, gathered)
  }
  const next = inOrder.find(row => row.state === 'scheduled')
  return {
    changes: toChanges(gathered),
    nextDueInMs: next === undefined ? null : Math.max(0, (next.runAtMs ?? 0) - gathered.nowMs),
  }
}

function prune(world: World, ask: { keepMs: number; workerKeepMs: number; limit: number }): number {
  const nowMs = world.clock.now()
  for (const worker of [...world.workers.values()]) {
    const holdsAny = [...world.byNumber.values()].some(row => holds(row, worker.id, null))
    if (worker.lastSeenAtMs < nowMs - ask.workerKeepMs && !holdsAny) world.workers.delete(worker.id)
  }
  for (const [key, request] of world.claimRequests) {
    if (request.atMs < nowMs - claimRequestKeepMs) world.claimRequests.delete(key)
  }
  const looked = [...world.byNumber.values()]
    .filter(row => row.number > world.pruneFrom)
    .sort((one, other) => one.number - other.number)
    .slice(0, ask.limit)
  // The walk wraps around, so that a crowd of old unfinished tasks costs its pass and no more.
  const isOver = looked.length < ask.limit || looked.some(row => row.createdAtMs >= nowMs - ask.keepMs)
  world.pruneFrom = isOver ? 0 : (looked.at(-1)?.number ?? 0)
  const old = looked.filter(row => row.finishedAtMs !== null && row.finishedAtMs < nowMs - ask.keepMs && !isNeeded(row))
  for (const row of old) forget(world, row)
  return old.length
}

/** A client repeats a claim within its request time-out; minutes later nobody asks again. */
const claimRequestKeepMs = 300_000

function registerWorker(world: World, settings: WorkerSettings, leaseMs: number): readonly LeaseFacts[] {
  const former = world.workers.get(settings.id)
  const nowMs = world.clock.now()
  const isSameInstance = former !== undefined && former.instance === settings.instance
  const registeredAtMs = isSameInstance ? former.registeredAtMs : nowMs
  world.workers.set(settings.id, {
    ...settings,
    leaseMs,
    isDraining: false,
    systemInfo: former?.systemInfo ?? null,
    registeredAtMs,
    lastSeenAtMs: nowMs,
  })
  return reads.leasesOf(world, settings.id).filter(lease => {
    const startedAtMs = world.byId.get(lease.taskId)?.startedAtMs ?? 0
    // What a new instance finds cannot be its own; later, what was claimed in the very millisecond is taken for its own.
    return isSameInstance ? startedAtMs < registeredAtMs : true
  })
}

function appendLogs(world: World, workerId: WorkerId, lines: readonly LogDraft[]): number {
  let kept = 0
  for (const line of lines) {
    const row = world.byId.get(line.taskId)
    if (row === undefined || !holds(row, workerId, line.epoch)) continue
    if (row.logs.length >= limits.logLinesPerTaskMax) continue
    const { taskId: _, atMs, ...rest } = line
    row.logs.push({ ...rest, line: row.logs.length + 1, atMs: atMs ?? world.clock.now() })
    kept += 1
  }
  return kept
}
