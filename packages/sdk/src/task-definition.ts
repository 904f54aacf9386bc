import { limits, nameSchema } from '@tasklane/protocol'
import { type Duration, parseDuration } from './duration.ts'
import { UsageError } from './errors.ts'
import type { StandardSchemaV1 } from './standard-schema.ts'
import type { TaskContext } from './task-context.ts'

/**
 * A type of task: its name, what it takes, what it returns, and the function that does it. Made by `defineTask`; a
 * client submits by it, a worker runs it.
 *
 * @typeParam Payload what is submitted
 * @typeParam Input what the handler gets: the schema's output, or the payload as it is
 * @typeParam Output what the handler returns
 */
export interface TaskDefinition<Payload, Input, Output> {
  readonly type: string
  readonly input: StandardSchemaV1 | null
  readonly run: (input: Input, ctx: TaskContext) => Output | Promise<Output>
  /** What a submit by this definition says unless its options say otherwise; undefined leaves it to the scheduler. */
  readonly defaults: TaskDefaults
  /** Carries the payload's type; never there at run time. */
  readonly '~payload'?: (payload: Payload) => void
}

/** Any definition, where its types do not matter. */
export type AnyTaskDefinition = TaskDefinition<never, never, unknown>

export interface TaskDefaults {
  readonly maxRetries: number | undefined
  /** Seconds; null is no limit. */
  readonly timeoutSeconds: number | null | undefined
  readonly queue: string | undefined
  readonly priority: number | undefined
}

interface DefinitionOptions {
  /** Letters, digits and `_ . : / -`, 128 at most. */
  readonly type: string
  /** Tries after the first. */
  readonly retries?: number | undefined
  /** Of one attempt; null is no limit. */
  readonly timeout?: Duration | null | undefined
  readonly queue?: string | undefined
  /** 1 to 10, higher runs first. */
  readonly priority?: number | undefined
}

/** What a handler may return. `undefined` is kept as null; what JSON cannot hold fails the task for good. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler without a return statement has the type void
export type HandlerResult = undefined | null | string | number | boolean | (object & NoPromise) | void

/** Any object but a promise: else `Promise<bigint>` would pass as an object. */
interface NoPromise {
  readonly then?: undefined
}

/**
 * Defines a type of task. With `input`, any Standard Schema, the payload is checked before it is submitted and again
 * before it runs, and `run` gets the schema's output; without, `run` gets the payload as it came.
 *
 * @throws UsageError, RangeError when an option cannot be right
 */
export function defineTask<Schema extends StandardSchemaV1, Output extends HandlerResult>(
  options: DefinitionOptions & {
    readonly input: Schema
    readonly run: (input: StandardSchemaV1.InferOutput<Schema>, ctx: TaskContext) => Output | Promise<Output>
  },
): TaskDefinition<StandardSchemaV1.InferInput<Schema>, StandardSchemaV1.InferOutput<Schema>, Output>
export function defineTask<Output extends HandlerResult, Payload = unknown>(
  options: DefinitionOptions & {
    readonly input?: undefined
    readonly run: (input: Payload, ctx: TaskContext) => Output | Promise<Output>
  },
): TaskDefinition<Payload, Payload, Output>
export function defineTask(
  options: DefinitionOptions & {
    readonly input?: StandardSchemaV1 | undefined
    readonly run: (input: never, ctx: TaskContext) => unknown
  },
): AnyTaskDefinition {
  const { type, input, run, retries, timeout, queue, priority } = options
  if (!isName(type)) {
    throw new UsageError(
      `The type '${type}' is not a name; use letters, digits and _ . : / - after a letter, a digit or _, ${limits.nameCharsMax} characters at most.`,
    )
  }
  if (retries !== undefined && !(Number.isInteger(retries) && retries >= 0 && retries <= limits.retriesMax)) {
    throw new UsageError(`retries of '${type}' is ${retries}; use a whole number from 0 to ${limits.retriesMax}.`)
  }
  if (priority !== undefined && !(priority >= limits.priorityMin && priority <= limits.priorityMax)) {
    throw new UsageError(
      `priority of '${type}' is ${priority}; use a number from ${limits.priorityMin} to ${limits.priorityMax}.`,
    )
  }
  const timeoutSeconds =
    timeout === undefined || timeout === null ? timeout : parseDuration(timeout, `timeout of '${type}'`)
  return Object.freeze({
    type,
    input: input ?? null,
    run,
    defaults: Object.freeze({ maxRetries: retries, timeoutSeconds, queue, priority }),
  })
}

const namePattern = new RegExp(nameSchema.pattern)

export function isName(text: string): boolean {
  return text.length <= limits.nameCharsMax && namePattern.test(text)
}

/**
 * What a value is after it has been to JSON and back: dates are strings, `undefined` is null, methods are gone.
 */
export type AsJson<Value> = unknown extends Value
  ? Value
  : Value extends { toJSON(): infer Told }
    ? AsJson<Told>
    : Value extends string | number | boolean | null
      ? Value
      : // biome-ignore lint/suspicious/noConfusingVoidType: what a handler without a return statement gives
        Value extends undefined | void
        ? null
        : Value extends bigint | symbol | ((...args: never[]) => unknown)
          ? never
          : Value extends object
            ? { [Key in keyof Value]: AsJson<Exclude<Value[Key], undefined>> }
            : never
