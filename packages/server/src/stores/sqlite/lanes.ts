import { assert } from '../../core/assert.ts'
import { number, text } from './rows.ts'
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
  /** Creates the queue where it does not exist. */
  setPaused(queue: string, isPaused: boolean): void
}

export interface LanesMark {
  readonly lanes: number
  readonly queues: number
}

export function createLanes(sql: Statements): Lanes {
  // By id; no lane has the id 0.
  let lanes: (Lane | undefined)[] = [undefined]
  const byQueue = new Map<string, Map<string, Lane>>()
  const paused = new Map<string, boolean>()

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
      paused.clear()
      for (const row of sql.allLanes.all()) keep({ id: number(row[0]), queue: text(row[1]), type: text(row[2]) })
      for (const row of sql.allQueues.all()) paused.set(text(row[0]), row[1] === 1)
    },
    ensure(queue: string, type: string) {
      const known = byQueue.get(queue)?.get(type)
      if (known !== undefined) return known
      const lane = { id: lanes.length, queue, type }
      sql.insertLane.run(lane.id, queue, type)
      sql.insertQueue.run(queue)
      keep(lane)
      if (!paused.has(queue)) paused.set(queue, false)
      return lane
    },
    mark: () => ({ lanes: lanes.length, queues: paused.size }),
    undo(mark: LanesMark) {
      for (const lane of lanes.splice(mark.lanes)) {
        if (lane === undefined) continue
        sql.deleteLane.run(lane.id)
        byQueue.get(lane.queue)?.delete(lane.type)
      }
      // A Map keeps the order in which its keys came.
      for (const queue of [...paused.keys()].slice(mark.queues)) {
        sql.deleteQueue.run(queue)
        paused.delete(queue)
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
    queueNames: () => [...paused.keys()],
    isPaused: (queue: string) => paused.get(queue) === true,
    setPaused(queue: string, isPaused: boolean) {
      sql.writeQueue.run(queue, isPaused ? 1 : 0)
      paused.set(queue, isPaused)
    },
  })
}

function pushKnown(found: Lane[], lane: Lane | undefined): void {
  if (lane !== undefined) found.push(lane)
}
