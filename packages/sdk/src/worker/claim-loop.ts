import { createUuidV7, limits, type SparseClaimedTask, type SparseClaimReply } from '@tasklane/protocol'
import type { Clock } from '../clock.ts'
import { ApiError, UnexpectedReplyError } from '../errors.ts'
import type { WorkerLogger } from '../log.ts'
import type { Link } from './link.ts'

/**
 * Takes work for the free slots.
 *
 * Each claim has a `request_id` of its own, which is repeated when its reply is lost, so that the scheduler hands out
 * the same tasks again. A claim waits at the scheduler for work, but only a third of a lease: leases count from when
 * the claim was sent, and a task that came at the end of a long wait would have little of its lease left.
 * The next claim is sent when half the slots are free, or a moment after the first one is: one request for many slots
 * instead of one each. A worker with many slots keeps two claims under way, so that it never waits for a round trip.
 * Where results are about to be settled, the claim goes along with them; if that finds nothing, it is asked again by
 * itself, under the same `request_id`, and waits.
 */
export interface ClaimLoop {
  start(): void
  /** Slots have become free. */
  wake(): void
  /**
   * Claims nothing more; resolves when no claim is under way. Tasks that still arrive are handed to `onUnwanted`.
   */
  stop(): Promise<void>
}

export interface ClaimLoopParts {
  readonly workerId: string
  readonly slots: number
  readonly link: Link
  readonly clock: Clock
  readonly logger: WorkerLogger
  readonly leaseMs: () => number
  /** Slots used, and results that pile up: both are reasons to claim less. */
  readonly slotsUsed: () => number
  readonly isSettlingBehind: () => boolean
  /** As `SettleLine.carry`. */
  readonly carry: (claim: string) => Promise<unknown> | null
  /** @param sinceMs when the first try of the claim was sent. @returns how many of them could be run */
  readonly onTasks: (tasks: readonly SparseClaimedTask[], sinceMs: number) => Promise<number>
  readonly onUnwanted: (tasks: readonly SparseClaimedTask[]) => void
  readonly onWorkerUnknown: () => Promise<void>
  readonly onDraining: () => void
}

/** Free slots wait this long for company. */
const gatherMs = 5
/** From here on a worker keeps two claims under way. */
const slotsForTwoClaims = 64
/** A long poll that comes back empty before this did not wait; asking again at once would spin. */
const hastyMs = 100
/** A claim that finds tasks is answered within this. At the stop, one that is older waits for work and is cut off. */
const stopWaitMs = 100
/** For the last question of a claim that was cut off. */
const lastAskMs = 500

