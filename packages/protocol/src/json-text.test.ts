import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { describeJsonFault, findUnstorable, type Unstorable } from './json-text.ts'
import { limits } from './limits.ts'

describe('finds', () => {
  const faulty: readonly (readonly [string, string, Unstorable, number])[] = [
    ['U+0000 as an escape', '{"a":"x\\u0000"}', 'nul', 7],
    ['U+0000 in a key', '{"\\u0000":1}', 'nul', 2],
    ['a high surrogate alone', '["\\ud83d"]', 'lone_surrogate', 2],
    ['a low surrogate alone', '["\\uDE00"]', 'lone_surrogate', 2],
    ['two halves in the wrong order', '["\\ude00\\ud83d"]', 'lone_surrogate', 2],
    ['a half before another character', '["\\ud83dx"]', 'lone_surrogate', 2],
    ['a raw half', '["\ud83d"]', 'lone_surrogate', 2],
    ['an integer one too large', '[9007199254740992]', 'integer', 1],
    ['an integer one too small', '{"a":-9007199254740992}', 'integer', 5],
    ['an integer far too large', '123456789012345678901234567890', 'integer', 0],
    ['a float too large', '[1.5,-1e309]', 'overflow', 5],
    ['a float too large with a sign in its exponent', '{"a":2E+308}', 'overflow', 5],
    ['a float too large by its digits alone', `[${'9'.repeat(309)}.5]`, 'overflow', 1],
    ['a float too large by both', `[${'9'.repeat(250)}e60]`, 'overflow', 1],
    ['too deep a list', '['.repeat(101) + ']'.repeat(101), 'depth', 100],
  ]
  it.each(faulty)('%s', (_, text, kind, at) => {
    expect(JSON.parse(text)).toBeDefined()
    expect(findUnstorable(text)).toEqual({ kind, at })
  })
})

describe('lets pass', () => {
  const sound: readonly (readonly [string, string])[] = [
    ['the largest integers', '[9007199254740991,-9007199254740991]'],
    ['floats beyond them', '[9007199254740992.5,9007199254740993e0,1e300,-1.5E+30]'],
    ['the largest float, and the smallest', '[1.7976931348623157e308,5e-324,1e-999,0e999]'],
    ['whole characters beyond the first plane', '["😀","\\ud83d\\ude00","\\uD83D\\uDE00"]'],
    ['digits and escapes inside strings', '["9007199254740993","\\\\u0000","\\\\ud83d","\\"\\\\"]'],
    ['other control characters', '["\\u0001\\n\\u001f"]'],
    ['a hundred levels', '['.repeat(100) + ']'.repeat(100)],
    ['brackets in strings', `"${'['.repeat(200)}"`],
    ['scalars', 'null'],
  ]
  it.each(sound)('%s', (_, text) => {
    expect(JSON.parse(text)).not.toBeUndefined()
    expect(findUnstorable(text)).toBeNull()
  })
})

describe('more than any payload holds', () => {
  const { jsonNamesMax, jsonElementsMax } = limits
  const namesOf = (count: number) => Array.from({ length: count }, (_, at) => `"${at.toString(36)}":0`).join(',')
  const elementsOf = (count: number) => `${'0,'.repeat(count - 1)}0`

  it('is one name or one element beyond the bound', () => {
    const names = `{"a":[{${namesOf(jsonNamesMax)}}]}`
    const elements = `{"a":[${elementsOf(jsonElementsMax)}]}`
    expect([findUnstorable(names), findUnstorable(elements)]).toEqual([null, null])
    expect(findUnstorable(`{"a":[{${namesOf(jsonNamesMax)},"one more":0}]}`)?.kind).toBe('names')
    expect(findUnstorable(`{"a":[${elementsOf(jsonElementsMax)},0]}`)?.kind).toBe('elements')
  })

  it('is counted for each container by itself', () => {
    const half = `{${namesOf(jsonNamesMax / 2)}}`
    expect(findUnstorable(`[${half},${half},${half}]`)).toBeNull()
    // What is inside counts for itself, and what comes after it counts on.
    expect(findUnstorable(`{${namesOf(jsonNamesMax / 2)},"in":${half},${namesOf(jsonNamesMax / 2 - 1)}}`)).toBeNull()
    expect(findUnstorable(`{${namesOf(jsonNamesMax / 2)},"in":${half},${namesOf(jsonNamesMax / 2)}}`)?.kind).toBe(
      'names',
    )
    expect(findUnstorable(`["${','.repeat(jsonElementsMax)}","\\"${','.repeat(jsonElementsMax)}"]`)).toBeNull()
  })

  it('is not what a payload or a result may hold', () => {
    const bytesMax = Math.max(limits.payloadBytesMax, limits.resultBytesMax, limits.workerTypesBytesMax)
    // `[0,0]` is the shortest list, and a list of one more is longer than a payload.
    expect(jsonElementsMax).toBeGreaterThanOrEqual((bytesMax - 1) / 2)
    // The shortest object has the shortest names that differ: none, one and two characters, then three.
    const oneByte = 94 // U+0020 to U+007F without the quote and the backslash
    const twoBytes = 0x800 - 0x80
    const short = [1, oneByte, oneByte ** 2 + twoBytes]
    const shortBytes = short.reduce((sum, count, length) => sum + count * (length + '"":0,'.length), 0)
    const longest = short.reduce((sum, count) => sum + count, 0) + (bytesMax - shortBytes) / '"abc":0,'.length
    expect(jsonNamesMax).toBeGreaterThanOrEqual(longest)
  })

  it('is all that is looked for, with depth, before a text is parsed in spite of its fault', () => {
    const faulty = '{"a":"\\u0000","b":9007199254740993,"c":1e999,"d":[[1]]}'
    expect(findUnstorable(faulty, 3, 'excess')).toBeNull()
    expect(findUnstorable(faulty, 2, 'excess')).toEqual({ kind: 'depth', at: faulty.indexOf('[[') + 1 })
    expect(findUnstorable(`["\\u0000",{${namesOf(jsonNamesMax + 1)}}]`, 3, 'excess')?.kind).toBe('names')
    expect(findUnstorable('["[[[[[["]', 1, 'excess')).toBeNull()
  })
})

