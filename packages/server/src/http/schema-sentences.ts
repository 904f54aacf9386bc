import type { ProblemDetail } from '@tasklane/protocol'
import type { ErrorObject } from 'ajv'

/** Longer lists help nobody. */
const sentencesMax = 20

/** Turns what ajv found into sentences that name the value and the way out, at most twenty, nearest to the root first. */
export function sentencesOf(errors: readonly ErrorObject[]): readonly ProblemDetail[] {
  const told = new Map<string, ProblemDetail>()
  for (const error of withoutOtherBranches(errors)) {
    const pointer = pointerOf(error)
    // One sentence a place: the first says what is to be mended first.
    if (!told.has(pointer)) told.set(pointer, { pointer, detail: sentenceOf(error, pointer) })
    if (told.size === sentencesMax) break
  }
  return [...told.values()]
}

/**
 * Of an `anyOf`, only the branch that the value was meant for is worth explaining: the one whose type it has. Where
 * there is none, the `anyOf` itself is told and its branches are not.
 */
function withoutOtherBranches(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const unions = errors.filter(error => error.keyword === 'anyOf')
  if (unions.length === 0) return errors
  const hidden = new Set<ErrorObject>()
  for (const union of unions) {
    const inside = errors.filter(
      error =>
        error.schemaPath.startsWith(`${union.schemaPath}/`) && isAtOrBelow(error.instancePath, union.instancePath),
    )
    const wrongBranches = new Set(
      inside
        .filter(error => error.keyword === 'type' && error.instancePath === union.instancePath)
        .map(error => branchOf(error, union)),
    )
    const meant = inside.filter(error => !wrongBranches.has(branchOf(error, union)))
    for (const error of inside) if (!meant.includes(error)) hidden.add(error)
    if (meant.length > 0) hidden.add(union)
  }
  return errors.filter(error => !hidden.has(error))
}

function branchOf(error: ErrorObject, union: ErrorObject): string {
  return error.schemaPath.slice(union.schemaPath.length + 1).split('/')[0] ?? ''
}

function isAtOrBelow(path: string, base: string): boolean {
  return path === base || path.startsWith(`${base}/`)
}

/** Points at the field itself, also where it is missing or should not be there. */
function pointerOf(error: ErrorObject): string {
  if (error.keyword === 'required') return `${error.instancePath}/${escapeKey(param(error, 'missingProperty'))}`
  if (error.keyword === 'additionalProperties') {
    return `${error.instancePath}/${escapeKey(param(error, 'additionalProperty'))}`
  }
  if (error.propertyName !== undefined) return `${error.instancePath}/${escapeKey(error.propertyName)}`
  if (error.keyword === 'propertyNames') return `${error.instancePath}/${escapeKey(param(error, 'propertyName'))}`
  return error.instancePath
}

function sentenceOf(error: ErrorObject, pointer: string): string {
  const name = labelOf(pointer)
  switch (error.keyword) {
    case 'required':
      return `${name} is missing.`
    case 'additionalProperties':
      return unknownSentence(name, pointer, Object.keys(error.parentSchema?.properties ?? {}))
    case 'type': {
      // A secret is not told, not even to its sender: refusals are shown and kept.
      const given = error.parentSchema?.writeOnly === true ? 'something else' : shown(error.data)
      return `${name} is ${given}; it takes ${typeWords(error.schema)}.`
    }
    case 'enum':
      return `${name} is ${shown(error.data)}; it takes ${choice(error.schema)}.`
    case 'pattern':
      return patternSentence(name, pointer, error)
    case 'format':
      return `${name} is ${shown(error.data)}; it takes an RFC 3339 time with a zone, such as 2027-01-31T08:30:00Z.`
    case 'anyOf':
      return `${name} is ${shown(error.data)}; it takes ${anyOfWords(error.schema)}.`
    default:
      return boundSentence(name, error)
  }
}

function boundSentence(name: string, error: ErrorObject): string {
  const limit = String(error.schema)
  switch (error.keyword) {
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
      return `${name} is ${shown(error.data)}; it takes ${rangeWords(error.parentSchema)}.`
    case 'minLength':
      return error.propertyName === undefined ? `${name} is empty.` : `${name} has an empty name.`
    case 'maxLength': {
      const text: unknown = error.propertyName ?? error.data
      return `${name} has ${typeof text === 'string' ? lengthOf(text) : 0} characters; it takes up to ${limit}.`
    }
    case 'minItems':
      return `${name} is an empty list; it takes at least ${limit}.`
    case 'maxItems':
      return `${name} has ${Array.isArray(error.data) ? error.data.length : 'too many'} entries; it takes up to ${limit}.`
    case 'maxProperties':
      return `${name} has ${Object.keys(Object(error.data)).length} entries; it takes up to ${limit}.`
    case 'propertyNames':
      return `${name} is not a usable name.`
    default:
      return `${name} ${error.message ?? 'does not fit its schema'}.`
  }
}

