import { type ProblemCode, type ProblemDetail, problems } from '@tasklane/protocol'

/** An expected refusal. The HTTP floor turns it into a status and a body; nothing below knows either. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly errors: readonly ProblemDetail[]
  /** Where the wait depends on the case; null is what the code itself says. */
  readonly retryAfterSeconds: number | null

  constructor(
    code: ProblemCode,
    detail?: string,
    errors: readonly ProblemDetail[] = [],
    cause?: unknown,
    retryAfterSeconds: number | null = null,
  ) {
    super(detail ?? `${problems[code].title}.`, cause === undefined ? undefined : { cause })
    this.name = 'Problem'
    this.code = code
    this.errors = errors
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Whether the store was away: nothing was changed, or that is not known. */
export function isStoreAway(error: unknown): error is Problem {
  return error instanceof Problem && (error.code === 'store_unavailable' || error.code === 'outcome_unknown')
}

/** What is told of an error that came after a change: that the store is away by then does not mean that nothing was changed. */
export function afterChange(error: unknown): unknown {
  if (!isStoreAway(error)) return error
  return new Problem('outcome_unknown', `What was asked was done, or part of it, and then: ${error.message}`, [], error)
}
