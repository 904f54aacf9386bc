import type { ProblemBody } from '@tasklane/protocol'

/** A refusal of the scheduler, or `status: 0` where none could be reached. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: string
  readonly problem: ProblemBody | null
  readonly retryAfterSeconds: number | null

  constructor(status: number, message: string, problem: ProblemBody | null, retryAfterSeconds: number | null = null) {
    super(message)
    this.status = status
    this.code = problem?.code ?? (status === 0 ? 'unreachable' : 'unknown')
    this.problem = problem
    this.retryAfterSeconds = retryAfterSeconds
  }
}

export function isUnreachable(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status === 502 || error.status === 504)
}
