import { merge, type Source } from '../../core/merge.ts'
import type { SqlRow } from './database.ts'
import type { Lane } from './lanes.ts'
import { type HeldTask, number } from './rows.ts'

/** A pending task as it was seen, and what a claim sorts by. */
export interface Candidate {
  readonly lane: number
  readonly number: number
  readonly rank: number
  readonly dueAtMs: number
  readonly priority: number
  readonly hasParents: boolean
  /** Of its own texts. */
  readonly bytes: number
  /** As it stands in the table: blocked where this transaction has released it and not written it yet. */
  readonly written: 'pending' | 'blocked'
}

/** A row of `candidates`. */
export function toCandidate(row: SqlRow): Candidate {
  return {
    lane: number(row[0]),
    number: number(row[1]),
    rank: number(row[2]),
    dueAtMs: number(row[3]),
    priority: number(row[4]),
    hasParents: row[5] !== 0,
    bytes: number(row[6]),
    written: 'pending',
  }
}

/** A child that this transaction has released. */
export function toReleased({ lane, number: own, rank, dueAtMs, priority, bytes }: HeldTask): Candidate {
  return { lane, number: own, rank, dueAtMs, priority, hasParents: true, bytes, written: 'blocked' }
}

export interface Order {
  readonly inQueue: (one: Candidate, other: Candidate) => number
  readonly acrossQueues: (one: Candidate, other: Candidate) => number
}

/** The first tasks of some lanes, from which several claims are dealt. */
export interface Line {
  /**
   * The next tasks of these lanes; nobody gets them again. `isCut` tells that there may be more: fewer than `limit` were
   * taken because a lane's part of the line ran out while the lane itself may go on.
   */
  take(
    lanes: readonly Lane[],
    limit: number,
    order: Order,
  ): { readonly items: readonly Candidate[]; readonly isCut: boolean }
}

/**
 * @param candidates of each lane the first ones, by rank and number
 * @param cut lanes that may have more
 * @param gone numbers that are passed over
 */
export function createLine(
  candidates: readonly Candidate[],
  cut: ReadonlySet<number>,
  gone: ReadonlySet<number> = new Set(),
): Line {
  const lanes = new Map<number, { readonly items: Candidate[]; readonly isWhole: boolean; at: number }>()
  for (const candidate of candidates) {
    let lane = lanes.get(candidate.lane)
    if (lane === undefined) {
      lane = { items: [], isWhole: !cut.has(candidate.lane), at: 0 }
      lanes.set(candidate.lane, lane)
    }
    if (!gone.has(candidate.number)) lane.items.push(candidate)
  }

  function sourceOf(id: number): Source<Candidate> {
    const lane = lanes.get(id)
    return {
      peek: () => lane?.items[lane.at],
      shift() {
        const item = lane?.items[lane.at]
        if (lane !== undefined) lane.at += 1
        return item
      },
    }
  }

  /** Past the end of its part, what comes next in a lane is not known. */
  function isAtCut(id: number): boolean {
    const lane = lanes.get(id)
    return lane !== undefined && !lane.isWhole && lane.at >= lane.items.length
  }

  return Object.freeze<Line>({
    take(of, limit, order) {
      const byQueue = new Map<string, Source<Candidate>[]>()
      for (const lane of of) {
        const sources = byQueue.get(lane.queue)
        if (sources === undefined) byQueue.set(lane.queue, [sourceOf(lane.id)])
        else sources.push(sourceOf(lane.id))
      }
      const line = merge(
        [...byQueue.values()].map(sources => merge(sources, order.inQueue)),
        order.acrossQueues,
      )
      const items: Candidate[] = []
      const cuts = of.filter(lane => lanes.get(lane.id)?.isWhole === false)
      while (items.length < limit) {
        if (cuts.some(lane => isAtCut(lane.id))) return { items, isCut: true }
        const next = line.shift()
        if (next === undefined) break
        items.push(next)
      }
      return { items, isCut: false }
    },
  })
}