export function createClaimLoop(parts: ClaimLoopParts): ClaimLoop {
  const { workerId, slots, link, clock, logger } = parts
  const path = `/api/workers/${encodeURIComponent(workerId)}/claim`
  const makeId = createUuidV7(clock.now, clock.fillRandom)
  const claimsMax = slots >= slotsForTwoClaims ? 2 : 1
  const half = Math.ceil(slots / 2)
  const stopping = new AbortController()
  const cutting = new AbortController()
  const underWay = new Set<Promise<void>>()
  let batchMax = Math.min(limits.claimTasksMax, claimsMax === 2 ? half : slots)
  let isStarted = false
  let reserved = 0
  let launchedMs = 0
  let vain = 0
  let isPausing = false
  let cancelGather: (() => void) | null = null

  function wake(): void {
    if (cancelGather === null) consider(false)
    else if (freeSlots() >= half) {
      cancelGather()
      cancelGather = null
      consider(false)
    }
  }

  function consider(hasGathered: boolean): void {
    while (isStarted && !stopping.signal.aborted && !isPausing && underWay.size < claimsMax) {
      const free = freeSlots()
      if (free <= 0 || parts.isSettlingBehind()) return
      if (free < half && !hasGathered) {
        cancelGather ??= clock.after(gatherMs, () => {
          cancelGather = null
          consider(true)
        })
        return
      }
      launch(Math.min(free, batchMax))
    }
  }

  function freeSlots(): number {
    return slots - parts.slotsUsed() - reserved
  }

  function launch(limit: number): void {
    reserved += limit
    launchedMs = clock.monotonic()
    const claiming = claimOnce(limit).finally(() => {
      underWay.delete(claiming)
      consider(false)
    })
    underWay.add(claiming)
  }

  async function claimOnce(limit: number): Promise<void> {
    const sinceMs = clock.monotonic()
    let tasks: readonly SparseClaimedTask[] = []
    try {
      tasks = await ask(limit, makeId())
    } catch (error) {
      reserved -= limit
      if (!stopping.signal.aborted) await recover(error)
      return
    }
    if (stopping.signal.aborted) {
      reserved -= limit
      parts.onUnwanted(tasks)
      return
    }
    const elapsedMs = clock.monotonic() - sinceMs
    const runnable = await parts.onTasks(tasks, sinceMs)
    reserved -= limit
    const isVain = tasks.length === 0 ? elapsedMs < hastyMs : runnable === 0
    if (isVain) await rest()
    else vain = 0
  }

  async function ask(limit: number, requestId: string): Promise<readonly SparseClaimedTask[]> {
    const carried = parts.carry(JSON.stringify({ limit, request_id: requestId, sparse: true }))
    if (carried === null) return askAlone(limit, requestId)
    const body = await orCut(carried)
    const tasks = readTasks(body)
    if (tasks.length > 0) return tasks
    if (!stopping.signal.aborted) return askAlone(limit, requestId)
    return body === null ? askLast(limit, requestId) : []
  }

  async function askAlone(limit: number, requestId: string): Promise<readonly SparseClaimedTask[]> {
    const waitSeconds = Math.min(limits.waitSecondsMax, parts.leaseMs() / 3_000)
    const body = JSON.stringify({ limit, wait: waitSeconds, request_id: requestId, sparse: true })
    const timeoutMs = waitSeconds * 1_000 + Math.max(2_000, parts.leaseMs() / 3)
    try {
      const call = { method: 'POST', path, isRepeatable: true, body, timeoutMs, signal: cutting.signal } as const
      return readTasks((await link.persist(call)).body)
    } catch (error) {
      if (!cutting.signal.aborted) throw error
      return askLast(limit, requestId)
    }
  }

  /** Cut off at the stop. Its reply may have been on the way: asked once more, the scheduler names the same tasks. */
  async function askLast(limit: number, requestId: string): Promise<readonly SparseClaimedTask[]> {
    const body = JSON.stringify({ limit, wait: 0, request_id: requestId, sparse: true })
    return readTasks((await link.once({ method: 'POST', path, isRepeatable: true, body, timeoutMs: lastAskMs })).body)
  }

  /** What the results' call is answered, or null where the stop does not wait for that any longer. */
  function orCut(carried: Promise<unknown>): Promise<unknown> {
    return new Promise(resolve => {
      const cut = (): void => resolve(null)
      cutting.signal.addEventListener('abort', cut, { once: true })
      void carried.then(body => {
        cutting.signal.removeEventListener('abort', cut)
        resolve(body)
      })
    })
  }

  async function recover(error: unknown): Promise<void> {
    if (error instanceof ApiError && error.code === 'worker_unknown') return parts.onWorkerUnknown()
    if (error instanceof ApiError && error.code === 'worker_draining') return parts.onDraining()
    if (error instanceof UnexpectedReplyError && error.isTooLarge) batchMax = Math.max(1, Math.floor(batchMax / 2))
    logger.error({}, `A claim was refused. ${error instanceof Error ? error.message : String(error)}`)
    await rest()
  }

  async function rest(): Promise<void> {
    isPausing = true
    await link.pause(vain + 2, stopping.signal)
    isPausing = false
    vain += 1
  }

  async function stop(): Promise<void> {
    stopping.abort()
    cancelGather?.()
    if (underWay.size === 0) return
    const cutAtMs = launchedMs + stopWaitMs
    const cancelCut = clock.after(cutAtMs - clock.monotonic(), () => cutting.abort())
    await Promise.all(underWay)
    cancelCut()
  }

  return Object.freeze<ClaimLoop>({
    start: () => {
      isStarted = true
      wake()
    },
    wake,
    stop,
  })
}

function readTasks(body: unknown): readonly SparseClaimedTask[] {
  // The contract of the call; each reply is parsed once and its tasks are used as they are.
  return (body as Partial<SparseClaimReply> | null)?.tasks ?? []
}
