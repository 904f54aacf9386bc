import type { HeartbeatReply, HeldTask, SystemInfo } from '@tasklane/protocol'
import type { Clock } from '../clock.ts'
import { ApiError } from '../errors.ts'
import type { Lease, LeaseTerms } from './lease-keeper.ts'
import type { Link } from './link.ts'

/** One heartbeat, tried once at each scheduler at most. @throws as `Link.once` */
export type HeartbeatCall = (beat: {
  readonly status: 'idle' | 'busy' | 'draining'
  /** Never left out: without names the scheduler would extend whatever it counts as held here. */
  readonly tasks: readonly HeldTask[]
  readonly leaseMs: number
  readonly signal: AbortSignal
}) => Promise<HeartbeatReply>

export function createHeartbeatCall(parts: {
  readonly workerId: string
  readonly link: Link
  readonly readSystemInfo: () => SystemInfo
}): HeartbeatCall {
  const path = `/api/workers/${encodeURIComponent(parts.workerId)}/heartbeat`
  return async ({ status, tasks, leaseMs, signal }) => {
    const answer = await parts.link.once({
      method: 'POST',
      path,
      body: JSON.stringify({ status, current_tasks: tasks, system_info: parts.readSystemInfo() }),
      isRepeatable: true,
      // Half a lease for a try of every scheduler: there is time for another before the lease ends.
      timeoutMs: Math.max(1_000, leaseMs / 2 / parts.link.nodes()),
      signal,
    })
    // The contract of the call.
    return answer.body as HeartbeatReply
  }
}

/**
 * For claims that were long under way: asks the scheduler which of them are still this worker's.
 * @returns what may be held, and since when; nothing when no answer came within a lease, or before the signal aborted
 */
export async function confirmLeases(
  parts: { readonly call: HeartbeatCall; readonly link: Link; readonly clock: Clock; readonly terms: LeaseTerms },
  leases: readonly Lease[],
  signal: AbortSignal,
): Promise<{ readonly kept: readonly Lease[]; readonly sinceMs: number }> {
  const { call, link, clock, terms } = parts
  const tasks = leases.map(({ taskId, epoch }): HeldTask => ({ task_id: taskId, epoch }))
  const untilMs = clock.monotonic() + terms.leaseMs
  for (let tries = 0; clock.monotonic() < untilMs && !signal.aborted; tries += 1) {
    const sinceMs = clock.monotonic()
    try {
      const { lost } = await call({ status: 'busy', tasks, leaseMs: terms.leaseMs, signal })
      return { kept: leases.filter(lease => !lost.includes(lease.taskId)), sinceMs }
    } catch (error) {
      if (error instanceof ApiError && error.code === 'worker_unknown') break
      await link.pause(tries, signal, terms.heartbeatMs)
    }
  }
  return { kept: [], sinceMs: 0 }
}
