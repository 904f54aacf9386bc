import type {
  AttemptOutcome,
  DependencyPolicy,
  FinishedState,
  LogLevel,
  ProblemCode,
  StateCounts,
  TaskState,
} from '@tasklane/protocol'
import type { Pause, QueueSettings } from '../core/pause.ts'
import type { Decision } from '../core/retry.ts'
import type { JsonText, TaskDraft, TaskId, TaskRecord, WorkerId } from '../core/task.ts'
import type { AccountStore } from './accounts.ts'
import type { AlertStore } from './alerts.ts'
import type { HistoryStore } from './history.ts'

/**
 * Where the truth lives. The contract, for every store:
 *
 *  1. Each call is one transaction: all of it or nothing, durable before it resolves. A call that rejects changed
 *     nothing, or its outcome is unknown and it says so (`store_unavailable`).
 *  2. Lists in, verdicts out, same order and length. What a race may bring (stale, unknown) is a verdict, not an error.
 *  3. Only (task id, epoch, worker) moves a running task. The epoch is +1 at every claim and never handed back.
 *  4. One conditional statement per transition. No select-then-update across calls, sweeps included.
 *  5. Time is the store's own clock. Callers pass durations; `runAtMs` is data.
 *  6. Lists are bounded by the limits of the protocol; beyond is a fault of ours, asserted at the door above.
 *  7. Safe from any number of callers at once; no leader. A call never waits for work to appear.
 *  8. A method that takes several tasks applies them in the order of the list.
 */
export interface Store extends TaskStore, SweepStore, ReadStore, AdminStore, AccountStore, HistoryStore, AlertStore {
  /** How many exchanges may be under way at once: 1 where a transaction has the store to itself. */
  readonly exchangesAtOnce: number
  /** Whether other nodes may move tasks, too: then what this node did not hear of has to be looked for. */
  readonly isShared: boolean
  /** Creates or updates the schema. Idempotent; safe from several processes at once. */
  migrate(): Promise<void>
  /** Rejects with `store_unavailable` when the store cannot be written. */
  check(): Promise<void>
  close(): Promise<void>
}

// ─── Moving tasks ────────────────────────────────────────────────────────────────────────────────────────────────────

export interface TaskStore {
  /**
   * The hot path: everything that arrived while the last commit ran, in one transaction and in this order: settles,
   * submits, beats, claims. So a submit and the parked claim it wakes share one commit.
   */
  exchange(batch: ExchangeBatch): Promise<ExchangeOutcome>
  /**
   * Waiting tasks end at once, with their `cancel` children, and their error is `cancelled` with the reason. Running
   * ones are marked: the mark and that same error stand on the row until it completes or ends as cancelled. A second
   * mark changes nothing.
   */
  cancel(ids: readonly TaskId[], reason: string | null): Promise<Moved<CancelVerdict>>
  /**
   * failed, cancelled → pending, or back to blocked while a parent has not ended: the operator overrides a parent that
   * failed, not one that still runs. Parents are counted when the whole list has started anew. `withDependents` returns `dependency_failed` descendants to
   * blocked where no other failed parent holds them.
   */
  requeue(ids: readonly TaskId[], withDependents: boolean): Promise<Moved<RequeueVerdict>>
  reprioritise(
    changes: readonly { readonly id: TaskId; readonly priority: number }[],
  ): Promise<Moved<ReprioritiseVerdict>>
  /** Any unfinished state → completed, unblocking children; a worker's later settle is stale. */
  completeByHand(
    tasks: readonly { readonly id: TaskId; readonly result: JsonText | null }[],
  ): Promise<Moved<ByHandVerdict>>
  /** Deletes finished tasks with their attempts, logs and edges, unless an unfinished child needs them. */
  remove(ids: readonly TaskId[]): Promise<readonly RemoveVerdict[]>
}

export interface ExchangeBatch {
  readonly settles: readonly Settlement[]
  readonly submits: readonly SubmitGroup[]
  readonly beats: readonly WorkerBeat[]
  readonly claims: readonly ClaimAsk[]
}

