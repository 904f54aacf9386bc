import { limits } from './limits.ts'

export type Unstorable = 'nul' | 'lone_surrogate' | 'integer' | 'depth'

export interface JsonFault {
  readonly kind: Unstorable
  /** Index into the text, in UTF-16 units. */
  readonly at: number
}

// Cheap guards over the whole text: only a text that could hold a fault pays for the walk.
const suspiciousEscape = /\\u(?:0000|[dD][89a-fA-F])/
const longDigits = /[0-9]{16}/
const rawSurrogate = /[\ud800-\udfff]/

/**
 * Finds what no store may keep in a JSON text that already parses: U+0000, lone surrogates, integer literals beyond
 * ±(2^53 − 1), nesting beyond `limits.jsonDepthMax`. PostgreSQL's jsonb refuses the first two and JavaScript rounds the
 * third, so they are refused alike everywhere. One pass, no recursion.
 */
export function findUnstorable(text: string, depthMax: number = limits.jsonDepthMax): JsonFault | null {
  const careful = suspiciousEscape.test(text) || longDigits.test(text) || rawSurrogate.test(text)
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x22) {
      const end = closingQuote(text, at + 1)
      if (careful) {
        const fault = faultInString(text, at + 1, end)
        if (fault !== null) return fault
      }
      at = end
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1
      if (depth > depthMax) return { kind: 'depth', at }
    } else if (code === 0x7d || code === 0x5d) {
      depth -= 1
    } else if (careful && (code === 0x2d || (code >= 0x30 && code <= 0x39))) {
      const end = numberEnd(text, at)
      const literal = text.slice(at, end)
      // A literal with a fraction or an exponent is a float by its author's word; rounding it is what JSON promises.
      if (/^-?[0-9]+$/.test(literal) && !Number.isSafeInteger(Number(literal))) return { kind: 'integer', at }
      at = end - 1
    }
  }
  return null
}

/** A sentence for a fault, with the way out. */
export function describeJsonFault(fault: JsonFault): string {
  switch (fault.kind) {
    case 'nul':
      return `The text holds U+0000 at character ${fault.at}; leave it out or encode the value, in base64 for example.`
    case 'lone_surrogate':
      return `The text holds half of a surrogate pair at character ${fault.at}; send whole characters.`
    case 'integer':
      return `The integer at character ${fault.at} is beyond ±(2^53 − 1); send it as a string.`
    case 'depth':
      return `The JSON is nested more than ${limits.jsonDepthMax} deep at character ${fault.at}.`
  }
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

function numberEnd(text: string, from: number): number {
  let end = from + 1
  while (end < text.length) {
    const code = text.charCodeAt(end)
    const isPart =
      (code >= 0x30 && code <= 0x39) ||
      code === 0x2e ||
      code === 0x2b ||
      code === 0x2d ||
      code === 0x65 ||
      code === 0x45
    if (!isPart) break
    end += 1
  }
  return end
}
