import type { SparseClaimedTask } from '@tasklane/protocol'
import { type Clock, sleep, systemClock } from '../clock.ts'
import { ApiError, ShutdownError } from '../errors.ts'
import { createTransport } from '../transport.ts'
import { createClaimLoop } from './claim-loop.ts'
import { confirmLeases, createHeartbeatCall } from './heartbeat-call.ts'
import { createLeaseKeeper, type Lease, type LeaseEvents, termsDefault } from './lease-keeper.ts'
import type { StartLeaseThread } from './lease-messages.ts'
import { createLink, createLoggedOutages } from './link.ts'
import { createLogCarrier } from './log-carrier.ts'
import { released } from './outcome.ts'
import { listenForSignals } from './process-signals.ts'
import { createRegistrar } from './registrar.ts'
import { createRuns, type RunningTask } from './runs.ts'
import type { WorkerSettings } from './settings.ts'
import { createSettleLine } from './settle-line.ts'
import { startLeaseThread } from './start-lease-thread.ts'
import { createSystemInfo } from './system-info.ts'
import { createThreadedKeeper } from './threaded-keeper.ts'

/** idle → starting → running → stopping → stopped; a worker is not started twice. */
export type WorkerState = 'idle' | 'starting' | 'running' | 'stopping' | 'stopped'

export interface WorkerRuntimeStatus {
  readonly state: WorkerState
  readonly workerId: string
  /** Names this worker object to the scheduler, so that a restart under the same id is noticed. */
  readonly instance: string
  /** False from the first failed request to the next answer. */
  readonly isConnected: boolean
  readonly slots: number
  readonly slotsUsed: number
  /** Finished here, not yet confirmed by the scheduler. */
  readonly settling: number
  readonly running: readonly RunningTask[]
}

export interface Runtime {
  start(): Promise<void>
  stop(graceMs: number): Promise<void>
  readonly done: Promise<void>
  /** Why it stopped by itself, where that was no wish of anybody. */
  failure(): ApiError | null
  status(): WorkerRuntimeStatus
}

/** After their signal has aborted, handlers have this long to return before their tasks are given back. */
const abortGraceMs = 1_000
/**
 * A token that is refused for so long has run out or was revoked; leases have run out as well. A new one reaches this
 * process by a start alone.
 */
const refusedTokenMs = 60_000
/** For the last results and the farewell; then the leases run out by themselves. */
const flushMs = 5_000
const farewellMs = 1_000
/** Results the scheduler has not confirmed, beyond two full rounds: then it is behind, and claiming more would not help. */
const settlingFloor = 2_000

/**
 * Puts the parts of a worker together and takes them down in order.
 * @param startThread of the leases; null keeps them on this thread, as a clock does that no other thread can read
 */
