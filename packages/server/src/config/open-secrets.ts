import { chmodSync, closeSync, fstatSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../ports/clock.ts'
import type { SecretConfig } from './auth.ts'
import { weaknessOf } from './secret-key.ts'

/** What sessions are signed with, and what else is still taken. */
export interface SigningSecrets {
  readonly key: string
  readonly previous: string | null
}

/** The kept key cannot be used; the sentence says the way out. */
export class SecretFileError extends Error {
  override readonly name = 'SecretFileError'
}

/**
 * The key of the configuration, or the one that is kept in a file, which is made at the first start.
 * @throws SecretFileError
 */
export function openSecrets(secret: SecretConfig, clock: Pick<Clock, 'fillRandom'>): SigningSecrets {
  if (secret.kind === 'given') return { key: secret.key, previous: secret.previous }
  if (secret.kind === 'passing') return { key: makeKey(clock), previous: null }
  try {
    return { key: readKept(secret.file) ?? makeKept(secret.file, clock), previous: secret.previous }
  } catch (error) {
    if (secret.mayPass) return { key: makeKey(clock), previous: secret.previous }
    if (error instanceof SecretFileError) throw error
    throw new SecretFileError(
      `The key that sessions are signed with cannot be kept in ${secret.file}: ${error instanceof Error ? error.message : String(error)}. ` +
        'Set SECRET_KEY, or make the folder writable.',
    )
  }
}

/** Null where there is none yet. */
function readKept(file: string): string | null {
  let handle: number
  try {
    handle = openSync(file, 'r')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
  try {
    const { mode } = fstatSync(handle)
    // Windows has no such bits.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new SecretFileError(
        `${file} may be read by others (mode ${(mode & 0o777).toString(8)}), and with the key in it anybody can be admin. ` +
          'Remove it, and a new one is made; every session ends then.',
      )
    }
    const key = readFileSync(handle, 'utf8').trim()
    const weakness = weaknessOf(key)
    if (weakness === null) return key
    throw new SecretFileError(`The key in ${file} ${weakness}. Remove the file, and a new one is made.`)
  } finally {
    closeSync(handle)
  }
}

function makeKept(file: string, clock: Pick<Clock, 'fillRandom'>): string {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const key = makeKey(clock)
  try {
    // 'wx': of two nodes that start together one makes it, and the other reads it.
    const handle = openSync(file, 'wx', 0o600)
    try {
      writeSync(handle, `${key}\n`)
    } finally {
      closeSync(handle)
    }
    chmodSync(file, 0o600)
    return key
  } catch (error) {
    const made = codeOf(error) === 'EEXIST' ? readKept(file) : null
    if (made !== null) return made
    throw error
  }
}

function makeKey(clock: Pick<Clock, 'fillRandom'>): string {
  const bytes = new Uint8Array(32)
  clock.fillRandom(bytes)
  return Buffer.from(bytes).toString('hex')
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null
}
