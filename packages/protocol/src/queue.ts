import type { TaskState } from './task.ts'

/** Tasks by state; every state is present. */
export type StateCounts = Readonly<Record<TaskState, number>>

export interface Queue {
  readonly name: string
  readonly paused: boolean
  /** Since when it is paused, by whom and why; null where it is not. */
  readonly pause: QueuePause | null
  readonly counts: StateCounts
  /** Pending and running together: what a person calls the depth. */
  readonly depth: number
  /** Seconds the oldest pending task has been due, or null. */
  readonly oldest_age: number | null
  /** Tasks a second over the last minute, as this node saw it. */
  readonly submitted_per_second: number
  readonly finished_per_second: number
}

/** Each is null where it is not known: on a node that asks nobody who they are, `by` is. */
export interface QueuePause {
  /** When it was paused, or when the reason was replaced; RFC 3339. */
  readonly at: string | null
  /** The user's name, or `token:NAME`. */
  readonly by: string | null
  readonly reason: string | null
}

/** What a PATCH of a queue says. */
export interface QueueChange {
  readonly paused: boolean
  /** With `paused: true` only. On a queue that is paused already, another reason replaces the one before. */
  readonly reason?: string | null
}

export interface Stats {
  readonly tasks: StateCounts
  readonly total: number
  readonly workers: {
    readonly active: number
    readonly draining: number
    readonly lost: number
    readonly slots: number
  }
  /** Null for who sees its own tasks only: they are known of all tasks together. */
  readonly rates: {
    readonly submitted_per_second: number
    readonly completed_per_second: number
    readonly failed_per_second: number
  } | null
  /** Milliseconds over the latest finished tasks of this node, or null before the first. */
  readonly wait_ms: { readonly p50: number; readonly p95: number } | null
  readonly run_ms: { readonly p50: number; readonly p95: number } | null
  readonly uptime_seconds: number
  readonly version: string
}

export interface Health {
  readonly status: 'ok' | 'stopping' | 'unavailable'
  readonly store: 'ok' | 'unavailable'
  readonly version: string
  readonly uptime_seconds: number
}
