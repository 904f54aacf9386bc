import type { Json, Task, TaskError, TaskProgress, TaskState } from './task.ts'

/** In a list of capabilities or queues: all of them. */
export const anyName = '*'

export interface WorkerRegistration {
  readonly worker_id: string
  /** Types this worker can run; `["*"]` is every type. */
  readonly capabilities: readonly string[]
  /** Queues it serves; absent is every queue. */
  readonly queues?: readonly string[]
  readonly max_concurrent_tasks?: number
  readonly labels?: Readonly<Record<string, string>>
  /** Names the process: the same id with another instance gives back what the old one held. */
  readonly instance?: string
  /** JSON Schema of the payload of each type, from which forms are drawn. */
  readonly types?: Readonly<Record<string, Json>>
}

export interface RegistrationReply {
  readonly worker_id: string
  /** Seconds between heartbeats; the scheduler's word. */
  readonly heartbeat_interval: number
  readonly lease_seconds: number
}

export interface ClaimRequest {
  readonly limit?: number
  /** Seconds to wait for work, 30 at most. */
  readonly wait?: number
  /** Repeated with the same value, the claim returns the same tasks: a lost reply loses nothing. */
  readonly request_id?: string
  /** The tasks come without the members that are null or empty: half the reply, for those who know what is not said. */
  readonly sparse?: boolean
}

export interface ParentOutcome {
  readonly status: TaskState
  readonly result: Json
  readonly error: TaskError | null
}

export interface ClaimedTask extends Task {
  readonly epoch: number
  readonly lease_expires_at: string
  /** Results of the parents by task id; absent when they are above 1 MiB, then `parents_url` pages through them. */
  readonly parents?: Readonly<Record<string, ParentOutcome>>
  readonly parents_url?: string
}

/** What is always said of a claimed task; the rest may be left out of a sparse claim, which means null or empty. */
export type SparseClaimedTask = Pick<
  ClaimedTask,
  | 'task_id'
  | 'task_type'
  | 'queue'
  | 'priority'
  | 'priority_source'
  | 'status'
  | 'worker_id'
  | 'max_retries'
  | 'attempt'
  | 'created_at'
  | 'started_at'
  | 'epoch'
  | 'lease_expires_at'
> &
  Partial<ClaimedTask>

export interface ClaimReply {
  readonly tasks: readonly ClaimedTask[]
}

export interface SparseClaimReply {
  readonly tasks: readonly SparseClaimedTask[]
}

export interface ParentsPage {
  readonly parents: Readonly<Record<string, ParentOutcome>>
  /** Path and query of the next page, or null. */
  readonly next: string | null
}

export interface SystemInfo {
  /** Per cent, 0 to 100. */
  readonly cpu_usage?: number
  readonly memory_usage?: number
  readonly disk_usage?: number
  /** What the worker is built on, such as `tasklane-sdk/0.1.0 node/20.19.0`. */
  readonly sdk?: string
}

export interface HeldTask {
  readonly task_id: string
  readonly epoch: number
  readonly progress?: TaskProgress
}

export interface HeartbeatRequest {
  readonly status?: string
  /** The leases to extend; absent extends all the worker holds. A bare id extends whatever claim this worker has on it. */
  readonly current_tasks?: readonly (string | HeldTask)[]
  readonly system_info?: SystemInfo
}

export interface HeartbeatReply {
  /** Tasks somebody asked to cancel: abort their handlers. */
  readonly cancel: readonly string[]
  /** Tasks this worker no longer holds: abort, and do not settle. */
  readonly lost: readonly string[]
  /** Stop claiming, finish what runs, deregister. */
  readonly drain: boolean
}

export type SettleOutcome = 'completed' | 'failed' | 'released'

export interface SettleResult {
  readonly task_id: string
  readonly epoch: number
  readonly outcome: SettleOutcome
  readonly result?: Json
  readonly error?: TaskError
  /** False: do not try again, whatever is left of the budget. */
  readonly retryable?: boolean
  /** Seconds until the next try, instead of the back-off. */
  readonly retry_after?: number
}

export interface SettleRequest {
  readonly results: readonly SettleResult[]
  /** Also claims, in the same breath and without waiting: what these results free may be used at once. */
  readonly claim?: Omit<ClaimRequest, 'wait'>
}

export type SettleVerdict = 'applied' | 'stale' | 'unknown'

export interface SettleReply {
  readonly results: readonly {
    readonly task_id: string
    readonly verdict: SettleVerdict
    /** Present where the result could not be stored and the task was failed as `result_invalid`. */
    readonly detail?: string
  }[]
  /** Present where the call claimed, too. Empty also where the claim was refused; a claim of its own tells why. */
  readonly tasks?: readonly (ClaimedTask | SparseClaimedTask)[]
}

export interface WorkerLogLine {
  readonly task_id: string
  readonly epoch: number
  readonly level?: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  /** RFC 3339; the scheduler's time if absent. */
  readonly time?: string
}

export interface WorkerLogRequest {
  readonly logs: readonly WorkerLogLine[]
}

export interface WorkerLogReply {
  readonly accepted: number
  /** Lines beyond a task's bound, or of a task this worker does not hold. */
  readonly dropped: number
}

export type WorkerStatus = 'active' | 'draining' | 'lost'

export interface Worker {
  readonly worker_id: string
  readonly status: WorkerStatus
  readonly capabilities: readonly string[]
  readonly queues: readonly string[]
  readonly max_concurrent_tasks: number
  readonly current_tasks: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly instance: string | null
  readonly types: Readonly<Record<string, Json>>
  readonly system_info: SystemInfo
  readonly registered_at: string
  readonly last_heartbeat: string
}