export interface ExchangeOutcome {
  readonly settles: readonly SettleResult[]
  readonly submits: readonly SubmitVerdict[]
  readonly beats: readonly BeatVerdict[]
  readonly claims: readonly (readonly ClaimedTask[])[]
  readonly changes: Changes
}

/** What a transaction changed that somebody may be waiting for. */
export interface Changes {
  /** Lanes that got pending tasks by unblock, retry, release or promote, and how many. Submits are not repeated here. */
  readonly ready: readonly LaneCount[]
  readonly ended: readonly EndedTask[]
  /**
   * True where more than `limits.releasedInTransactionMax` edges were to be resolved: the rest is remembered durably,
   * and `unblock` should be called soon.
   */
  readonly hasLeftovers: boolean
}

export interface LaneCount {
  readonly queue: string
  readonly type: string
  readonly count: number
}

export interface EndedTask {
  readonly id: TaskId
  readonly type: string
  readonly queue: string
  readonly state: FinishedState
  /** From due to started, and from started to ended; null where it never ran. */
  readonly waitMs: number | null
  readonly runMs: number | null
}

export interface Moved<Verdict> {
  readonly verdicts: readonly Verdict[]
  readonly changes: Changes
}

/** All or nothing, with a verdict of its own, so that one client's mistake never undoes another's submit. */
export interface SubmitGroup {
  readonly drafts: readonly TaskDraft[]
}

export type SubmitVerdict =
  | { readonly kind: 'accepted'; readonly receipts: readonly SubmitReceipt[] }
  /** One fault of the group; where it has several, any of them. */
  | { readonly kind: 'refused'; readonly code: ProblemCode; readonly detail: string; readonly index: number }

export interface SubmitReceipt {
  readonly taskId: TaskId
  readonly number: number
  readonly state: TaskState
  readonly createdAtMs: number
  readonly runAtMs: number | null
  /** Why the task was cancelled at once; null otherwise. */
  readonly error: JsonText | null
  /** The first task where this submit repeated it (same id or key, same content); null where one was created. */
  readonly existing: TaskRecord | null
}

/** A claim is a sign of life, too. A draining worker gets nothing, whoever asked for the drain through whichever node. */
export interface ClaimAsk {
  readonly workerId: WorkerId
  /** Null is every queue, every type. */
  readonly queues: readonly string[] | null
  readonly types: readonly string[] | null
  /** At most so many; fewer where their texts pass `limits.replyBytesMax`. */
  readonly limit: number
  readonly leaseMs: number
  /**
   * Repeated, the same leases come back as far as the worker still holds them, and nothing new is claimed. If it holds
   * none of them any more (an undelivered claim was released, say), the repeat claims anew.
   */
  readonly requestId: string | null
}

export interface ClaimedTask extends TaskRecord {
  readonly leaseExpiresAtMs: number
  /** Null where the results together are above `limits.parentsBytesMax`: page through `parents()`. Empty without parents. */
  readonly parents: readonly ParentRecord[] | null
}

export interface ParentRecord {
  readonly id: TaskId
  /** Null where the parent has been pruned. */
  readonly state: TaskState | null
  readonly result: JsonText | null
  readonly error: JsonText | null
}

export interface Lease {
  readonly taskId: TaskId
  readonly epoch: number
  readonly workerId: WorkerId
}

export interface Settlement {
  readonly lease: Lease
  readonly outcome: Outcome
  /**
   * `held`: the worker's own word, which it may repeat. The other two are the scheduler's, after which the worker's word
   * is stale: `expired` holds only if the lease has run out by the store's clock, `replaced` without that condition.
   */
  readonly guard: 'held' | 'expired' | 'replaced'
}

export type Outcome =
  | { readonly kind: 'completed'; readonly result: JsonText | null }
  | { readonly kind: 'released' }
  /** The worker says that the task was called off: it ends as cancelled, with this error or the one that a mark left. */
  | { readonly kind: 'cancelled'; readonly error: JsonText }
  /**
   * `retry` or `failed`, as core decided; the error is kept on the attempt, and on the task until it completes. Under a
   * cancel mark the row becomes cancelled instead, with the error that the mark left.
   */
  | Decision

