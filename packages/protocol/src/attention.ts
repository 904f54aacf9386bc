import type { AlertKind, AlertSeverity } from './alert.ts'
import type { QueuePause } from './queue.ts'

export type AttentionKind =
  /** An alert that fires and is not silenced; what it is about is not told beside it. */
  | 'alert'
  | 'queue_unserved'
  | 'type_unserved'
  | 'worker_lost'
  | 'failing'
  | 'waiting_long'
  | 'schedule_late'
  | 'queue_paused'

/** Something that a person should look at. What does not apply is null. */
export interface AttentionItem {
  readonly kind: AttentionKind
  /** In one sentence. */
  readonly detail: string
  /** How many tasks it is about. */
  readonly count: number
  /** Since when; RFC 3339. */
  readonly since: string | null
  readonly queue: string | null
  readonly task_type: string | null
  readonly worker_id: string | null
  readonly fingerprint: string | null
  /** One of them: the first in its line, or the one that was submitted last. */
  readonly task_id: string | null
  /** The alert that fires, what it watches for, and how bad that is; null where it is none. */
  readonly alert_id: number | null
  readonly alert_kind: AlertKind | null
  readonly severity: AlertSeverity | null
  /** Of a paused queue, and of an alert about one: since when, by whom and why. */
  readonly pause: QueuePause | null
}

export interface Attention {
  /** Alerts first, the worst of each first. */
  readonly items: readonly AttentionItem[]
  /** How many more there are of any kind than are told. */
  readonly more: number
}
