import { createHash } from 'node:crypto'
import type { JsonText } from './task.ts'

/**
 * What failed tasks have in common that failed of the same cause: the type, the code, and the message with all levelled
 * that changes from one failure to the next. Sixteen hex digits: among a million groups, two that are not the same meet
 * with a chance of one in forty million.
 */
export function fingerprintOf(type: string, error: JsonText | null): string {
  const { code, message } = readFailure(error)
  return createHash('sha256')
    .update(JSON.stringify([type, code, levelled(message)]))
    .digest('hex')
    .slice(0, 16)
}

/** The code and the message of an error as a task keeps it; empty where it has none. */
export function readFailure(error: JsonText | null): { readonly code: string; readonly message: string } {
  const value: unknown = error === null ? null : JSON.parse(error)
  return { code: textOf(value, 'code'), message: textOf(value, 'message') }
}

function textOf(value: unknown, name: string): string {
  const text: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  return typeof text === 'string' ? text : ''
}

/** Of a message that is a whole dump, the beginning tells enough. */
const levelledCharsMax = 1_000

/** In this order: what is quoted may hold all the others, an address holds a path, and a path holds digits. */
const levels: readonly (readonly [RegExp, string])[] = [
  [/"[^"\n]{0,500}"|`[^`\n]{0,500}`|(?<![A-Za-z0-9])'[^'\n]{0,500}'(?![A-Za-z0-9])/g, '<text>'],
  [/\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s<>]{1,500}/gi, '<url>'],
  [/(?<![\w<])(?:[A-Za-z]:\\|\.{0,2}[\\/])[^\s:,;()<>]{1,500}/g, '<path>'],
  [/\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi, '<id>'],
  [/\b0x[0-9a-f]{1,64}\b/gi, '<id>'],
  // A word of hex digits; letters alone may be a word of the language.
  [/\b(?=[a-f]{0,63}\d)[0-9a-f]{8,64}\b/gi, '<id>'],
  // A word in which letters and digits mix is a name of one thing.
  [/\b(?=[\w-]{0,63}[A-Za-z])(?=[\w-]{0,63}\d)[\w-]{6,64}\b/g, '<id>'],
  [/\d+(?:[.,:]\d+)*/g, '<n>'],
  [/\s+/g, ' '],
]

/** A message without what changes from one failure to the next. */
export function levelled(message: string): string {
  let text = message.slice(0, levelledCharsMax)
  for (const [pattern, place] of levels) text = text.replace(pattern, place)
  return text.trim()
}
