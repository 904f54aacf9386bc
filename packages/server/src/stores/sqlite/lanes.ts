import { assert } from '../../core/assert.ts'
import type { Pause } from '../../core/pause.ts'
import type { SqlRow } from './database.ts'
import { number, numberOrNull, text, textOrNull } from './rows.ts'
import type { Statements } from './statements.ts'

/** One (queue, type) pair. */
export interface Lane {
  readonly id: number
  readonly queue: string
  readonly type: string
}

/**
 * The registry of lanes and queues, kept in memory: one process owns the file, there are few of them, and every claim
 * looks through them. The tables are the truth; `reload` reads them anew after a transaction was rolled back.
 */
export interface Lanes {
  reload(): void
  /** The lane of the pair, created where it does not exist; call it inside a transaction. */
  ensure(queue: string, type: string): Lane
  /** Takes back what `ensure` created since the mark: a refused group leaves no queue behind. */
  mark(): LanesMark
  undo(mark: LanesMark): void
  byId(id: number): Lane
  all(): readonly Lane[]
  /** Lanes of these queues and types; null is any. */
  matching(queues: readonly string[] | null, types: readonly string[] | null): readonly Lane[]
  queueNames(): readonly string[]
  isPaused(queue: string): boolean
  pauseOf(queue: string): Pause | null
  /** Reads anew what was written about a queue. */
  learn(queue: string): void
}

export interface LanesMark {
  readonly lanes: number
  readonly queues: number
}

export function createLanes(sql: Statements): Lanes {
  // By id; no lane has the id 0.
  let lanes: (Lane | undefined)[] = [undefined]
  const byQueue = new Map<string, Map<string, Lane>>()
  /** Why each queue is paused; null where it is not. */
  const pauses = new Map<string, Pause | null>()

  function keep(lane: Lane): void {
    lanes[lane.id] = lane
    const types = byQueue.get(lane.queue)
    if (types === undefined) byQueue.set(lane.queue, new Map([[lane.type, lane]]))
    else types.set(lane.type, lane)
  }

  return Object.freeze({
    reload() {
      lanes = [undefined]
      byQueue.clear()
      pauses.clear()
      for (const row of sql.allLanes.all()) keep({ id: number(row[0]), queue: text(row[1]), type: text(row[2]) })
      for (const row of sql.allQueues.all()) pauses.set(text(row[0]), toPause(row))
    },
    ensure(queue: string, type: string) {
      const known = byQueue.get(queue)?.get(type)
      if (known !== undefined) return known
      const lane = { id: lanes.length, queue, type }
      sql.insertLane.run(lane.id, queue, type)
      sql.insertQueue.run(queue)
      keep(lane)
      if (!pauses.has(queue)) pauses.set(queue, null)
      return lane
    },
    mark: () => ({ lanes: lanes.length, queues: pauses.size }),
    undo(mark: LanesMark) {
      for (const lane of lanes.splice(mark.lanes)) {
        if (lane === undefined) continue
        sql.deleteLane.run(lane.id)
        byQueue.get(lane.queue)?.delete(lane.type)
      }
      // A Map keeps the order in which its keys came.
      for (const queue of [...pauses.keys()].slice(mark.queues)) {
        sql.deleteQueue.run(queue)
        pauses.delete(queue)
        byQueue.delete(queue)
      }
    },
    byId(id: number) {
      const lane = lanes[id]
      assert(lane !== undefined, 'every task has a lane')
      return lane
    },
    all: () => lanes.filter(lane => lane !== undefined),
    matching(queues: readonly string[] | null, types: readonly string[] | null) {
      const found: Lane[] = []
      for (const queue of queues === null ? byQueue.keys() : new Set(queues)) {
        const inQueue = byQueue.get(queue)
        if (inQueue === undefined) continue
        if (types === null) found.push(...inQueue.values())
        else for (const type of new Set(types)) pushKnown(found, inQueue.get(type))
      }
      return found
    },
    queueNames: () => [...pauses.keys()],
    isPaused: (queue: string) => (pauses.get(queue) ?? null) !== null,
    pauseOf: (queue: string) => pauses.get(queue) ?? null,
    learn(queue: string) {
      const row = sql.queue.get(queue)
      assert(row !== undefined, 'what was written is there')
      pauses.set(queue, toPause(row))
    },
  })
}

function toPause(row: SqlRow): Pause | null {
  return row[1] === 1 ? { atMs: numberOrNull(row[2]), by: textOrNull(row[3]), reason: textOrNull(row[4]) } : null
}

function pushKnown(found: Lane[], lane: Lane | undefined): void {
  if (lane !== undefined) found.push(lane)
}
