import { createUuidV7, limits, type Queue, type StateCounts, type Stats } from '@tasklane/protocol'
import { toQueuePause } from '../core/pause.ts'
import { Problem } from '../core/problem.ts'
import { type RetryPolicy, retryPolicyDefault } from '../core/retry.ts'
import { narrowed } from '../core/scope.ts'
import { type TaskRecord, taskId, type WorkerId } from '../core/task.ts'
import { explain } from '../core/why.ts'
import type { Broker } from '../ports/broker.ts'
import type { Clock } from '../ports/clock.ts'
import type { Courier } from '../ports/courier.ts'
import type { Log } from '../ports/log.ts'
import type { Changes, ClaimedTask, LaneCount, QueueRecord, Store } from '../ports/store.ts'
import { createAlerts } from './alerts/create-alerts.ts'
import { readAttention } from './attention.ts'
import { runBulk } from './bulk.ts'
import { createClaims } from './claim.ts'
import { createCommitter } from './committer.ts'
import { createDeliveries } from './deliveries.ts'
import type { Engine, EngineEvent } from './engine.ts'
import { groupsDefault, readFailures } from './failures.ts'
import { readHistory } from './history.ts'
import { lanesOf } from './lane-counts.ts'
import { changeOf, isSeenOnly, type News, newsOfChanges, newsOfExchange, newsOfHint } from './news.ts'
import { countBy, createRates, createSamples } from './rates.ts'
import { createReading } from './reading.ts'
import { createResultWaiters } from './results.ts'
import { createSettling } from './settle.ts'
import { submitEach, submitTogether } from './submit.ts'
import { createSweeps } from './sweeps.ts'
import { known } from './unknown.ts'
import { createVerbs } from './verbs.ts'
import { createWorkers } from './workers.ts'

export interface EngineParts {
  readonly store: Store
  readonly broker: Broker
  readonly clock: Clock
  readonly log: Log
  readonly settings: EngineSettings
  /** Brings messages to channels. Without one this node sends none, and takes none up. */
  readonly courier?: Courier
}

export interface EngineSettings {
  readonly version: string
  readonly heartbeatMs: number
  /** Finished tasks are kept so long. */
  readonly retentionMs: number
  /** A worker that was not seen for so long is forgotten. */
  readonly workerKeepMs: number
  /** Entries of the audit log are kept so long. */
  readonly auditKeepMs: number
  /** Between two passes of the sweeps, and so the most that a lost hint costs. */
  readonly sweepMs: number
  readonly retryPolicy: RetryPolicy
  /** For messages: what people call the place where this node stands, and where they open its pages. */
  readonly environment: string | null
  readonly publicUrl: string | null
}

export const engineSettingsDefault: EngineSettings = Object.freeze({
  version: '0.0.0',
  heartbeatMs: 5_000,
  retentionMs: 7 * 86_400_000,
  workerKeepMs: 86_400_000,
  auditKeepMs: 90 * 86_400_000,
  sweepMs: 1_000,
  retryPolicy: retryPolicyDefault,
  environment: null,
  publicUrl: null,
})

/** A lease outlives two missed heartbeats and ends with the third. */
export const heartbeatsPerLease = 3

/** Failed tasks that are looked at to count those that ran out of time: 10 ms of a store's time. */
const timedOutMax = 10_000

const everything = Object.freeze({ queues: null, types: null })

const checkEveryMs = 1_000
/** Who asks whether this node is ready waits no longer for a store that says nothing. */
const checkWithinMs = 3_000

