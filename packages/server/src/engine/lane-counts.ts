import type { ClaimAsk, LaneCount } from '../ports/store.ts'

export type LaneName = Pick<LaneCount, 'queue' | 'type'>

/** No name holds a line break. */
export function keyOf({ queue, type }: LaneName): string {
  return `${queue}\n${type}`
}

/** How many there are of each (queue, type). */
export function lanesOf(tasks: Iterable<LaneName>): readonly LaneCount[] {
  const lanes = new Map<string, { queue: string; type: string; count: number }>()
  for (const { queue, type } of tasks) {
    const key = `${queue}\n${type}`
    const lane = lanes.get(key)
    if (lane === undefined) lanes.set(key, { queue, type, count: 1 })
    else lane.count += 1
  }
  return [...lanes.values()]
}

export function sumOf(lists: readonly (readonly LaneCount[])[]): readonly LaneCount[] {
  const [only] = lists
  if (lists.length === 1 && only !== undefined) return only
  const sums = new Map<string, LaneCount>()
  for (const lane of lists.flat()) {
    const key = keyOf(lane)
    sums.set(key, { ...lane, count: lane.count + (sums.get(key)?.count ?? 0) })
  }
  return [...sums.values()]
}

/** What is left of the lanes when these are taken from them. */
export function without(lanes: readonly LaneCount[], taken: readonly LaneCount[]): readonly LaneCount[] {
  if (lanes.length === 0 || taken.length === 0) return lanes
  const counts = new Map(taken.map(lane => [keyOf(lane), lane.count]))
  return lanes.flatMap(lane => {
    const count = lane.count - (counts.get(keyOf(lane)) ?? 0)
    return count > 0 ? [{ ...lane, count }] : []
  })
}

export function serves(ask: Pick<ClaimAsk, 'queues' | 'types'>, lane: LaneName): boolean {
  return (
    (ask.queues === null || ask.queues.includes(lane.queue)) && (ask.types === null || ask.types.includes(lane.type))
  )
}

/** Lanes that claims take up one after another, whoever asks first. */
export interface LanesToFill {
  /** @returns whether the claim has room for something that was left */
  fill(ask: Pick<ClaimAsk, 'queues' | 'types' | 'limit'>): boolean
  left(): readonly LaneCount[]
}

export function lanesToFill(lanes: readonly LaneCount[]): LanesToFill {
  const left = lanes.map(lane => ({ ...lane }))
  return {
    fill(ask) {
      let room = ask.limit
      for (let at = 0; at < left.length && room > 0; ) {
        const lane = left[at]
        if (lane === undefined || !serves(ask, lane)) {
          at += 1
          continue
        }
        const taken = Math.min(room, lane.count)
        room -= taken
        lane.count -= taken
        if (lane.count === 0) left.splice(at, 1)
        else at += 1
      }
      return room < ask.limit
    },
    left: () => left,
  }
}
