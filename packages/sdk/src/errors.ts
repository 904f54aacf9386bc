import type { ProblemDetail, Task, TaskError, TaskState } from '@tasklane/protocol'
import { describeIssues, type StandardSchemaV1 } from './standard-schema.ts'

/** Everything this package throws on purpose. */
export class TasklaneError extends Error {
  override readonly name: string = 'TasklaneError'
}

/** A setting or an argument that cannot be right, found before anything was sent. */
export class UsageError extends TasklaneError {
  override readonly name = 'UsageError'
}

/** The scheduler refused. The fields are those of its problem document (RFC 9457). */
export class ApiError extends TasklaneError {
  override readonly name = 'ApiError'
  readonly status: number
  /** Stable, see docs/errors.md; `http_<status>` where the answer was no problem document. */
  readonly code: string
  /** A plain sentence. */
  readonly detail: string
  readonly errors: readonly ProblemDetail[]
  readonly requestId: string | null
  /** Milliseconds the scheduler asked to wait before another try, or null. */
  readonly retryAfterMs: number | null

  constructor(refusal: {
    readonly status: number
    readonly code: string
    readonly detail: string
    readonly errors?: readonly ProblemDetail[]
    readonly requestId?: string | null
    readonly retryAfterMs?: number | null
  }) {
    super(refusal.detail)
    this.status = refusal.status
    this.code = refusal.code
    this.detail = refusal.detail
    this.errors = refusal.errors ?? []
    this.requestId = refusal.requestId ?? null
    this.retryAfterMs = refusal.retryAfterMs ?? null
  }
}

/** No scheduler answered; whether the request arrived is unknown unless `wasSent` is false. */
export class UnreachableError extends TasklaneError {
  override readonly name = 'UnreachableError'
  readonly urls: readonly string[]
  /** False: no connection was made, so the scheduler knows nothing of the request. */
  readonly wasSent: boolean

  constructor(urls: readonly string[], why: string, wasSent: boolean, cause?: unknown) {
    const where = urls.length === 1 ? `The scheduler at ${urls[0]}` : `None of the schedulers at ${urls.join(', ')}`
    super(
      `${where} ${urls.length === 1 ? 'cannot be reached' : 'can be reached'}: ${why}. Is it running? Its address is taken from the option \`url\` or the variable TASKLANE_URL.`,
      { cause },
    )
    this.urls = urls
    this.wasSent = wasSent
  }
}

/** Something answered, but not as a Tasklane scheduler does. */
export class UnexpectedReplyError extends TasklaneError {
  override readonly name = 'UnexpectedReplyError'
  /** The reply was longer than this process reads; fewer at a time may fit. */
  readonly isTooLarge: boolean

  constructor(message: string, isTooLarge = false) {
    super(message)
    this.isTooLarge = isTooLarge
  }
}

/** The task had not finished when the time was up. It goes on; nothing was cancelled. */
export class WaitTimeoutError extends TasklaneError {
  override readonly name = 'WaitTimeoutError'
  readonly taskId: string
  /** As last seen; null when the scheduler did not answer within the time. */
  readonly status: TaskState | null

  constructor(taskId: string, timeoutMs: number, status: TaskState | null) {
    const state = status === null ? 'its state is unknown, the scheduler did not answer' : `it is ${status}`
    super(
      `Task ${taskId} had not finished after ${timeoutMs / 1_000} s (${state}). It goes on; to wait again: client.wait('${taskId}').`,
    )
    this.taskId = taskId
    this.status = status
  }
}

/** Somebody waited for the result of a task that failed. */
export class TaskFailedError extends TasklaneError {
  override readonly name = 'TaskFailedError'
  readonly taskId: string
  readonly task: Task
  /** Why, as the worker or the scheduler wrote it. */
  readonly error: TaskError | null

  constructor(task: Task) {
    const why = task.error === null ? 'no error was given' : `${task.error.code}: ${task.error.message}`
    const tries = task.attempt === 1 ? '1 attempt' : `${task.attempt} attempts`
    super(`Task ${task.task_id} (${task.task_type}) failed after ${tries}: ${why}`)
    this.taskId = task.task_id
    this.task = task
    this.error = task.error
  }
}

/**
 * Somebody cancelled the task. Thrown to who waits for its result, and the reason of `ctx.signal` in its handler.
 */
export class TaskCancelledError extends TasklaneError {
  override readonly name = 'TaskCancelledError'
  readonly taskId: string
  /** The finished task where there is one, null inside the handler. */
  readonly task: Task | null

  constructor(taskId: string, task: Task | null = null) {
    const why = task?.error === null || task?.error === undefined ? '' : ` ${task.error.message}`
    super(`Task ${taskId} was cancelled.${why}`)
    this.taskId = taskId
    this.task = task
  }
}

/** Reason of `ctx.signal`: the attempt ran past its time limit. */
export class TaskTimeoutError extends TasklaneError {
  override readonly name = 'TaskTimeoutError'
  readonly taskId: string
  readonly timeoutSeconds: number

  constructor(taskId: string, timeoutSeconds: number) {
    super(`The attempt ran past its time limit of ${timeoutSeconds} s.`)
    this.taskId = taskId
    this.timeoutSeconds = timeoutSeconds
  }
}

/** Reason of `ctx.signal`: this worker no longer holds the task, and another may run it already. Stop touching the world. */
export class LeaseLostError extends TasklaneError {
  override readonly name = 'LeaseLostError'
  readonly taskId: string

  constructor(taskId: string, why: string) {
    super(`The lease of task ${taskId} is lost: ${why}.`)
    this.taskId = taskId
  }
}

/** Reason of `ctx.signal`: the worker stops and its grace is over. The task goes back without counting the attempt. */
export class ShutdownError extends TasklaneError {
  override readonly name = 'ShutdownError'
}

/** Throw it in a handler when another try could not help: the task fails at once, whatever is left of its retries. */
export class PermanentError extends TasklaneError {
  override readonly name = 'PermanentError'
  readonly code: string | undefined

  constructor(message: string, options: { readonly code?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = options.code
  }
}

/** Throw it in a handler to say when the next try makes sense, instead of the back-off. It uses up an attempt. */
export class RetryAfter extends TasklaneError {
  override readonly name = 'RetryAfter'
  readonly seconds: number

  constructor(
    seconds: number,
    message = `Asked to be tried again in ${seconds} s.`,
    options: { readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    if (!Number.isFinite(seconds) || seconds < 0) {
      throw new RangeError(`RetryAfter takes seconds from 0 up, not ${seconds}.`)
    }
    this.seconds = seconds
  }
}

/** A payload does not fit the schema of its type. At submit nothing was sent; in a worker the task fails for good. */
export class InputInvalidError extends TasklaneError {
  override readonly name = 'InputInvalidError'
  readonly code = 'input_invalid'
  readonly issues: readonly StandardSchemaV1.Issue[]

  constructor(type: string, issues: readonly StandardSchemaV1.Issue[]) {
    super(`The payload does not fit type '${type}': ${describeIssues(issues)}`)
    this.issues = issues
  }
}
