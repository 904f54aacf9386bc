import { describe, expect, it } from 'vitest'
import { firstValue } from './schema.ts'
import { validate } from './validate.ts'

const order = {
  type: 'object',
  required: ['customer', 'lines'],
  additionalProperties: false,
  properties: {
    customer: { type: 'string', minLength: 1, maxLength: 5 },
    mail: { type: 'string', format: 'email' },
    lines: { type: 'array', minItems: 1, items: { $ref: '#/$defs/line' } },
    pay: {
      oneOf: [
        {
          type: 'object',
          required: ['card'],
          properties: { card: { type: 'string', pattern: '^[0-9]{4}$' } },
          additionalProperties: false,
        },
        { type: 'object', required: ['iban'], properties: { iban: { type: 'string' } }, additionalProperties: false },
      ],
    },
    note: { type: ['string', 'null'] },
    kind: { enum: ['new', 2, null], default: 'new' },
  },
  $defs: {
    line: {
      type: 'object',
      required: ['sku'],
      properties: { sku: { type: 'string' }, count: { type: 'integer', minimum: 1, default: 1 } },
    },
  },
}

function pointers(value: object) {
  // The test names values of JSON only.
  return validate(order, value as never).map(fault => fault.pointer)
}

describe('a value held against a JSON Schema', () => {
  it('that fits has no fault', () => {
    expect(
      pointers({
        customer: 'Ada',
        mail: 'a@b.org',
        lines: [{ sku: 'x', count: 2 }],
        pay: { card: '1234' },
        note: null,
        kind: 2,
      }),
    ).toEqual([])
  })

  it('tells each fault at its place', () => {
    expect(pointers({ customer: '', mail: 'x', lines: [{ count: 0 }, {}], kind: 'old', 'a/b': 1 })).toEqual([
      '/customer',
      '/mail',
      '/lines/0/sku',
      '/lines/0/count',
      '/lines/1/sku',
      '/kind',
      '/a~1b',
    ])
    expect(pointers({ lines: [] })).toEqual(['/customer', '/lines'])
  })

  it('tells what is wrong with the variant that it comes closest to', () => {
    expect(validate(order, { customer: 'A', lines: [{ sku: 'x' }], pay: { card: 'no' } })).toEqual([
      { pointer: '/pay/card', detail: 'This must match ^[0-9]{4}$' },
    ])
  })

  it.each([
    [{ type: 'number', exclusiveMaximum: 3 }, 3, 'less than 3'],
    [{ type: 'number', multipleOf: 0.1 }, 0.25, 'multiple of 0.1'],
    [{ type: 'integer' }, 1.5, 'a whole number'],
    [{ type: ['array', 'null'] }, 'x', 'a list or null'],
    [
      { uniqueItems: true },
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      'No two entries',
    ],
    [{ const: 'x' }, 'y', '"x"'],
    [{ not: { type: 'string' } }, 'y', 'not allowed'],
    [{ allOf: [{ minimum: 3 }, { maximum: 9 }] }, 1, '3 or more'],
    [{ type: 'string', maxLength: 1 }, '😀😀', 'at most 1 characters; it has 2'],
    [{ type: 'object', additionalProperties: { type: 'number' } }, { a: 'x' }, 'a number'],
  ])('of %j: %j is refused', (schema, value, words) => {
    expect(validate(schema as never, value as never)[0]?.detail).toContain(words)
  })

  it('lets pass what it does not know, and does not hang on a ring of references', () => {
    expect(validate({ type: 'string', pattern: '(?<=', format: 'no such' }, 'x')).toEqual([])
    expect(validate({ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }, 'x')).toEqual([])
    expect(validate({ $ref: 'https://example.org/x.json' }, 'x')).toEqual([])
    expect(validate(null, 'x')).toEqual([])
  })

  it('begins with defaults, with the objects that hold some, and with what has to be there', () => {
    const form = {
      type: 'object',
      required: ['who', 'yes'],
      properties: {
        who: { type: 'object', properties: { name: { type: 'string' } } },
        yes: { type: 'boolean' },
        maybe: { type: 'object', properties: { name: { type: 'string' } } },
      },
    }
    expect(firstValue(form, form)).toEqual({ who: {}, yes: false })
    expect(firstValue(order, order)).toEqual({ kind: 'new' })
    expect(
      firstValue({ type: 'object', properties: { a: { $ref: '#/$defs/line' } }, $defs: order.$defs }, order),
    ).toEqual({
      a: { count: 1 },
    })
  })
})
