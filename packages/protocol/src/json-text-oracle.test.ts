import fc from 'fast-check'
import { expect, it } from 'vitest'
import { findUnstorable, type JsonFault } from './json-text.ts'

/*
 * The guards read the text once and skip what they can; here is a slower way to the same verdicts: three regular
 * expressions decide whether the text is looked at with care, and a parser says which numbers are infinite.
 */
const suspiciousEscape = /\\u(?:0000|[dD][89a-fA-F])/
const longDigits = /[0-9]{16}/
const rawSurrogate = /[\ud800-\udfff]/

function expectedFault(text: string, depthMax: number): JsonFault | null {
  const fault = faultByExpressions(text, depthMax)
  const overflow = firstOverflow(text)
  if (overflow !== null && (fault === null || overflow < fault.at)) return { kind: 'overflow', at: overflow }
  return fault
}

function faultByExpressions(text: string, depthMax: number): JsonFault | null {
  const careful = suspiciousEscape.test(text) || longDigits.test(text) || rawSurrogate.test(text)
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at)
    if (char === '"') {
      const end = stringEnd(text, at + 1)
      const fault = careful ? faultInString(text, at + 1, end) : null
      if (fault !== null) return fault
      at = end
    } else if (char === '{' || char === '[') {
      depth += 1
      if (depth > depthMax) return { kind: 'depth', at }
    } else if (char === '}' || char === ']') {
      depth -= 1
    } else if (careful && /[-0-9]/.test(char)) {
      const literal = numberAt(text, at)
      if (/^-?[0-9]+$/.test(literal) && !Number.isSafeInteger(Number(literal))) return { kind: 'integer', at }
      at += literal.length - 1
    }
  }
  return null
}

/** Where the first number that is infinite stands, though it does not look like an integer. */
function firstOverflow(text: string): number | null {
  for (let at = 0; at < text.length; at += 1) {
    if (text.charAt(at) === '"') at = stringEnd(text, at + 1)
    else if (/[-0-9]/.test(text.charAt(at))) {
      const literal = numberAt(text, at)
      if (!/^-?[0-9]+$/.test(literal) && Math.abs(Number(literal)) === Number.POSITIVE_INFINITY) return at
      at += literal.length - 1
    }
  }
  return null
}

function numberAt(text: string, at: number): string {
  return /^.[0-9.eE+-]*/.exec(text.slice(at))?.[0] ?? ''
}

function stringEnd(text: string, from: number): number {
  let at = from
  while (at < text.length && text.charAt(at) !== '"') at += text.charAt(at) === '\\' ? 2 : 1
  return Math.min(at, text.length)
}

function faultInString(text: string, from: number, end: number): JsonFault | null {
  let highAt = -1
  for (let at = from; at < end; ) {
    let unit = text.charCodeAt(at)
    let width = 1
    if (unit === 0x5c) {
      width = 2
      unit = 0x20
      if (text.charAt(at + 1) === 'u') {
        width = 6
        unit = Number.parseInt(text.slice(at + 2, at + 6), 16)
      }
    }
    if (unit === 0) return { kind: 'nul', at }
    const isLow = unit >= 0xdc00 && unit <= 0xdfff
    if (highAt !== -1 && !isLow) return { kind: 'lone_surrogate', at: highAt }
    if (isLow && highAt === -1) return { kind: 'lone_surrogate', at }
    highAt = unit >= 0xd800 && unit <= 0xdbff ? at : -1
    at += width
  }
  return highAt === -1 ? null : { kind: 'lone_surrogate', at: highAt }
}

const digits = (minLength: number, maxLength: number) =>
  fc
    .array(fc.integer({ min: 0, max: 9 }), { minLength, maxLength })
    .map(all => all.join('').replace(/^0+(?=.)/, '') || '0')

/** Numbers as JSON writes them, most of them near a bound. */
const numbers = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => JSON.stringify(value)),
  fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }).map(String),
  fc.tuple(fc.constantFrom('', '-'), digits(14, 18)).map(parts => parts.join('')),
  fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.oneof(digits(1, 3), digits(205, 215), digits(306, 311)),
      fc.oneof(
        fc.constant(''),
        digits(1, 3).map(all => `.${all}`),
        digits(300, 312).map(all => `.${all}`),
      ),
      fc.constantFrom('e', 'E', 'e+', 'E-', ''),
      fc.oneof(
        fc.integer({ min: 0, max: 400 }).map(String),
        fc.constantFrom('98', '307', '308', '309', '00308', '9999'),
      ),
    )
    .map(([sign, whole, fraction, e, exponent]) => `${sign}${whole}${fraction}${e === '' ? '' : e + exponent}`),
)