export interface SettleResult {
  /** A repeated settle with its epoch, worker and outcome is `applied` again and changes nothing. */
  readonly verdict: 'applied' | 'stale' | 'unknown'
  /** The state this settle led to; null unless applied now. */
  readonly state: TaskState | null
}

export interface WorkerBeat {
  readonly workerId: WorkerId
  readonly systemInfo: JsonText | null
  readonly leaseMs: number
  /** The leases to extend; an epoch of null takes whatever claim this worker holds. `all` extends everything it holds. */
  readonly held: 'all' | readonly HeldLease[]
}

export interface HeldLease {
  readonly taskId: TaskId
  readonly epoch: number | null
  readonly progress: JsonText | null
}

export interface BeatVerdict {
  readonly isKnown: boolean
  readonly isDraining: boolean
  readonly cancel: readonly TaskId[]
  readonly lost: readonly TaskId[]
}

export type CancelVerdict = 'cancelled' | 'requested' | 'finished' | 'unknown'
export type RequeueVerdict = 'requeued' | 'not_retryable' | 'unknown'
export type ReprioritiseVerdict = 'changed' | 'not_waiting' | 'unknown'
export type ByHandVerdict = 'completed' | 'finished' | 'unknown'
export type RemoveVerdict = 'removed' | 'unfinished' | 'needed' | 'unknown'

// ─── Sweeps: bounded passes that every node may run at any time ──────────────────────────────────────────────────────

export interface SweepStore {
  /** scheduled → pending for those whose time has come. */
  promote(limit: number): Promise<{ readonly changes: Changes; readonly nextDueInMs: number | null }>
  /** Leases that have run out: read here, decided in core, settled with the guard `expired`. */
  expired(limit: number): Promise<readonly LeaseFacts[]>
  /** No lease may end later than so far from now. For a clock that was set back. */
  shorten(mostMs: number): Promise<void>
  /** Goes on with the unblocking and cascading that parents with many children left over. */
  unblock(limit: number): Promise<{ readonly changes: Changes; readonly isDone: boolean }>
  /**
   * Looks at up to `limit` tasks in the order of their numbers, deletes the finished ones older than `keepMs` that no
   * unfinished child needs, and old worker rows. The next call goes on; at the first task that was created within
   * `keepMs` the walk starts over, since no later one can be old enough. Returns how many it deleted.
   */
  prune(ask: { readonly keepMs: number; readonly workerKeepMs: number; readonly limit: number }): Promise<number>
}

/** A live lease and what core needs to decide how its attempt ends; immutable while the epoch lasts. */
export interface LeaseFacts extends Lease {
  readonly attempt: number
  readonly crashes: number
  readonly maxRetries: number
  readonly pastDeadline: boolean
}

