import { type ProblemCode, type ProblemDetail, problems } from '@tasklane/protocol'

/** An expected refusal. The HTTP floor turns it into a status and a body; nothing below knows either. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly errors: readonly ProblemDetail[]

  constructor(code: ProblemCode, detail?: string, errors: readonly ProblemDetail[] = [], cause?: unknown) {
    super(detail ?? `${problems[code].title}.`, cause === undefined ? undefined : { cause })
    this.name = 'Problem'
    this.code = code
    this.errors = errors
  }
}
