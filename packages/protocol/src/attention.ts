export type AttentionKind =
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
}

export interface Attention {
  /** The worst first. */
  readonly items: readonly AttentionItem[]
  /** How many more there are of any kind than are told. */
  readonly more: number
}