export function createRuntime(
  settings: WorkerSettings,
  clock: Clock,
  startThread: StartLeaseThread | null = clock === systemClock ? startLeaseThread : null,
): Runtime {
  const { workerId, slots, logger } = settings
  const transport = createTransport({
    urls: settings.urls,
    token: settings.token,
    timeoutMs: 10_000,
    retries: 0,
    clock,
    onMove: (from, to, why) =>
      logger.warn({ from, to }, `The scheduler at ${from} does not answer (${why}). The worker goes on with ${to}.`),
  })
  let failure: ApiError | null = null
  let cancelGivingUp = (): void => {}
  const outages = createLoggedOutages(logger, code => {
    cancelGivingUp()
    cancelGivingUp = code === 'unauthenticated' ? clock.after(refusedTokenMs, giveUp) : () => {}
  })
  const link = createLink(transport, clock, outages)
  const stopping = new AbortController()
  let state: WorkerState = 'idle'
  let terms = termsDefault
  let finish = (): void => {}
  const done = new Promise<void>(resolve => {
    finish = resolve
  })
  let ending: Promise<void> | null = null
  let unlisten = (): void => {}
  let onSlotsIdle = (): void => {}

  const registrar = createRegistrar(settings, {
    link,
    logger,
    onTerms: told => {
      terms = told
      keeper.setTerms(told)
    },
  })
  const leaseEvents: LeaseEvents = {
    onCancel: lease => runs.cancel(lease),
    onLost: (lease, why) => runs.lose(lease, why),
    onFenced: (lease, why) => runs.fence(lease, why),
    onDrain: () => drain('The scheduler asked this worker to drain.'),
    onWorkerUnknown: returnToScheduler,
  }
  const call = createHeartbeatCall({ workerId, link, readSystemInfo: createSystemInfo(clock) })
  const createLocal = () => createLeaseKeeper({ call, link, clock, logger, events: leaseEvents })
  const keeper =
    startThread === null
      ? createLocal()
      : createThreadedKeeper({ ...settings, clock, logger, events: leaseEvents, outages, startThread, createLocal })
  const logs = createLogCarrier({ workerId, link, clock, logger })
  const settles = createSettleLine({
    workerId,
    link,
    clock,
    logger,
    onVerdict: leases => {
      keeper.drop(leases)
      claims.wake()
    },
  })
  const runs = createRuns({
    workerId,
    handlers: settings.handlers,
    link,
    keeper,
    settles,
    logs,
    clock,
    logger,
    onFree: () => {
      claims.wake()
      if (runs.slotsUsed() === 0) onSlotsIdle()
    },
  })
  const claims = createClaimLoop({
    workerId,
    slots,
    link,
    clock,
    logger,
    leaseMs: () => terms.leaseMs,
    slotsUsed: () => runs.slotsUsed(),
    carry: claim => settles.carry(claim),
    isSettlingBehind: () => settles.size() > slots * 2 + settlingFloor,
    onTasks: takeTasks,
    onUnwanted: giveBack,
    onWorkerUnknown: returnToScheduler,
    onDraining: () => drain('The scheduler asked this worker to drain.'),
  })

  /** @returns how many have a handler here */
  async function takeTasks(tasks: readonly SparseClaimedTask[], sinceMs: number): Promise<number> {
    // A repeated claim may name what is already running.
    let fresh = tasks.filter(task => !runs.has(leaseOf(task)))
    if (clock.monotonic() - sinceMs > terms.leaseMs / 2) {
      const { kept, sinceMs: keptSinceMs } = await confirmLeases(
        { call, link, clock, terms },
        fresh.map(leaseOf),
        stopping.signal,
      )
      if (stopping.signal.aborted) {
        // The drain may have looked already and found the slots idle: nothing may start any more.
        giveBack(fresh)
        return 0
      }
      keeper.hold(kept, keptSinceMs)
      const keptIds = new Set(kept.map(lease => lease.taskId))
      fresh = fresh.filter(task => keptIds.has(task.task_id))
    } else {
      keeper.hold(fresh.map(leaseOf), sinceMs)
    }
    runs.start(fresh)
    return fresh.filter(task => settings.handlers.has(task.task_type)).length
  }

  function giveBack(tasks: readonly SparseClaimedTask[]): void {
    for (const task of tasks) settles.add(leaseOf(task), released)
  }

  function returnToScheduler(): Promise<void> {
    // A worker that leaves need not be known again: settles are taken from unknown workers too.
    return stopping.signal.aborted ? Promise.resolve() : registrar.registerAgain(stopping.signal)
  }

  async function start(): Promise<void> {
    if (state !== 'idle') throw new ShutdownError(`The worker was started before and is ${state}; make a new one.`)
    state = 'starting'
    if (settings.handlesSignals) unlisten = listenForSignals(logger, signal => drain(`${signal} was received.`))
    try {
      await registrar.register(stopping.signal)
    } catch (error) {
      const wasStopped = stopping.signal.aborted
      await stop(0)
      throw wasStopped ? new ShutdownError('The worker was stopped before it could register.') : error
    }
    state = 'running'
    logger.info({ workerId, slots, capabilities: settings.capabilities }, `Worker ${workerId} is registered.`)
    keeper.start()
    claims.start()
  }

  function drain(why: string): void {
    if (ending !== null) return
    logger.info({}, `${why} The worker finishes what it can and leaves.`)
    void stop(settings.shutdownGraceMs)
  }

  function giveUp(): void {
    if (ending !== null) return
    const detail = `The scheduler has refused the token of this worker for ${refusedTokenMs / 1_000} s: it has run out or was revoked. Start the worker again with another one in TASKLANE_TOKEN.`
    failure = new ApiError({ status: 401, code: 'unauthenticated', detail })
    logger.error({}, detail)
    void stop(0)
  }

  function stop(graceMs: number): Promise<void> {
    ending ??= end(state, graceMs).finally(() => {
      state = 'stopped'
      finish()
    })
    return ending
  }

  async function end(before: WorkerState, graceMs: number): Promise<void> {
    state = 'stopping'
    keeper.setDraining()
    stopping.abort(new ShutdownError('The worker is stopping.'))
    if (before === 'running') {
      const claimsOver = claims.stop()
      await slotsIdle(graceMs)
      if (runs.slotsUsed() > 0) {
        runs.abortAll(new ShutdownError('The worker is stopping and its grace is over.'))
        await slotsIdle(abortGraceMs)
        runs.releaseAll()
      }
      await claimsOver
      await within(flushMs, logs.flush())
      // A task's log is flushed before it settles; let what waited for that join the line.
      await Promise.resolve()
      await within(flushMs, settles.whenEmpty())
      if (settles.size() > 0) {
        logger.error(
          { unsettled: settles.size() },
          'The scheduler was not there for the last results; their tasks will run again.',
        )
      }
      await sayFarewell()
    }
    const leasesOver = keeper.stop()
    settles.stop()
    logs.stop()
    runs.stop()
    transport.close()
    cancelGivingUp()
    unlisten()
    await leasesOver
  }

  async function sayFarewell(): Promise<void> {
    const path = `/api/workers/${encodeURIComponent(workerId)}`
    await link.once({ method: 'DELETE', path, isRepeatable: true, timeoutMs: farewellMs }).catch((error: unknown) => {
      if (error instanceof ApiError && error.code === 'worker_unknown') return
      logger.warn({}, `The worker could not say farewell. ${error instanceof Error ? error.message : String(error)}`)
    })
  }

  /** Resolves when no handler runs, or when the time is up. */
  function slotsIdle(ms: number): Promise<void> {
    if (runs.slotsUsed() === 0) return Promise.resolve()
    return within(
      ms,
      new Promise(resolve => {
        onSlotsIdle = resolve
      }),
    )
  }

  async function within(ms: number, work: Promise<void>): Promise<void> {
    const over = new AbortController()
    await Promise.race([work, sleep(clock, ms, over.signal)])
    over.abort()
  }

  return Object.freeze<Runtime>({
    start,
    stop,
    done,
    failure: () => failure,
    status: () => ({
      state,
      workerId,
      instance: settings.instance,
      isConnected: link.isConnected(),
      slots,
      slotsUsed: runs.slotsUsed(),
      settling: settles.size(),
      running: runs.list(),
    }),
  })
}

function leaseOf(task: SparseClaimedTask): Lease {
  return { taskId: task.task_id, epoch: task.epoch }
}
