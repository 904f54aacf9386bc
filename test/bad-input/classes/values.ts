import type { Field } from '../support/fields.ts'
import { bodyWithMember, fieldsOf, nameOf } from '../support/fields.ts'
import {
  type Expected,
  fieldClass,
  type InputClass,
  isAnyJson,
  isNumeric,
  isSettle,
  refused,
  requestOf,
  served,
  typesOf,
} from './input-class.ts'

/** Calls that repair text for people instead of refusing it: a lost log line or settle helps nobody. */
const repairing: ReadonlySet<string> = new Set(['heartbeat', 'appendLogs', 'settle', 'pullReport'])

/** Numbers, times, texts and names that no field, or only some, can hold. */
export const valueClasses: readonly InputClass[] = [
  fieldClass('a number that is none', field => {
    if (!isNumeric(field)) return []
    const texts = ['"5"', '"NaN"', '"Infinity"', '""', '"0x5"', '"1e3"', '[5]', '{"valueOf":5}']
    return texts.map(text => [text, refused('validation_failed')])
  }),
  fieldClass('a number beyond every bound', field => {
    if (!isNumeric(field)) return []
    const texts = ['1e999', '-1e999', '9007199254740993', '-9007199254740993', `1${'0'.repeat(400)}`]
    const { minimum, maximum, exclusiveMinimum } = field.schema
    const isOpen = [minimum, maximum, exclusiveMinimum].every(bound => bound === undefined)
    return [
      ...texts.map(text => [text, refused('text_invalid', 'validation_failed')] as const),
      ...['1e308', '-1e308'].map(text => [text, isOpen ? served : refused('validation_failed')] as const),
    ]
  }),
  fieldClass('a number outside its range', field => {
    if (!isNumeric(field)) return []
    const { minimum, maximum, exclusiveMinimum } = field.schema
    const beyond = [
      ...(minimum === undefined ? [] : [minimum - 1, ...(minimum > -1_000_000_000_000 ? [-1_000_000_000_000] : [])]),
      ...(exclusiveMinimum === undefined ? [] : [exclusiveMinimum, -0.5, -1, -1_000_000_000_000]),
      ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? [] : [maximum + 1, 1_000_000_000_000]),
    ]
    // What lies beyond every whole number that JSON can carry is refused for that.
    return beyond.map(value => [JSON.stringify(value), refused('validation_failed', 'text_invalid')])
  }),
  fieldClass('minus zero', field => {
    if (!isNumeric(field)) return []
    const isInside = (field.schema.minimum ?? field.schema.exclusiveMinimum ?? 0) <= 0
    return [['-0', isInside && field.schema.exclusiveMinimum === undefined ? served : refused('validation_failed')]]
  }),
  fieldClass('a fraction where only whole numbers count', field =>
    typesOf(field).includes('integer')
      ? ['1.5', '0.1', '1.0000001'].map(text => [text, refused('validation_failed')])
      : [],
  ),
  fieldClass('a time that is none', field => {
    if (field.schema.format !== 'date-time') return []
    const texts = [
      '0000-01-01T00:00:00Z',
      '0001-01-01T00:00:00Z',
      '275761-01-01T00:00:00Z',
      '+275761-01-01T00:00:00Z',
      '-000001-01-01T00:00:00Z',
      '2026-02-30T00:00:00Z',
      '2026-13-01T00:00:00Z',
      '2026-01-31T08:30:00',
      '2026-01-31',
      '2026-01-31T24:00:00Z',
      '2026-01-31T08:30:00+99:00',
      'tomorrow',
      'Sat, 31 Jan 2026 08:30:00 GMT',
      '1769848200',
      '',
      ' 2026-01-31T08:30:00Z',
      `2026-01-31T08:30:00.${'1'.repeat(100_000)}Z`,
    ]
    return texts.map(text => [JSON.stringify(text), refused('validation_failed')])
  }),
  fieldClass('a time that no task can have', field => {
    if (field.path.at(-1) !== 'run_at') return []
    const texts = ['1969-12-31T23:59:59Z', '0100-01-01T00:00:00Z', '2100-01-01T00:00:00Z', '9999-12-31T23:59:59Z']
    return texts.map(text => [JSON.stringify(text), refused('validation_failed')])
  }),
  fieldClass('text that cannot be kept', (field, route) => {
    if (!typesOf(field).includes('string') && !isAnyJson(field)) return []
    const texts = ['"a\\u0000b"', '"\\u0000"', '"\\ud800"', '"a\\udc00\\ud800b"', '"\\uD83D"']
    return texts.map(text => [text, unkeepable(field, route.operationId)])
  }),
  fieldClass('any JSON that cannot be kept', (field, route) => {
    if (!isAnyJson(field)) return []
    const texts = ['{"a\\u0000":1}', '[9007199254740993]', '{"n":1e999}', deep, '{"a":{"__proto__":{"polluted":1}}}']
    return texts.map(text => [text, unkeepable(field, route.operationId)])
  }),
  fieldClass('a text of 1 MB', (field, route) => {
    if (!typesOf(field).includes('string') && field.schema.enum === undefined) return []
    // Texts of errors are cut to their bound, ids that no task can have name none.
    const { maxLength, pattern, format, enum: words } = field.schema
    const isOpen = maxLength === undefined && pattern === undefined && format === undefined && words === undefined
    return [
      [
        longText,
        isOpen && (isSettle(route) || route.operationId === 'arithmeticUpperCase')
          ? served
          : refused('validation_failed'),
      ],
    ]
  }),
  fieldClass('a name that is none', field => {
    if (field.schema.pattern === undefined) return []
    const names = [
      '',
      ' ',
      '../../etc/passwd',
      '/etc/passwd',
      'a b',
      'a\r\nX-Evil: 1',
      '\u001b[31mred\u001b[0m',
      'a\u0007b',
      "' OR 1=1--",
      '<img src=x onerror=alert(1)>',
      'naïve',
      'a\u202eb',
      'a\u200bb',
      '😀',
      '-rf',
      '.hidden',
      'x'.repeat(129),
    ]
    return names.map(name => [JSON.stringify(name), refused('validation_failed')])
  }),
  {
    name: 'a name that changes other objects',
    cases: (route, examples) => {
      if (route.body === null) return []
      const members = ['"__proto__":{"polluted":1}', '"constructor":{"prototype":{"polluted":1}}', '"__proto__":null']
      const fields = fieldsOf(route.body, examples).filter(field => isObject(field.value))
      const roots = examples.slice(0, 1).map(example => ({ path: [], example }))
      return [...roots, ...fields].flatMap(({ path, example }) =>
        members.map(member => ({
          name: `${nameOf(path)} with ${member}`,
          request: () => requestOf(route, example, { body: bodyWithMember(Object(example.body), path, member) }),
          expected: pollution(route.operationId, path.at(-1)),
        })),
      )
    },
  },
]

const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
const longText = JSON.stringify('x'.repeat(1_000_000))

function unkeepable(field: Field, operationId: string): Expected {
  const isBound = field.schema.pattern !== undefined || field.schema.format !== undefined
  if (!repairing.has(operationId)) return refused('text_invalid', 'validation_failed')
  // A task of such an id cannot be there, which the list of a settle tells one by one.
  if (operationId === 'pullReport' && field.path.at(-1) === 'task_id') return refused('task_unknown')
  return isBound ? refused('validation_failed') : served
}

/** Only figures with known names are kept of what a worker tells about its machine, and a bad result fails its task. */
function pollution(operationId: string, name: string | number | undefined): Expected {
  const isLeftOut = operationId === 'heartbeat' && name === 'system_info'
  const isOwnResult = (operationId === 'settle' || operationId === 'pullReport') && name === 'result'
  const isPassedOver = operationId === 'pullReport' && name === undefined
  return isLeftOut || isOwnResult || isPassedOver ? served : refused('text_invalid', 'validation_failed')
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
