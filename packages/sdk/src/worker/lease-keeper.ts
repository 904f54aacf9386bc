import type { HeartbeatReply, HeldTask, TaskProgress } from '@tasklane/protocol'
import { limits } from '@tasklane/protocol'
import type { Clock } from '../clock.ts'
import { ApiError } from '../errors.ts'
import type { WorkerLogger } from '../log.ts'
import type { HeartbeatCall } from './heartbeat-call.ts'
import type { Link } from './link.ts'

/**
 * Keeps the leases of what this worker holds.
 *
 * The scheduler is the authority on who holds a task; this side only has to stop in time. Every lease is counted from
 * the moment the request that gave or extended it was *sent*, on the clock that never jumps, which is never later than
 * the scheduler's own count. When that count runs out without an answer, the lease is fenced: its handler must stop, at
 * the latest when the scheduler may give the task to somebody else. A heartbeat that is lost costs nothing as long as a
 * later one arrives in time; `lease_seconds` is three intervals.
 *
 * A fenced lease is still named in heartbeats until its task was given back. A scheduler that was away itself finds the
 * task still held and takes it back as released, where a lease nobody names would be reaped as a crash of this worker.
 *
 * Only plain values go in and come out: it lives in a thread of its own (`threaded-keeper.ts`) or, where there can be
 * none, on the handlers' thread.
 */
export interface LeaseKeeper {
  setTerms(terms: LeaseTerms): void
  start(): void
  /** @param sinceMs monotonic time at which the claim was sent */
  hold(leases: readonly Lease[], sinceMs: number): void
  /** The scheduler has given its verdict: there is nothing more to keep. */
  drop(leases: readonly Lease[]): void
  /** Travels with a beat soon; the latest of a task wins. */
  report(lease: Lease, progress: TaskProgress): void
  /** From now on its beats say so. */
  setDraining(): void
  /** Resolves when nothing of it is left. */
  stop(): Promise<void>
}

export interface Lease {
  readonly taskId: string
  readonly epoch: number
}

export interface LeaseTerms {
  readonly heartbeatMs: number
  readonly leaseMs: number
}

export interface LeaseEvents {
  /** Somebody asked to cancel the task. May come several times. */
  onCancel(lease: Lease): void
  /** The task is no longer this worker's. May come after `onFenced`. */
  onLost(lease: Lease, why: string): void
  /** The task may be somebody else's already, nobody can say; once a lease. */
  onFenced(lease: Lease, why: string): void
  onDrain(): void
  /** Resolves when the worker is known again, or will not be. */
  onWorkerUnknown(): Promise<void>
}

export interface LeaseKeeperParts {
  readonly call: HeartbeatCall
  readonly link: Link
  readonly clock: Clock
  readonly logger: WorkerLogger
  readonly events: LeaseEvents
  /**
   * Called when a beat begins that names every lease; what it returns is called when the scheduler has confirmed them,
   * with the time at which the beat was sent.
   */
  readonly onRound?: () => (sentMs: number) => void
}

interface Held {
  readonly taskId: string
  readonly epoch: number
  sinceMs: number
  /** Not yet told. */
  progress: TaskProgress | null
  isFenced: boolean
}

/** Until the scheduler has told its own. */
export const termsDefault: LeaseTerms = Object.freeze({ heartbeatMs: 5_000, leaseMs: 15_000 })

/** Progress reaches people within this time, however often it changes. */
const progressGapMs = 250

