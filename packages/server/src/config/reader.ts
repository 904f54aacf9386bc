import { readFileSync } from 'node:fs'

export type Environment = Readonly<Record<string, string | undefined>>

/** Reads single values of the environment and collects what is wrong with them, a sentence each with the way out. */
export interface Reader {
  readonly env: Environment
  readonly faults: string[]
  readonly warnings: string[]
  number(name: string, rule: NumberRule): number
  /** Seconds in the environment, milliseconds here. */
  seconds(name: string, rule: NumberRule): number
  boolean(name: string, otherwise: boolean): boolean
  choice<const Choice extends string>(name: string, choices: readonly Choice[], otherwise: Choice): Choice
  /** Values with commas in between; empty where it is not set. */
  list(name: string): readonly string[]
  /** The value of NAME, or the first line of the file that NAME_FILE names; null where neither is set. */
  secret(name: string): string | null
}

export interface NumberRule {
  /** How a person knows the flag that stands before the variable. */
  readonly flag?: string
  readonly given?: string | number | undefined
  readonly otherwise: number
  readonly least: number
  readonly most: number
  readonly whole?: boolean
}

export function createReader(env: Environment, faults: string[], warnings: string[]): Reader {
  const number = (name: string, rule: NumberRule): number => {
    const source = rule.given === undefined ? name : (rule.flag ?? name)
    const given = rule.given ?? env[name]
    if (!isSet(given)) return rule.otherwise
    const value = Number(given)
    const isFine =
      String(given).trim() !== '' &&
      Number.isFinite(value) &&
      value >= rule.least &&
      value <= rule.most &&
      (rule.whole !== true || Number.isInteger(value))
    if (isFine) return value
    const kind = rule.whole === true ? 'a whole number' : 'a number'
    faults.push(
      `${source} is '${given}'; it takes ${kind} from ${rule.least} to ${rule.most} (default ${rule.otherwise}).`,
    )
    return rule.otherwise
  }
  return {
    env,
    faults,
    warnings,
    number,
    seconds: (name, rule) => Math.round(number(name, rule) * 1_000),
    boolean: (name, otherwise) => {
      const given = env[name]
      if (!isSet(given)) return otherwise
      const value = booleanOf(given)
      if (value !== null) return value
      faults.push(`${name} is '${given}'; it takes true or false (default ${otherwise}).`)
      return otherwise
    },
    choice: (name, choices, otherwise) => {
      const given = env[name]
      if (!isSet(given)) return otherwise
      const found = choices.find(choice => choice.toLowerCase() === given.trim().toLowerCase())
      if (found !== undefined) return found
      const all = `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`
      faults.push(`${name} is '${given}'; it takes ${all} (default ${otherwise}).`)
      return otherwise
    },
    list: name =>
      (env[name] ?? '')
        .split(',')
        .map(part => part.trim())
        .filter(part => part !== ''),
    secret: name => readSecret(name, env, faults),
  }
}

/** Docker and Kubernetes hand secrets over as files; the line break at the end is no part of one. */
function readSecret(name: string, env: Environment, faults: string[]): string | null {
  const given = env[name]
  const file = env[`${name}_FILE`]
  if (!isSet(file)) return isSet(given) ? given : null
  if (isSet(given)) {
    faults.push(`${name} and ${name}_FILE are both set; unset one of them.`)
    return given
  }
  try {
    const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    if (text !== '') return text
    faults.push(`${name}_FILE names '${file}', which is empty.`)
  } catch (error) {
    faults.push(`${name}_FILE cannot be read: ${error instanceof Error ? error.message : String(error)}.`)
  }
  return null
}

export function booleanOf(text: string): boolean | null {
  const word = text.trim().toLowerCase()
  if (['true', '1', 'yes', 'on'].includes(word)) return true
  return ['false', '0', 'no', 'off'].includes(word) ? false : null
}

export function isSet<T extends string | number>(value: T | undefined): value is T {
  return value !== undefined && value !== ''
}