/** Characters as JSON Schema counts them. The text may be as long as a body, so it is not taken apart. */
function lengthOf(text: string): number {
  let length = text.length
  for (let at = 1; at < text.length; at += 1) {
    const isPair = (text.charCodeAt(at - 1) & 0xfc00) === 0xd800 && (text.charCodeAt(at) & 0xfc00) === 0xdc00
    if (isPair) length -= 1
  }
  return length
}

const nouns: Readonly<Record<string, string>> = {
  queue: 'Queue name',
  queues: 'Queue name',
  task_type: 'Task type',
  capabilities: 'Capability',
  worker_id: 'Worker id',
  task_id: 'Task id',
  dependencies: 'Dependency',
}

function patternSentence(name: string, pointer: string, error: ErrorObject): string {
  const noun = nouns[lastName(pointer)] ?? name
  const isId = noun === 'Task id' || noun === 'Dependency'
  const text = typeof error.data === 'string' ? error.data : ''
  const allowed = isId ? /[^A-Za-z0-9_.:-]/u : /[^A-Za-z0-9_.:/-]/u
  const way = `use letters, digits, '_', '.', ':'${isId ? '' : ", '/'"} and '-'`
  const foreign = allowed.exec(text)?.[0]
  if (foreign === undefined) return `${noun} ${shown(text)} does not begin with a letter, a digit or '_'; ${way}.`
  return `${noun} ${shown(text)} contains ${characterWords(foreign)}; ${way}.`
}

function characterWords(character: string): string {
  if (character === ' ') return 'a space'
  const code = character.codePointAt(0) ?? 0
  if (code <= 0x20 || (code >= 0x7f && code <= 0xa0) || /[\p{C}\p{Z}\p{M}]/u.test(character)) {
    return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
  }
  return `'${character}'`
}

export function unknownSentence(name: string, pointer: string, known: readonly string[]): string {
  const near = nearest(lastSegment(pointer), known)
  if (near !== null) return `${name} is unknown; did you mean '${near}'?`
  if (known.length === 0) return `${name} is unknown; this call takes none.`
  return `${name} is unknown; known are ${list(known.slice(0, 24))}.`
}

/** The known word that is at most two edits (a third of its letters) away, or null. */
export function nearest(word: string, known: readonly string[]): string | null {
  let best: string | null = null
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase().slice(0, 64), candidate)
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best !== null && bestDistance <= Math.max(1, Math.min(3, Math.floor(best.length / 3))) ? best : null
}

function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= other.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

function typeWords(schema: unknown): string {
  const words: Readonly<Record<string, string>> = {
    string: 'a string',
    number: 'a number',
    integer: 'a whole number',
    boolean: 'true or false',
    object: 'an object',
    array: 'a list',
    null: 'null',
  }
  const types = Array.isArray(schema) ? schema : [schema]
  return types.map(type => words[String(type)] ?? String(type)).join(' or ')
}

function anyOfWords(schema: unknown): string {
  const branches = Array.isArray(schema) ? schema : []
  return branches.map(branch => typeWords(Reflect.get(Object(branch), 'type'))).join(' or ')
}

function rangeWords(schema: object | undefined): string {
  const bounds = Object(schema)
  const above: unknown = Reflect.get(bounds, 'exclusiveMinimum')
  const from: unknown = Reflect.get(bounds, 'minimum')
  const to: unknown = Reflect.get(bounds, 'maximum')
  const low = above === undefined ? (from === undefined ? '' : `from ${String(from)}`) : `above ${String(above)}`
  const high = to === undefined ? '' : `${low === '' || above !== undefined ? 'up to' : 'to'} ${String(to)}`
  return ['a number', low, above !== undefined && high !== '' ? 'and' : '', high].filter(word => word !== '').join(' ')
}

function choice(schema: unknown): string {
  return list(Array.isArray(schema) ? schema.map(String) : [], 'or')
}

function list(words: readonly string[], last = 'and'): string {
  const quoted = words.map(word => `'${word}'`)
  const end = quoted.pop()
  return quoted.length === 0 ? (end ?? '') : `${quoted.join(', ')} ${last} ${end}`
}

/** A value as a sentence can hold it: short, on one line. */
export function shown(value: unknown): string {
  if (typeof value === 'string') {
    const short = value.length > 60 ? `${[...value.slice(0, 60)].join('')}…` : value
    return `'${plainText(short)}'`
  }
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value)
  return Array.isArray(value) ? 'a list' : 'an object'
}

/** A text that stays on its line and moves no terminal: what nobody sees is told by its number. */
export function plainText(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, character => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
  })
}

function labelOf(pointer: string): string {
  if (pointer === '') return 'The body'
  return `Field '${pointer.slice(1).split('/').map(unescapeKey).map(plainKey).join('.')}'`
}

function plainKey(key: string): string {
  return shown(key).slice(1, -1)
}

function lastName(pointer: string): string {
  return pointer.split('/').findLast(segment => !/^\d+$/.test(segment)) ?? ''
}

function lastSegment(pointer: string): string {
  return unescapeKey(pointer.split('/').at(-1) ?? '')
}

function param(error: ErrorObject, name: string): string {
  return String(Reflect.get(error.params, name))
}

function escapeKey(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

function unescapeKey(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~')
}
