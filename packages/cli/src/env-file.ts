import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { UsageError } from './faults.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface EnvFileAsk {
  readonly env: Environment
  readonly cwd: string
  /** The file that was named; null is `.env`, if there is one; false is none. */
  readonly file: string | null | false
}

export interface EnvFileReading {
  /** The real environment before the file. */
  readonly env: Environment
  /** Lines that say nothing, a sentence each. What stands in them is not repeated: it may be a secret. */
  readonly warnings: readonly string[]
}

/**
 * The environment together with a file of `NAME=value` lines, as Node's own `--env-file` reads it.
 * @throws UsageError where a file that was named cannot be read
 */
export function readEnvFile({ env, cwd, file }: EnvFileAsk): EnvFileReading {
  if (file === false) return { env, warnings: [] }
  const name = file ?? '.env'
  const text = readText(resolve(cwd, name), file !== null)
  if (text === null) return { env, warnings: [] }
  const set = Object.entries(env).filter(([, value]) => value !== undefined)
  return {
    env: { ...parseEnv(text), ...Object.fromEntries(set) },
    warnings: findMalformedLines(text).map(({ line, why }) => `Line ${line} of ${name} is not read: ${why}.`),
  }
}

function readText(path: string, isNamed: boolean): string | null {
  try {
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    // A folder of that name is a virtual environment of Python.
    if (!isNamed && (code === 'ENOENT' || code === 'EISDIR')) return null
    const what = error instanceof Error ? error.message : String(error)
    throw new UsageError([
      isNamed
        ? `--env-file cannot be read: ${what}.`
        : `The file .env cannot be read: ${what}. Make it readable, or leave it out with --no-env-file.`,
    ])
  }
}

/** Node passes over them without a word. */
function findMalformedLines(text: string): readonly { readonly line: number; readonly why: string }[] {
  const found: { line: number; why: string }[] = []
  const lines = text.split(/\r?\n/)
  for (let at = 0; at < lines.length; at += 1) {
    const line = (lines[at] ?? '').trim()
    if (line === '' || line.startsWith('#')) continue
    const value = /^(?:export\s+)?[A-Za-z_][\w.-]*\s*=\s*(.*)$/.exec(line)?.[1]
    if (value === undefined) {
      found.push({ line: at + 1, why: "it is no NAME=value, and no comment that begins with '#'" })
      continue
    }
    const quote = /^["'`]/.exec(value)?.[0]
    if (quote === undefined || value.indexOf(quote, 1) !== -1) continue
    const end = lines.findIndex((later, index) => index > at && later.includes(quote))
    if (end === -1) found.push({ line: at + 1, why: `its quote (${quote}) is not closed` })
    else at = end
  }
  return found
}
