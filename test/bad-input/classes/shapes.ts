import { gzipSync } from 'node:zlib'
import { limits } from '@tasklane/protocol'
import type { Route, Schema } from '../support/document.ts'
import { bodyWithout, type Field, fieldsOf, nameOf } from '../support/fields.ts'
import {
  bodyClass,
  fieldClass,
  type InputClass,
  isDialect,
  isSettle,
  refused,
  requestOf,
  served,
  typesOf,
} from './input-class.ts'

/** Bodies that are no JSON, another JSON than the call takes, or sent as something else. */
export const shapeClasses: readonly InputClass[] = [
  bodyClass('a body that is not JSON', (_route, example) => {
    const text = JSON.stringify(example.body)
    const broken: readonly (readonly [string, string])[] = [
      ['cut in the middle', text.slice(0, -2)],
      ['a trailing comma', `${text.slice(0, -1)},}`],
      ['a byte order mark', `\ufeff${text}`],
      ['two documents', `${text}${text}`],
      ['single quotes', text.replaceAll('"', "'")],
      ['a comment', `/* hello */${text}`],
      ['NaN', '{"priority":NaN}'],
      ['Infinity', '{"priority":-Infinity}'],
      ['hexadecimal', '{"priority":0x5}'],
      ['a leading zero', '{"priority":05}'],
      ['a raw line feed in a string', '{"a":"\n"}'],
      ['blanks alone', '   '],
      ['an escape sequence of terminals', '{"a":\u001b[31m}'],
      ['a word as long as the body', 'x'.repeat(1_000_000)],
      ['nesting of 100,000 that never closes', '['.repeat(100_000)],
    ]
    return broken.map(([what, body]) => [what, body, refused('json_invalid', 'text_invalid')])
  }),
  bodyClass('a body that is not UTF-8', () => [
    ['bytes that no character has', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), refused('json_invalid')],
    ['an overlong encoding', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), refused('json_invalid')],
    ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), refused('json_invalid')],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), refused('json_invalid')],
  ]),
  bodyClass('a body that is no object', () =>
    ['[]', '"text"', '5', 'null', 'true', '[{}]'].map(text => [text, text, refused('validation_failed')]),
  ),
  bodyClass('a body that nests 100,000 deep', () => [
    ['objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, refused('text_invalid', 'validation_failed')],
    ['lists', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, refused('text_invalid', 'validation_failed')],
  ]),
  bodyClass('a body of 20,000 names', () => [['names', namesOf(20_000), refused('validation_failed')]]),
  bodyClass('a body of more names or elements than are read', (_route, example) => [
    ['names', tooManyNames, refused('text_invalid')],
    [
      'names below',
      `${JSON.stringify(example.body).slice(0, -1)},"surprise":${tooManyNames}}`,
      refused('text_invalid'),
    ],
    ['elements', `[${'0,'.repeat(limits.jsonElementsMax)}0]`, refused('text_invalid')],
  ]),
  bodyClass('an empty body', route => {
    // Nothing sent means an empty object, whatever it calls itself.
    const needsSome = needsFields(route) || route.operationId === 'numberedSubmit'
    const expected = needsSome ? refused('validation_failed') : served
    return [
      ['application/json', '', expected],
      ['text/plain', '', expected, { 'content-type': 'text/plain' }],
    ]
  }),
  bodyClass('another media type', (_route, example) => {
    const text = JSON.stringify(example.body)
    const types = [
      // What a page of another origin may send without asking.
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/xml',
      'application/json-patch+json',
      'application/jsonp',
      'application/json; charset=utf-16',
      'application/json; charset=latin1',
      'nonsense',
      '',
    ]
    return types.map(type => [`'${type}'`, text, refused('media_type_unsupported'), { 'content-type': type }])
  }),
  bodyClass('a compressed body', (_route, example) => {
    const text = JSON.stringify(example.body)
    const codings = ['gzip', 'br', 'deflate', 'gzip, identity', 'nonsense']
    return [
      ['gzip that says so', gzipSync(text), refused('media_type_unsupported'), { 'content-encoding': 'gzip' }],
      ['gzip that does not', gzipSync(text), refused('json_invalid')],
      ...codings.map(
        coding => [coding, text, refused('media_type_unsupported'), { 'content-encoding': coding }] as const,
      ),
    ]
  }),
  bodyClass('a field that is not known', (route, example) => {
    const names = [
      'surprise',
      'Task_type',
      'role',
      'toString',
      'constructor',
      'prototype',
      '',
      ' ',
      'a~/b',
      'line\nfeed',
      '\u001b[31mred',
      'x'.repeat(1_000_000),
    ]
    return names.map(name => [
      `'${name.slice(0, 40)}'`,
      JSON.stringify({ ...example.body, [name]: 1 }),
      isDialect(route) ? served : refused('validation_failed'),
    ])
  }),
  {
    name: 'a field that is missing',
    cases: (route, examples) =>
      route.body === null
        ? []
        : fieldsOf(route.body, examples)
            .filter(field => field.isRequired)
            .map(field => ({
              name: nameOf(field.path),
              request: () =>
                requestOf(route, field.example, { body: bodyWithout(Object(field.example.body), field.path) }),
              expected: refused('validation_failed'),
            })),
  },
  bodyClass('a name that is there twice, the bad one last', (route, example) => {
    const body = Object(example.body)
    return Object.entries(route.body?.properties ?? {})
      .filter(([name, schema]) => Object.hasOwn(body, name) && !takesAnyList(schema))
      .map(([name]) => {
        const text = `${JSON.stringify(body).slice(0, -1)},${JSON.stringify(name)}:[[]]}`
        return [name, text, refused('validation_failed')] as const
      })
  }),
  fieldClass('a list that is too long, empty, or none', field => {
    const { minItems = 0, maxItems, maxProperties } = field.schema
    if (typesOf(field).includes('object') && maxProperties !== undefined) {
      const members = Array.from({ length: maxProperties + 1 }, (_, at) => `"k${at}":"v"`)
      return [[`{${members.join(',')}}`, refused('validation_failed')]]
    }
    const { value } = field
    if (!typesOf(field).includes('array') || !Array.isArray(value)) return []
    const tooLong = Array.from({ length: (maxItems ?? 0) + 1 }, () => value[0])
    const lists = takesAnyList(field.schema) ? [] : ['[null]', '[[]]']
    return [
      ...(maxItems === undefined ? [] : [[JSON.stringify(tooLong), refused('validation_failed')] as const]),
      ...(minItems > 0 ? [['[]', refused('validation_failed')] as const] : []),
      ...['{"length":1}', '"x"', ...lists, '[{"__proto__":[]}]'].map(
        text => [text, refused('validation_failed', 'text_invalid')] as const,
      ),
    ]
  }),
  fieldClass('a value of another type', field => {
    const types = typesOf(field)
    if (types.length === 0 && field.schema.enum === undefined) return []
    const values = [
      ['null', '"null"'],
      ['boolean', 'true'],
      ['string', '"text"'],
      ['number', '5'],
      ['array', '[]'],
      ['object', '{}'],
    ] as const
    return values
      .filter(([type]) => !types.includes(type) && !(type === 'number' && types.includes('integer')))
      .filter(([type]) => !(type === 'string' && (field.schema.enum !== undefined || isHeldTask(field))))
      .map(([type, text]) => [type === 'null' ? 'null' : text, refused('validation_failed')])
  }),
  fieldClass('a word that is none of the known', field => {
    const words = ['surprise', '', 'COMPLETED', 'constructor', '__proto__', 'toString', "' OR 1=1--"]
    if (field.schema.enum === undefined) return []
    const { enum: known } = field.schema
    return words
      .filter(word => !known.includes(word))
      .map(word => [JSON.stringify(word), refused('validation_failed', 'text_invalid')])
  }),
  fieldClass('a payload or result above 1 MiB', (field, route) => {
    if (field.schema.type !== undefined || field.schema.enum !== undefined || field.schema.anyOf !== undefined)
      return []
    // A result that cannot be kept fails its own task instead of the call.
    return [[tooLarge, isSettle(route) ? served : refused('payload_too_large')]]
  }),
]

/** A list of anything, or anything at all. */
function takesAnyList({ type, enum: words, anyOf, items }: Schema): boolean {
  if (type === undefined) return words === undefined && anyOf === undefined
  return [type].flat().includes('array') && Object.keys(items ?? {}).length === 0
}

const tooManyNames = namesOf(limits.jsonNamesMax + 1)

function namesOf(count: number): string {
  return `{${Array.from({ length: count }, (_, at) => `"k${at}":0`).join(',')}}`
}

const tooLarge = JSON.stringify('x'.repeat(limits.payloadBytesMax))

function needsFields(route: Route): boolean {
  return (route.body?.required ?? []).length > 0
}

/** A heartbeat may name a task by its id alone. */
function isHeldTask(field: Field): boolean {
  return field.path.length === 2 && field.path[0] === 'current_tasks'
}
