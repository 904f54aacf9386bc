// For `await using`: kept in the published types, so that they need no setting in the project that reads them.
/// <reference lib="esnext.disposable" preserve="true" />

import {
  type Attempt,
  type BulkAction,
  type BulkReply,
  createUuidV7,
  type Health,
  type Json,
  type LogPage,
  limits,
  type Queue,
  type QueueChange,
  type Stats,
  type SubmitOutcome,
  type Task,
  type TaskGraph,
  type TaskPage,
  type TaskState,
  type Why,
  type Worker,
} from '@tasklane/protocol'
import { type Accounts, createAccounts } from './accounts.ts'
import { type Alerts, createAlerts } from './alerts.ts'
import { type Clock, systemClock } from './clock.ts'
import { type ConnectOptions, resolveConnect } from './connect.ts'
import { type ApiError, UsageError } from './errors.ts'
import { encodeSubmission, type SubmitItem, type SubmitOptions } from './submission.ts'
import { type Receipt, submitBatch, submitEach } from './submit-batch.ts'
import { countThatFit, createSubmitLine, type SubmitLine } from './submit-line.ts'
import { orderParentsFirst } from './submit-order.ts'
import type { AsJson, TaskDefinition } from './task-definition.ts'
import { type Call, createTransport, type Transport } from './transport.ts'
import { resultOf, type WaitOptions, waitForTask } from './wait.ts'

export interface ClientOptions extends ConnectOptions {
  /** Milliseconds one try of a request may take; 30,000 if absent. A long poll may take its wait on top. */
  readonly timeoutMs?: number | undefined
  /** Tries after the first, for what is safe to repeat; 4 if absent. Between them it waits up to 0.1, 0.2, 0.4 … s. */
  readonly retries?: number | undefined
  /** Time and chance; tests hand in their own. */
  readonly clock?: Clock | undefined
}

/** A task that was accepted: a 2xx is durable. */
export interface SubmittedTask<Output> {
  readonly taskId: string
  /** As it was at the submit. */
  readonly status: TaskState
  /** `existing` when an earlier submit of the same id or key had made it. */
  readonly outcome: Exclude<SubmitOutcome, 'refused'>
  /** Waits for the end. @throws TaskFailedError · TaskCancelledError · WaitTimeoutError, and what `wait` throws */
  result(options?: WaitOptions): Promise<Output>
  /** @returns the task after the call; one that runs ends a little later. @throws ApiError `task_finished` */
  cancel(reason?: string): Promise<Task>
}

/** A task of a list that was not accepted, while others were. */
export interface RefusedTask {
  readonly taskId: string | null
  readonly status: null
  readonly outcome: 'refused'
  readonly error: ApiError
}

/** Which tasks. Several states, types or queues may be given as a list. */
export interface TaskFilter {
  readonly status?: TaskState | readonly TaskState[] | undefined
  readonly taskType?: string | readonly string[] | undefined
  readonly queue?: string | readonly string[] | undefined
  readonly workerId?: string | undefined
  /** `key:value`, or `key` for any value. */
  readonly label?: string | undefined
  /** Text to be found in the id, the name or the type. */
  readonly q?: string | undefined
}

export interface ListOptions extends TaskFilter {
  /** 500 at most; the scheduler's 50 if absent. */
  readonly limit?: number | undefined
  /** `next_cursor` of the page before, with the same filter. */
  readonly cursor?: string | undefined
  /** Instead of a cursor, for numbered pages. */
  readonly offset?: number | undefined
}

export interface BulkOptions {
  readonly action: BulkAction
  /** Exclusive with `filter`. */
  readonly ids?: readonly string[] | undefined
  readonly filter?: TaskFilter | undefined
  /** With `reprioritise`. */
  readonly priority?: number | undefined
  readonly reason?: string | undefined
  readonly withDependents?: boolean | undefined
  /** Only counts. */
  readonly dryRun?: boolean | undefined
}

const timeoutMsDefault = 30_000
const retriesDefault = 4

/**
 * Talks to a scheduler. Every method throws `ApiError` when the scheduler refuses, `UnreachableError` when none
 * answers. Replies have the shapes and names of the wire (docs/http-api.md); options are camel case.
 */
