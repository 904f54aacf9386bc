import type { WorkerId } from '../core/task.ts'

/**
 * Whether anybody received what a claim handed out. A claim that is repeated with its `request_id` is answered more than
 * once with the same leases, and one lost reply must not take them from the worker that got the other: only when every
 * answer was lost are they given back at once. (What this node does not know of runs out with its lease.)
 */
export interface Deliveries {
  handedOut(workerId: WorkerId, requestId: string | null): void
  /** Counts a lost answer, and says whether nobody can have received the tasks. */
  areAllLost(workerId: WorkerId, requestId: string | null): boolean
}

/** A reply is delivered or lost within moments; the oldest entries are of claims long settled. */
const requestsMax = 20_000

export function createDeliveries(): Deliveries {
  const byRequest = new Map<string, { handed: number; lost: number }>()
  const keyOf = (workerId: WorkerId, requestId: string): string => `${workerId}\n${requestId}`
  return Object.freeze<Deliveries>({
    handedOut: (workerId, requestId) => {
      if (requestId === null) return
      const key = keyOf(workerId, requestId)
      const entry = byRequest.get(key)
      if (entry !== undefined) {
        entry.handed += 1
        return
      }
      byRequest.set(key, { handed: 1, lost: 0 })
      const oldest = byRequest.size > requestsMax ? byRequest.keys().next().value : undefined
      if (oldest !== undefined) byRequest.delete(oldest)
    },
    areAllLost: (workerId, requestId) => {
      if (requestId === null) return true
      const entry = byRequest.get(keyOf(workerId, requestId))
      if (entry === undefined) return true
      entry.lost += 1
      return entry.lost >= entry.handed
    },
  })
}
