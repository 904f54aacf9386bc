/**
 * Every expected refusal, listed once: the HTTP status it travels with, its title, and what to do about it.
 * `docs/errors.md` is compared with this table by a test.
 */
export const problems = Object.freeze({
  json_invalid: { status: 400, title: 'The body is not JSON', help: 'Send well-formed JSON in UTF-8.' },
  request_invalid: {
    status: 400,
    title: 'The request cannot be read',
    help: 'Check the request line, the headers and the length of the body.',
  },
  validation_failed: {
    status: 422,
    title: 'The request does not fit its schema',
    help: 'Each entry of `errors` points at the field and says what it takes; the schemas are in /openapi.json.',
  },
  text_invalid: {
    status: 422,
    title: 'The JSON holds something that cannot be kept',
    help: 'Leave out U+0000, lone surrogates and integers beyond ±(2^53 − 1) (send those as strings), nest less than 100 deep, and keep each object below 150,000 names.',
  },
  payload_too_large: {
    status: 413,
    title: 'Too large',
    help: 'A body holds 16 MiB, a payload or a result 1 MiB. Keep large data elsewhere and send its address.',
  },
  media_type_unsupported: {
    status: 415,
    title: 'Unsupported media type',
    help: 'Send `Content-Type: application/json`.',
  },
  unauthenticated: {
    status: 401,
    title: 'Nobody is logged in',
    help: 'Send `Authorization: Bearer` with a token of POST /token, or with a service token. One that was refused has run out, was revoked, or was never ours.',
  },
  login_refused: {
    status: 401,
    title: 'The login was refused',
    help: 'Check the name and the password; a disabled user is refused in the same words.',
  },
  forbidden: {
    status: 403,
    title: 'This role may not do that',
    help: 'The sentence names the role and what it would take; an admin changes roles and makes tokens.',
  },
  too_many_requests: {
    status: 429,
    title: 'Too many requests',
    help: 'Try again after `Retry-After`.',
  },
  host_not_allowed: {
    status: 421,
    title: 'The node does not answer to this name',
    help: 'Call it by the address it listens on, or have its operator add the name to TASKLANE_ALLOWED_HOSTS.',
  },
  origin_not_allowed: {
    status: 403,
    title: 'The request comes from a page of somebody else',
    help: "Have the operator add the page's origin to TASKLANE_CORS_ORIGINS if it may do everything here.",
  },
  forwarded_not_trusted: {
    status: 403,
    title: 'The request came through a proxy that is not trusted',
    help: "Have the operator set TRUST_PROXY to the proxy's address.",
  },
  not_found: { status: 404, title: 'Nothing is at this address', help: 'The calls are listed at /docs.' },
  method_not_allowed: {
    status: 405,
    title: 'This address does not take this method',
    help: 'The `Allow` header names the methods it takes.',
  },
  task_unknown: {
    status: 404,
    title: 'No such task',
    help: 'It never existed, or it finished longer ago than the retention and was pruned.',
  },
  worker_unknown: {
    status: 404,
    title: 'No such worker',
    help: 'Register it with POST /api/workers/register; a worker should do so whenever it meets this code.',
  },
  queue_unknown: {
    status: 404,
    title: 'No such queue',
    help: 'A queue exists from its first task, or from the first PATCH of its settings.',
  },
  task_conflict: {
    status: 409,
    title: 'Another task has this id or idempotency key',
    help: 'Repeat the first content exactly to get the first task, or choose another id or key.',
  },
  task_unfinished: {
    status: 409,
    title: 'The task has not finished',
    help: 'Cancel it first, or wait until it ends.',
  },
  task_finished: { status: 409, title: 'The task has already finished', help: 'Nothing was changed.' },
  task_not_retryable: {
    status: 409,
    title: 'Only a failed or cancelled task can be retried',
    help: 'Submit a new task instead, or wait until this one ends.',
  },
  task_not_waiting: {
    status: 409,
    title: 'The task is no longer waiting',
    help: 'The priority of a task can be changed until it runs.',
  },
  task_needed: {
    status: 409,
    title: 'An unfinished task still needs this one',
    help: 'Wait until its children have ended, or cancel them.',
  },
  dependency_unknown: {
    status: 422,
    title: 'A dependency does not exist',
    help: 'Submit the parent first, or in the same batch.',
  },
  dependency_cycle: {
    status: 422,
    title: 'The dependencies form a cycle',
    help: 'The sentence names the cycle; leave out one of its edges.',
  },
  dependency_self: {
    status: 422,
    title: 'A task depends on itself',
    help: 'Leave its own id out of `dependencies`.',
  },
  worker_draining: {
    status: 409,
    title: 'The worker is draining',
    help: 'A draining worker claims nothing; register again to take work.',
  },
  cursor_invalid: {
    status: 422,
    title: 'The cursor cannot be read',
    help: 'Pass `next_cursor` of the previous page unchanged, with the same filter.',
  },
  user_unknown: { status: 404, title: 'No such user', help: 'GET /api/users lists them.' },
  user_exists: { status: 409, title: 'Another user has this name', help: 'Choose another name, or change that user.' },
  last_admin: {
    status: 409,
    title: 'The last admin stays',
    help: 'Make another admin first; without one nobody could manage users.',
  },
  token_unknown: { status: 404, title: 'No such token', help: 'GET /api/tokens lists them.' },
  token_exists: {
    status: 409,
    title: 'A living token has this name',
    help: 'Choose another name, or revoke that token first.',
  },
  alert_unknown: {
    status: 404,
    title: 'No such alert',
    help: 'It never fired, or it was resolved longer ago than resolved alerts are kept. GET /api/alerts lists them.',
  },
  alert_resolved: {
    status: 409,
    title: 'The alert is resolved',
    help: 'Silence it when it fires again, or disable its rule.',
  },
  alert_rule_unknown: {
    status: 404,
    title: 'No such alert rule',
    help: 'GET /api/alerts/rules lists them.',
  },
  alert_rule_default: {
    status: 409,
    title: 'A rule that is there from the start stays',
    help: 'Disable it instead.',
  },
  alert_channel_unknown: {
    status: 404,
    title: 'No such channel',
    help: 'GET /api/alerts/channels lists them.',
  },
  alert_limit: {
    status: 409,
    title: 'There are as many of these as there can be',
    help: 'Remove one that is not needed any more.',
  },
  stopping: {
    status: 503,
    title: 'This node is stopping',
    help: 'Try again after `Retry-After`, here or at another node.',
  },
  store_unavailable: {
    status: 503,
    title: 'The store cannot be reached or written',
    help: 'Nothing was accepted. Try again after `Retry-After`; the log of the scheduler says what is wrong.',
  },
  outcome_unknown: {
    status: 503,
    title: 'Whether the call took effect is not known',
    help: 'The store was lost while it committed. Repeat the call as it was: under the same ids nothing is done twice; or look first.',
  },
  overloaded: {
    status: 503,
    title: 'Too much is waiting to be committed',
    help: 'Try again after `Retry-After`.',
  },
  internal_error: {
    status: 500,
    title: 'A fault of Tasklane itself',
    help: 'Please report it with the request id; the log has the details.',
  },
} as const satisfies Record<string, { status: number; title: string; help: string }>)

export type ProblemCode = keyof typeof problems

export interface ProblemDetail {
  /** JSON pointer into the request body, or the name of a query parameter or header. */
  readonly pointer: string
  readonly detail: string
}

/** The body of every refusal, `application/problem+json` (RFC 9457). */
export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  /** Always a plain sentence. */
  readonly detail: string
  readonly code: ProblemCode
  readonly request_id: string
  readonly errors?: readonly ProblemDetail[]
}

/** Codes that the scheduler itself writes into a task's `error`. */
export const taskErrorCodes = Object.freeze({
  timeout: 'The attempt ran past its time limit.',
  poisoned: 'The worker died under this task as often as is allowed.',
  worker_lost: 'The worker stopped answering and its lease ran out.',
  dependency_failed: 'A task this one depends on failed or was cancelled.',
  cancelled: 'Somebody cancelled the task.',
  result_invalid: 'The result cannot be kept.',
} as const)

export type TaskErrorCode = keyof typeof taskErrorCodes
