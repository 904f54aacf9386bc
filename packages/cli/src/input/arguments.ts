import { suggest } from '../closest.ts'
import { UsageError } from '../faults.ts'
import type { Reading } from './values.ts'

/** What the command line held, before any of it was judged. */
export interface RawArguments {
  readonly operands: readonly string[]
  /** By attribute name (`dependsOn`), as commander has them. */
  readonly options: Readonly<Record<string, unknown>>
  /** Flags nobody declared. */
  readonly unknownFlags: readonly string[]
  /** For suggestions. */
  readonly knownFlags: readonly string[]
  readonly operandsMax: number
  readonly env: Readonly<Record<string, string | undefined>>
}

type Reader<Value> = (subject: string, text: string) => Reading<Value>

/**
 * Reads the values of one command and collects what is wrong with them, so that a person meets all faults at once.
 * Where a value is faulty, the reader's fallback stands in until `finish` throws.
 */
export interface Arguments {
  /** The value of a flag that takes one, or null where it is absent. */
  flag<Value>(name: string, read: Reader<Value>): Value | null
  /** A flag that may be repeated, its values with commas in between; empty where it is absent. */
  list<Value>(name: string, read: Reader<Value>): readonly Value[]
  /** As `list`, but a comma belongs to the value. */
  repeated<Value>(name: string, read: Reader<Value>): readonly Value[]
  isSet(name: string): boolean
  /** Flag, then environment, then null. */
  flagOrVariable<Value>(name: string, variable: string, read: Reader<Value>): Value | null
  /** What has no flag; null where it is absent or empty. */
  variable<Value>(name: string, read: Reader<Value>): Value | null
  operand<Value>(at: number, subject: string, read: Reader<Value>): Value | null
  operands<Value>(subject: string, read: Reader<Value>): readonly Value[]
  fault(sentence: string): void
}

/**
 * Runs `read` over the arguments and throws one `UsageError` with everything that was found. `read` may look at files
 * too, so that a path that leads nowhere is told along with the rest.
 */
export async function readArguments<Result>(
  raw: RawArguments,
  read: (input: Arguments) => Result | Promise<Result>,
): Promise<Result> {
  const faults: string[] = []
  for (const flag of raw.unknownFlags) faults.push(`There is no option ${flag} here.${suggest(flag, raw.knownFlags)}`)
  // What follows an unknown flag may be its value; only without one is a further word surely too much.
  if (raw.unknownFlags.length === 0) {
    for (const extra of raw.operands.slice(raw.operandsMax)) faults.push(`'${extra}' is one argument too many.`)
  }
  const result = await read(createArguments(raw, faults))
  if (faults.length > 0) throw new UsageError(faults)
  return result
}

function createArguments(raw: RawArguments, faults: string[]): Arguments {
  const take = <Value>(reading: Reading<Value>): Value | null => {
    if ('value' in reading) return reading.value
    faults.push(reading.fault)
    return null
  }
  const textOf = (name: string): string | null => {
    const value = raw.options[attributeOf(name)]
    return typeof value === 'string' ? value : null
  }
  const textsOf = (name: string): readonly string[] => {
    const value = raw.options[attributeOf(name)]
    if (Array.isArray(value)) return value.map(String)
    return typeof value === 'string' ? [value] : []
  }
  /** The parts of a list; one without any is a slip, such as a variable of a script that is empty, and no wish. */
  const partsOf = (name: string): readonly string[] =>
    textsOf(name).flatMap(text => {
      const parts = splitList(text)
      if (parts.length === 0) faults.push(`${name} is empty; name one or several with commas, or leave it out.`)
      return parts
    })
  const readAll = <Value>(texts: readonly string[], subject: string, read: Reader<Value>): readonly Value[] => {
    const values: Value[] = []
    for (const text of texts) {
      const reading = read(subject, text)
      if ('value' in reading) values.push(reading.value)
      else faults.push(reading.fault)
    }
    return values
  }
  const ofVariable = <Value>(name: string, read: Reader<Value>): Value | null => {
    const text = raw.env[name]
    return text === undefined || text === '' ? null : take(read(name, text))
  }
  return {
    flag: (name, read) => {
      const text = textOf(name)
      return text === null ? null : take(read(name, text))
    },
    list: (name, read) => readAll(partsOf(name), name, read),
    repeated: (name, read) => readAll(textsOf(name), name, read),
    // `--no-x` turns off what is on by default.
    isSet: name =>
      name.startsWith('--no-')
        ? raw.options[attributeOf(name.replace('--no-', '--'))] === false
        : raw.options[attributeOf(name)] === true,
    flagOrVariable: (name, variable, read) => {
      const text = textOf(name)
      return text === null ? ofVariable(variable, read) : take(read(name, text))
    },
    variable: ofVariable,
    operand: (at, subject, read) => {
      const text = raw.operands[at]
      return text === undefined ? null : take(read(subject, text))
    },
    operands: (subject, read) => readAll(raw.operands, subject, read),
    fault: sentence => void faults.push(sentence),
  }
}

/** `a, b` and `a,b` alike; empty parts are left out. */
function splitList(text: string): readonly string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
}

/** `--depends-on` → `dependsOn`. */
function attributeOf(flag: string): string {
  return flag.replace(/^--/, '').replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
