/** The states a task can be in, as stored and as told on the wire. */
export const taskStates = ['blocked', 'scheduled', 'pending', 'running', 'completed', 'failed', 'cancelled'] as const
export type TaskState = (typeof taskStates)[number]

export type FinishedState = 'completed' | 'failed' | 'cancelled'
export const finishedStates: readonly FinishedState[] = ['completed', 'failed', 'cancelled']

export function isFinished(state: TaskState): state is FinishedState {
  return state === 'completed' || state === 'failed' || state === 'cancelled'
}

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export type PrioritySource = 'declared' | 'predicted' | 'default'
export type DependencyPolicy = 'cancel' | 'proceed'

/** Why an attempt or a task ended badly. `code` is stable; `message` is for people. */
export interface TaskError {
  readonly code: string
  readonly message: string
  readonly stack?: string
}

export interface TaskProgress {
  /** 0 to 100. */
  readonly percent: number
  readonly message?: string
}

/** A task as every call returns it. Times are RFC 3339 in UTC, durations seconds. */
export interface Task {
  readonly task_id: string
  readonly task_type: string
  readonly queue: string
  readonly name: string | null
  readonly description: string | null
  readonly payload: Json
  readonly priority: number
  readonly priority_source: PrioritySource
  readonly status: TaskState
  readonly worker_id: string | null
  readonly dependencies: readonly string[]
  /** Seconds one attempt may take; null is no limit. */
  readonly timeout: number | null
  /** n retries are n + 1 attempts. */
  readonly max_retries: number
  /** Attempts begun so far; releases are handed back. */
  readonly attempt: number
  readonly idempotency_key: string | null
  readonly run_at: string | null
  readonly created_at: string
  readonly started_at: string | null
  readonly completed_at: string | null
  readonly result: Json
  readonly error: TaskError | null
  readonly progress: TaskProgress | null
  readonly labels: Readonly<Record<string, string>>
  readonly submitted_by: string | null
  readonly trace: string | null
}

/** What a client may say of a task at submit. */
export interface TaskSubmission {
  readonly task_type: string
  readonly task_id?: string
  readonly payload?: Json
  readonly priority?: number
  readonly dependencies?: readonly string[]
  /** What becomes of this task when a parent fails or is cancelled; `cancel` if not said. */
  readonly on_dependency_failure?: DependencyPolicy
  readonly timeout?: number | null
  readonly max_retries?: number
  readonly queue?: string
  /** RFC 3339 with a zone; exclusive with `delay`. */
  readonly run_at?: string
  /** Seconds from now; exclusive with `run_at`. */
  readonly delay?: number
  readonly name?: string
  readonly description?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly idempotency_key?: string
}

export type SubmitOutcome = 'created' | 'existing' | 'refused'

export interface BatchSubmission {
  readonly tasks: readonly TaskSubmission[]
  /** True (default): all or nothing. False: each task has its own outcome. */
  readonly atomic?: boolean
}

export interface BatchReceipt {
  readonly task_id: string | null
  readonly status: TaskState | null
  readonly outcome: SubmitOutcome
  /** Present where the outcome is `refused`. */
  readonly error?: { readonly code: string; readonly detail: string }
}

export interface BatchReply {
  readonly tasks: readonly BatchReceipt[]
}

export interface TaskPage {
  readonly tasks: readonly Task[]
  readonly next_cursor: string | null
  /** With `count=true`: how many match on all pages. */
  readonly total?: number
  /** False where there are more than `total`. */
  readonly total_is_exact?: boolean
}

/** The query of `GET /api/tasks`; also the `filter` of a bulk call. Lists are comma separated in the query. */
export interface TaskFilterQuery {
  readonly status?: string
  readonly task_type?: string
  readonly queue?: string
  readonly worker_id?: string
  /** `key:value`, or `key` for any value. */
  readonly label?: string
  /** Text to be found in the id, the name or the type. */
  readonly q?: string
  /** Of failed tasks: one group of `GET /api/failures`. */
  readonly fingerprint?: string
  /** RFC 3339: at or after. */
  readonly created_after?: string
  /** RFC 3339: before. */
  readonly created_before?: string
  /** Both are included. */
  readonly priority_min?: number
  readonly priority_max?: number
}

