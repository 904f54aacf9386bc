import type { TaskProgress } from '@tasklane/protocol'
import type { Clock } from '../clock.ts'
import type { WorkerLogger } from '../log.ts'
import { type Lease, type LeaseEvents, type LeaseKeeper, termsDefault } from './lease-keeper.ts'
import type { LeaseCommand, LeaseReport, LeaseReports, LeaseThread, StartLeaseThread } from './lease-messages.ts'
import type { Outages } from './link.ts'

/**
 * The keeper of leases as the handlers' thread sees it: the true one lives in a thread of its own, so that a handler
 * that computes for minutes without a pause loses nothing.
 *
 * That thread is the authority on when a lease was confirmed last and when it has ended. This side has no timer for it:
 * after a block it reads what was found meanwhile, in order. It keeps a copy of what is held, for two reasons: what
 * was dropped here is not lost any more, whatever a beat that was under way says of it; and when the thread cannot be
 * started or ends, a keeper on this thread takes over, which is told in a warning.
 *
 * What a claim brings is told before a handler of it starts and may block, and what was settled at once: both are
 * written where the thread looks before it decides (`lease-mail.ts`). Progress wakes it, a few times a second at most.
 */
export function createThreadedKeeper(parts: ThreadedKeeperParts): LeaseKeeper {
  const { clock, logger, events, outages } = parts
  const held = new Map<string, Copy>()
  const progressed = new Map<Copy, TaskProgress>()
  let thread: LeaseThread | null = null
  let local: LeaseKeeper | null = null
  let terms = termsDefault
  let isDraining = false
  let isStopped = false
  let holds = 0
  let confirmed = { holds: 0, sentMs: Number.NEGATIVE_INFINITY }
  let noticedMs = Number.NEGATIVE_INFINITY
  let progressedMs = Number.NEGATIVE_INFINITY
  let cancelFlush: (() => void) | null = null

  function start(): void {
    try {
      thread = parts.startThread(parts.workerId, { onReports: read, onEnd: takeOver })
      post({ kind: 'connect', urls: parts.urls, token: parts.token }, { kind: 'terms', terms }, { kind: 'start' })
    } catch (error) {
      takeOver(error instanceof Error ? error.message : String(error))
    }
  }

  function post(...commands: LeaseCommand[]): void {
    thread?.post(commands)
  }

  /** Also without a turn of the event loop: the progress of a handler that computes is told while it does. */
  function postProgressSoon(): void {
    if (clock.monotonic() - progressedMs >= gatherMs) postProgress()
    else cancelFlush ??= clock.after(gatherMs, postProgress)
  }

  function postProgress(): void {
    cancelFlush?.()
    cancelFlush = null
    if (progressed.size === 0) return
    progressedMs = clock.monotonic()
    post({ kind: 'progress', progress: [...progressed.values()], ...listOf([...progressed.keys()]) })
    progressed.clear()
  }

  function hold(leases: readonly Lease[], sinceMs: number): void {
    if (leases.length === 0) return
    holds += 1
    for (const { taskId, epoch } of leases) {
      const older = held.get(taskId)
      // At once: its handler must be told before the next one of the same task starts.
      if (older !== undefined && older.epoch !== epoch) events.onLost(older, 'it was claimed again')
      held.set(taskId, { taskId, epoch, sinceMs, holds })
    }
    post({ kind: 'hold', sinceMs, ...listOf(leases) })
  }

  function drop(leases: readonly Lease[]): void {
    const dropped: Lease[] = []
    for (const lease of leases) {
      const copy = find(lease)
      if (copy === undefined) continue
      held.delete(copy.taskId)
      progressed.delete(copy)
      dropped.push(copy)
    }
    if (dropped.length > 0) post({ kind: 'drop', ...listOf(dropped) })
  }

  function report(lease: Lease, progress: TaskProgress): void {
    const copy = find(lease)
    if (copy === undefined) return
    progressed.set(copy, progress)
    postProgressSoon()
  }

  function find({ taskId, epoch }: Lease): Copy | undefined {
    const copy = held.get(taskId)
    return copy?.epoch === epoch ? copy : undefined
  }

  function read({ postedMs: toldMs, reports }: LeaseReports): void {
    if (thread === null || isStopped) return
    noticeBlock(toldMs)
    for (const each of reports) act(each)
  }

  function act(told: LeaseReport): void {
    switch (told.kind) {
      case 'cancel':
      case 'lost':
      case 'fenced':
        actOnLease(told)
        return
      case 'drain':
        events.onDrain()
        return
      case 'unknown':
        void events.onWorkerUnknown().then(() => post({ kind: 'known' }))
        return
      case 'round':
        confirmed = told
        return
      case 'outage':
        outages.begin(told.code, told.message)
        return
      case 'outage_over':
        outages.end()
        return
      case 'log':
        logger[told.level](told.fields, told.message)
        return
    }
  }

  function actOnLease(told: Extract<LeaseReport, { kind: 'cancel' | 'lost' | 'fenced' }>): void {
    const copy = find(told)
    // Its settle was answered meanwhile: there is nothing left to lose.
    if (copy === undefined) return
    if (told.kind === 'cancel') events.onCancel(copy)
    else if (told.kind === 'fenced') events.onFenced(copy, told.why)
    else {
      held.delete(copy.taskId)
      progressed.delete(copy)
      events.onLost(copy, told.why)
    }
  }

  /** All reports that waited out the same block tell of it; the first has waited longest. */
  function noticeBlock(toldMs: number): void {
    const now = clock.monotonic()
    const blockedMs = now - toldMs
    if (toldMs < noticedMs || blockedMs < Math.max(blockMsMin, terms.heartbeatMs)) return
    noticedMs = now
    const seconds = (blockedMs / 1_000).toFixed(1)
    logger.warn(
      { blockedMs: Math.round(blockedMs) },
      `The event loop was blocked for ${seconds} s or more. Heartbeats went on; claims, results, cancels and time limits had to wait.`,
    )
  }

  /** Leases count on from what the thread has last confirmed. */
  function takeOver(why: string): void {
    if (isStopped || local !== null) return
    thread = null
    cancelFlush?.()
    logger.warn({}, `Heartbeats have no thread of their own: ${why.replace(/\.$/, '')}. ${withoutThread}`)
    local = parts.createLocal()
    local.setTerms(terms)
    if (isDraining) local.setDraining()
    for (const copy of held.values()) {
      const isConfirmed = copy.holds <= confirmed.holds
      local.hold([copy], isConfirmed ? Math.max(copy.sinceMs, confirmed.sentMs) : copy.sinceMs)
    }
    held.clear()
    local.start()
    for (const [copy, progress] of progressed) local.report(copy, progress)
  }

  return Object.freeze<LeaseKeeper>({
    setTerms: next => {
      terms = next
      if (local !== null) local.setTerms(next)
      else if (thread !== null) post({ kind: 'terms', terms })
    },
    start,
    hold: (leases, sinceMs) => (local === null ? hold(leases, sinceMs) : local.hold(leases, sinceMs)),
    drop: leases => (local === null ? drop(leases) : local.drop(leases)),
    report: (lease, progress) => (local === null ? report(lease, progress) : local.report(lease, progress)),
    setDraining: () => {
      isDraining = true
      if (local !== null) local.setDraining()
      else if (thread !== null) post({ kind: 'draining' })
    },
    stop: async () => {
      isStopped = true
      cancelFlush?.()
      await (local ?? thread)?.stop()
    },
  })
}

export interface ThreadedKeeperParts {
  readonly workerId: string
  readonly urls: readonly string[]
  readonly token: string | null
  readonly clock: Clock
  readonly logger: WorkerLogger
  readonly events: LeaseEvents
  readonly outages: Outages
  readonly startThread: StartLeaseThread
  /** A keeper on this thread. */
  readonly createLocal: () => LeaseKeeper
}

interface Copy extends Lease {
  readonly sinceMs: number
  /** Which command gave it. */
  readonly holds: number
}

/** Progress waits this long for company; people are told of it at most every 250 ms. */
const gatherMs = 50
/** Below this nobody waits in earnest. */
const blockMsMin = 1_000
const withoutThread =
  'They come from the thread of the handlers: one that computes for longer than a lease without a pause loses its ' +
  'tasks. If the code is bundled, leave @tasklane/sdk out of the bundle; under the permission model, allow workers.'

function listOf(leases: readonly Lease[]): { readonly taskIds: readonly string[]; readonly epochs: readonly number[] } {
  return { taskIds: leases.map(lease => lease.taskId), epochs: leases.map(lease => lease.epoch) }
}
