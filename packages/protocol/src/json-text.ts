import { limits } from './limits.ts'

export type Unstorable = 'nul' | 'lone_surrogate' | 'integer' | 'overflow' | 'depth' | 'names' | 'elements'

export interface JsonFault {
  readonly kind: Unstorable
  /** Index into the text, in UTF-16 units. */
  readonly at: number
}

/**
 * Finds what no store may keep in a JSON text that already parses: U+0000, lone surrogates, integer literals beyond
 * ±(2^53 − 1), numbers that overflow to infinity, and an excess: nesting beyond `limits.jsonDepthMax`, more names in one
 * object or elements in one array than any payload has room for. PostgreSQL's jsonb refuses the first two, JavaScript
 * rounds the third, and no JSON can tell the fourth again, so they are refused alike everywhere. One pass, no recursion.
 *
 * @param wanted `excess` looks for that alone: what would cost a parser too much
 */
export function findUnstorable(
  text: string,
  depthMax: number = limits.jsonDepthMax,
  wanted: 'any' | 'excess' = 'any',
): JsonFault | null {
  const isAnyWanted = wanted === 'any'
  const looksIntoStrings = isAnyWanted && (hasBadEscape(text) || couldBeIllFormed(text))
  let depth = 0
  const isCounted = text.length > countedFrom
  // Commas of the container that is open, how many are too many (0: any number will do), and the same of those around.
  let commas = 0
  let tooMany = 0
  const around: number[] = []
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x22) {
      const end = closingQuote(text, at + 1)
      if (looksIntoStrings) {
        const fault = faultInString(text, at + 1, end)
        if (fault !== null) return fault
      }
      at = end
    } else if (code === 0x2c) {
      commas += 1
      if (commas === tooMany) return { kind: tooMany === limits.jsonNamesMax ? 'names' : 'elements', at }
    } else if (isAnyWanted && (isDigit(code) || code === 0x2d)) {
      const integerEnd = digitsEnd(text, at + 1)
      const end = numberEnd(text, integerEnd)
      // A literal with a fraction or an exponent is a float by its author's word; rounding it is what JSON promises.
      if (end === integerEnd && isUnsafe(text, at, end)) return { kind: 'integer', at }
      if (end !== integerEnd && overflows(text, at, integerEnd, end)) return { kind: 'overflow', at }
      at = end - 1
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1
      if (depth > depthMax) return { kind: 'depth', at }
      if (isCounted) {
        around.push(commas, tooMany)
        commas = 0
        tooMany = code === 0x7b ? limits.jsonNamesMax : limits.jsonElementsMax
      }
    } else if (code === 0x7d || code === 0x5d) {
      depth -= 1
      if (isCounted) {
        tooMany = around.pop() ?? 0
        commas = around.pop() ?? 0
      }
    }
  }
  return null
}

// No shorter text has room for more names than one object may have, nor for more elements than one array.
const countedFrom = limits.jsonNamesMax * '"":0,'.length

/** A sentence for a fault, with the way out. */
export function describeJsonFault(fault: JsonFault): string {
  switch (fault.kind) {
    case 'nul':
      return `The text holds U+0000 at character ${fault.at}; leave it out or encode the value, in base64 for example.`
    case 'lone_surrogate':
      return `The text holds half of a surrogate pair at character ${fault.at}; send whole characters.`
    case 'integer':
      return `The integer at character ${fault.at} is beyond ±(2^53 − 1); send it as a string.`
    case 'overflow':
      return 'A number in the JSON is too large for a 64-bit float; send it as a string.'
    case 'depth':
      return `The JSON is nested more than ${limits.jsonDepthMax} deep at character ${fault.at}.`
    case 'names':
      return `An object in the JSON has more than ${counted(limits.jsonNamesMax)} names; send it in parts, or keep it elsewhere and send its address.`
    case 'elements':
      return `An array in the JSON has more than ${counted(limits.jsonElementsMax)} elements; send it in parts, or keep it elsewhere and send its address.`
  }
}

