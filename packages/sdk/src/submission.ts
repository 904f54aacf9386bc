import type { DependencyPolicy, TaskSubmission } from '@tasklane/protocol'
import { type Duration, parseDuration } from './duration.ts'
import { InputInvalidError, UsageError } from './errors.ts'
import { encodeJson } from './json-encode.ts'
import type { AnyTaskDefinition, TaskDefinition } from './task-definition.ts'

/** A task by its id, or by what its submit returned. */
export type TaskReference = string | { readonly taskId: string }

export interface SubmitOptions {
  /** 1 to 10, higher runs first. */
  readonly priority?: number | undefined
  /** Tasks that must finish first; their results reach the handler as `ctx.parents`. */
  readonly dependsOn?: TaskReference | readonly TaskReference[] | undefined
  /** What becomes of this task when a parent fails or is cancelled: `cancel` (default) or `proceed`. */
  readonly onDependencyFailure?: DependencyPolicy | undefined
  /** Of one attempt; null is no limit. */
  readonly timeout?: Duration | null | undefined
  /** Tries after the first. */
  readonly maxRetries?: number | undefined
  readonly queue?: string | undefined
  /** Not before this time; a text needs a zone. Exclusive with `delay`. */
  readonly runAt?: Date | string | undefined
  /** Not before this long from now. Exclusive with `runAt`. */
  readonly delay?: Duration | undefined
  /** For people. */
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** Of a second submit with the same key and content comes the first task. */
  readonly idempotencyKey?: string | undefined
  /** Made here if absent, except with an idempotency key, where the first submit's counts. */
  readonly taskId?: string | undefined
}

/** One entry of `submitMany`; `taskItem` makes one whose payload is checked by the compiler. */
export interface SubmitItem extends SubmitOptions {
  readonly task: string | AnyTaskDefinition
  readonly payload?: unknown
}

/** An entry for `submitMany` whose payload fits its definition. */
export function taskItem<Payload, Output>(
  task: TaskDefinition<Payload, never, Output>,
  payload: NoInfer<Payload>,
  options: SubmitOptions = {},
): SubmitItem {
  return { ...options, task, payload }
}

/** A submission as it travels: JSON text, made once. */
export interface EncodedSubmission {
  readonly taskId: string | null
  readonly parents: readonly string[]
  readonly text: string
}

/**
 * Checks the payload against the definition's schema and writes the submission down.
 * @throws InputInvalidError, UsageError, RangeError
 */
export async function encodeSubmission(item: SubmitItem, makeId: () => string): Promise<EncodedSubmission> {
  const definition = typeof item.task === 'string' ? null : item.task
  const checking = definition?.input?.['~standard'].validate(item.payload)
  if (checking !== undefined) {
    // Most schemas answer at once; only one that does not costs a turn of the loop.
    const checked = checking instanceof Promise ? await checking : checking
    // What travels is the payload itself, not the schema's output: the worker's schema reads it again.
    if (checked.issues !== undefined) throw new InputInvalidError(definition?.type ?? '', checked.issues)
  }
  const payload = encodeJson(item.payload, 'payload')
  if ('fault' in payload) throw new UsageError(payload.fault)
  const submission = describeSubmission(item, definition, makeId)
  const head = JSON.stringify(submission)
  return {
    taskId: submission.task_id ?? null,
    parents: submission.dependencies ?? [],
    text: `${head.slice(0, -1)},"payload":${payload.text}}`,
  }
}

function describeSubmission(
  item: SubmitItem,
  definition: AnyTaskDefinition | null,
  makeId: () => string,
): Omit<TaskSubmission, 'payload'> {
  if (item.runAt !== undefined && item.delay !== undefined) {
    throw new UsageError('Both runAt and delay are given; say one of them.')
  }
  const defaults = definition?.defaults
  const timeout =
    item.timeout === undefined || item.timeout === null ? item.timeout : parseDuration(item.timeout, 'timeout')
  const isKeyed = item.idempotencyKey !== undefined
  // JSON.stringify leaves out what is undefined, which is how the scheduler's own defaults come to apply.
  const submission: { readonly [Field in keyof TaskSubmission]: TaskSubmission[Field] | undefined } = {
    task_type: typeof item.task === 'string' ? item.task : item.task.type,
    // With a key the key is what makes a repeat safe, and two calls must not differ in an id nobody chose.
    task_id: item.taskId ?? (isKeyed ? undefined : makeId()),
    priority: item.priority ?? defaults?.priority,
    dependencies: referencesOf(item.dependsOn),
    on_dependency_failure: item.onDependencyFailure,
    timeout: timeout === undefined ? defaults?.timeoutSeconds : timeout,
    max_retries: item.maxRetries ?? defaults?.maxRetries,
    queue: item.queue ?? defaults?.queue,
    run_at: describeTime(item.runAt),
    delay: item.delay === undefined ? undefined : parseDuration(item.delay, 'delay'),
    name: item.name,
    description: item.description,
    labels: item.labels,
    idempotency_key: item.idempotencyKey,
  }
  // The two differ only in fields that are undefined, and those do not travel.
  return submission as Omit<TaskSubmission, 'payload'>
}

function referencesOf(dependsOn: SubmitOptions['dependsOn']): readonly string[] | undefined {
  if (dependsOn === undefined) return undefined
  const list = isList(dependsOn) ? dependsOn : [dependsOn]
  return list.map(reference => (typeof reference === 'string' ? reference : reference.taskId))
}

function isList(dependsOn: TaskReference | readonly TaskReference[]): dependsOn is readonly TaskReference[] {
  return Array.isArray(dependsOn)
}

function describeTime(time: Date | string | undefined): string | undefined {
  if (!(time instanceof Date)) return time
  if (Number.isNaN(time.getTime())) throw new UsageError('runAt is a Date without a time; check how it was made.')
  return time.toISOString()
}