const inStrings = fc.constantFrom(
  ...['a', 'u0000', '9'.repeat(17), '1e999', '{', ']', ',', 'é', '日', '😀', '\ud83d', '\ude00', '\u2028'],
  ...['\\u0000', '\\u0001', '\\u00e9', '\\ud83d', '\\uDE00', '\\\\', '\\"', '\\n', '\\/', '\\\\u0000'],
)
const strings = fc.array(inStrings, { maxLength: 6 }).map(parts => `"${parts.join('')}"`)
/** Most texts must be sound, or nothing but the first fault is ever compared. */
const soundStrings = fc.string().map(text => JSON.stringify(text))

const { json } = fc.letrec<{ json: string }>(tie => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(numbers, soundStrings, strings, fc.constantFrom('null', 'true', 'false', '0', '-0', '1.5')),
    fc.array(tie('json'), { maxLength: 4 }).map(items => `[${items.join(' ,\n')}]`),
    fc
      .array(fc.tuple(soundStrings, tie('json')), { maxLength: 4 })
      .map(items => `{${items.map(([key, item]) => `${key}: ${item}`).join(',')}}`),
  ),
}))

const fragments = fc.oneof(
  inStrings,
  numbers,
  fc.constantFrom('"', '\\', '[', ']', '{', '}', ',', ':', '-', '+', '.', 'e', 'E', '0', '1e400', '\\u', ' ', '\u0000'),
)
const mutated = fc
  .tuple(json, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 3 }), fragments), { minLength: 1, maxLength: 4 }))
  .map(([text, edits]) =>
    edits.reduce((left, [place, cut, put]) => {
      const at = place % (left.length + 1)
      return left.slice(0, at) + put + left.slice(at + cut)
    }, text),
  )

it('finds in every JSON text what the slower way finds, at the same place', () => {
  let faulty = 0
  fc.assert(
    fc.property(json, text => {
      expect(JSON.parse(text)).toBeDefined()
      const expected = expectedFault(text, 3)
      if (expected !== null) faulty += 1
      expect(findUnstorable(text, 3)).toEqual(expected)
    }),
    { numRuns: 5_000 },
  )
  // Neither verdict may be so rare that the comparison says nothing.
  expect(faulty).toBeGreaterThan(500)
  expect(faulty).toBeLessThan(4_500)
})

it('finds in edited texts that are still JSON what the slower way finds, and ends on all others', () => {
  let [parsed, faulty] = [0, 0]
  fc.assert(
    fc.property(mutated, text => {
      const found = findUnstorable(text, 3)
      // What is found in a text that is no JSON is of no account: its parser refuses it.
      if (!isJson(text)) {
        expect(found?.at ?? 0).toBeLessThan(Math.max(text.length, 1))
        return
      }
      parsed += 1
      if (found !== null) faulty += 1
      expect(found).toEqual(expectedFault(text, 3))
    }),
    { numRuns: 10_000 },
  )
  expect(parsed).toBeGreaterThan(500)
  expect(faulty).toBeGreaterThan(100)
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

it('finds a fault wherever it is planted in a sound text', () => {
  const faults = fc.constantFrom(
    '1e309',
    '-9e+400',
    `${'9'.repeat(300)}e10`,
    '9007199254740993',
    '"\\u0000"',
    '"\\ud800"',
  )
  const sound = json.filter(text => expectedFault(text, 6) === null)
  fc.assert(
    fc.property(
      fc.array(sound, { maxLength: 3 }),
      faults,
      fc.array(sound, { maxLength: 3 }),
      (before, fault, after) => {
        const text = `[${[...before, fault, ...after].join(',')}]`
        const at = text.length - [fault, ...after].join(',').length - 1
        expect(findUnstorable(text)).toEqual({ kind: expect.any(String), at: fault.startsWith('"') ? at + 1 : at })
      },
    ),
    { numRuns: 1_000 },
  )
})
