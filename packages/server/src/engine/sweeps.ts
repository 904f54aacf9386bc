import { isStoreAway, Problem } from '../core/problem.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { Changes, Store } from '../ports/store.ts'
import type { Settling } from './settle.ts'

/**
 * Bounded background passes: promote, reap, unblock, prune. Every node may run every sweep at any time; correctness
 * comes from the statements, jitter only saves work.
 *
 * The reaper is careful about whose silence it hears: after this node's start, after a gap in its own clock (a paused
 * machine), and while or after the store was away or late, workers could not have been heard. Then nothing is reaped for one lease, so
 * that the scheduler's outage is not taken for its workers' crash.
 */
export interface Sweeps {
  /** @param longestLeaseMs that any worker was told, maybe by a node with other settings */
  start(longestLeaseMs: number): void
  /** A worker was told of a lease, maybe a longer one than all before. */
  told(leaseMs: number): void
  /** The store refused what workers said: they could not be heard. */
  storeFailed(): void
  /** A pass now: a parent left children over. */
  nudge(): void
  /** A task will be due in so many milliseconds: be there in time. */
  dueIn(ms: number): void
  stop(): Promise<void>
}

export interface SweepsParts {
  readonly store: Store
  readonly settling: Settling
  readonly clock: Clock
  readonly log: Log
  readonly leaseMs: number
  readonly sweepMs: number
  readonly retentionMs: number
  readonly workerKeepMs: number
  readonly auditKeepMs: number
  /** For how long what workers said has been on its way to the store. */
  readonly lateMs: () => number
  readonly onChanges: (changes: Changes) => void
  /** Once a pass: whoever waits may look again, since a hint may have been lost. */
  readonly onTick: () => void
  /** Once a pass that found the store away. */
  readonly onAway: (problem: Problem) => void
}

const batchMax = 1_000
/** A pass that found a full batch goes on at once, this often at most: bounded, but a crowd is not made to wait. */
const roundsMax = 20
const pruneEveryMs = 10_000
/** A machine that was paused is late once. One that is late at every pass is slow, and must not postpone reaping for ever. */
const gapsInRowMax = 3

const failedSentence = 'A sweep failed; it is tried again at every pass.'

