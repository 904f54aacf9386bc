import type { QueuePause } from '@tasklane/protocol'

/** Of a paused queue: since when, by whom, and why; each is null where it is not known. */
export interface Pause {
  /** Since it was paused, or since the reason was replaced. Null where a version paused it that noted nothing. */
  readonly atMs: number | null
  readonly by: string | null
  readonly reason: string | null
}

/** What somebody wants of a queue. */
export interface QueueSettings {
  readonly isPaused: boolean
  /**
   * Why it is paused, and who says so. On a queue that is paused already, another reason replaces all that was said before;
   * the same one, or none, changes nothing, so that a call may be repeated and a script may make sure.
   */
  readonly reason?: string | null
  readonly by?: string | null
}

/** For the end of `is paused`: ` by anna: deploying the new mailer`, as far as it is known. */
export function pauseWords({ by, reason }: Pause): string {
  return `${by === null ? '' : ` by ${by}`}${reason === null ? '' : `: ${reason}`}`
}

/** As the API tells it. */
export function toQueuePause({ atMs, by, reason }: Pause): QueuePause {
  return { at: atMs === null ? null : new Date(atMs).toISOString(), by, reason }
}
