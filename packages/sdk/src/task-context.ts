import type { ClaimedTask, ParentOutcome } from '@tasklane/protocol'

/** What a handler knows of its attempt, and how it speaks while it runs. */
export interface TaskContext {
  readonly taskId: string
  readonly type: string
  /** 1 for the first try. */
  readonly attempt: number
  /** Rises with every claim of this task, also with those that are not counted. Hand it to systems that can fence by it. */
  readonly epoch: number
  readonly priority: number
  readonly workerId: string
  /** The whole task as it was claimed. */
  readonly task: ClaimedTask
  /** How the parents ended, by task id. */
  readonly parents: Readonly<Record<string, ParentOutcome>>
  /**
   * Aborts when the attempt should end: its reason is a `TaskCancelledError`, `TaskTimeoutError`, `LeaseLostError` or
   * `ShutdownError`. Hand it to whatever takes a signal.
   */
  readonly signal: AbortSignal
  /**
   * Tells how far the work is; sent with the next heartbeat, the latest word wins. Never throws.
   * @param percent 0 to 100; beyond is cut, not a number is ignored
   */
  progress(percent: number, message?: string): void
  /** Lines kept with the task. Sent in batches before the task is settled; never throws, drops what is far too much. */
  readonly log: TaskLog
}

export interface TaskLog {
  debug(message: string): void
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}