export function createSweeps(parts: SweepsParts): Sweeps {
  const { store, settling, clock, log } = parts
  let cancelTimer: (() => void) | null = null
  let running: Promise<void> | null = null
  let isStopped = true
  let isAgain = false
  let lastPassMs = 0
  let lastWallMs = 0
  let reapFromMs = 0
  let pruneFromMs = 0
  let wasAway = false
  let nextPromoteInMs = 0
  let plannedForMs = 0
  let gapsInRow = 0
  let delaysInRow = 0
  let graceMs = parts.leaseMs
  /** Sweeps that failed at the last pass. */
  const failing = new Set<() => Promise<void>>()

  function plan(ms: number): void {
    if (isStopped) return
    cancelTimer?.()
    plannedForMs = clock.monotonic() + ms
    cancelTimer = clock.after(ms, run)
  }

  function run(): void {
    if (running !== null) {
      isAgain = true
      return
    }
    running = pass().finally(() => {
      running = null
      const soon = isAgain ? 0 : Math.min(nextPromoteInMs, parts.sweepMs * (0.9 + 0.2 * clock.random()))
      isAgain = false
      plan(soon)
    })
  }

  async function pass(): Promise<void> {
    const isSetBack = watchClock()
    try {
      if (isSetBack) await store.shorten(graceMs)
      await tryOne(promote)
      await tryOne(unblock)
      if (clock.monotonic() >= reapFromMs && !isStoreLate()) await tryOne(reap)
      if (clock.monotonic() >= pruneFromMs) await tryOne(prune)
      if (wasAway) log.info({}, 'The store is back.')
      wasAway = false
      parts.onTick()
    } catch (error) {
      if (!wasAway) log.error({ err: error }, failedSentence)
      wasAway = true
      nextPromoteInMs = parts.sweepMs
      reapFromMs = clock.monotonic() + graceMs
      if (isStoreAway(error)) parts.onAway(error)
    }
  }

  /** What one sweep meets for a fault of ours, perhaps with one row for ever, must not keep the others from their work. */
  async function tryOne(sweep: () => Promise<void>): Promise<void> {
    try {
      await sweep()
      failing.delete(sweep)
    } catch (error) {
      if (error instanceof Problem) throw error
      if (!failing.has(sweep)) log.error({ err: error }, failedSentence)
      failing.add(sweep)
      nextPromoteInMs = Math.max(nextPromoteInMs, parts.sweepMs)
    }
  }

  /**
   * Two clocks tell of a pause: the time between passes, and the wall clock running away from the monotonic one.
   * Returns whether the wall clock was set back, which leaves leases that end in a far future.
   */
  function watchClock(): boolean {
    const nowMs = clock.monotonic()
    const wallMs = clock.now()
    const gapMs = nowMs - lastPassMs
    const driftMs = Math.abs(wallMs - lastWallMs - gapMs)
    const tolerance = parts.leaseMs / 3
    if (gapMs > parts.sweepMs + tolerance || driftMs > tolerance) {
      gapsInRow += 1
      log.warn(
        { gapMs: Math.round(gapMs), driftMs: Math.round(driftMs) },
        gapsInRow <= gapsInRowMax
          ? 'The clock has a gap; nothing is reaped for one lease.'
          : 'Pass after pass comes late; leases are reaped all the same.',
      )
      if (gapsInRow <= gapsInRowMax) reapFromMs = nowMs + graceMs
    } else {
      gapsInRow = 0
    }
    const isSetBack = wallMs - lastWallMs < gapMs - tolerance
    lastPassMs = nowMs
    lastWallMs = wallMs
    return isSetBack
  }

  /** Beats may be among what the store has not answered yet: their workers would be taken for dead. */
  function isStoreLate(): boolean {
    if (parts.lateMs() <= parts.leaseMs / 3) {
      delaysInRow = 0
      return false
    }
    delaysInRow += 1
    if (delaysInRow > gapsInRowMax) return false
    log.warn({ lateMs: Math.round(parts.lateMs()) }, 'The store is late; nothing is reaped for one lease.')
    reapFromMs = clock.monotonic() + graceMs
    return true
  }

  /** Lets others have their turn between two rounds: a store may answer without ever yielding. */
  function breathe(): Promise<void> {
    return new Promise(resolve => clock.soon(resolve))
  }

  async function promote(): Promise<void> {
    for (let round = 0; round < roundsMax; round += 1) {
      const { changes, nextDueInMs } = await store.promote(batchMax)
      parts.onChanges(changes)
      nextPromoteInMs = nextDueInMs ?? Number.POSITIVE_INFINITY
      if (nextDueInMs === null || nextDueInMs > 0) return
      await breathe()
    }
  }

  async function unblock(): Promise<void> {
    for (let round = 0; round < roundsMax; round += 1) {
      const { changes, isDone } = await store.unblock(batchMax)
      parts.onChanges(changes)
      if (isDone) return
      await breathe()
    }
    isAgain = true
  }

  async function reap(): Promise<void> {
    for (let round = 0; round < roundsMax; round += 1) {
      const leases = await store.expired(batchMax)
      // The store may have failed somebody while this pass was under way: then he could not be heard.
      if (clock.monotonic() < reapFromMs) return
      if (leases.length > 0) {
        log.warn(
          { tasks: leases.length, workers: [...new Set(leases.map(lease => lease.workerId))] },
          'Leases ran out.',
        )
      }
      await settling.lose(leases, { guard: 'expired', detail: 'Its lease ran out without a heartbeat.' })
      if (leases.length < batchMax) return
      await breathe()
    }
    isAgain = true
  }

  async function prune(): Promise<void> {
    const ask = { keepMs: parts.retentionMs, workerKeepMs: parts.workerKeepMs, limit: batchMax }
    let total = 0
    for (let round = 0; round < roundsMax; round += 1) {
      const pruned = await store.prune(ask)
      total += pruned
      if (pruned === 0) break
      await breathe()
    }
    await pruneAudit()
    if (total > 0) log.debug({ tasks: total }, 'Old finished tasks were pruned.')
    // A pass that found work in every round goes on with the next sweep; otherwise the walk takes its time.
    pruneFromMs = clock.monotonic() + (total >= batchMax ? 0 : pruneEveryMs)
  }

  async function pruneAudit(): Promise<void> {
    for (let round = 0; round < roundsMax; round += 1) {
      if ((await store.pruneAudit(parts.auditKeepMs, batchMax)) < batchMax) return
      await breathe()
    }
  }

  return Object.freeze<Sweeps>({
    start: longestLeaseMs => {
      graceMs = Math.max(parts.leaseMs, longestLeaseMs)
      isStopped = false
      // From here on workers can be heard, not from when the node was made.
      lastPassMs = clock.monotonic()
      lastWallMs = clock.now()
      reapFromMs = lastPassMs + graceMs
      pruneFromMs = lastPassMs + pruneEveryMs
      run()
    },
    told: ms => {
      graceMs = Math.max(graceMs, ms)
    },
    storeFailed: () => {
      reapFromMs = clock.monotonic() + graceMs
    },
    nudge: () => {
      if (!isStopped) run()
    },
    dueIn: ms => {
      if (running !== null) isAgain ||= ms < parts.sweepMs
      else if (clock.monotonic() + ms < plannedForMs) plan(ms)
    },
    stop: async () => {
      isStopped = true
      cancelTimer?.()
      await running
    },
  })
}
