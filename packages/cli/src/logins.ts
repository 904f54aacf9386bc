import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from './faults.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What `tasklane login` keeps, in a file for each scheduler that its owner alone can read. */
export interface SavedLogin {
  readonly token: string
  readonly name: string
  readonly expires_at: string
}

/** Null where the environment tells of no home. */
export function loginFile(env: Environment, url: string): string | null {
  const isSet = (folder: string | undefined): folder is string => folder !== undefined && folder !== ''
  const home = [env.HOME, env.USERPROFILE].find(isSet)
  const folder = isSet(env.XDG_CONFIG_HOME) ? env.XDG_CONFIG_HOME : home === undefined ? null : join(home, '.config')
  return folder === null ? null : join(folder, 'tasklane', 'logins', encodeURIComponent(new URL(url).origin))
}

/** @returns where it is kept */
export function saveLogin(env: Environment, url: string, login: SavedLogin): string {
  const file = loginFile(env, url)
  if (file === null) throw new UsageError(['There is no home to keep a login in; set HOME, or use TASKLANE_TOKEN.'])
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 })
  // Never half a token, and never for a moment one that others can read.
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(login)}\n`, { mode: 0o600 })
  chmodSync(draft, 0o600)
  renameSync(draft, file)
  return file
}

/** Null where there is none, or it has run out. @throws UsageError where others can read it */
export function readLogin(env: Environment, url: string, nowMs: number): SavedLogin | null {
  const file = loginFile(env, url)
  const stat = file === null ? undefined : statSync(file, { throwIfNoEntry: false })
  if (file === null || stat === undefined) return null
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
    throw new UsageError([`The login kept in ${file} may be read by others. Remove the file, and log in again.`])
  }
  const login = parseLogin(readFileSync(file, 'utf8'))
  return login !== null && Date.parse(login.expires_at) > nowMs ? login : null
}

/** Whether there was one. */
export function forgetLogin(env: Environment, url: string): boolean {
  const file = loginFile(env, url)
  if (file === null || statSync(file, { throwIfNoEntry: false }) === undefined) return false
  rmSync(file, { force: true })
  return true
}

function parseLogin(text: string): SavedLogin | null {
  try {
    const { token, name, expires_at }: Partial<Record<keyof SavedLogin, unknown>> = Object(JSON.parse(text))
    if (typeof token !== 'string' || typeof name !== 'string' || typeof expires_at !== 'string') return null
    return { token, name, expires_at }
  } catch {
    // A file that somebody has edited is as good as none: a login makes it anew.
    return null
  }
}
