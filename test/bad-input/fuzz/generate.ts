import type { Sent } from '../support/client.ts'
import type { Route, Schema } from '../support/document.ts'
import type { Random } from './random.ts'

/**
 * A request in parts, so that parts can be left out of it one by one. Values of members are JSON texts, which need not
 * be well-formed.
 */
export interface Draft {
  readonly operationId: string
  readonly method: string
  readonly path: string
  readonly query: readonly (readonly [name: string, value: string])[]
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Null sends none; a text is sent as it is. */
  readonly body: readonly (readonly [name: string, text: string])[] | string | null
}

/** Names that answers gave, so that requests can be about something that is there. */
export interface Memory {
  readonly tasks: string[]
  readonly workers: string[]
  readonly cursors: string[]
}

export function createMemory(): Memory {
  return { tasks: ['t1', 't2'], workers: ['w1', 'w2'], cursors: [] }
}

/** Most requests have no fault or one: those with many are all refused by the first. */
const faultProbability = 0.06

export function draftRequest(routes: readonly Route[], memory: Memory, random: Random): Draft {
  // Calls with a body have more to get wrong.
  const route = random.pick(random.isLucky(0.4) ? routes.filter(({ body }) => body !== null) : routes)
  const make = (schema: Schema, name: string) => valueText(schema, name, memory, random)
  const isFaulty = () => random.isLucky(faultProbability)
  const query = route.query
    .filter(() => random.isLucky(0.35))
    .map(({ name, schema }) => [name, isFaulty() ? random.pick(hostileTexts) : bareText(make(schema, name))] as const)
  // What is too large to be read is refused before its method is known, so with a body, which a HEAD cannot have.
  const isLong = query.some(([, value]) => value.length > 1_000)
  const methods = ['PUT', 'OPTIONS', isLong ? 'PUT' : 'HEAD', route.method]
  return {
    operationId: route.operationId,
    method: isFaulty() ? random.pick(methods) : route.method,
    path: route.path.replace(/\{(\w+)\}/, () => pathName(route, memory, random)),
    query: isFaulty() ? [...query, [random.pick(hostileTexts).slice(0, 1_000), random.pick(['', '1'])]] : query,
    headers: isFaulty() ? [random.pick(hostileHeaders)] : [],
    body: route.body === null ? null : draftBody(route.body, make, isFaulty, random),
  }
}

function draftBody(
  schema: Schema,
  make: (schema: Schema, name: string) => string,
  isFaulty: () => boolean,
  random: Random,
): Draft['body'] {
  if (isFaulty()) return random.pick(hostileBodies)
  const members = Object.entries(schema.properties ?? {})
    .filter(([name]) => schema.required?.includes(name) === true || random.isLucky(0.3))
    .filter(() => !random.isLucky(0.01))
    .map(([name, child]) => [name, make(child, name)] as const)
  if (!isFaulty()) return members
  return [
    ...members,
    [random.pick([...Object.keys(schema.properties ?? {}), ...hostileTexts]), random.pick(hostileValues)],
  ]
}

export function requestOfDraft({ method, path, query, headers, body }: Draft): Sent {
  const asked = query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')
  return {
    method,
    path: asked === '' ? path : `${path}?${asked}`,
    headers: Object.fromEntries(headers),
    ...(body === null ? {} : { body: bodyText(body) }),
  }
}

export function bodyText(body: Exclude<Draft['body'], null>): string {
  if (typeof body === 'string') return body
  return `{${body.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`
}

function pathName(route: Route, memory: Memory, random: Random): string {
  // An empty name would be another path.
  if (random.isLucky(0.1)) return encodeURIComponent(random.pick(hostileTexts) || '-')
  if (random.isLucky(0.02)) return random.pick(['%00', '%zz', '%2e%2e%2f', '%ff', 'x'.repeat(2_000)])
  if (route.path.startsWith('/api/queues')) return random.pick(names)
  return encodeURIComponent(random.pick(route.path.startsWith('/api/workers') ? memory.workers : memory.tasks))
}

/** A JSON text for this schema, now and then one that does not fit it. */
function valueText(schema: Schema, name: string, memory: Memory, random: Random): string {
  if (random.isLucky(faultProbability)) return random.pick(hostileValues)
  if (schema.anyOf !== undefined) return valueText(random.pick(schema.anyOf), name, memory, random)
  if (schema.enum !== undefined) return JSON.stringify(random.pick(schema.enum))
  const types = [schema.type ?? []].flat()
  if (types.length === 0) return anyJson(random, 3)
  switch (random.pick(types)) {
    case 'integer':
    case 'number':
      return numberText(schema, name, random)
    case 'boolean':
      return random.isLucky(0.5) ? 'true' : 'false'
    case 'array':
      return listText(schema, name, memory, random)
    case 'object':
      return objectText(schema, memory, random)
    case 'null':
      return 'null'
    default:
      return JSON.stringify(stringFor(schema, name, memory, random))
  }
}

/** Waits are kept short: a fuzzer that waits finds nothing. */
const waitSecondsMax = 0.02

function numberText(schema: Schema, name: string, random: Random): string {
  const least = schema.minimum ?? schema.exclusiveMinimum ?? -1_000
  const most = name === 'wait' ? waitSecondsMax : (schema.maximum ?? 1_000)
  if (name === 'epoch' && random.isLucky(0.8)) return String(1 + random.below(3))
  if (name !== 'wait' && random.isLucky(0.15)) return String(random.pick([least, most, least - 1, most + 1]))
  const value = least + random.next() * (Math.min(most, least + 50) - least)
  return String([schema.type].flat().includes('integer') ? Math.round(value) : value)
}

