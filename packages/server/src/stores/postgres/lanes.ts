import { assert } from '../../core/assert.ts'
import type { Connection } from './database.ts'
import { number, text } from './rows.ts'
import { statements as sql } from './statements.ts'

/** One (queue, type) pair. */
export interface Lane {
  readonly id: number
  readonly queue: string
  readonly type: string
}

/**
 * The registry of lanes as this node knows it. A lane never changes and never goes, so that knowing one is knowing it for
 * good; those that other nodes made are learned when they are met. Lanes are numbered in the order of their commits.
 */
export interface Lanes {
  /** The highest number known. */
  readonly last: () => number
  learn(lanes: readonly Lane[]): void
  find(queue: string, type: string): Lane | undefined
  has(id: number): boolean
  byId(id: number): Lane
  all(): readonly Lane[]
  /** Lanes of these queues and types; null is any. */
  matching(queues: readonly string[] | null, types: readonly string[] | null): readonly Lane[]
  /** Queues that are known to stand in the table of queues; they never go, either. */
  readonly queues: Set<string>
}

export function createLanes(): Lanes {
  const lanes = new Map<number, Lane>()
  const byQueue = new Map<string, Map<string, Lane>>()
  let last = 0

  return Object.freeze<Lanes>({
    last: () => last,
    learn(more) {
      for (const lane of more) {
        lanes.set(lane.id, lane)
        last = Math.max(last, lane.id)
        const types = byQueue.get(lane.queue)
        if (types === undefined) byQueue.set(lane.queue, new Map([[lane.type, lane]]))
        else types.set(lane.type, lane)
      }
    },
    find: (queue, type) => byQueue.get(queue)?.get(type),
    has: id => lanes.has(id),
    byId(id) {
      const lane = lanes.get(id)
      assert(lane !== undefined, 'every lane that is met was learned')
      return lane
    },
    all: () => [...lanes.values()],
    matching(queues, types) {
      const found: Lane[] = []
      for (const queue of queues === null ? byQueue.keys() : new Set(queues)) {
        const inQueue = byQueue.get(queue)
        if (inQueue === undefined) continue
        if (types === null) found.push(...inQueue.values())
        else for (const type of new Set(types)) pushKnown(found, inQueue.get(type))
      }
      return found
    },
    queues: new Set<string>(),
  })
}

function pushKnown(found: Lane[], lane: Lane | undefined): void {
  if (lane !== undefined) found.push(lane)
}

/** Those beyond the last that this node knows. */
export async function learnNewLanes(connection: Connection, lanes: Lanes): Promise<void> {
  const rows = await connection.rows(sql.lanesAfter, lanes.last())
  lanes.learn(rows.map(row => ({ id: number(row[0]), queue: text(row[1]), type: text(row[2]) })))
}

/**
 * Makes the lanes that do not exist yet, in a transaction of their own, one node at a time, so that their numbers are
 * theirs in the order of the commits and that nobody's submit ever waits for another's.
 */
export async function ensureLanes(
  connection: Connection,
  lanes: Lanes,
  pairs: Iterable<{ readonly queue: string; readonly type: string }>,
): Promise<void> {
  const missing = new Map<string, readonly [string, string]>()
  for (const { queue, type } of pairs) {
    if (lanes.find(queue, type) === undefined) missing.set(`${queue}\n${type}`, [queue, type])
  }
  if (missing.size === 0) return
  try {
    await connection.exec('BEGIN; LOCK TABLE tasklane.lanes IN SHARE ROW EXCLUSIVE MODE')
    const wanted = [...missing.values()]
    await connection.run(
      sql.insertLanes,
      wanted.map(each => each[0]),
      wanted.map(each => each[1]),
    )
    await connection.exec('COMMIT')
  } catch (error) {
    await connection.exec('ROLLBACK').catch(() => {})
    throw error
  }
  await learnNewLanes(connection, lanes)
}
