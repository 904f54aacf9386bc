import type { Json, TaskState } from '@tasklane/protocol'

export interface FailureGroup {
  readonly fingerprint: string
  readonly task_type: string
  readonly code: string
  readonly message: string
  readonly count: number
  readonly first_at: string
  readonly last_at: string
  readonly sample_task_id: string
  readonly queues?: readonly string[]
  readonly workers?: readonly string[]
}

export interface TaskType {
  readonly task_type: string
  readonly schema: Json | null
  readonly workers: number
}

/** What travels of a task that changed: enough to keep a row right. */
export interface TaskChange {
  readonly task_id: string
  readonly task_type?: string
  readonly queue?: string
  /** What is not said has not changed, or is not known to the node that tells it. */
  readonly status?: TaskState
  readonly worker_id?: string | null
  readonly attempt?: number
  readonly progress?: { readonly percent: number; readonly message?: string } | null
}
