import type {
  Attention,
  BulkAction,
  BulkReply,
  FailureGroups,
  HeartbeatReply,
  Json,
  Queue,
  RegistrationReply,
  SettleReply,
  Stats,
  StatsHistory,
  TaskProgress,
  TaskType,
  Why,
  Worker,
} from '@tasklane/protocol'
import type { QueueSettings } from '../core/pause.ts'
import type { Names } from '../core/scope.ts'
import type { JsonText, TaskDraft, TaskId, TaskRecord, WorkerId } from '../core/task.ts'
import type {
  AttemptRecord,
  ClaimedTask,
  GraphRecord,
  LeaseFacts,
  LogDraft,
  LogRecord,
  ParentRecord,
  Store,
  TaskCount,
  TaskFilter,
  WorkerSettings,
} from '../ports/store.ts'
import type { Alerts } from './alerts/alerts.ts'
import type { News } from './news.ts'

/** What the HTTP floor may ask. Refusals are thrown as `Problem`; what a race may bring is returned. */
export interface Engine {
  // Tasks
  /** All or nothing: throws the group's refusal. Resolves when durable. */
  submit(drafts: readonly TaskDraft[]): Promise<readonly Submitted[]>
  /** Each draft its own group; never throws for one task's refusal. */
  submitEach(drafts: readonly TaskDraft[]): Promise<readonly (Submitted | SubmitRefusal)[]>
  /** Throws `task_unknown`. */
  task(id: TaskId): Promise<TaskRecord>
  /** By the number that every task has. Throws `task_unknown`. */
  taskByNumber(number: number): Promise<TaskRecord>
  tasks(
    filter: TaskFilter,
    page: { readonly limit: number; readonly cursor: string | null; readonly offset: number },
  ): Promise<{
    readonly tasks: readonly TaskRecord[]
    readonly nextCursor: string | null
  }>
  attempts(id: TaskId): Promise<readonly AttemptRecord[]>
  logs(id: TaskId, after: number, limit: number): Promise<readonly LogRecord[]>
  parents(id: TaskId, from: number): Promise<readonly ParentRecord[]>
  graph(id: TaskId): Promise<GraphRecord>
  why(id: TaskId): Promise<Why>
  /** Resolves when the task has finished, or with the unfinished task after `waitMs` or when the signal aborts. */
  waitForResult(id: TaskId, waitMs: number, signal: AbortSignal): Promise<TaskRecord>
  /** Returns the task after the call; throws `task_unknown`, or `task_finished` where it had ended before. */
  cancel(id: TaskId, reason: string | null): Promise<TaskRecord>
  /** Throws `task_unknown`, `task_not_retryable`. */
  retry(id: TaskId, withDependents: boolean): Promise<TaskRecord>
  /** Throws `task_unknown`, `task_not_waiting`. */
  reprioritise(id: TaskId, priority: number): Promise<TaskRecord>
  /** Throws `task_unknown`, `task_unfinished`, `task_needed`. */
  remove(id: TaskId): Promise<void>
  completeByHand(id: TaskId, result: JsonText | null): Promise<TaskRecord>
  bulk(ask: BulkAsk): Promise<BulkReply>
  /** Of each that exists, who submitted it. */
  submittersOf: Store['submittersOf']
  /** How many match, counted at most to `most`. */
  /** How many match, at most to `most`; a text is looked for among the newest tasks only. */
  countTasks(filter: TaskFilter, most: number): Promise<TaskCount>

  // Workers
  /** @param options.heartbeatMs how often this worker will be heard at the least, where it cannot be told */
  register(settings: WorkerSettings, options?: { readonly heartbeatMs: number }): Promise<RegistrationReply>
  /** Throws `worker_unknown`, `worker_draining`. Waits up to `waitMs` for work; the signal ends the wait. */
  claim(ask: {
    readonly workerId: WorkerId
    readonly limit: number
    readonly waitMs: number
    readonly requestId: string | null
    readonly signal: AbortSignal
    /** Narrows what the worker is registered for. */
    readonly within?: { readonly queues: Names; readonly types: Names }
  }): Promise<readonly ClaimedTask[]>
  /** What a worker holds, of any claim. */
  leasesOf(workerId: WorkerId): Promise<readonly LeaseFacts[]>
  /** Gives back, uncharged, what a claim handed out and nobody received, in any answer to the same request. */
  releaseUndelivered(workerId: WorkerId, tasks: readonly ClaimedTask[], requestId: string | null): Promise<void>
  /** Throws `worker_unknown`. */
  heartbeat(beat: Heartbeat): Promise<HeartbeatReply>
  settle(workerId: WorkerId, results: readonly WorkerResult[]): Promise<SettleReply['results']>
  appendLogs(workerId: WorkerId, lines: readonly LogDraft[]): Promise<number>
  /** Throws `worker_unknown`. */
  drain(workerId: WorkerId): Promise<Worker>
  /** Its tasks go back at once, uncharged. Throws `worker_unknown`. */
  deregister(workerId: WorkerId): Promise<void>
  workers(): Promise<readonly Worker[]>
  worker(id: WorkerId): Promise<Worker>

