import { readFileSync } from 'node:fs'
import { type ClientOptions, defaultAddress, reachableAddress } from './connection.ts'
import type { Host } from './host.ts'
import type { Arguments } from './input/arguments.ts'
import { readAddresses, readHost, readNumber } from './input/values.ts'
import { readLogin } from './logins.ts'

/**
 * `--url`, then `TASKLANE_URL`, then where a scheduler with these API_HOST and API_PORT listens. The token comes
 * from `TASKLANE_TOKEN`, from the file that `TASKLANE_TOKEN_FILE` names, or from a login that is kept;
 * from no flag, so that no shell history keeps it.
 */
export function readConnection(input: Arguments, host: Pick<Host, 'env' | 'nowMs'>): ClientOptions {
  const urls = input.flagOrVariable('--url', 'TASKLANE_URL', readAddresses) ?? [addressOfScheduler(input, host.env)]
  return readConnectionTo(urls, input, host)
}

/** The same token for a scheduler whose address is known. */
export function readConnectionTo(
  urls: readonly string[],
  input: Pick<Arguments, 'fault'>,
  host: Pick<Host, 'env' | 'nowMs'>,
): ClientOptions {
  const token = readToken(input, host.env)
  if (token !== null) return { urls, token }
  // Several are nodes of one store: a login at the first is one at all.
  const login = urls[0] === undefined ? null : readLogin(host.env, urls[0], host.nowMs())
  return login === null ? { urls, token: null } : { urls, token: login.token, login }
}

function addressOfScheduler(input: Arguments, env: Host['env']): string {
  const port = input.variable('API_PORT', (subject, text) =>
    readNumber(subject, text, { min: 0, max: 65_535, isWhole: true }),
  )
  const host = input.variable('API_HOST', readHost)
  // Port 0 is any free one: nobody knows which.
  if (host === null && (port === null || port === 0)) return defaultAddress
  const scheme = env.TASKLANE_TLS_CERT === undefined || env.TASKLANE_TLS_CERT === '' ? 'http' : 'https'
  const name = host ?? '127.0.0.1'
  return reachableAddress(`${scheme}://${name.includes(':') ? `[${name}]` : name}:${port || 8_000}`)
}

function readToken(input: Pick<Arguments, 'fault'>, env: Host['env']): string | null {
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