export class TasklaneClient {
  /** Logins, users and service tokens. */
  readonly accounts: Accounts
  /** Alerts, their rules, and the channels by which people are told. */
  readonly alerts: Alerts
  readonly #transport: Transport
  readonly #line: SubmitLine
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #makeId: () => string

  /** @throws UsageError when the address or the token cannot be right */
  constructor(options: ClientOptions = {}) {
    this.#clock = options.clock ?? systemClock
    this.#timeoutMs = options.timeoutMs ?? timeoutMsDefault
    this.#transport = createTransport({
      ...resolveConnect(options),
      timeoutMs: this.#timeoutMs,
      retries: options.retries ?? retriesDefault,
      clock: this.#clock,
    })
    this.accounts = createAccounts(this.#transport)
    this.alerts = createAlerts(this.#transport)
    this.#line = createSubmitLine(this.#transport, this.#clock)
    this.#makeId = createUuidV7(this.#clock.now, this.#clock.fillRandom)
  }

  /**
   * Submits one task; resolves when it is durable. Calls that happen together travel together.
   *
   * @throws InputInvalidError the payload does not fit the definition's schema · UsageError · ApiError ·
   * UnreachableError (the task may exist; submit again with the same `taskId` or `idempotencyKey` to be sure) · the
   * signal's reason
   */
  submit<Payload, Output>(
    task: TaskDefinition<Payload, never, Output>,
    payload: NoInfer<Payload>,
    options?: SubmitOptions & { readonly signal?: AbortSignal | undefined },
  ): Promise<SubmittedTask<AsJson<Output>>>
  submit<Output = Json>(
    task: string,
    payload?: unknown,
    options?: SubmitOptions & { readonly signal?: AbortSignal | undefined },
  ): Promise<SubmittedTask<Output>>
  async submit(
    task: SubmitItem['task'],
    payload?: unknown,
    { signal, ...options }: SubmitOptions & { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<SubmittedTask<unknown>> {
    const submission = await encodeSubmission({ ...options, task, payload }, this.#makeId)
    return this.#submitted(await this.#line.submit(submission, signal))
  }

  /**
   * Submits a list; entries may depend on each other by their `taskId`. By default all or nothing, 1,000 at most. With
   * `atomic: false` each entry has its own outcome, in the order given, and a longer list is cut into several requests,
   * parents before their children; should one of those fail altogether, the error is thrown and the earlier ones stand.
   */
  submitMany(
    items: readonly SubmitItem[],
    options?: { readonly atomic?: true | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<readonly SubmittedTask<Json>[]>
  submitMany(
    items: readonly SubmitItem[],
    options: { readonly atomic: boolean; readonly signal?: AbortSignal | undefined },
  ): Promise<readonly (SubmittedTask<Json> | RefusedTask)[]>
  async submitMany(
    items: readonly SubmitItem[],
    {
      atomic = true,
      signal,
    }: { readonly atomic?: boolean | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<readonly (SubmittedTask<Json> | RefusedTask)[]> {
    if (items.length === 0) return []
    if (atomic && items.length > limits.batchTasksMax) {
      throw new UsageError(
        `${items.length} tasks cannot be submitted all or nothing, ${limits.batchTasksMax} can; pass { atomic: false } and they go in several requests.`,
      )
    }
    const submissions = await Promise.all(items.map(item => encodeSubmission(item, this.#makeId)))
    if (atomic) {
      const receipts = await submitBatch(this.#transport, submissions, true, signal)
      return receipts.map(receipt => this.#accepted(receipt))
    }
    const order = orderParentsFirst(submissions)
    const receipts = new Array<Receipt | undefined>(items.length)
    for (let from = 0; from < order.length; ) {
      signal?.throwIfAborted()
      const places = order.slice(from, from + limits.batchTasksMax)
      const rest = places.map(at => submissions[at]).filter(submission => submission !== undefined)
      const count = countThatFit(rest)
      const answers = await submitEach(this.#transport, rest.slice(0, count))
      for (const [at, answer] of answers.entries()) receipts[places[at] ?? 0] = answer
      from += count
    }
    return receipts
      .filter(receipt => receipt !== undefined)
      .map(receipt =>
        receipt.outcome === 'refused'
          ? { taskId: receipt.task_id, status: null, outcome: 'refused', error: receipt.refusal }
          : this.#accepted(receipt),
      )
  }

  async get(taskId: string): Promise<Task> {
    return this.#call({ method: 'GET', path: taskPath(taskId), isRepeatable: true })
  }

  /** One page, newest first. */
  async list(options: ListOptions = {}): Promise<TaskPage> {
    const { limit, cursor, offset, ...filter } = options
    const query = queryOf({ ...wireFilter(filter), limit, cursor, offset })
    return this.#call({ method: 'GET', path: `/api/tasks${query}`, isRepeatable: true })
  }

  /** All tasks of the filter, newest first, a page at a time. */
  async *listAll(
    filter: TaskFilter & { readonly pageSize?: number | undefined } = {},
  ): AsyncGenerator<Task, void, void> {
    const { pageSize = limits.pageTasksMax, ...rest } = filter
    let cursor: string | undefined
    do {
      const page: TaskPage = await this.list({ ...rest, limit: pageSize, cursor })
      yield* page.tasks
      cursor = page.next_cursor ?? undefined
    } while (cursor !== undefined)
  }

  /** Waits until the task has finished, however it ended. @throws WaitTimeoutError; the task goes on */
  wait(taskId: string, options: WaitOptions = {}): Promise<Task> {
    const parts = { transport: this.#transport, clock: this.#clock, requestTimeoutMs: this.#timeoutMs }
    return waitForTask(parts, taskId, options)
  }

  /** Waits for the end. @throws TaskFailedError · TaskCancelledError · WaitTimeoutError */
  async result<Output = Json>(taskId: string, options: WaitOptions = {}): Promise<Output> {
    // The type is the caller's word: a definition's through `SubmittedTask`, or given by hand.
    return resultOf(await this.wait(taskId, options)) as Output
  }

  /** A waiting task ends now, a running one when its handler has; one that succeeds first stays completed. */
  async cancel(taskId: string, reason?: string): Promise<Task> {
    return this.#verb(`${taskPath(taskId)}/cancel`, { reason })
  }

  /** Runs a failed or cancelled task again, with all its retries. */
  async retry(taskId: string, options: { readonly withDependents?: boolean | undefined } = {}): Promise<Task> {
    return this.#verb(`${taskPath(taskId)}/retry`, { with_dependents: options.withDependents })
  }

  /** Changes the priority of a task that still waits. */
  async reprioritise(taskId: string, priority: number): Promise<Task> {
    const body = JSON.stringify({ priority })
    return this.#call({ method: 'PATCH', path: taskPath(taskId), body, isRepeatable: true })
  }

  /** Forgets a finished task. */
  async remove(taskId: string): Promise<void> {
    await this.#call({ method: 'DELETE', path: taskPath(taskId), isRepeatable: false })
  }

  /** Does one thing to many tasks, by their ids or by a filter. */
  async bulk({ withDependents, dryRun, filter, ...rest }: BulkOptions): Promise<BulkReply> {
    const wire = filter === undefined ? undefined : wireFilter(filter)
    return this.#verb('/api/tasks/bulk', { ...rest, filter: wire, with_dependents: withDependents, dry_run: dryRun })
  }

  /** The tries so far. */
  async attempts(taskId: string): Promise<readonly Attempt[]> {
    const path = `${taskPath(taskId)}/attempts`
    const reply: { readonly attempts: readonly Attempt[] } = await this.#call({
      method: 'GET',
      path,
      isRepeatable: true,
    })
    return reply.attempts
  }

  /** Log lines after line number `after`, from the first if absent. */
  async logs(
    taskId: string,
    { after, limit }: { readonly after?: number | undefined; readonly limit?: number | undefined } = {},
  ): Promise<LogPage> {
    return this.#call({
      method: 'GET',
      path: `${taskPath(taskId)}/logs${queryOf({ after, limit })}`,
      isRepeatable: true,
    })
  }

  /** Why the task is not running. */
  async why(taskId: string): Promise<Why> {
    return this.#call({ method: 'GET', path: `${taskPath(taskId)}/why`, isRepeatable: true })
  }

  /** The tasks around this one and how they depend on each other. */
  async graph(taskId: string): Promise<TaskGraph> {
    return this.#call({ method: 'GET', path: `${taskPath(taskId)}/graph`, isRepeatable: true })
  }

  async workers(): Promise<readonly Worker[]> {
    const reply: { readonly workers: readonly Worker[] } = await this.#call({
      method: 'GET',
      path: '/api/workers',
      isRepeatable: true,
    })
    return reply.workers
  }

  async worker(workerId: string): Promise<Worker> {
    return this.#call({ method: 'GET', path: workerPath(workerId), isRepeatable: true })
  }

  /** Tells the worker to claim nothing more, finish and leave. */
  async drainWorker(workerId: string): Promise<Worker> {
    return this.#call({ method: 'POST', path: `${workerPath(workerId)}/drain`, body: '{}', isRepeatable: true })
  }

  /** Takes the worker off the list; what it held goes back at once, uncharged. */
  async removeWorker(workerId: string): Promise<void> {
    await this.#call({ method: 'DELETE', path: workerPath(workerId), isRepeatable: false })
  }

  async queues(): Promise<readonly Queue[]> {
    const reply: { readonly queues: readonly Queue[] } = await this.#call({
      method: 'GET',
      path: '/api/queues',
      isRepeatable: true,
    })
    return reply.queues
  }

  /**
   * Nothing more is claimed from the queue; what runs goes on. The reason is told to everybody who looks at what waits. On a
   * queue that is paused already, another one replaces it; none changes nothing.
   */
  async pauseQueue(name: string, options: { readonly reason?: string } = {}): Promise<Queue> {
    return this.#setQueue(name, { paused: true, ...options })
  }

  async resumeQueue(name: string): Promise<Queue> {
    return this.#setQueue(name, { paused: false })
  }

  async stats(): Promise<Stats> {
    return this.#call({ method: 'GET', path: '/api/stats', isRepeatable: true })
  }

  /** Also answers while the scheduler stops or its store is away. One try only: it is asked to know how things are now. */
  async health(): Promise<Health> {
    return this.#call({ method: 'GET', path: '/health', isRepeatable: true, retries: 0, alsoAccept: [503] })
  }

  /** Waits for submits under way, then closes the connections. */
  async close(): Promise<void> {
    await this.#line.close()
    this.#transport.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #setQueue(name: string, change: QueueChange): Promise<Queue> {
    const path = `/api/queues/${encodeURIComponent(name)}`
    return this.#call({ method: 'PATCH', path, body: JSON.stringify(change), isRepeatable: true })
  }

  #verb<Reply>(path: string, body: Readonly<Record<string, unknown>>): Promise<Reply> {
    return this.#call({ method: 'POST', path, body: JSON.stringify(body), isRepeatable: false })
  }

  async #call<Reply>(call: Call): Promise<Reply> {
    // The shapes of replies are the scheduler's word, given in @tasklane/protocol; refusals were told apart before.
    return (await this.#transport.call(call)).body as Reply
  }

  #accepted(receipt: Receipt): SubmittedTask<Json> {
    if (receipt.outcome === 'refused') throw receipt.refusal
    return this.#submitted(receipt)
  }

  #submitted<Output>(receipt: Exclude<Receipt, { outcome: 'refused' }>): SubmittedTask<Output> {
    const taskId = receipt.task_id
    return Object.freeze<SubmittedTask<Output>>({
      taskId,
      status: receipt.status ?? 'pending',
      outcome: receipt.outcome,
      result: options => this.result<Output>(taskId, options),
      cancel: reason => this.cancel(taskId, reason),
    })
  }
}

function taskPath(taskId: string): string {
  return `/api/tasks/${encodeURIComponent(taskId)}`
}

function workerPath(workerId: string): string {
  return `/api/workers/${encodeURIComponent(workerId)}`
}

function wireFilter(filter: TaskFilter): Readonly<Record<string, string | undefined>> {
  return {
    status: joined(filter.status),
    task_type: joined(filter.taskType),
    queue: joined(filter.queue),
    worker_id: filter.workerId,
    label: filter.label,
    q: filter.q,
  }
}

function joined(value: string | readonly string[] | undefined): string | undefined {
  return value === undefined || typeof value === 'string' ? value : value.join(',')
}

function queryOf(fields: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, String(value))
  return query.size === 0 ? '' : `?${query.toString()}`
}
