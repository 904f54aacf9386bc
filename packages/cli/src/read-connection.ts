import { readFileSync } from 'node:fs'
import { type ClientOptions, defaultAddress } from './connection.ts'
import type { Host } from './host.ts'
import type { Arguments } from './input/arguments.ts'
import { readAddresses } from './input/values.ts'
import { readLogin } from './logins.ts'

/**
 * `--url`, then `TASKLANE_URL`, then the default address. The token comes from `TASKLANE_TOKEN`, from the
 * file that `TASKLANE_TOKEN_FILE` names, or from a login that is kept;
 * from no flag, so that no shell history keeps it.
 */
export function readConnection(input: Arguments, host: Pick<Host, 'env' | 'nowMs'>): ClientOptions {
  const { env } = host
  const urls = input.flagOrVariable('--url', 'TASKLANE_URL', readAddresses) ?? [defaultAddress]
  const token = readToken(input, env)
  if (token !== null) return { urls, token }
  // Several are nodes of one store: a login at the first is one at all.
  const login = urls[0] === undefined ? null : readLogin(env, urls[0], host.nowMs())
  return login === null ? { urls, token: null } : { urls, token: login.token, login }
}

function readToken(input: Arguments, env: Host['env']): string | null {
  const token = env.TASKLANE_TOKEN ?? ''
  if (token !== '') return token
  const file = env.TASKLANE_TOKEN_FILE ?? ''
  if (file === '') return null
  try {
    const text = readFileSync(file, 'utf8').trim()
    if (text !== '') return text
    input.fault(`TASKLANE_TOKEN_FILE names '${file}', which is empty.`)
  } catch (error) {
    input.fault(`TASKLANE_TOKEN_FILE cannot be read: ${error instanceof Error ? error.message : String(error)}.`)
  }
  return null
}
