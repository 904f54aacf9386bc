import { describeJsonFault, findUnstorable, type Json, limits, nameSchema, taskIdSchema } from '@tasklane/protocol'
import { suggest } from '../closest.ts'

/**
 * Reading of single values, from the command line and the environment alike. `subject` is how a person knows the value
 * ("--priority", "TASKLANE_URL"); a fault is a sentence with the way out.
 */
export type Reading<Value> = { readonly value: Value } | { readonly fault: string }

const namePattern = new RegExp(nameSchema.pattern)
const taskIdPattern = new RegExp(taskIdSchema.pattern)

export function readNumber(
  subject: string,
  text: string,
  bounds: { readonly min: number; readonly max: number; readonly isWhole?: boolean },
): Reading<number> {
  const kind = bounds.isWhole === true ? 'a whole number' : 'a number'
  const value = Number(text)
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) && Number.isFinite(value)
  if (!isNumber || value < bounds.min || value > bounds.max || (bounds.isWhole === true && !Number.isInteger(value))) {
    return { fault: `${subject} takes ${kind} from ${bounds.min} to ${say(bounds.max)}, not '${text}'.` }
  }
  return { value }
}

const unitSeconds: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 }

/** A span of time in seconds: `90`, `1.5s`, `250ms`, `5m`, `2h`, `1d`. */
export function readSeconds(
  subject: string,
  text: string,
  bounds: { readonly min: number; readonly max: number },
): Reading<number> {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|m|h|d)?$/i.exec(text.trim())
  const value = match === null ? Number.NaN : Number(match[1]) * (unitSeconds[(match[2] ?? 's').toLowerCase()] ?? 1)
  if (Number.isNaN(value)) {
    return { fault: `${subject} takes a time such as 90, 30s, 5m, 2h or 1d, not '${text}'.` }
  }
  if (value < bounds.min || value > bounds.max) {
    return { fault: `${subject} takes from ${bounds.min} to ${say(bounds.max)} seconds, not '${text}' (${value} s).` }
  }
  return { value }
}

/** A time with a zone, as RFC 3339 has it; returned in UTC. */
export function readInstant(subject: string, text: string): Reading<string> {
  const isRfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(text)
  const ms = Date.parse(text)
  if (!isRfc3339 || Number.isNaN(ms)) {
    return { fault: `${subject} takes a time with a zone, such as 2030-01-31T09:00:00Z, not '${text}'.` }
  }
  return { value: new Date(ms).toISOString() }
}

/** The name of a type, a queue or a worker. */
export function readName(subject: string, text: string): Reading<string> {
  if (text.length <= limits.nameCharsMax && namePattern.test(text)) return { value: text }
  const rule = "letters, digits, '_', '.', ':', '/' and '-', and begins with a letter, a digit or '_'"
  return { fault: `${subject} takes a name of up to ${limits.nameCharsMax} ${rule}, not '${text}'.` }
}

export function readTaskId(subject: string, text: string): Reading<string> {
  if (text.length <= limits.taskIdCharsMax && taskIdPattern.test(text)) return { value: text }
  return { fault: `${subject} takes a task id (\`tasklane tasks list\` shows them), not '${text}'.` }
}

export function readChoice<const Choice extends string>(
  subject: string,
  text: string,
  choices: readonly Choice[],
): Reading<Choice> {
  const found = choices.find(choice => choice === text)
  if (found !== undefined) return { value: found }
  return { fault: `${subject} takes one of ${choices.join(', ')}, not '${text}'.${suggest(text, choices)}` }
}

/** The address of a scheduler, or of several with commas in between; without slashes at their ends. */
export function readAddresses(subject: string, text: string): Reading<readonly string[]> {
  const addresses = text.split(',').map(part => part.trim())
  const wrong = addresses.find(address => !isHttpAddress(address))
  if (wrong !== undefined)
    return { fault: `${subject} takes an address such as http://127.0.0.1:8000, not '${wrong}'.` }
  return { value: addresses.map(address => address.replace(/\/+$/, '')) }
}

function isHttpAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

/** An address or a name to listen on, as the scheduler takes it. */
export function readHost(subject: string, text: string): Reading<string> {
  if (/^[A-Za-z0-9_.:-]+$/.test(text)) return { value: text }
  return { fault: `${subject} takes an address or a host name, such as 127.0.0.1, not '${text}'.` }
}

/** Text with no more than `max` characters. */
export function readText(subject: string, text: string, max: number): Reading<string> {
  if (text.length <= max) return { value: text }
  return { fault: `${subject} takes at most ${max} characters, not ${text.length}.` }
}

/** What people call something: any text that is not blank. */
export function readTitle(subject: string, text: string): Reading<string> {
  return text.trim() === ''
    ? { fault: `${subject} is empty; it takes a name.` }
    : readText(subject, text, limits.nameCharsMax)
}

/** The name of a user or a token. */
export function readAccountName(subject: string, text: string): Reading<string> {
  if (text.length <= limits.nameCharsMax && accountNamePattern.test(text)) return { value: text }
  const rule = "letters, digits, '_', '.', '@', '+' and '-', and begins with a letter, a digit or '_'"
  return { fault: `${subject} takes a name of up to ${limits.nameCharsMax} ${rule}, not '${text}'.` }
}

const accountNamePattern = /^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$/

/** The path of a file or a folder; what it leads to is not looked at. */
export function readPath(subject: string, text: string): Reading<string> {
  if (text.trim() === '') return { fault: `${subject} is empty; it takes a path, or leave it out.` }
  return readText(subject, text, pathCharsMax)
}

/** What Linux takes as a path. */
const pathCharsMax = 4_096

/** `key=value`. */
export function readPair(subject: string, text: string): Reading<readonly [key: string, value: string]> {
  const at = text.indexOf('=')
  if (at < 1) return { fault: `${subject} takes key=value, not '${text}'.` }
  const key = text.slice(0, at)
  const value = text.slice(at + 1)
  if (key.length > limits.labelKeyCharsMax || value.length > limits.labelValueCharsMax) {
    const bounds = `${limits.labelKeyCharsMax} characters before the '=' and ${limits.labelValueCharsMax} after it`
    return { fault: `${subject} takes at most ${bounds}.` }
  }
  return { value: [key, value] }
}

/** JSON that a store can keep: the same rules as the scheduler's, told before anything is sent. */
export function readJson(subject: string, text: string): Reading<Json> {
  let value: Json
  try {
    // JSON.parse returns nothing but JSON.
    value = JSON.parse(text) as Json
  } catch (error) {
    const hint = /^\s*[{[]/.test(text) ? '' : ` Text is JSON in quotes: '"${text.trim().slice(0, 40)}"'.`
    return { fault: `${subject} is not JSON: ${error instanceof Error ? error.message : String(error)}.${hint}` }
  }
  const bytes = Buffer.byteLength(text)
  if (bytes > limits.payloadBytesMax) {
    return { fault: `${subject} has ${bytes} bytes; a payload holds ${limits.payloadBytesMax}.` }
  }
  const fault = findUnstorable(text)
  return fault === null ? { value } : { fault: `${subject} cannot be kept: ${describeJsonFault(fault)}` }
}

function say(bound: number): string {
  return bound === Number.MAX_SAFE_INTEGER ? '2^53 − 1' : String(bound)
}
