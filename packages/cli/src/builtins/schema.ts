import type { Json } from '@tasklane/protocol'
import type { StandardSchemaV1 } from '@tasklane/sdk'

/** A Standard Schema that also tells its JSON Schema, from which forms are drawn. */
export interface InputSchema<Value> {
  readonly '~standard': StandardSchemaV1.Props<Value, Value> & {
    readonly jsonSchema: {
      readonly input: () => Record<string, Json>
      readonly output: () => Record<string, Json>
    }
  }
}

type Reading<Value> = { readonly value: Value } | { readonly fault: string }

export interface Field<Value, Optional extends boolean> {
  readonly optional: Optional
  readonly schema: Record<string, Json>
  readonly read: (value: unknown) => Reading<Value>
}

type Fields = Readonly<Record<string, Field<unknown, boolean>>>
type ValueOf<F> = F extends Field<infer Value, boolean> ? Value : never
export type ObjectOf<F extends Fields> = {
  readonly [K in keyof F as F[K]['optional'] extends true ? never : K]: ValueOf<F[K]>
} & { readonly [K in keyof F as F[K]['optional'] extends true ? K : never]?: ValueOf<F[K]> }

/**
 * An object with these fields and, unless it is open, no others. All faults are told at once, each with its path. The
 * same as a call, `{args, kwargs}`, as the pull scheduler's clients submit it: `args` are the fields in this order.
 * @param options.open lets further fields pass; they are left out of the value
 */
export function objectSchema<F extends Fields>(
  fields: F,
  options: { readonly open?: boolean } = {},
): InputSchema<ObjectOf<F>> {
  const schema: Record<string, Json> = {
    type: 'object',
    required: Object.keys(fields).filter(name => fields[name]?.optional === false),
    properties: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.schema])),
    ...(options.open === true ? {} : { additionalProperties: false }),
  }
  return {
    '~standard': {
      version: 1,
      vendor: 'tasklane',
      validate: value => {
        const { object, issues } = readObject(fields, options.open === true, value)
        // The fields were read one by one as F says; TypeScript cannot follow that through the loop.
        return issues.length > 0 ? { issues } : { value: object as ObjectOf<F> }
      },
      jsonSchema: { input: () => schema, output: () => schema },
    },
  }
}

/** The same field, which may be absent. */
export function optional<Value>(field: Field<Value, false>): Field<Value, true> {
  return { ...field, optional: true }
}

/** A finite number between `min` and `max`, both included. */
export function numberField(bounds: { min?: number; max?: number; description?: string }): Field<number, false> {
  const { min, max, description } = bounds
  return {
    optional: false,
    schema: {
      type: 'number',
      ...(min === undefined ? {} : { minimum: min }),
      ...(max === undefined ? {} : { maximum: max }),
      ...(description === undefined ? {} : { description }),
    },
    read: value => {
      if (typeof value !== 'number' || !Number.isFinite(value)) return { fault: `must be a number, not ${say(value)}` }
      if (min !== undefined && value < min) return { fault: `must be at least ${min}, not ${value}` }
      if (max !== undefined && value > max) return { fault: `must be at most ${max}, not ${value}` }
      return { value }
    },
  }
}

/** A string of at most `maxLength` UTF-16 units; `check` returns what is wrong with one, or null. */
export function stringField(rules: {
  maxLength?: number
  description?: string
  check?: (text: string) => string | null
}): Field<string, false> {
  const { maxLength, description, check } = rules
  return {
    optional: false,
    schema: {
      type: 'string',
      ...(maxLength === undefined ? {} : { maxLength }),
      ...(description === undefined ? {} : { description }),
    },
    read: value => {
      if (typeof value !== 'string') return { fault: `must be a string, not ${say(value)}` }
      if (maxLength !== undefined && value.length > maxLength) {
        return { fault: `must have at most ${maxLength} characters, not ${value.length}` }
      }
      const fault = check?.(value) ?? null
      return fault === null ? { value } : { fault }
    },
  }
}

/** One of these words. */
export function choiceField<const Choice extends string>(choices: readonly Choice[]): Field<Choice, false> {
  return {
    optional: false,
    schema: { type: 'string', enum: choices },
    read: value => {
      const found = choices.find(choice => choice === value)
      return found === undefined
        ? { fault: `must be one of ${choices.join(', ')}, not ${say(value)}` }
        : { value: found }
    },
  }
}

/** An object of strings. */
export function stringMapField(rules: {
  description?: string
  check?: (name: string, value: string) => string | null
}): Field<Readonly<Record<string, string>>, false> {
  const { description, check } = rules
  return {
    optional: false,
    schema: {
      type: 'object',
      additionalProperties: { type: 'string' },
      ...(description === undefined ? {} : { description }),
    },
    read: value => {
      if (!isObject(value)) return { fault: `must be an object of strings, not ${say(value)}` }
      const map: Record<string, string> = {}
      for (const [name, entry] of Object.entries(value)) {
        if (typeof entry !== 'string') return { fault: `must hold strings, but '${name}' is ${say(entry)}` }
        const fault = check?.(name, entry) ?? null
        if (fault !== null) return { fault }
        map[name] = entry
      }
      return { value: map }
    },
  }
}

interface Issue {
  readonly message: string
  readonly path: readonly string[]
}

function readObject(
  fields: Fields,
  open: boolean,
  value: unknown,
): { object: Record<string, unknown>; issues: readonly Issue[] } {
  // A task without a payload is a task with an empty one, where nothing is required.
  const called = readCall(Object.keys(fields), value === null || value === undefined ? {} : value)
  if (called.fault !== null) return { object: {}, issues: [{ message: called.fault, path: ['args'] }] }
  const given = called.value
  if (!isObject(given)) return { object: {}, issues: [{ message: `must be an object, not ${say(value)}`, path: [] }] }
  const issues: Issue[] = []
  const object: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const entry = given[name]
    if (entry === undefined) {
      if (!field.optional) issues.push({ message: 'is missing', path: [name] })
      continue
    }
    const reading = field.read(entry)
    if ('fault' in reading) issues.push({ message: reading.fault, path: [name] })
    else object[name] = reading.value
  }
  const known = Object.keys(fields)
  for (const name of open ? [] : Object.keys(given).filter(key => !known.includes(key))) {
    const takes = known.length === 0 ? 'no fields' : known.map(key => `'${key}'`).join(', ')
    issues.push({ message: `is not known here; this type takes ${takes}`, path: [name] })
  }
  return { object, issues }
}

/** A call as an object of named values; any other value as it is. */
function readCall(
  names: readonly string[],
  value: unknown,
): { readonly value: unknown; readonly fault: null } | { readonly fault: string } {
  if (!isObject(value) || Object.keys(value).length !== 2) return { value, fault: null }
  const { args, kwargs } = value
  if (!Array.isArray(args) || !isObject(kwargs)) return { value, fault: null }
  if (args.length > names.length) {
    return {
      fault: `has ${args.length} values; this type takes ${names.length === 0 ? 'none' : `up to ${names.length}`}`,
    }
  }
  const positional = names.slice(0, args.length)
  const twice = positional.find(name => Object.hasOwn(kwargs, name))
  if (twice !== undefined) return { fault: `gives '${twice}', which kwargs gives, too` }
  return { value: { ...kwargs, ...Object.fromEntries(positional.map((name, at) => [name, args[at]])) }, fault: null }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function say(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`
}
