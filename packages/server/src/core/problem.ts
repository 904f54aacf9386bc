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