// ─── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ReadStore {
  task(id: TaskId): Promise<TaskRecord | null>
  /** By the number that every task has. */
  taskByNumber(number: number): Promise<TaskRecord | null>
  /** Of each that exists, who submitted it. Neither ever changes; in any order. */
  submittersOf(ids: readonly TaskId[]): Promise<readonly { readonly id: TaskId; readonly submittedBy: string | null }[]>
  /** Which of these have ended, in any order; one that is unknown counts as ended. */
  endedAmong(ids: readonly TaskId[]): Promise<readonly TaskId[]>
  /** Newest first: numbers below `before`, or after skipping `offset`. */
  tasks(filter: TaskFilter, page: PageAsk): Promise<readonly TaskRecord[]>
  /** Ids only, newest first; for bulk calls. */
  taskIds(filter: TaskFilter, page: PageAsk): Promise<readonly { readonly id: TaskId; readonly number: number }[]>
  /**
   * How many match, counted at most to `most`, and where `newest` is said among so many of the latest numbers alone: what
   * no index finds would otherwise be looked for in every row.
   */
  countTasks(filter: TaskFilter, most: number, newest: number | null): Promise<TaskCount>
  /** The live leases among these; in the order asked, null where there is none under that epoch and worker. */
  leases(leases: readonly Lease[]): Promise<readonly (LeaseFacts | null)[]>
  leasesOf(workerId: WorkerId): Promise<readonly LeaseFacts[]>
  /** Oldest first, the running or last one included. Null where the task is unknown. */
  attempts(id: TaskId): Promise<readonly AttemptRecord[] | null>
  logs(id: TaskId, after: number, limit: number): Promise<readonly LogRecord[] | null>
  /** Parents in the order of the task's dependencies, from position `from`, as many as fit `bytesMax` (at least one). */
  parents(id: TaskId, from: number, bytesMax: number): Promise<readonly ParentRecord[] | null>
  /** The task, its ancestors and its descendants, nearest first, and the edges among them; both bounded. */
  graph(id: TaskId, tasksMax: number, edgesMax: number): Promise<GraphRecord | null>
  /** The facts from which core says why a task is not running. */
  standing(id: TaskId, positionMax: number): Promise<Standing | null>
  queues(): Promise<readonly QueueRecord[]>
  /** Every type of which this queue was ever sent a task, also where none is left; in any order. */
  typesIn(queue: string): Promise<readonly string[]>
  counts(): Promise<StateCounts>
  /** Of the newest `most` failed tasks, how many ran past their time limit; of this submitter, where one is named. */
  countTimedOut(submittedBy: string | null, most: number): Promise<number>
  workers(): Promise<readonly WorkerRecord[]>
  /**
   * Failed tasks by their fingerprint, the group that failed last first; those that were started anew are in it no more.
   * Looks at the `most` that failed last within `withinMs`.
   */
  failures(ask: FailuresAsk): Promise<readonly FailureGroup[]>
  /**
   * Lanes with tasks that a worker could take, those with the most of them first. The first `looked` of them with the task
   * that stands first in their line: an entry of an index each, however many wait.
   */
  waiting(looked: number): Promise<Waiting>
  /** For counting them: `workers()` looks at every lease. In no particular order. */
  presence(): Promise<readonly WorkerPresence[]>
  worker(id: WorkerId): Promise<WorkerRecord | null>
}

export interface TaskFilter {
  readonly states: readonly TaskState[] | null
  readonly types: readonly string[] | null
  readonly queues: readonly string[] | null
  readonly workerId: WorkerId | null
  /** Exactly this submitter's; null is anybody's. */
  readonly submittedBy: string | null
  /** A null value matches any. */
  readonly label: { readonly key: string; readonly value: string | null } | null
  /** Found in id, name or type, without regard to ASCII case. */
  readonly text: string | null
  /** Of failed tasks alone: see core/fingerprint.ts. */
  readonly fingerprint: string | null
  /** At or after, and before. */
  readonly createdFromMs: number | null
  readonly createdBeforeMs: number | null
  /** Both included. */
  readonly priorityMin: number | null
  readonly priorityMax: number | null
}

export interface TaskCount {
  readonly count: number
  /** False where more may match than were counted. */
  readonly isExact: boolean
}

export interface Waiting {
  readonly nowMs: number
  /** When the first of the scheduled tasks is due. */
  readonly nextRunAtMs: number | null
  readonly lanes: readonly WaitingLane[]
}

export interface WaitingLane {
  readonly queue: string
  readonly type: string
  /** Of the queue; null where it is not paused. */
  readonly pause: Pause | null
  readonly pending: number
  /** Null where nobody looked, or where it has gone meanwhile. */
  readonly first: { readonly id: TaskId; readonly dueAtMs: number } | null
}

export interface FailuresAsk {
  readonly withinMs: number
  readonly most: number
  readonly limit: number
  /** Into so many pieces the time is cut. */
  readonly cells: number
  /** So many of each group are looked at for their queues and workers, those submitted last. */
  readonly newest: number
}

/** Failed tasks of one cause, as far as they failed within the time asked for. */
export interface FailureGroup {
  readonly fingerprint: string
  readonly type: string
  readonly count: number
  readonly firstAtMs: number
  readonly lastAtMs: number
  /** The one submitted last, and its error. */
  readonly sample: TaskId
  readonly error: JsonText | null
  /** How many failed in each piece of the time, the oldest first. */
  readonly trend: readonly number[]
  /** Of the newest: where they were, who had them last, and how many had used up their tries. */
  readonly newest: {
    readonly count: number
    readonly queues: readonly string[]
    readonly workers: readonly WorkerId[]
    readonly usedUp: number
  }
}