export function createLeaseKeeper(parts: LeaseKeeperParts): LeaseKeeper {
  const { call, link, clock, logger, events } = parts
  const held = new Map<string, Held>()
  const dirty = new Set<Held>()
  const stopping = new AbortController()
  let terms = termsDefault
  let isDraining = false
  let isStarted = false
  let isBeating = false
  let failures = 0
  let fullDueMs = 0
  let lastBeatMs = Number.NEGATIVE_INFINITY
  let cancelBeat: (() => void) | null = null
  let fenceAtMs = Number.POSITIVE_INFINITY
  let cancelFence: (() => void) | null = null

  function armBeat(): void {
    cancelBeat?.()
    cancelBeat = null
    if (!isStarted || isBeating || stopping.signal.aborted) return
    const soonMs = dirty.size > 0 ? lastBeatMs + progressGapMs : Number.POSITIVE_INFINITY
    cancelBeat = clock.after(Math.min(fullDueMs, soonMs) - clock.monotonic(), () => void beat())
  }

  async function beat(): Promise<void> {
    isBeating = true
    const startMs = clock.monotonic()
    lastBeatMs = startMs
    const isFull = startMs >= fullDueMs
    const named = isFull ? [...held.values()] : [...dirty]
    const onConfirmed = isFull ? parts.onRound?.() : undefined
    try {
      // An idle worker beats too: it is how it is known to live.
      for (let from = 0; from === 0 || from < named.length; from += limits.workerSlotsMax) {
        await send(named.slice(from, from + limits.workerSlotsMax), startMs)
      }
      failures = 0
      onConfirmed?.(startMs)
      // Up to a tenth early, so that workers started together do not beat together for ever.
      if (isFull) fullDueMs = startMs + terms.heartbeatMs * (1 - clock.random() / 10)
    } catch (error) {
      await recover(error)
    }
    isBeating = false
    armBeat()
  }

  async function recover(error: unknown): Promise<void> {
    if (stopping.signal.aborted) return
    if (error instanceof ApiError && error.code === 'worker_unknown') {
      await events.onWorkerUnknown()
      // A worker that is leaving stays unknown: then this must not spin.
      if (failures > 0) await link.pause(failures, stopping.signal, terms.heartbeatMs)
      failures += 1
      fullDueMs = clock.monotonic()
      return
    }
    if (error instanceof ApiError && error.status < 500) {
      logger.error({ code: error.code, requestId: error.requestId }, `A heartbeat was refused. ${error.detail}`)
      for (const lease of dirty) lease.progress = null
      dirty.clear()
    }
    // Other calls may find the scheduler back before this one does; what they claim must not wait for longer.
    await link.pause(failures, stopping.signal, terms.heartbeatMs)
    failures += 1
    fullDueMs = clock.monotonic()
  }

  async function send(named: readonly Held[], startMs: number): Promise<void> {
    const told = named.map(lease => lease.progress)
    for (const lease of named) dirty.delete(lease)
    const tasks = named.map(({ taskId, epoch, progress }): HeldTask => {
      return progress === null ? { task_id: taskId, epoch } : { task_id: taskId, epoch, progress }
    })
    const status = isDraining ? 'draining' : held.size > 0 ? 'busy' : 'idle'
    let reply: HeartbeatReply
    try {
      reply = await call({ status, tasks, leaseMs: terms.leaseMs, signal: stopping.signal })
    } catch (error) {
      for (const lease of named) if (lease.progress !== null && isHeld(lease)) dirty.add(lease)
      throw error
    }
    const lost = new Set(reply.lost)
    for (const [at, lease] of named.entries()) {
      if (lease.progress === told[at]) lease.progress = null
      // What was dropped or claimed anew while the beat was under way is none of its business.
      if (!isHeld(lease)) continue
      if (lost.has(lease.taskId)) lose(lease, 'the scheduler no longer counts it as held by this worker')
      else lease.sinceMs = Math.max(lease.sinceMs, startMs)
    }
    for (const taskId of reply.cancel) {
      const lease = held.get(taskId)
      if (lease !== undefined) events.onCancel(lease)
    }
    if (reply.drain) events.onDrain()
  }

  function isHeld(lease: Held): boolean {
    return held.get(lease.taskId) === lease
  }

  function lose(lease: Held, why: string): void {
    held.delete(lease.taskId)
    dirty.delete(lease)
    events.onLost(lease, why)
  }

  /** The timer is set for the oldest count; beats move counts on, and then it only looks and sets itself anew. */
  function armFence(): void {
    cancelFence?.()
    cancelFence = fenceAtMs === Number.POSITIVE_INFINITY ? null : clock.after(fenceAtMs - clock.monotonic(), fence)
  }

  function fence(): void {
    const now = clock.monotonic()
    fenceAtMs = Number.POSITIVE_INFINITY
    for (const lease of held.values()) {
      if (lease.isFenced) continue
      const endMs = lease.sinceMs + terms.leaseMs
      if (endMs > now) {
        fenceAtMs = Math.min(fenceAtMs, endMs)
        continue
      }
      lease.isFenced = true
      events.onFenced(lease, `the scheduler could not be reached for ${terms.leaseMs / 1_000} s`)
    }
    armFence()
  }

  function hold(leases: readonly Lease[], sinceMs: number): void {
    for (const { taskId, epoch } of leases) {
      const older = held.get(taskId)
      if (older !== undefined && older.epoch !== epoch) lose(older, 'it was claimed again')
      held.set(taskId, { taskId, epoch, sinceMs, progress: null, isFenced: false })
    }
    if (leases.length > 0 && sinceMs + terms.leaseMs < fenceAtMs) {
      fenceAtMs = sinceMs + terms.leaseMs
      armFence()
    }
  }

  function drop(leases: readonly Lease[]): void {
    for (const { taskId, epoch } of leases) {
      const lease = held.get(taskId)
      if (lease?.epoch !== epoch) continue
      held.delete(taskId)
      if (lease.progress !== null) dirty.delete(lease)
    }
  }

  function report({ taskId, epoch }: Lease, progress: TaskProgress): void {
    const lease = held.get(taskId)
    if (lease?.epoch !== epoch) return
    lease.progress = progress
    dirty.add(lease)
    if (dirty.size === 1) armBeat()
  }

  return Object.freeze<LeaseKeeper>({
    setTerms: next => {
      terms = next
    },
    start: () => {
      isStarted = true
      fullDueMs = clock.monotonic() + terms.heartbeatMs
      armBeat()
    },
    hold,
    drop,
    report,
    setDraining: () => {
      isDraining = true
    },
    stop: () => {
      stopping.abort()
      cancelBeat?.()
      cancelFence?.()
      return Promise.resolve()
    },
  })
}
