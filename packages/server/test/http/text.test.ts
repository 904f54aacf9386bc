import { findUnstorable, limits } from '@tasklane/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Problem } from '../../src/core/problem.ts'
import { parseInstant } from '../../src/http/instant.ts'
import { type BodyTolerance, cutToJsonBytes, readJson, scrubText } from '../../src/http/json-body.ts'
import { childSpans } from '../../src/http/json-spans.ts'
import { splitQuery } from '../../src/http/query.ts'
import { readTraceparent } from '../../src/http/request-id.ts'
import { nearest } from '../../src/http/schema-sentences.ts'

describe('an instant', () => {
  it.each([
    ['2026-02-28T23:59:59Z', '2026-02-28T23:59:59.000Z'],
    ['2024-02-29t00:00:00z', '2024-02-29T00:00:00.000Z'],
    ['2026-01-01T00:00:00.123456789+05:30', '2025-12-31T18:30:00.123Z'],
    ['2026-01-01T00:00:00-00:00', '2026-01-01T00:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['2017-01-01T05:29:60+05:30', '2017-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
  ])('%s is %s', (text, same) => {
    expect(new Date(parseInstant(text) ?? Number.NaN).toISOString()).toBe(same)
  })

  it.each([
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T12:00:60Z',
    '2026-01-01T00:00:00',
    '2026-01-01',
    '2026-01-01 00:00:00Z',
    '2026-01-01T00:00:00+24:00',
    '0000-01-01T00:00:00Z',
    '12026-01-01T00:00:00Z',
    ' 2026-01-01T00:00:00Z',
    'now',
    '',
  ])('%j is none', text => {
    expect(parseInstant(text)).toBeNull()
  })
})

describe('spans', () => {
  it('stand where the values stand, whatever blanks, escapes and brackets are in strings', () => {
    const text = ' { "a" : [ 1 , "]\\"," , { "b" : {} } ] , "\\u0063" : -1.5e3 , "d":null}'
    const told = childSpans(text, 0, 100).map(span => [span.key, text.slice(span.start, span.end)])
    expect(told).toEqual([
      ['a', '[ 1 , "]\\"," , { "b" : {} } ]'],
      ['c', '-1.5e3'],
      ['d', 'null'],
    ])
    const [list] = childSpans(text, 0, 100)
    expect(childSpans(text, list?.start ?? 0, 100).map(span => text.slice(span.start, span.end))).toEqual([
      '1',
      '"]\\","',
      '{ "b" : {} }',
    ])
  })

  it('end on texts that are no JSON', () => {
    for (const text of ['', '{', '[', '{"a', '{"a":', '[1', '[,', '{]', ']', '"', '[}{', '{"a" "b"}', '[[[[']) {
      expect(childSpans(text, 0, 100).length).toBeLessThan(4)
    }
  })

  it('find the members of any JSON, however it is written, as the parser does', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.constantFrom(0, 1, 2), (text, indent) => {
        const value: unknown = JSON.parse(text)
        const written = JSON.stringify(value, null, indent)
        const found = childSpans(written, 0, 1_000).map(span => [
          span.key,
          JSON.parse(written.slice(span.start, span.end)),
        ])
        const isContainer = typeof value === 'object' && value !== null
        const expected = isContainer
          ? Object.entries(value).map(([key, child]) => [Array.isArray(value) ? null : key, child])
          : []
        expect(found).toEqual(expected)
      }),
    )
  })
})

describe('a body', () => {
  const settle = { list: 'results', member: 'result' } as const

  it('reads as JSON.parse reads it where nothing is wrong', () => {
    const text = '{"results":[{"result":{"a":[1,2.5,"x\\n"]}}],"b":1e20}'
    expect(readJson(text, settle)).toEqual({ value: JSON.parse(text), faults: null })
    expect(readJson(text, 'nothing')).toEqual({ value: JSON.parse(text), faults: null })
  })

  it('has only the faulty member cut out', () => {
    const text = '{"results":[{"result":"\\u0000","epoch":1},{"result":"ok"},{"result":9007199254740993}]}'
    const { value, faults } = readJson(text, settle)
    expect(value).toEqual({ results: [{ result: null, epoch: 1 }, { result: 'ok' }, { result: null }] })
    expect([...(faults?.keys() ?? [])]).toEqual([0, 2])
  })
})

