import { limits } from '@tasklane/protocol'
import type { WorkerId } from '../core/task.ts'
import type { Clock } from '../ports/clock.ts'
import type { ClaimAsk, ClaimedTask, LaneCount } from '../ports/store.ts'
import type { Committer, ParkedClaim } from './committer.ts'
import { lanesToFill, serves } from './lane-counts.ts'

/**
 * How a worker gets tasks: ask the store; if there is nothing, park until work appears, then ask again.
 *
 * Who wakes a parked claim: a submit of a matching lane takes it into its own exchange (one commit from submit to
 * claim); an unblock, retry, release or promotion asks again at once; and every claim asks again at the poll interval,
 * since a hint may be lost. The store has the last word each time, so that a wake-up in vain costs a look, never a task.
 * The longest waiting claim is served first, and no more claims are woken than there are tasks for their slots.
 */
export interface Claims {
  claim(ask: ClaimAsk, wait: { readonly waitMs: number; readonly signal: AbortSignal }): Promise<readonly ClaimedTask[]>
  takeParked(lanes: readonly LaneCount[]): readonly ParkedClaim[]
  takeHopeful(): readonly ParkedClaim[]
  wake(lanes: readonly LaneCount[]): void
  /** Everybody looks again: a queue was resumed, a hint may have been lost. */
  wakeAll(): void
  /** Ends the waits of one worker with nothing: it drains or leaves, or another process took over its id. */
  endOf(workerId: WorkerId): void
  /** Ends every wait with a refusal, but those for which the store is being asked. */
  failAll(error: unknown): void
  /** Ends every wait with nothing; later claims do not wait. */
  close(): void
}

export interface ClaimsParts {
  readonly committer: Committer
  readonly clock: Clock
  /** What a claim handed out after its asker had gone. */
  readonly onUndelivered: (ask: ClaimAsk, tasks: readonly ClaimedTask[]) => void
}

/** So many parked claims go along with settles; one that finds nothing costs the store some 10 µs. */
const hopefulMax = 4

/** One claim that waits. It leaves the line while the store is asked for it, and returns to its old place if in vain. */
interface Waiter {
  readonly ask: ClaimAsk
  readonly order: number
  /** Up to which arrival the store was last asked. */
  seen: number
  isOver: boolean
  isAsking: boolean
  end(tasks: readonly ClaimedTask[], error?: unknown): void
}

