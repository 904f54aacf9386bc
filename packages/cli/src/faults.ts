import { ApiError, TaskCancelledError, TaskFailedError, UnreachableError, WaitTimeoutError } from '@tasklane/sdk'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { Interruption } from './host.ts'
import { formatDuration } from './output/quantities.ts'

/** What is wrong with the command line, the environment or the input: all of it, a sentence each, with the way out. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(faults.join('\n'))
    this.faults = faults
  }
}

/** An expected end that is no success: the sentence for people, the code for scripts. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly exitCode: ExitCode
  readonly code: string
  constructor(exitCode: ExitCode, code: string, message: string) {
    super(message)
    this.exitCode = exitCode
    this.code = code
  }
}

export interface Failure {
  readonly exitCode: ExitCode
  /** Stable: a problem's code, or a word of the command's own. */
  readonly code: string
  readonly messages: readonly string[]
  readonly requestId?: string
  /** Only of a fault of our own: everybody else is spared the stack. */
  readonly stack?: string
}

/** Turns whatever a command threw into what is said and how the process ends. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof UsageError) return { exitCode: exitCodes.usage, code: 'usage', messages: error.faults }
  if (error instanceof CommandFailure) return { exitCode: error.exitCode, code: error.code, messages: [error.message] }
  if (error instanceof Interruption) {
    const exitCode = error.signalName === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated
    return { exitCode, code: 'interrupted', messages: [error.message] }
  }
  if (error instanceof ApiError) return describeRefusal(error)
  if (error instanceof UnreachableError) {
    // The SDK's hint names its own option; a person at a shell has a flag.
    const [what = error.message] = error.message.split(' Is it running?')
    const hint = 'Start one with `tasklane serve`, or say where it is with --url or TASKLANE_URL.'
    return { exitCode: exitCodes.unreachable, code: 'unreachable', messages: [`${what} ${hint}`] }
  }
  if (error instanceof WaitTimeoutError) {
    return { exitCode: exitCodes.timeout, code: 'wait_timeout', messages: [error.message] }
  }
  if (error instanceof TaskCancelledError) {
    return { exitCode: exitCodes.cancelled, code: 'task_cancelled', messages: [error.message] }
  }
  if (error instanceof TaskFailedError) {
    return { exitCode: exitCodes.failed, code: 'task_failed', messages: [error.message] }
  }
  return describeUnexpected(error)
}

function describeRefusal(error: ApiError): Failure {
  const messages = [error.detail, ...wayOut(error)]
  return {
    exitCode: exitCodeOf(error.status),
    code: error.code,
    messages,
    ...(error.requestId === undefined || error.requestId === null ? {} : { requestId: error.requestId }),
  }
}

/** What a person at a shell can do, where the scheduler's sentence cannot know of shells. */
function wayOut({ status, code, retryAfterMs }: ApiError): readonly string[] {
  if (code === 'login_refused') return []
  if (status === 401) return ['Log in with `tasklane login`, or set TASKLANE_TOKEN to a token of this scheduler.']
  if (code === 'forbidden') return ['`tasklane whoami` says who you are and what you may do.']
  if (status === 429 && retryAfterMs !== null) return [`Try again in ${formatDuration(retryAfterMs)}.`]
  return []
}

function exitCodeOf(status: number): ExitCode {
  if (status === 404) return exitCodes.notFound
  if (status === 401 || status === 403 || status === 421) return exitCodes.auth
  if (status === 409) return exitCodes.conflict
  // It answered that it cannot answer now: for a script the same as no answer.
  if (status === 503) return exitCodes.unreachable
  if (status === 400 || status === 413 || status === 415 || status === 422) return exitCodes.usage
  return exitCodes.failed
}

function describeUnexpected(error: unknown): Failure {
  if (!(error instanceof Error)) return { exitCode: exitCodes.failed, code: 'internal', messages: [String(error)] }
  // Errors of the system (EADDRINUSE, EACCES, ENOSPC, …) carry a code and a sentence; a stack would not help.
  if ('code' in error && typeof error.code === 'string') {
    return { exitCode: exitCodes.failed, code: error.code.toLowerCase(), messages: [error.message] }
  }
  return {
    exitCode: exitCodes.failed,
    code: 'internal',
    messages: [`A fault of Tasklane itself: ${error.message}`],
    ...(error.stack === undefined ? {} : { stack: error.stack }),
  }
}
