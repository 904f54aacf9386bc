/** A worker that enforces the time-out itself gets this long to say so before the scheduler takes the task back. */
export const deadlineGraceMs = 10_000
/** After somebody asked to cancel, a handler has this long to stop. */
export const cancelGraceMs = 30_000

/** A claim counts as a sign of life where the last one is older than this share of a lease: a write now and then, not at every claim. */
export const claimsPerSign = 3

/**
 * Until when a lease runs: `leaseMs` from now, but never past the attempt's deadline plus a grace (a worker that hangs
 * must not hold its task for ever by heartbeats), nor far past a cancel mark. A bound in the past leaves the lease as it is.
 */
export function leaseUntilMs(lease: {
  readonly nowMs: number
  readonly leaseMs: number
  readonly deadlineMs: number | null
  readonly cancelRequestedAtMs: number | null
}): number {
  let until = lease.nowMs + lease.leaseMs
  if (lease.deadlineMs !== null) until = Math.min(until, lease.deadlineMs + deadlineGraceMs)
  if (lease.cancelRequestedAtMs !== null) until = Math.min(until, lease.cancelRequestedAtMs + cancelGraceMs)
  return until
}
