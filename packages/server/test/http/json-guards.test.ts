import { findUnstorable } from '@tasklane/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Problem } from '../../src/core/problem.ts'
import { readJson } from '../../src/http/json-body.ts'

/** What is wrong with a JSON text, told from its value: slower than the guards over the text, and plain to see. */
function isHostile(root: unknown): boolean {
  if (typeof root === 'number') return !Number.isFinite(root)
  if (typeof root !== 'object' || root === null) return false
  if (Object.hasOwn(root, '__proto__')) return true
  const constructed: unknown = Object.hasOwn(root, 'constructor') ? Reflect.get(root, 'constructor') : null
  if (typeof constructed === 'object' && constructed !== null && Object.hasOwn(constructed, 'prototype')) return true
  return Object.values(root).some(isHostile)
}

function isFaulty(text: string): boolean {
  const fault = findUnstorable(text)
  // Infinity is seen in the text and must be seen in the value; the other kinds cannot be told from the value.
  if (fault?.kind === 'overflow') expect(isHostile(JSON.parse(text))).toBe(true)
  return fault !== null || isHostile(JSON.parse(text))
}

/** Names, some of them hostile, in the spellings that JSON allows. */
const names = fc
  .tuple(
    fc.oneof(
      fc.constantFrom('__proto__', 'constructor', 'prototype', 'a', 'proto', '__proto', 'constructors'),
      fc.string(),
    ),
    fc.array(fc.nat({ max: 20 }), { maxLength: 3 }),
  )
  .map(([name, escaped]) => {
    const chars = JSON.stringify(name).slice(1, -1)
    if (chars !== name) return `"${chars}"`
    return `"${[...name].map((char, at) => (escaped.includes(at) ? escapeOf(char) : char)).join('')}"`
  })

function escapeOf(char: string): string {
  return char.length === 1 ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}` : char
}

const leaves = fc.oneof(
  fc.constantFrom('1e999', '-1E+400', `${'1'.repeat(310)}.0`, '9007199254740993', '"\\u0000"', '"1e999"', '"\\ud800"'),
  fc.constantFrom(
    '1e308',
    '1e-999',
    '0.5',
    '7',
    'null',
    '"__proto__"',
    '"constructor"',
    '{"prototype":{}}',
    '"a1e999"',
  ),
)
const { json } = fc.letrec<{ json: string }>(tie => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(
      { arbitrary: leaves, weight: 1 },
      { arbitrary: fc.constantFrom('1', '{}', '"\\u00e9"', '"x"'), weight: 4 },
    ),
    fc.array(tie('json'), { maxLength: 3 }).map(items => `[${items.join(',')}]`),
    fc
      // Of a name that stands twice the value knows only the last.
      .uniqueArray(fc.tuple(names, tie('json')), { maxLength: 3, selector: ([name]) => JSON.parse(name) })
      .map(members => `{${members.map(([name, value]) => `${name} : ${value}`).join(',')}}`),
  ),
}))

describe('the guards over a body', () => {
  it('refuse a body exactly where its text or its value holds a fault', () => {
    let refused = 0
    fc.assert(
      fc.property(json, text => {
        const body = `{"payload": ${text}}`
        const verdict = codeOf(() => readJson(body, 'nothing'))
        if (verdict !== null) refused += 1
        expect(verdict).toBe(isFaulty(body) ? 'text_invalid' : null)
        if (verdict === null) expect(readJson(body, 'nothing')).toEqual({ value: JSON.parse(body), faults: null })
      }),
      { numRuns: 3_000 },
    )
    expect(refused).toBeGreaterThan(300)
    expect(refused).toBeLessThan(2_700)
  })

  it('tell the elements that hold a fault, and leave the others as they are', () => {
    const elements = fc.array(json, { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(elements, fc.constantFrom(null, 'result'), (texts, member) => {
        const written = texts.map(text => (member === null ? text : `{"epoch":1,"result":${text}}`))
        const { value, faults } = readJson(`{"list":[${written.join(',')}]}`, { list: 'list', member })
        const faulty = texts.flatMap((text, index) => (isFaulty(text) ? [index] : []))
        expect([...(faults?.keys() ?? [])].toSorted((a, b) => a - b)).toEqual(faulty)
        const { list } = value as { list: unknown[] } // The body was written so.
        for (const [index, text] of written.entries()) {
          if (!faulty.includes(index)) expect(list[index]).toEqual(JSON.parse(text))
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('let everything that parses pass where a text is mended later', () => {
    fc.assert(
      fc.property(json, text => {
        expect(readJson(`{"line":${text}}`, 'text')).toEqual({ value: JSON.parse(`{"line":${text}}`), faults: null })
      }),
    )
  })
})

function codeOf(read: () => unknown): string | null {
  try {
    read()
    return null
  } catch (error) {
    if (error instanceof Problem) return error.code
    throw error
  }
}