function counted(count: number): string {
  return count.toLocaleString('en')
}

// U+0000 or half of a surrogate pair, maybe behind a second backslash: then the look into the strings finds nothing.
const badEscape = /\\u(?:0000|[dD][89a-fA-F])/

function hasBadEscape(text: string): boolean {
  // Most texts have no backslash at all, and a search for one character costs next to nothing.
  return text.includes('\\') && badEscape.test(text)
}

// Missing in older browsers, and in the library that TypeScript is told of.
const isWellFormed: unknown = Reflect.get(String.prototype, 'isWellFormed')
const surrogate = /[\ud800-\udfff]/

/** Could half of a surrogate pair stand in the text as it is? A text of Latin-1 alone is answered without a look at it. */
function couldBeIllFormed(text: string): boolean {
  if (typeof isWellFormed === 'function') return Reflect.apply(isWellFormed, text, []) === false
  return surrogate.test(text)
}

function closingQuote(text: string, from: number): number {
  let end = text.indexOf('"', from)
  while (end !== -1 && isEscaped(text, end, from)) end = text.indexOf('"', end + 1)
  return end === -1 ? text.length : end
}

function isEscaped(text: string, at: number, from: number): boolean {
  let backslashes = 0
  while (at - 1 - backslashes >= from && text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes += 1
  return backslashes % 2 === 1
}

function faultInString(text: string, from: number, end: number): JsonFault | null {
  let highAt = -1
  for (let at = from; at < end; ) {
    let unit = text.charCodeAt(at)
    let width = 1
    if (unit === 0x5c) {
      width = 2
      unit = 0x20
      if (text.charCodeAt(at + 1) === 0x75) {
        width = 6
        unit = Number.parseInt(text.slice(at + 2, at + 6), 16)
      }
    }
    if (unit === 0) return { kind: 'nul', at }
    const isHigh = unit >= 0xd800 && unit <= 0xdbff
    const isLow = unit >= 0xdc00 && unit <= 0xdfff
    if (highAt !== -1 && !isLow) return { kind: 'lone_surrogate', at: highAt }
    if (isLow && highAt === -1) return { kind: 'lone_surrogate', at }
    highAt = isHigh ? at : -1
    at += width
  }
  return highAt === -1 ? null : { kind: 'lone_surrogate', at: highAt }
}

function digitsEnd(text: string, from: number): number {
  let end = from
  while (isDigit(text.charCodeAt(end))) end += 1
  return end
}

function numberEnd(text: string, from: number): number {
  let end = from
  while (isNumberPart(text.charCodeAt(end))) end += 1
  return end
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function isNumberPart(code: number): boolean {
  // Digits, then `.`, `-`, `+`, `e`, `E`.
  return isDigit(code) || code === 0x2e || code === 0x2d || code === 0x2b || code === 0x65 || code === 0x45
}

function isUnsafe(text: string, from: number, end: number): boolean {
  // 15 digits are always safe.
  return end - from > 15 && !Number.isSafeInteger(Number(text.slice(from, end)))
}

/** Does a float come out as infinity, which no JSON can tell again? */
function overflows(text: string, from: number, integerEnd: number, end: number): boolean {
  const mantissaEnd = text.charCodeAt(integerEnd) === 0x2e ? digitsEnd(text, integerEnd + 1) : integerEnd
  // The largest float has 309 digits: only what could have as many is worth its conversion.
  if (mantissaEnd - from + positiveExponent(text, mantissaEnd, end) < 309) return false
  return Math.abs(Number(text.slice(from, end))) === Number.POSITIVE_INFINITY
}

/** The exponent that starts at `from`; 0 where there is none, or a negative one. */
function positiveExponent(text: string, from: number, end: number): number {
  if (from === end) return 0
  let at = text.charCodeAt(from + 1) === 0x2b ? from + 2 : from + 1
  let exponent = 0
  for (; at < end; at += 1) {
    if (!isDigit(text.charCodeAt(at))) return 0
    exponent = exponent * 10 + text.charCodeAt(at) - 0x30
  }
  return exponent
}