it('finds raw halves of pairs also where strings cannot say whether they are well formed', async () => {
  const descriptor = Object.getOwnPropertyDescriptor(String.prototype, 'isWellFormed')
  Reflect.deleteProperty(String.prototype, 'isWellFormed')
  vi.resetModules()
  try {
    const older = await import('./json-text.ts')
    expect(older.findUnstorable('["\ud83d"]')).toEqual({ kind: 'lone_surrogate', at: 2 })
    expect(older.findUnstorable('["😀", "é"]')).toBeNull()
  } finally {
    if (descriptor !== undefined) Object.defineProperty(String.prototype, 'isWellFormed', descriptor)
    vi.resetModules()
  }
})

it('agrees with a slow and obvious reference on every JSON text', () => {
  const integers = fc.bigInt({ min: -(2n ** 60n), max: 2n ** 60n }).map(String)
  const chars = fc.constantFrom(
    'a',
    '\\u0000',
    '\\ud83d',
    '\\ude00',
    '😀',
    '\\\\',
    '\\"',
    '\\n',
    'u0000',
    '9'.repeat(17),
    '{',
    '\ud83d',
  )
  const strings = fc.array(chars, { maxLength: 5 }).map(parts => `"${parts.join('')}"`)
  const { value } = fc.letrec<{ value: string; leaf: string }>(tie => ({
    leaf: fc.oneof(integers, strings, fc.constantFrom('null', 'true', '1.5', '9007199254740993.0', '1e20', '1e999')),
    value: fc.oneof(
      { maxDepth: 4 },
      tie('leaf'),
      fc.array(tie('value'), { maxLength: 3 }).map(items => `[${items.join(' , ')}]`),
      fc
        // A key that stands twice would hide its first value, and how deep it goes, from the reference's parser.
        .uniqueArray(fc.tuple(strings, tie('value')), { maxLength: 3, selector: ([key]) => JSON.parse(key) })
        .map(items => `{${items.map(([key, item]) => `${key} :${item}`).join(',')}}`),
    ),
  }))
  fc.assert(
    fc.property(value, text => {
      expect(JSON.parse(text)).toBeDefined()
      const found = findUnstorable(text, 3)
      expect(found === null).toBe(faultsOf(text, 3).size === 0)
      if (found !== null) expect(faultsOf(text, 3)).toContain(found.kind)
    }),
    { numRuns: 3_000 },
  )
})

/** What is wrong with a text, by its parsed value; integers by their digits, since parsing has rounded them. */
function faultsOf(text: string, depthMax: number): Set<Unstorable> {
  const faults = new Set<Unstorable>()
  const visit = (value: unknown, depth: number): void => {
    if (typeof value === 'string') {
      if (value.includes('\0')) faults.add('nul')
      if (/\p{Surrogate}/u.test(value)) faults.add('lone_surrogate')
    }
    if (typeof value !== 'object' || value === null) return
    if (depth === depthMax) faults.add('depth')
    for (const [key, field] of Object.entries(value)) {
      visit(key, depth + 1)
      visit(field, depth + 1)
    }
  }
  visit(JSON.parse(text), 0)
  const withoutStrings = text.replace(/"(?:[^"\\]|\\.)*"/g, '""')
  for (const [literal] of withoutStrings.matchAll(/-?[0-9][0-9.eE+-]*/g)) {
    const isInteger = /^-?[0-9]+$/.test(literal)
    if (isInteger && !Number.isSafeInteger(Number(literal))) faults.add('integer')
    if (!isInteger && !Number.isFinite(Number(literal))) faults.add('overflow')
  }
  return faults
}

it('has a sentence for every fault, with its place and the way out', () => {
  for (const kind of ['nul', 'lone_surrogate', 'integer', 'depth'] as const) {
    expect(describeJsonFault({ kind, at: 42 })).toMatch(/character 42.*\.$/)
  }
  expect(describeJsonFault({ kind: 'overflow', at: 42 })).toMatch(/too large.*send it as a string\.$/)
  expect(describeJsonFault({ kind: 'names', at: 42 })).toMatch(/150,000 names; .*\.$/)
  expect(describeJsonFault({ kind: 'elements', at: 42 })).toMatch(/524,288 elements; .*\.$/)
  expect(describeJsonFault({ kind: 'depth', at: 1 })).toContain(String(limits.jsonDepthMax))
})