export function createClaims({ committer, clock, onUndelivered }: ClaimsParts): Claims {
  /** In the order of arrival: a Map keeps it, and forgets in constant time. */
  const waiters = new Map<number, Waiter>()
  let nextOrder = 1
  let isClosed = false
  /** How often somebody's waits were ended. A claim that was under way meanwhile does not park: it may be the one meant. */
  let ends = 0
  const arrivals = createArrivals()

  async function claim(
    ask: ClaimAsk,
    wait: { readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<readonly ClaimedTask[]> {
    const endsBefore = ends
    const seen = arrivals.last()
    const tasks = await committer.claim(ask)
    if (tasks.length > 0 && wait.signal.aborted) {
      onUndelivered(ask, tasks)
      return []
    }
    if (tasks.length > 0 || wait.waitMs <= 0 || wait.signal.aborted || isClosed || ends !== endsBefore) return tasks
    return park(ask, seen, Math.min(wait.waitMs, limits.waitSecondsMax * 1_000), wait.signal)
  }

  function park(ask: ClaimAsk, seen: number, waitMs: number, signal: AbortSignal): Promise<readonly ClaimedTask[]> {
    return new Promise((resolve, reject) => {
      const order = nextOrder
      nextOrder += 1
      const giveUp = (): void => waiter.end([])
      const stopTimer = clock.after(waitMs, giveUp)
      const waiter: Waiter = {
        ask,
        order,
        seen,
        isOver: false,
        isAsking: false,
        end: (tasks, error) => {
          if (waiter.isOver) {
            if (tasks.length > 0) onUndelivered(ask, tasks)
            return
          }
          waiter.isOver = true
          waiters.delete(order)
          stopTimer()
          signal.removeEventListener('abort', giveUp)
          if (error === undefined) resolve(tasks)
          else reject(error)
        },
      }
      signal.addEventListener('abort', giveUp, { once: true })
      waiters.set(order, waiter)
      lookAgain(waiter)
    })
  }

  /** The first waiters in line whose free slots take up `lanes`; marked, so that nobody else asks for them meanwhile. */
  function choose(lanes: readonly LaneCount[]): readonly Waiter[] {
    if (lanes.length === 0) return []
    const toFill = lanesToFill(lanes)
    const chosen: Waiter[] = []
    for (const waiter of waiters.values()) {
      if (toFill.left().length === 0) break
      if (!waiter.isAsking && toFill.fill(waiter.ask)) chosen.push(waiter)
    }
    for (const waiter of chosen) waiter.isAsking = true
    return chosen
  }

  /** The longest waiting ones that nobody asks for; marked. */
  function firstIdle(most: number): readonly Waiter[] {
    const found: Waiter[] = []
    for (const waiter of waiters.values()) {
      if (found.length === most) break
      if (waiter.isAsking) continue
      waiter.isAsking = true
      found.push(waiter)
    }
    return found
  }

  function toParked(waiter: Waiter): ParkedClaim {
    waiter.seen = arrivals.last()
    return {
      ask: waiter.ask,
      settle: tasks => answered(waiter, tasks),
      fail: error => waiter.end([], error),
    }
  }

  function answered(waiter: Waiter, tasks: readonly ClaimedTask[]): void {
    waiter.isAsking = false
    if (tasks.length > 0) waiter.end(tasks)
    else lookAgain(waiter)
  }

  /** Work may have come for it while the store was looking on its behalf, too late to be found. */
  function lookAgain(waiter: Waiter): void {
    if (!waiter.isOver && arrivals.since(waiter.seen).some(lane => serves(waiter.ask, lane))) askAgain([waiter])
  }

  function askAgain(chosen: readonly Waiter[]): void {
    for (const waiter of chosen) {
      waiter.isAsking = true
      waiter.seen = arrivals.last()
      committer.claim(waiter.ask).then(
        tasks => answered(waiter, tasks),
        (error: unknown) => waiter.end([], error),
      )
    }
  }

  return Object.freeze<Claims>({
    claim,
    takeParked: lanes => choose(lanes).map(toParked),
    takeHopeful: () => firstIdle(hopefulMax).map(toParked),
    wake: lanes => {
      arrivals.note(lanes)
      askAgain(choose(lanes))
    },
    wakeAll: () => askAgain([...waiters.values()].filter(waiter => !waiter.isAsking)),
    endOf: workerId => {
      ends += 1
      for (const waiter of [...waiters.values()]) if (waiter.ask.workerId === workerId) waiter.end([])
    },
    failAll: error => {
      for (const waiter of [...waiters.values()]) if (!waiter.isAsking) waiter.end([], error)
    },
    close: () => {
      isClosed = true
      for (const waiter of [...waiters.values()]) waiter.end([])
    },
  })
}

type LaneName = Pick<LaneCount, 'queue' | 'type'>

/** So many are remembered; a look that took longer than that counts as having missed something. */
const arrivalsMax = 256

/** Lanes to which work came, in the order in which it did. */
function createArrivals(): {
  note(lanes: readonly LaneName[]): void
  last(): number
  since(seen: number): readonly LaneName[]
} {
  let lanes: LaneName[] = []
  let last = 0
  return {
    note(more) {
      last += more.length
      lanes = [...lanes, ...more].slice(-arrivalsMax)
    },
    last: () => last,
    since: seen => (seen === last ? [] : lanes.slice(Math.max(0, lanes.length - (last - seen)))),
  }
}
