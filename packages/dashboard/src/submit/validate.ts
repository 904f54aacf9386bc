import type { Json } from '@tasklane/protocol'
import { isSchema, resolve, type Schema, typesOf } from './schema.ts'

/** What is wrong with a value, and where: a JSON pointer below it. */
export interface ValueFault {
  readonly pointer: string
  readonly detail: string
}

const faultsMax = 50
const depthMax = 60

/**
 * Holds a value against a JSON Schema, as far as forms need it. A worker has the last word: what this does not know it
 * lets pass, and so do its patterns and formats where they are of another dialect.
 */
export function validate(schema: Json | undefined, value: Json | undefined): readonly ValueFault[] {
  const faults: ValueFault[] = []
  check({ root: schema, faults }, schema, value, '', 0)
  return faults
}

interface Run {
  readonly root: Json | undefined
  readonly faults: ValueFault[]
}

function check(run: Run, given: Json | undefined, value: Json | undefined, pointer: string, depth: number): void {
  if (run.faults.length >= faultsMax || depth > depthMax) return
  const say = (detail: string) => run.faults.push({ pointer, detail })
  if (given === false) return void say('Nothing is allowed here.')
  const schema = resolve(given, run.root)
  if (value === undefined) return void say('This is required.')
  const types = typesOf(schema)
  if (types.length > 0 && !types.some(type => isOf(type, value)))
    return void say(`This must be ${types.map(a).join(' or ')}.`)
  if (Array.isArray(schema.enum) && !schema.enum.some(each => same(each, value)))
    say(
      `This must be one of ${schema.enum
        .slice(0, 12)
        .map(each => JSON.stringify(each))
        .join(', ')}.`,
    )
  if (schema.const !== undefined && !same(schema.const, value)) say(`This must be ${JSON.stringify(schema.const)}.`)
  if (typeof value === 'number') checkNumber(schema, value, say)
  else if (typeof value === 'string') checkText(schema, value, say)
  else if (Array.isArray(value)) checkList(run, schema, value, pointer, depth, say)
  else if (isSchema(value)) checkObject(run, schema, value, pointer, depth, say)
  checkCombined(run, schema, value, pointer, depth, say)
}

type Say = (detail: string) => void

function checkNumber(schema: Schema, value: number, say: Say): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  if (typeof minimum === 'number' && value < minimum) say(`This must be ${minimum} or more.`)
  if (typeof maximum === 'number' && value > maximum) say(`This must be ${maximum} or less.`)
  if (typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum)
    say(`This must be more than ${exclusiveMinimum}.`)
  if (typeof exclusiveMaximum === 'number' && value >= exclusiveMaximum)
    say(`This must be less than ${exclusiveMaximum}.`)
  if (typeof multipleOf === 'number' && multipleOf > 0) {
    const times = value / multipleOf
    if (Math.abs(times - Math.round(times)) > 1e-9) say(`This must be a multiple of ${multipleOf}.`)
  }
}

const formats: Readonly<Record<string, readonly [pattern: RegExp, words: string]>> = {
  email: [/^[^\s@]+@[^\s@]+\.?[^\s@]*$/, 'an e-mail address'],
  uri: [/^[A-Za-z][A-Za-z0-9+.-]*:\S+$/, 'an address like https://example.org'],
  date: [/^\d{4}-\d{2}-\d{2}$/, 'a date like 2030-01-31'],
  time: [/^\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?$/, 'a time like 09:30:00'],
  'date-time': [
    /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|z|[+-]\d{2}:\d{2})$/,
    'a time like 2030-01-31T09:30:00Z',
  ],
  uuid: [/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'a UUID'],
  ipv4: [/^(\d{1,3}\.){3}\d{1,3}$/, 'an IPv4 address'],
}

/** Longer texts are not held against patterns: one that is badly made takes for ever on them. */
const patternCharsMax = 2_000

function checkText(schema: Schema, value: string, say: Say): void {
  const { minLength, maxLength, pattern, format } = schema
  // Characters as people count them, not the halves of which a text is made.
  const length = value.length > 100_000 ? value.length : [...value].length
  if (typeof minLength === 'number' && length < minLength)
    say(length === 0 ? 'This must not be empty.' : `This must have at least ${minLength} characters.`)
  if (typeof maxLength === 'number' && length > maxLength)
    say(`This must have at most ${maxLength} characters; it has ${length}.`)
  const known = typeof format === 'string' && Object.hasOwn(formats, format) ? formats[format] : undefined
  if (known !== undefined && !known[0].test(value)) say(`This must be ${known[1]}.`)
  if (typeof pattern !== 'string' || value.length > patternCharsMax) return
  const expression = expressionOf(pattern)
  if (expression !== null && !expression.test(value)) say(`This must match ${pattern}`)
}

