/**
 * Where the pending tasks of a lane begin.
 *
 * Index entries of tasks that were claimed stay until vacuum removes them, and it may not while any transaction has an old
 * snapshot: a report, a dump, a forgotten session. The look at the head of a lane then walks over all of them: 4 ms become
 * 50 in five minutes at 500 tasks a second. So as long as looking from the very beginning is slow, it is done once in a
 * while, and in between a look begins where the last one found the first task.
 *
 * What this node makes pending below that point lowers it at once. What another node does is met by the next look from the
 * beginning: for so long a task with a higher priority may have to wait, while the database is in such a state.
 */
export interface Floors {
  /** By lane, the rank to begin with. @param nowMs monotonic */
  plan(lanes: readonly number[], nowMs: number): Look
  /** A task of this lane becomes pending: before its commit is sent and when it is done, since a look may be between. */
  lower(lane: number, rank: number): void
  /** A transaction was undone: what it had taken when it looked again is pending as before. */
  forget(): void
}

export interface Look {
  readonly from: readonly number[]
  /** @param first of each lane that has one, the rank of its first pending task */
  done(first: ReadonlyMap<number, number>, tookMs: number): void
}

export const bottom = -Number.MAX_VALUE

/** A look from the beginning that takes longer is slow. */
const slowLookMs = 15
/** So many in a row; one alone may be the machine that was busy with something else. */
const slowLooksMin = 3
/** While they are slow, they take at most this share of the time. */
const shareMax = 1 / 20
const pauseMsMin = 500

export function createFloors(): Floors {
  const floors = new Map<number, number>()
  let lowered = 0
  let slowLooks = 0
  let isSlow = false
  let nextWholeMs = 0

  return Object.freeze<Floors>({
    plan(lanes, nowMs) {
      const isWhole = !isSlow || nowMs >= nextWholeMs
      if (isWhole) nextWholeMs = nowMs + pauseMsMin
      const from = lanes.map(lane => (isWhole ? bottom : (floors.get(lane) ?? bottom)))
      const before = lowered
      return {
        from,
        done(first, tookMs) {
          if (isWhole) {
            slowLooks = tookMs > slowLookMs ? slowLooks + 1 : 0
            isSlow = slowLooks >= slowLooksMin
            nextWholeMs = nowMs + Math.max(pauseMsMin, tookMs / shareMax)
          }
          if (!isSlow) floors.clear()
          // What became pending meanwhile may not have been seen.
          else if (lowered === before) for (const [lane, rank] of first) floors.set(lane, rank)
        },
      }
    },
    lower(lane, rank) {
      lowered += 1
      const floor = floors.get(lane)
      if (floor !== undefined && rank < floor) floors.set(lane, rank)
    },
    forget() {
      lowered += 1
      floors.clear()
    },
  })
}