export interface PageAsk {
  readonly limit: number
  readonly before: number | null
  readonly offset: number
}

export interface AttemptRecord {
  readonly attempt: number
  readonly epoch: number
  readonly workerId: WorkerId | null
  readonly startedAtMs: number
  readonly endedAtMs: number | null
  readonly outcome: AttemptOutcome
  readonly error: JsonText | null
}

export interface LogRecord {
  readonly line: number
  readonly epoch: number
  readonly atMs: number
  readonly level: LogLevel
  readonly message: string
}

/** What a picture shows of a task. Not its dependencies: a hundred tasks may have ten thousand each. */
export type DrawnTask = Pick<
  TaskRecord,
  'number' | 'id' | 'type' | 'name' | 'state' | 'startedAtMs' | 'finishedAtMs' | 'submittedBy'
>

export interface GraphRecord {
  readonly tasks: readonly DrawnTask[]
  readonly edges: readonly { readonly parent: TaskId; readonly child: TaskId; readonly policy: DependencyPolicy }[]
  readonly isTruncated: boolean
  readonly areEdgesTruncated: boolean
}

export interface Standing {
  readonly task: TaskRecord
  readonly nowMs: number
  /** Of its queue; null where that is not paused. */
  readonly pause: Pause | null
  /** Unfinished parents: how many, and the first few. */
  readonly waitingFor: {
    readonly count: number
    readonly first: readonly { readonly id: TaskId; readonly state: TaskState }[]
  }
  /** For a pending task: how many of its queue stand before it, counted to `positionMax`, and how many are pending there. */
  readonly position: { readonly before: number; readonly pending: number } | null
}

export interface QueueRecord {
  readonly name: string
  readonly pause: Pause | null
  readonly counts: StateCounts
  readonly oldestDueAtMs: number | null
  readonly nowMs: number
}

export interface WorkerRecord extends WorkerSettings {
  readonly isDraining: boolean
  readonly systemInfo: JsonText | null
  /** As told at its registration; another setting of the scheduler counts from the next one on. */
  readonly leaseMs: number
  /** Of this instance's first registration. */
  readonly registeredAtMs: number
  /** The latest beat, or a claim of some time after it. */
  readonly lastSeenAtMs: number
  readonly nowMs: number
  readonly holds: readonly TaskId[]
}

export type WorkerPresence = Pick<WorkerRecord, 'id' | 'slots' | 'isDraining' | 'leaseMs' | 'lastSeenAtMs' | 'nowMs'>

// ─── Administration ──────────────────────────────────────────────────────────────────────────────────────────────────

export interface WorkerSettings {
  readonly id: WorkerId
  readonly instance: string | null
  /** Null is every type, every queue. */
  readonly capabilities: readonly string[] | null
  readonly queues: readonly string[] | null
  readonly slots: number
  readonly labels: JsonText | null
  /** JSON Schemas by type, as one text. */
  readonly types: JsonText | null
}

export interface AdminStore {
  /**
   * Creates or replaces; ends a drain. Tells what was claimed under this id before this instance first registered: those
   * leases are lost. A repeat tells them again as long as they live, so that a give-back that failed is made good.
   * `leaseMs` is what the worker is told, and what its leases last until it registers again.
   */
  registerWorker(settings: WorkerSettings, leaseMs: number): Promise<{ readonly orphans: readonly LeaseFacts[] }>
  drainWorker(id: WorkerId): Promise<boolean>
  /** Forgets the worker. Its leases are to be settled before. */
  removeWorker(id: WorkerId): Promise<boolean>
  /** Creates the queue where it does not exist. Resuming forgets the reason, by whom and since when; pausing twice: see `QueueSettings`. */
  setQueue(name: string, settings: QueueSettings): Promise<QueueRecord>
  /** Keeps lines of live leases, up to the bound a task; returns how many were kept. */
  appendLogs(workerId: WorkerId, lines: readonly LogDraft[]): Promise<number>
}

export interface LogDraft {
  readonly taskId: TaskId
  readonly epoch: number
  readonly level: LogLevel
  readonly message: string
  /** The worker's time; null is the store's now. */
  readonly atMs: number | null
}