/** Failed tasks of one cause: of one type, with one code, and with messages that differ in numbers, ids and the like only. */
export interface FailureGroup {
  readonly fingerprint: string
  readonly task_type: string
  readonly code: string
  /** Of the sample. */
  readonly message: string
  readonly count: number
  readonly first_at: string
  readonly last_at: string
  readonly sample_task_id: string
  /** How many failed in each piece of the time asked for, all equally long, the oldest first. */
  readonly trend: readonly number[]
  /** What the tasks say that were submitted last: of the group, a few. */
  readonly newest: {
    readonly count: number
    readonly queues: readonly string[]
    readonly workers: readonly string[]
    /** So many of them had no try left; the others failed for good by their worker's word. */
    readonly used_up: number
  }
}

export interface FailureGroups {
  readonly groups: readonly FailureGroup[]
  /** Whether there are more groups than were asked for. */
  readonly truncated: boolean
  /** False where more tasks failed in this time than are looked at: counts are of those that failed last. */
  readonly complete: boolean
}

/** What all nodes counted together, in points of `step` seconds. */
export interface StatsHistory {
  readonly from: string
  readonly step: number
  readonly points: readonly StatsPoint[]
}

export interface StatsPoint {
  readonly at: string
  readonly submitted: number
  readonly completed: number
  readonly failed: number
  readonly cancelled: number
  /** Null in the series of one queue. */
  readonly retried: number | null
  readonly wait_p95_ms: number | null
  readonly run_p95_ms: number | null
  /** Null where no node looked, and in the series of one queue. */
  readonly waiting: number | null
  readonly running: number | null
  readonly workers: number | null
  readonly slots: number | null
  readonly slots_used: number | null
}

/** A type of task that a live worker takes, for a form to submit one. */
export interface TaskType {
  readonly task_type: string
  /** JSON Schema of the payload, where a worker published one. */
  readonly schema: Json
  /** Null where one of the workers serves every queue. */
  readonly queues: readonly string[] | null
  /** How many live workers take it. */
  readonly workers: number
}

export type AttemptOutcome = 'running' | 'completed' | 'failed' | 'timeout' | 'crashed' | 'released' | 'cancelled'

export interface Attempt {
  /** The count the attempt had; a released one gave its count back. */
  readonly attempt: number
  readonly epoch: number
  readonly worker_id: string | null
  readonly started_at: string
  readonly ended_at: string | null
  readonly outcome: AttemptOutcome
  readonly error: TaskError | null
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

export interface LogLine {
  readonly line: number
  readonly epoch: number
  readonly time: string
  readonly level: LogLevel
  readonly message: string
}

export interface LogPage {
  readonly logs: readonly LogLine[]
  /** Pass as `after` to read on; null when nothing more is there now. */
  readonly next_after: number | null
}

export interface GraphNode {
  readonly task_id: string
  readonly task_type: string
  readonly name: string | null
  readonly status: TaskState
  readonly started_at: string | null
  readonly completed_at: string | null
}

export interface TaskGraph {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly { readonly parent: string; readonly child: string; readonly on_failure: DependencyPolicy }[]
  /** True when there are more tasks than the bound: the nearest are told. */
  readonly truncated: boolean
  /** True when there are more edges among these tasks than the bound: those of the nearest tasks are told. */
  readonly edges_truncated: boolean
}

/** Why a task is not running: a stable code, a sentence, and the facts the sentence was made from. */
export interface Why {
  readonly task_id: string
  readonly status: TaskState
  readonly reasons: readonly {
    readonly code: WhyCode
    readonly detail: string
    readonly facts: Readonly<Record<string, Json>>
  }[]
}

export type WhyCode =
  | 'waits_for_parents'
  | 'waits_for_time'
  | 'waits_for_retry'
  | 'queue_paused'
  | 'no_capable_worker'
  | 'no_free_slot'
  | 'rank'
  | 'running'
  | 'cancelling'
  | 'finished'

export type BulkAction = 'cancel' | 'retry' | 'reprioritise' | 'delete'

export interface BulkRequest {
  readonly action: BulkAction
  readonly ids?: readonly string[]
  readonly filter?: TaskFilterQuery
  /** With `reprioritise`. */
  readonly priority?: number
  readonly reason?: string
  readonly with_dependents?: boolean
  readonly dry_run?: boolean
}

export interface BulkReply {
  readonly action: BulkAction
  readonly dry_run: boolean
  readonly matched: number
  /** Verdicts and how many tasks had each, e.g. `{cancelled: 4, finished: 1}`; empty in a dry run. */
  readonly verdicts: Readonly<Record<string, number>>
}