function listText(schema: Schema, name: string, memory: Memory, random: Random): string {
  const length = (schema.minItems ?? 0) + random.below(4)
  const items = Array.from({ length }, () => valueText(schema.items ?? {}, name, memory, random))
  return `[${items.join(',')}]`
}

function objectText(schema: Schema, memory: Memory, random: Random): string {
  const { properties = {}, required = [], additionalProperties } = schema
  const members = Object.entries(properties)
    .filter(([name]) => required.includes(name) || random.isLucky(0.4))
    .map(([name, child]) => `${JSON.stringify(name)}:${valueText(child, name, memory, random)}`)
  if (typeof additionalProperties === 'object' && random.isLucky(0.7)) {
    members.push(`${JSON.stringify(random.pick(names))}:${valueText(additionalProperties, '', memory, random)}`)
  }
  if (random.isLucky(0.02)) members.push(`${JSON.stringify(random.pick(hostileTexts))}:${random.pick(hostileValues)}`)
  return `{${members.join(',')}}`
}

function stringFor(schema: Schema, name: string, memory: Memory, random: Random): string {
  if (random.isLucky(faultProbability)) return random.pick(hostileTexts)
  if (schema.format === 'date-time')
    return random.pick(['2026-12-31T23:59:60Z', '2027-01-31T08:30:00+05:30', '2000-01-01T00:00:00Z'])
  if (name === 'status') return random.pick(['pending', 'running,failed', 'completed', 'blocked,scheduled,cancelled'])
  if (name === 'cursor') return random.pick([...memory.cursors, 'nonsense'])
  if (['task_id', 'dependencies', 'ids', 'current_tasks'].includes(name)) return taskName(memory, random)
  if (name === 'worker_id') return random.pick(memory.workers)
  if (['task_type', 'queue', 'capabilities', 'queues'].includes(name)) return random.pick(names)
  return random.pick(['text', 'ein Text', 'многоязычный', '日本', '😀', 'a:b', '', 'x'.repeat(300)])
}

function taskName(memory: Memory, random: Random): string {
  if (random.isLucky(0.7)) return random.pick(memory.tasks)
  return `t${random.below(60)}`
}

function anyJson(random: Random, depth: number): string {
  const kind = random.below(depth === 0 ? 4 : 6)
  if (kind === 4) return `[${Array.from({ length: random.below(4) }, () => anyJson(random, depth - 1)).join(',')}]`
  if (kind === 5) {
    const members = Array.from(
      { length: random.below(4) },
      () => `${JSON.stringify(random.pick(names))}:${anyJson(random, depth - 1)}`,
    )
    return `{${members.join(',')}}`
  }
  return random.pick([
    'null',
    'true',
    '0',
    '-0',
    '1.5e10',
    '1e-300',
    '9007199254740991',
    '"text"',
    '"\\ud83d\\ude00"',
    '""',
    '" "',
  ])
}

/** What stands for a value in a query: a string without its quotes. A query cannot carry half a character. */
function bareText(json: string): string {
  return Buffer.from(json.startsWith('"') ? String(JSON.parse(json)) : json).toString()
}

const names = ['a', 'b', 'default', 'q/1', 'constructor', 'toString', '_', 'x'.repeat(128)]

const hostileTexts = [
  '',
  ' ',
  "' OR 1=1--",
  '%',
  '_%',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  'a\r\nX-Evil: 1',
  '\u001b[31m',
  '\u0000',
  '\ud800',
  '\u202e',
  'a,b,,c',
  ':',
  'null',
  'NaN',
  '1e999',
  '-1',
  '1000000000000',
  'x'.repeat(5_000),
].map(text => text.replace(/[\ud800-\udfff]/g, '\ufffd'))

const hostileValues = [
  'null',
  'true',
  '"5"',
  '"NaN"',
  '1e999',
  '-1e999',
  '-1',
  '0',
  '1.5',
  '9007199254740993',
  '1e308',
  '[]',
  '{}',
  '[null]',
  '[[[[]]]]',
  '"\\u0000"',
  '"\\ud800"',
  '"\\u001b[31m"',
  '"a\\r\\nb"',
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{}}}',
  `${'['.repeat(200)}${']'.repeat(200)}`,
  `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
  JSON.stringify('x'.repeat(20_000)),
  JSON.stringify('😀'.repeat(5_000)),
]

const hostileBodies = [
  '',
  ' ',
  'null',
  '[]',
  '5',
  '"text"',
  '{',
  '{"a":}',
  '{"a":1,}',
  '\ufeff{}',
  '{"__proto__":1}',
  '['.repeat(50_000),
  '{"tasks":[null,{},[]],"results":[1],"logs":["x"],"ids":[{}],"current_tasks":[[]]}',
]

const hostileHeaders: readonly (readonly [string, string])[] = [
  ['content-type', 'text/plain'],
  ['content-type', ''],
  ['content-type', 'application/json; charset=utf-16'],
  ['content-encoding', 'gzip'],
  ['idempotency-key', 'a b'],
  ['idempotency-key', '"k1"'],
  ['idempotency-key', 'k1'],
  ['x-request-id', 'a b'],
  ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
  ['x-http-method-override', 'DELETE'],
  ['range', 'bytes=0-'],
  ['accept', 'text/html'],
]
