import type { Clock } from '../../packages/server/src/ports/clock.ts'
import { createRandom } from '../../packages/server/test/support/virtual-clock.ts'

/**
 * Virtual time: a line of events, each of which belongs to somebody who may be dead or paused when its turn comes. One
 * event is one step. Between two steps everything that an event started comes to rest, so that the order of events, and
 * with it the whole run, depends on the seed alone.
 */
export interface Timeline {
  /** Milliseconds since the run began. */
  elapsedMs(): number
  /** The wall clock of the store's machine; `jumpWall` sets it. */
  wallMs(): number
  jumpWall(ms: number): void
  /** Calls back once, unless cancelled or its actor is dead by then; a paused actor gets it when it resumes. */
  after(ms: number, actor: Actor, run: () => void): () => void
  sleep(ms: number, actor: Actor): Promise<void>
  clockOf(actor: Actor, random: () => number, skewMs?: number): Clock
  /** Runs the next event, and all that it started. False where there is none. */
  step(): Promise<boolean>
}

/** Whoever owns events: a process, a machine, the wire. */
export interface Actor {
  readonly name: string
  isAlive: boolean
  pausedUntilMs: number
  readonly onDeath: Set<() => void>
}

export function createActor(name: string): Actor {
  return { name, isAlive: true, pausedUntilMs: 0, onDeath: new Set() }
}

/** SIGKILL: what it had under way is never answered. */
export function kill(actor: Actor): void {
  actor.isAlive = false
  for (const tell of [...actor.onDeath]) tell()
  actor.onDeath.clear()
}

const startWallMs = Date.UTC(2030, 0, 1)

export function createTimeline(): Timeline {
  const line = createLine()
  let elapsed = 0
  let wallOffsetMs = startWallMs
  let waitingSoon: { readonly actor: Actor; readonly run: () => void }[] = []

  function after(ms: number, actor: Actor, run: () => void): () => void {
    // Whole milliseconds, as timers have them.
    return line.add(elapsed + Math.max(0, Math.ceil(ms)), actor, run)
  }

  async function rest(): Promise<void> {
    for (;;) {
      await turn()
      if (waitingSoon.length === 0) return
      const due = waitingSoon
      waitingSoon = []
      for (const { actor, run } of due) if (actor.isAlive) run()
    }
  }

  return Object.freeze<Timeline>({
    elapsedMs: () => elapsed,
    wallMs: () => wallOffsetMs + elapsed,
    jumpWall: ms => {
      wallOffsetMs += ms
    },
    after,
    sleep: (ms, actor) =>
      new Promise(resolve => {
        after(ms, actor, resolve)
      }),
    clockOf: (actor, random, skewMs = 0) => ({
      now: () => wallOffsetMs + elapsed + skewMs,
      monotonic: () => elapsed,
      random,
      fillRandom: bytes => {
        for (let at = 0; at < bytes.length; at += 1) bytes[at] = Math.floor(random() * 256)
      },
      after: (ms, callback) => after(ms, actor, callback),
      soon: callback => {
        waitingSoon.push({ actor, run: callback })
      },
    }),
    step: async () => {
      for (;;) {
        const event = line.take()
        if (event === null) return false
        if (!event.actor.isAlive) continue
        if (event.actor.pausedUntilMs > event.atMs) {
          line.put({ ...event, atMs: event.actor.pausedUntilMs })
          continue
        }
        elapsed = Math.max(elapsed, event.atMs)
        event.run()
        await rest()
        return true
      }
    },
  })
}

interface Event {
  readonly atMs: number
  readonly order: number
  readonly actor: Actor
  readonly run: () => void
}

interface Line {
  add(atMs: number, actor: Actor, run: () => void): () => void
  put(event: Event): void
  take(): Event | null
}

/** A binary heap by time, then by order of arrival. */
function createLine(): Line {
  const heap: Event[] = []
  const cancelled = new Set<number>()
  let nextOrder = 1

  function put(event: Event): void {
    let at = heap.push(event) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || !isBefore(event, parent)) break
      heap[at] = parent
      at = above
    }
    heap[at] = event
  }

  function pop(): Event | null {
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined) return null
    if (heap.length === 0) return first
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const one = heap[left]
      if (one === undefined) break
      const other = heap[left + 1]
      const isRight = other !== undefined && isBefore(other, one)
      const child = isRight ? other : one
      if (!isBefore(child, last)) break
      heap[at] = child
      at = isRight ? left + 1 : left
    }
    heap[at] = last
    return first
  }

  return {
    add: (atMs, actor, run) => {
      const order = nextOrder
      nextOrder += 1
      put({ atMs, order, actor, run })
      return () => cancelled.add(order)
    },
    put,
    take: () => {
      for (let event = pop(); event !== null; event = pop()) {
        if (!cancelled.delete(event.order)) return event
      }
      return null
    },
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order)
}

/** One turn of the event loop lets promises run dry. */
function turn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}

// ─── Chance ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Chance {
  /** 0 inclusive to 1 exclusive. */
  next(): number
  isTrue(share: number): boolean
  /** Both ends included. */
  between(least: number, most: number): number
  pick<T>(list: readonly T[]): T
}

/** Everybody draws from a stream of their own, so that leaving one event out does not change everybody else's luck. */
export function createChance(seed: number, name: string): Chance {
  const next = createRandom(hash(`${seed} ${name}`))
  const between = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1))
  return {
    next,
    isTrue: share => next() < share,
    between,
    pick: list => {
      const picked = list[between(0, list.length - 1)]
      if (picked === undefined) throw new Error('There is nothing to pick from an empty list.')
      return picked
    },
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value >>> 0
}