describe('a body made to confuse', () => {
  const settle = { list: 'results', member: 'result' } as const

  it('is refused as a whole where a fault hides behind more members than any call has', () => {
    const many = '"results":[],'.repeat(3_000)
    expect(() => readJson(`{${many}"results":[{"result":"\\u0000"}]}`, settle)).toThrow('U+0000')
    const elements = '{},'.repeat(3_000)
    expect(() => readJson(`{"results":[${elements}{"result":"\\u0000"}]}`, settle)).toThrow('U+0000')
  })

  describe('with more names in an object or more elements in an array than any payload holds', () => {
    const names = `{${Array.from({ length: limits.jsonNamesMax + 1 }, (_, at) => `"${at}":0`).join(',')}}`
    const elements = `[${'0,'.repeat(limits.jsonElementsMax)}0]`

    it.each([
      ['is the body itself', names],
      ['stands in a member', `{"labels":${names}}`],
      ['stands behind another fault', `{"a":"\\u0000","labels":${names}}`],
      ['stands behind the list', `{"results":[],"labels":${names}}`],
      ['stands behind a list with a fault', `{"results":[{"result":"\\u0000"}],"labels":${names}}`],
      ['stands in an element, where no fault is tolerated', `{"results":[{"epoch":${names}}]}`],
    ])('is refused unparsed where the object %s', (_, text) => {
      for (const tolerance of ['nothing', 'text', settle] as const) {
        // Whatever follows is not looked at, so it need not be JSON.
        for (const body of [text, `${text} }`]) {
          expect(refusalOf(body, tolerance)).toMatchObject({
            code: 'text_invalid',
            message: expect.stringContaining('150,000 names'),
          })
        }
      }
    })

    it('is refused unparsed where the array is not in the list', () => {
      for (const text of [elements, `{"a":${elements}}`, `{"a":9007199254740993,"b":${elements}}}`]) {
        for (const tolerance of ['nothing', 'text', settle] as const) {
          expect(refusalOf(text, tolerance)?.code).toBe('text_invalid')
        }
      }
      expect(refusalOf(elements, 'nothing')?.message).toContain('524,288 elements')
    })

    it('has the faulty element cut out and told by its index, where the call carries a list', () => {
      for (const [fault, sentence] of [
        [names, '150,000 names'],
        [elements, '524,288 elements'],
      ] as const) {
        const settled = readJson(`{"results":[{"result":1},{"epoch":2,"result":[${fault}]},{"result":3}]}`, settle)
        expect(settled.value).toEqual({ results: [{ result: 1 }, { epoch: 2, result: null }, { result: 3 }] })
        expect([...(settled.faults ?? [])]).toEqual([[1, expect.stringContaining(sentence)]])
        const submitted = readJson(`{"tasks":[{"payload":1},{"payload":{"a":${fault}}}]}`, {
          list: 'tasks',
          member: null,
        })
        expect(submitted.value).toEqual({ tasks: [{ payload: 1 }, null] })
        expect([...(submitted.faults ?? [])]).toEqual([[1, expect.stringContaining(sentence)]])
      }
    })
  })

  it('never lets through what could not be kept', () => {
    fc.assert(
      fc.property(fc.array(fc.json({ maxDepth: 3, stringUnit: 'binary' }), { minLength: 1, maxLength: 5 }), results => {
        const text = `{"results":[${results.map(result => `{"result":${result}}`).join(',')}]}`
        const { value, faults } = readJson(text, settle)
        const kept = (value as { results: { result: unknown }[] }).results.filter((_, index) => !faults?.has(index))
        expect(findUnstorable(JSON.stringify(kept))).toBeNull()
      }),
    )
  })
})

function refusalOf(text: string, tolerance: BodyTolerance): Problem | null {
  try {
    readJson(text, tolerance)
    return null
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
}

describe('text for people', () => {
  it('is repaired where it could not be kept', () => {
    expect(scrubText('a\u0000b\ud800c\udc00d')).toBe('a\ufffdb\ufffdc\ufffdd')
    expect(scrubText('whole 😀 pairs stay')).toBe('whole 😀 pairs stay')
  })

  it('is cut between characters to the bytes of its JSON form', () => {
    for (const text of ['a'.repeat(100), 'é'.repeat(100), '😀'.repeat(100), '\n'.repeat(100), '"'.repeat(100)]) {
      const cut = cutToJsonBytes(text, 50)
      expect(Buffer.byteLength(JSON.stringify(cut))).toBeLessThanOrEqual(50)
      expect(Buffer.byteLength(JSON.stringify(cut))).toBeGreaterThan(40)
      expect(cut).not.toMatch(/\p{Surrogate}/u)
    }
    expect(cutToJsonBytes('short', 50)).toBe('short')
  })
})

it('splits a query without a prototype, and marks what cannot be decoded', () => {
  expect({ ...splitQuery('a=1&b=x%20y+z&&c&a=2') }).toEqual({ a: ['1', '2'], b: 'x y z', c: '' })
  expect(Object.getPrototypeOf(splitQuery('__proto__=1'))).toBeNull()
  expect(Object.getOwnPropertySymbols(splitQuery('a=%zz'))).toHaveLength(1)
})

it('suggests the nearest known word, and none that is far', () => {
  const known = ['priority', 'payload', 'queue', 'task_type']
  expect(nearest('priorty', known)).toBe('priority')
  expect(nearest('Queue', known)).toBe('queue')
  expect(nearest('tasktype', known)).toBe('task_type')
  expect(nearest('color', known)).toBeNull()
})

it('takes only a well-formed traceparent', () => {
  const id = '0af7651916cd43dd8448eb211c80319c'
  expect(readTraceparent(`00-${id}-b7ad6b7169203331-01`)).not.toBeNull()
  for (const bad of [
    undefined,
    '',
    `ff-${id}-b7ad6b7169203331-01`,
    `00-${id}-0000000000000000-01`,
    `00-${id}-b7ad6b7169203331`,
  ]) {
    expect(readTraceparent(bad)).toBeNull()
  }
})
