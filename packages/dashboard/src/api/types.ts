import type { Json, TaskState } from '@tasklane/protocol'

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