/** Wires the parts of one node: what happens in one is told to those who wait for it in another. */
export function createEngine({ store, broker, clock, log, settings, courier }: EngineParts): Engine {
  const leaseMs = settings.heartbeatMs * heartbeatsPerLease
  const listeners = new Set<(event: EngineEvent) => void>()
  const watchers = new Set<(news: News) => void>()
  const rates = createRates(clock)
  const waits = createSamples()
  const runs = createSamples()
  const startedMs = clock.monotonic()
  const nextId = createUuidV7(clock.now, clock.fillRandom)
  const deliveries = createDeliveries()
  const reading = createReading(store)
  let isStopping = false
  let lastCheck: { readonly atMs: number; readonly result: Promise<void> } | null = null

  const emit = (event: EngineEvent): void => {
    for (const listener of listeners) listener(event)
  }
  const committer = createCommitter({
    store,
    clock,
    takeParked: lanes => claims.takeParked(lanes),
    takeHopeful: () => claims.takeHopeful(),
    onCommit: commit => {
      for (const { queue, type, count } of commit.submitted) noteSubmitted(queue, type, count)
      noteChanges(commit.changes)
      if (watchers.size > 0) tell(newsOfExchange(commit.batch, commit.outcome))
      // With several exchanges under way, a claim may have looked just before this one's tasks were there.
      if (store.exchangesAtOnce > 1) claims.wake(commit.left)
      // What no worker of this node took along, one of another may wait for.
      hint(commit.left, [])
      if (isSeenOnly(commit.batch, commit.outcome)) broker.publish([{ kind: 'changed', what: 'tasks' }])
      emit({ kind: 'committed', commands: commit.commands, durationMs: commit.durationMs })
    },
    onFailure: () => sweeps.storeFailed(),
    onFault: error => log.error({ err: error }, 'Calls that were committed together failed; each is tried by itself.'),
  })
  const claims = createClaims({
    committer,
    clock,
    onUndelivered: ({ workerId, requestId }, tasks) => {
      deliveries.handedOut(workerId, requestId)
      giveBack(workerId, tasks, requestId).catch((error: unknown) =>
        log.warn({ err: error }, 'An undelivered claim waits for its leases to run out.'),
      )
    },
  })
  const settling = createSettling({
    store,
    committer,
    clock,
    retryPolicy: settings.retryPolicy,
    emit,
    onRetryIn: ms => sweeps.dueIn(ms),
  })
  const workers = createWorkers({ store, committer, settling, clock, heartbeatMs: settings.heartbeatMs, leaseMs })
  const results = createResultWaiters({ clock, read: reading.task, endedAmong: store.endedAmong })
  const sweeps = createSweeps({
    store,
    settling,
    clock,
    log,
    leaseMs,
    sweepMs: settings.sweepMs,
    retentionMs: settings.retentionMs,
    workerKeepMs: settings.workerKeepMs,
    auditKeepMs: settings.auditKeepMs,
    lateMs: () => committer.lateMs(),
    onChanges: noteChanges,
    onTick: lookForOthers,
    onAway: error => {
      // Another node may reach what this one cannot: whoever waits here is to go there.
      if (!store.isShared) return
      claims.failAll(error)
      results.failAll(error)
    },
  })
  const alerts = createAlerts({
    ...{ store, clock, log, courier: courier ?? null, workers: workers.all },
    ...{ version: settings.version, environment: settings.environment, publicUrl: settings.publicUrl },
    onOutcome: outcome => emit({ kind: 'notified', outcome }),
    onChange: (numbers, others) => tell({ kind: 'alerts', numbers, others }),
  })
  const stopListening = broker.listen(hint => {
    if (watchers.size > 0) tell(newsOfHint(hint))
    if (hint.kind === 'ended') results.ended(hint.taskIds.map(id => ({ id: taskId(id) })))
    else if (hint.kind === 'ready') claims.wake([{ ...hint, count: Number.POSITIVE_INFINITY }])
    else if (hint.kind === 'resync') lookForOthers()
  })

  /** A hint may have been lost, and a node that shares its store may never have been told. */
  function lookForOthers(): void {
    claims.wakeAll()
    if (!store.isShared) return
    results
      .lookAgain()
      .catch((error: unknown) => log.debug({ err: error }, 'Ends of tasks are looked for again later.'))
  }

  function tell(news: News): void {
    for (const watcher of watchers) watcher(news)
  }

  function tellWorker(id: WorkerId): void {
    tell({ kind: 'workers', ids: [id], others: 0 })
    broker.publish([{ kind: 'changed', what: 'workers' }])
  }

  function noteSubmitted(queue: string, type: string, count: number): void {
    rates.add('submitted', count)
    rates.add(`submitted ${queue}`, count)
    emit({ kind: 'submitted', queue, type, count })
  }

  /** After a commit: wake who waits here, and hint to the other nodes. */
  function noteChanges({ ready, ended, hasLeftovers }: Changes): void {
    if (ready.length > 0) claims.wake(ready)
    if (hasLeftovers) sweeps.nudge()
    if (watchers.size > 0 && ready.length + ended.length > 0) tell(newsOfChanges({ ready, ended, hasLeftovers }))
    if (ended.length > 0) {
      results.ended(ended)
      for (const [state, count] of countBy(ended, task => task.state)) rates.add(state, count)
      for (const [queue, count] of countBy(ended, task => task.queue)) rates.add(`ended ${queue}`, count)
      for (const task of ended) {
        if (task.waitMs !== null) waits.add(task.waitMs)
        if (task.runMs !== null) runs.add(task.runMs)
        const { queue, type, state, waitMs, runMs } = task
        emit({ kind: 'ended', queue, type, state, waitMs, runMs })
      }
    }
    hint(
      ready,
      ended.map(task => task.id),
    )
  }

  function hint(ready: readonly LaneCount[], ended: readonly string[]): void {
    if (ready.length === 0 && ended.length === 0) return
    broker.publish([
      ...ready.map(({ queue, type }) => ({ kind: 'ready', queue, type }) as const),
      ...(ended.length === 0 ? [] : [{ kind: 'ended', taskIds: ended } as const]),
    ])
  }

  /** A check writes and syncs: however many probes ask, one a second is enough. */
  function checked(): Promise<void> {
    if (lastCheck === null || clock.monotonic() - lastCheck.atMs > checkEveryMs) {
      lastCheck = { atMs: clock.monotonic(), result: inTime(store.check()) }
    }
    return lastCheck.result
  }

  function inTime(check: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const silence = new Problem('store_unavailable', `The store has not answered for ${checkWithinMs / 1_000} s.`)
      const cancel = clock.after(checkWithinMs, () => reject(silence))
      check.then(resolve, reject).finally(cancel)
    })
  }

  /** Uncharged, unless another answer to the same request may have reached the worker. */
  async function giveBack(workerId: WorkerId, tasks: readonly ClaimedTask[], requestId: string | null): Promise<void> {
    if (!deliveries.areAllLost(workerId, requestId)) return
    await settling.release(tasks.map(task => ({ taskId: task.id, epoch: task.epoch, workerId })))
  }

  function queueView(record: QueueRecord): Queue {
    return {
      name: record.name,
      paused: record.pause !== null,
      pause: record.pause === null ? null : toQueuePause(record.pause),
      counts: record.counts,
      depth: record.counts.pending + record.counts.running,
      oldest_age: record.oldestDueAtMs === null ? null : Math.max(0, record.nowMs - record.oldestDueAtMs) / 1_000,
      submitted_per_second: rates.perSecond(`submitted ${record.name}`),
      finished_per_second: rates.perSecond(`ended ${record.name}`),
    }
  }

  async function stats(): Promise<Stats> {
    const [counts, present] = await Promise.all([store.counts(), workers.presence()])
    return {
      tasks: counts,
      total: sum(counts),
      workers: present,
      rates: {
        submitted_per_second: rates.perSecond('submitted'),
        completed_per_second: rates.perSecond('completed'),
        failed_per_second: rates.perSecond('failed'),
      },
      wait_ms: waits.percentiles(),
      run_ms: runs.percentiles(),
      uptime_seconds: Math.round((clock.monotonic() - startedMs) / 1_000),
      version: settings.version,
    }
  }

  return Object.freeze<Engine>({
    submit: async drafts => {
      const submitted = await submitTogether(committer, drafts)
      for (const { record } of submitted) noteDue(record)
      return submitted
    },
    submitEach: async drafts => {
      const submitted = await submitEach(committer, drafts)
      for (const one of submitted) if (one.outcome !== 'refused') noteDue(one.record)
      return submitted
    },
    ...reading,
    why: async id => {
      const standing = known(await store.standing(id, limits.positionCountMax), id)
      const { type, queue } = standing.task
      const rate = rates.perSecond(`ended ${queue}`)
      return explain({
        ...standing,
        positionMax: limits.positionCountMax,
        capable: await workers.capable(type, queue),
        claimedPerSecond: rate > 0 ? rate : null,
      })
    },
    waitForResult: results.wait,
    ...createVerbs({
      store,
      onMoved: async (changes, id) => {
        noteChanges(changes)
        const task = await reading.task(id)
        if (watchers.size > 0) tell({ kind: 'tasks', changes: [changeOf(task)], others: 0 })
        return task
      },
    }),
    submittersOf: store.submittersOf,
    countTasks: (filter, most) => store.countTasks(filter, most, filter.text === null ? null : searchedMax),
    bulk: ask => runBulk(store, clock, ask, moved => noteChanges(moved.changes)),

    register: async (settings, options) => {
      // What a former process of this id gives back must not wake a claim that it left behind.
      claims.endOf(settings.id)
      const told = await workers.register(settings, options?.heartbeatMs)
      sweeps.told(told.lease_seconds * 1_000)
      tellWorker(settings.id)
      return told
    },
    leasesOf: store.leasesOf,
    claim: async ask => {
      const claimant = await workers.claimant(ask.workerId)
      const { workerId, limit, requestId, within = everything } = ask
      const queues = narrowed(claimant.queues, within.queues)
      const types = narrowed(claimant.capabilities, within.types)
      const storeAsk = { workerId, queues, types, limit, leaseMs: claimant.leaseMs, requestId }
      const tasks = await claims.claim(storeAsk, ask)
      if (tasks.length > 0) deliveries.handedOut(workerId, requestId)
      for (const { queue, type, count } of lanesOf(tasks)) emit({ kind: 'claimed', queue, type, count })
      return tasks
    },
    releaseUndelivered: giveBack,
    heartbeat: workers.heartbeat,
    settle: settling.settle,
    appendLogs: store.appendLogs,
    drain: async id => {
      const worker = await workers.drain(id)
      claims.endOf(id)
      tellWorker(id)
      return worker
    },
    deregister: async id => {
      claims.endOf(id)
      await workers.deregister(id)
      tellWorker(id)
    },
    workers: workers.all,
    worker: workers.one,

    queues: async () => (await store.queues()).map(queueView),
    queue: async name => {
      const record = (await store.queues()).find(queue => queue.name === name)
      if (record === undefined)
        throw new Problem('queue_unknown', `No queue is named '${name}'; a queue exists from its first task.`)
      return queueView(record)
    },
    setQueue: async (name, queueSettings) => {
      const record = await store.setQueue(name, queueSettings)
      tell({ kind: 'queues', names: [name], others: 0 })
      if (!queueSettings.isPaused) claims.wakeAll()
      broker.publish([
        { kind: 'changed', what: 'queues' },
        ...(queueSettings.isPaused ? [] : [{ kind: 'resync' } as const]),
      ])
      return queueView(record)
    },
    typesIn: async queue => [...(await store.typesIn(queue))].sort(),
    stats,
    types: workers.types,
    history: ask => readHistory(store, clock.now(), ask),
    failures: (withinMs, limit) => readFailures(store, withinMs, limit),
    attention: () =>
      readAttention({
        store,
        workers: workers.all,
        failures: async () => (await readFailures(store, 86_400_000, groupsDefault)).groups,
        openAlerts: store.openAlerts,
      }),
    alerts,
    timedOut: submittedBy => store.countTimedOut(submittedBy, timedOutMax),
    checkReady: async () => {
      if (isStopping) throw new Problem('stopping')
      await checked()
    },
    watch: watcher => {
      watchers.add(watcher)
      return () => {
        watchers.delete(watcher)
      }
    },
    observe: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    newTaskId: () => taskId(nextId()),

    start: async () => {
      await store.migrate()
      sweeps.start(await workers.longestLeaseMs())
    },
    beginStop: () => {
      isStopping = true
      claims.close()
      results.close()
    },
    stop: async () => {
      isStopping = true
      claims.close()
      results.close()
      stopListening()
      await sweeps.stop()
      await committer.idle()
      // What the last exchange handed to claims that have ended is given back by one more.
      await new Promise<void>(resolve => clock.soon(resolve))
      await committer.idle()
    },
  })

  function noteDue(record: TaskRecord): void {
    if (record.state === 'scheduled' && record.runAtMs !== null) sweeps.dueIn(Math.max(0, record.runAtMs - clock.now()))
  }
}

/** No index finds a text: it is counted among so many of the newest, which is 30 ms of a store's time. */
const searchedMax = 50_000

function sum(counts: StateCounts): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}