function expressionOf(pattern: string): RegExp | null {
  try {
    return new RegExp(pattern, 'u')
  } catch {
    return null
  }
}

function checkList(run: Run, schema: Schema, list: readonly Json[], pointer: string, depth: number, say: Say): void {
  const { minItems, maxItems, uniqueItems, items, prefixItems } = schema
  if (typeof minItems === 'number' && list.length < minItems)
    say(`This must have at least ${minItems} ${minItems === 1 ? 'entry' : 'entries'}.`)
  if (typeof maxItems === 'number' && list.length > maxItems) say(`This must have at most ${maxItems} entries.`)
  if (uniqueItems === true && new Set(list.map(each => canonical(each))).size < list.length)
    say('No two entries may be the same.')
  const first = Array.isArray(prefixItems) ? prefixItems : []
  for (const [index, each] of list.entries()) {
    const own = first[index] ?? items
    if (own !== undefined) check(run, own, each, `${pointer}/${index}`, depth + 1)
  }
}

function checkObject(run: Run, schema: Schema, object: Schema, pointer: string, depth: number, say: Say): void {
  const properties = isSchema(schema.properties) ? schema.properties : {}
  const required = Array.isArray(schema.required) ? schema.required : []
  const inside = (name: string) => `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
  for (const name of required)
    if (typeof name === 'string' && !Object.hasOwn(object, name)) check(run, {}, undefined, inside(name), depth + 1)
  for (const [name, value] of Object.entries(object)) {
    if (Object.hasOwn(properties, name)) check(run, properties[name], value, inside(name), depth + 1)
    else if (schema.additionalProperties === false && !isByPattern(schema, name)) {
      const detail = 'This name is not known to the type.'
      run.faults.push({ pointer: inside(name), detail })
    } else if (isSchema(schema.additionalProperties))
      check(run, schema.additionalProperties, value, inside(name), depth + 1)
  }
  const count = Object.keys(object).length
  if (typeof schema.minProperties === 'number' && count < schema.minProperties)
    say(`This must have at least ${schema.minProperties} names.`)
  if (typeof schema.maxProperties === 'number' && count > schema.maxProperties)
    say(`This must have at most ${schema.maxProperties} names.`)
}

function isByPattern(schema: Schema, name: string): boolean {
  if (!isSchema(schema.patternProperties)) return false
  return Object.keys(schema.patternProperties).some(pattern => expressionOf(pattern)?.test(name) !== false)
}

function checkCombined(run: Run, schema: Schema, value: Json, pointer: string, depth: number, say: Say): void {
  const fits = (inner: Json) => {
    const trial: Run = { root: run.root, faults: [] }
    check(trial, inner, value, pointer, depth + 1)
    return trial.faults
  }
  if (Array.isArray(schema.allOf)) for (const inner of schema.allOf) run.faults.push(...fits(inner))
  for (const key of ['anyOf', 'oneOf']) {
    const variants = schema[key]
    if (!Array.isArray(variants)) continue
    const trials = variants.map(fits)
    const good = trials.filter(faults => faults.length === 0).length
    if (good === 0) {
      // The one it comes closest to is what was meant, most likely.
      const [nearest] = trials.toSorted((one, other) => one.length - other.length)
      run.faults.push(...(nearest ?? []))
    } else if (key === 'oneOf' && good > 1) say('This fits several of what it may be one of.')
  }
  if (schema.not !== undefined && fits(schema.not).length === 0) say('This is not allowed.')
}

function isOf(type: string, value: Json): boolean {
  switch (type) {
    case 'null':
      return value === null
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isSchema(value)
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value)
    default:
      return typeof value === type
  }
}

const articles: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
}

function a(type: string): string {
  return articles[type] ?? type
}

function same(one: Json, other: Json): boolean {
  return one === other || canonical(one) === canonical(other)
}

/** The same text for values that are the same, whatever the order of their names. */
function canonical(value: Json): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)))
      : each,
  )
}