  // Queues and the whole
  queues(): Promise<readonly Queue[]>
  queue(name: string): Promise<Queue>
  setQueue(name: string, settings: QueueSettings): Promise<Queue>
  /** Every type of which this queue was ever sent a task, in order. */
  typesIn(queue: string): Promise<readonly string[]>
  stats(): Promise<Stats>
  /** What live workers take, in the order of the names. */
  types(): Promise<readonly TaskType[]>
  /** What all nodes counted in the last minutes. */
  history(ask: {
    readonly minutes: number
    readonly stepMs: number
    readonly queue: string | null
  }): Promise<StatsHistory>
  /** Failed tasks by their cause, those first that failed last. */
  failures(withinMs: number, limit: number): Promise<FailureGroups>
  /** What a person should look at. */
  attention(): Promise<Attention>
  readonly alerts: Alerts
  /** How many of the failed tasks, the newest 10,000, ran out of time; of this submitter, where one is named. */
  timedOut(submittedBy: string | null): Promise<number>
  /** Throws `store_unavailable` or `stopping`. */
  checkReady(): Promise<void>
  /** What happened on this node, for metrics. The listener must not throw. */
  observe(listener: (event: EngineEvent) => void): () => void
  /** What changes, while somebody watches; with nobody it costs nothing. The watcher must not throw. */
  watch(watcher: (news: News) => void): () => void
  newTaskId(): TaskId

  start(): Promise<void>
  /** From here on `checkReady` refuses and waiting claims end empty; calls under way still finish. */
  beginStop(): void
  /** Commits what is queued and ends the sweeps. */
  stop(): Promise<void>
}

export type { Alerts } from './alerts/alerts.ts'
export type { News, TaskChange } from './news.ts'

export interface Submitted {
  readonly outcome: 'created' | 'existing'
  readonly record: TaskRecord
}

export interface SubmitRefusal {
  readonly outcome: 'refused'
  readonly code: string
  readonly detail: string
}

export interface BulkAsk {
  readonly action: BulkAction
  readonly target: { readonly ids: readonly TaskId[] } | { readonly filter: TaskFilter }
  readonly priority: number | null
  readonly reason: string | null
  readonly withDependents: boolean
  readonly isDryRun: boolean
}

export interface Heartbeat {
  readonly workerId: WorkerId
  readonly systemInfo: Json
  /** Null extends all the worker holds. */
  readonly currentTasks:
    | readonly { readonly taskId: TaskId; readonly epoch: number | null; readonly progress: TaskProgress | null }[]
    | null
}

export interface WorkerResult {
  readonly taskId: TaskId
  readonly epoch: number
  /** `cancelled`: the worker was told, by means of its own, that the task is not wanted any more. */
  readonly outcome: 'completed' | 'failed' | 'released' | 'cancelled'
  readonly result: JsonText | null
  readonly error: { readonly code?: string; readonly message: string; readonly stack?: string } | null
  readonly isRetryable: boolean
  readonly retryAfterMs: number | null
  /** Set where the result cannot be kept: the task is failed with `result_invalid` and this sentence. */
  readonly resultFault: string | null
}

export type EngineEvent =
  | { readonly kind: 'submitted'; readonly queue: string; readonly type: string; readonly count: number }
  | { readonly kind: 'claimed'; readonly queue: string; readonly type: string; readonly count: number }
  | {
      readonly kind: 'ended'
      readonly queue: string
      readonly type: string
      readonly state: 'completed' | 'failed' | 'cancelled'
      readonly waitMs: number | null
      readonly runMs: number | null
    }
  | { readonly kind: 'attempt_failed'; readonly as: 'failed' | 'timeout' | 'crashed'; readonly willRetry: boolean }
  | { readonly kind: 'stale_settle' }
  | { readonly kind: 'notified'; readonly outcome: 'sent' | 'failed' | 'given_up' }
  | { readonly kind: 'committed'; readonly commands: number; readonly durationMs: number }
