import { STATUS_CODES } from 'node:http'
import { type ProblemBody, type ProblemCode, type ProblemDetail, problems } from '@tasklane/protocol'
import type { FastifyReply } from 'fastify'
import { Problem } from '../core/problem.ts'
import { plainText } from './schema-sentences.ts'

export const problemMediaType = 'application/problem+json; charset=utf-8'

/** Seconds after which a refusal for want of capacity is worth another try. */
const retryAfterSeconds: Partial<Readonly<Record<ProblemCode, number>>> = {
  stopping: 1,
  store_unavailable: 2,
  outcome_unknown: 2,
  overloaded: 1,
  too_many_requests: 1,
}

/** @param status differs from the code's own only where HTTP has a narrower one (408, 414, 431 are `request_invalid`) */
export function problemBody(
  problem: Problem,
  requestId: string,
  status: number = problems[problem.code].status,
): ProblemBody {
  const title = status === problems[problem.code].status ? problems[problem.code].title : STATUS_CODES[status]
  return {
    type: `urn:tasklane:problem:${problem.code}`,
    title: title ?? problems[problem.code].title,
    status,
    // A sentence may quote what was sent, as that of the JSON parser does.
    detail: plainText(problem.message),
    code: problem.code,
    request_id: requestId,
    ...(problem.errors.length > 0 ? { errors: problem.errors.map(placeOf) } : {}),
  }
}

/** Longer than any real field's; the name of an unknown one can be as long as the body. */
const pointerCharsMax = 512

function placeOf({ pointer, detail }: ProblemDetail): ProblemDetail {
  const short = pointer.length > pointerCharsMax ? `${pointer.slice(0, pointerCharsMax)}…` : pointer
  return { pointer: short, detail: plainText(detail) }
}

/** @param more members beside those of every problem, as OAuth 2 has `error` */
export function sendProblem(
  reply: FastifyReply,
  problem: Problem,
  status: number = problems[problem.code].status,
  more: Readonly<Record<string, string>> = {},
): FastifyReply {
  reply.request.refusal = problem.code
  const retryAfter = problem.retryAfterSeconds ?? retryAfterSeconds[problem.code]
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  if (problem.code === 'stopping') reply.header('connection', 'close')
  if (status === 401) reply.header('www-authenticate', challengeOf(reply.request.headers.authorization))
  return reply
    .code(status)
    .header('content-type', problemMediaType)
    .send(JSON.stringify({ ...problemBody(problem, reply.request.id, status), ...more }))
}

/** RFC 6750: a token that was sent and does not count is told apart from none. */
function challengeOf(sent: string | undefined): string {
  return sent !== undefined && /^bearer /i.test(sent) ? 'Bearer error="invalid_token"' : 'Bearer'
}

export interface Refusal {
  readonly problem: Problem
  readonly status: number
  /** True where the fault is ours and belongs into the log. */
  readonly isFault: boolean
}

/** What to answer to anything that was thrown: our own problems, Fastify's errors, and our faults. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Problem) {
    const status = problems[error.code].status
    return { problem: error, status, isFault: status === 500 }
  }
  const code = fieldOf(error, 'code')
  const known = typeof code === 'string' ? fromFastify(code, error) : null
  if (known !== null) return { ...known, isFault: false }
  const status = fieldOf(error, 'statusCode')
  // The body's stream broke: nobody may be there to read this, but the log must not call it a fault of ours.
  if (status === 400) {
    return {
      problem: new Problem('request_invalid', 'The body ended before it was complete.'),
      status: 400,
      isFault: false,
    }
  }
  return { problem: new Problem('internal_error'), status: 500, isFault: true }
}

function fromFastify(code: string, error: unknown): { problem: Problem; status: number } | null {
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return {
        problem: new Problem('payload_too_large', 'The body is larger than 16 MiB; send less at a time.'),
        status: 413,
      }
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return {
        problem: new Problem('media_type_unsupported', 'The Content-Type cannot be read; send application/json.'),
        status: 415,
      }
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return {
        problem: new Problem('request_invalid', 'The body is not as long as its Content-Length says.'),
        status: 400,
      }
    case 'FST_ERR_BAD_URL':
      return {
        problem: new Problem('request_invalid', 'The path is no valid percent-encoding of UTF-8.'),
        status: 400,
      }
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return {
        problem: new Problem('not_found', 'A part of the path is longer than any id or name can be.'),
        status: 404,
      }
    default:
      return code.startsWith('FST_ERR_') && fieldOf(error, 'statusCode') === 400
        ? { problem: new Problem('request_invalid'), status: 400 }
        : null
  }
}

function fieldOf(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined
}
