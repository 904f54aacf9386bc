import { limits, type ProblemDetail, type TaskSubmission } from '@tasklane/protocol'
import type { FastifyRequest } from 'fastify'
import { seesOwnTasksOnly } from '../core/access.ts'
import { Problem } from '../core/problem.ts'
import { type JsonText, jsonText, type TaskDraft, taskId } from '../core/task.ts'
import type { HttpContext } from './context.ts'
import { parseInstant } from './instant.ts'
import { exceedsBytes } from './json-body.ts'
import { readTraceparent } from './request-id.ts'
import { validationProblem } from './schema-check.ts'
import { shown } from './schema-sentences.ts'

/** What a submit says beside its body. */
export interface SubmitContext {
  readonly idempotencyKey: string | null
  readonly submittedBy: string | null
  readonly isOwnOnly: boolean
  readonly trace: string
}

export function submitContext(request: FastifyRequest): SubmitContext {
  return {
    idempotencyKey: readIdempotencyHeader(request.headers['idempotency-key']),
    submittedBy: request.principal.name,
    isOwnOnly: seesOwnTasksOnly(request.principal),
    trace: readTraceparent(request.headers.traceparent) ?? request.id,
  }
}

/**
 * The draft of a submission that fits its schema. Throws `validation_failed` and `payload_too_large` for what a schema
 * cannot say.
 *
 * @param pointer where the submission stands in the body: empty, or `/tasks/3`
 */
export function readSubmission(
  context: Pick<HttpContext, 'engine' | 'clock' | 'settings'>,
  task: TaskSubmission,
  submit: SubmitContext,
  pointer = '',
): TaskDraft {
  const { settings } = context
  return {
    id: task.task_id === undefined ? context.engine.newTaskId() : taskId(task.task_id),
    type: task.task_type,
    queue: task.queue ?? 'default',
    name: task.name ?? null,
    description: task.description ?? null,
    payload: readPayload(task.payload, pointer),
    priority: task.priority ?? limits.priorityDefault,
    prioritySource: task.priority === undefined ? 'default' : 'declared',
    dependencies: readDependencies(task.dependencies),
    onDependencyFailure: task.on_dependency_failure ?? 'cancel',
    timeoutMs: readTimeoutMs(task.timeout, settings.taskTimeoutMs),
    maxRetries: task.max_retries ?? settings.taskRetries ?? limits.retriesDefault,
    runAtMs: task.run_at === undefined ? null : readRunAt(task, task.run_at, context.clock.now(), pointer),
    delayMs: task.delay === undefined ? null : Math.round(task.delay * 1_000),
    labels: readLabels(task.labels),
    idempotencyKey: readKey(task, submit.idempotencyKey),
    submittedBy: submit.submittedBy,
    isOwnOnly: submit.isOwnOnly,
    trace: submit.trace,
  }
}

function readPayload(payload: unknown, pointer: string): JsonText | null {
  const text = jsonText(payload)
  if (text !== null && exceedsBytes(text, limits.payloadBytesMax)) {
    const detail = `The payload has ${Buffer.byteLength(text)} bytes of JSON; it takes up to ${limits.payloadBytesMax}. Keep large data elsewhere and send its address.`
    throw new Problem('payload_too_large', detail, [{ pointer: `${pointer}/payload`, detail }])
  }
  return text
}

function readDependencies(ids: readonly string[] | undefined): TaskDraft['dependencies'] {
  if (ids === undefined || ids.length === 0) return []
  // Naming a parent twice says nothing more than naming it once.
  return [...new Set(ids)].map(taskId)
}

function readTimeoutMs(seconds: number | null | undefined, defaultMs: number | null | undefined): number | null {
  if (seconds === null) return null
  if (seconds === undefined) return defaultMs === undefined ? limits.timeoutSecondsDefault * 1_000 : defaultMs
  return Math.max(1, Math.round(seconds * 1_000))
}

function readRunAt(task: TaskSubmission, text: string, nowMs: number, pointer: string): number {
  if (task.delay !== undefined) {
    throw refusal(`${pointer}/delay`, "Fields 'run_at' and 'delay' exclude each other; send one of the two.")
  }
  const runAtMs = parseInstant(text)
  // An instant that has passed means now: a repeated submit must stay acceptable.
  if (runAtMs === null || runAtMs < 0) {
    throw refusal(`${pointer}/run_at`, `Field 'run_at' is ${shown(text)}; it takes a time from 1970 on.`)
  }
  if (runAtMs > nowMs + limits.delaySecondsMax * 1_000) {
    throw refusal(`${pointer}/run_at`, `Field 'run_at' is ${shown(text)}; it takes a time up to ten years ahead.`)
  }
  return runAtMs
}

function readLabels(labels: TaskSubmission['labels']): JsonText | null {
  if (labels === undefined) return null
  const text = jsonText(labels)
  return text === '{}' ? null : text
}

function readKey(task: TaskSubmission, headerKey: string | null): string | null {
  if (headerKey === null) return task.idempotency_key ?? null
  if (task.idempotency_key !== undefined && task.idempotency_key !== headerKey) {
    const detail = `The header Idempotency-Key says ${shown(headerKey)} and the body ${shown(task.idempotency_key)}; send one of them, or both alike.`
    throw refusal('Idempotency-Key', detail)
  }
  return headerKey
}

const quotedKey = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/
const bareKey = /^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+$/

/** The header's value: a structured-field string in quotes, or a bare word. Null where it is not sent. */
export function readIdempotencyHeader(header: string | readonly string[] | undefined): string | null {
  if (header === undefined) return null
  const text = typeof header === 'string' ? header : header.join(', ')
  const quoted = quotedKey.exec(text)?.[1]?.replace(/\\(["\\])/g, '$1')
  const key = quoted ?? (bareKey.test(text) ? text : null)
  if (key === null || key === '') {
    throw refusal(
      'Idempotency-Key',
      `Header Idempotency-Key is ${shown(text)}; it takes one string in quotes, or one word of ASCII characters.`,
    )
  }
  if (key.length > limits.idempotencyKeyCharsMax) {
    throw refusal(
      'Idempotency-Key',
      `Header Idempotency-Key has ${key.length} characters; it takes up to ${limits.idempotencyKeyCharsMax}.`,
    )
  }
  return key
}

export function refusal(pointer: string, detail: string): Problem {
  const errors: readonly ProblemDetail[] = [{ pointer, detail }]
  return validationProblem(errors)
}
