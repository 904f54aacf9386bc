import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { firstAdminName, passwordFault } from '../http/auth/first-admin.ts'
import { isTokenSecret } from '../http/auth/session-tokens.ts'
import { isLoopback } from './edge.ts'
import { isSet, type Reader } from './reader.ts'
import { howToMakeKey, weaknessOf } from './secret-key.ts'
import type { StoreConfig } from './store.ts'

export interface AuthConfig {
  /** `open`, or `off` where it was asked for: whoever reaches the node is admin. `required`: callers say who they are. */
  readonly mode: 'open' | 'off' | 'required'
  readonly secret: SecretConfig
  readonly tokenLifetimeMs: number
  /** Of the user `admin`, who is made at the first start; null makes one by chance. */
  readonly adminPassword: string | null
  /** A service token that all workers share, there from the start; null where each gets one of its own. */
  readonly workerToken: string | null
  readonly auditRetentionMs: number
}

/** What sessions are signed with, and what is still taken after a rotation. */
export type SecretConfig =
  | { readonly kind: 'given'; readonly key: string; readonly previous: string | null }
  /** Made at the first start. `mayPass`: where it cannot be kept, one of this process alone will do. */
  | { readonly kind: 'kept'; readonly file: string; readonly previous: string | null; readonly mayPass: boolean }
  /** Of this process alone: sessions end with it. */
  | { readonly kind: 'passing' }

export function readAuth(read: Reader, given: { readonly host: string; readonly store: StoreConfig }): AuthConfig {
  const wanted = read.choice('TASKLANE_AUTH', ['auto', 'required', 'off'], 'auto')
  const isLocal = isLoopback(given.host)
  const isOpen = wanted === 'off' || (wanted === 'auto' && isLocal)
  if (isOpen && !isLocal) {
    read.warnings.push(
      `TASKLANE_AUTH is off and ${given.host} is no loopback address: whoever can reach it may do everything.`,
    )
  }
  checkAlgorithm(read)
  return {
    mode: wanted === 'off' ? 'off' : isOpen ? 'open' : 'required',
    secret: readSecretKey(read, { ...given, isOpen, isLocal }),
    tokenLifetimeMs:
      read.number('ACCESS_TOKEN_EXPIRE_MINUTES', { otherwise: 30, least: 1, most: 30 * 1_440, whole: true }) * 60_000,
    adminPassword: readAdminPassword(read),
    workerToken: readWorkerToken(read),
    auditRetentionMs: read.seconds('TASKLANE_AUDIT_RETENTION', {
      otherwise: 90 * 86_400,
      least: 0,
      most: 3_650 * 86_400,
    }),
  }
}

interface SecretAsk {
  readonly host: string
  readonly store: StoreConfig
  readonly isOpen: boolean
  readonly isLocal: boolean
}

function readSecretKey(read: Reader, ask: SecretAsk): SecretConfig {
  const key = read.secret('SECRET_KEY')
  const previous = read.secret('SECRET_KEY_PREVIOUS')
  const usable = {
    key: judgeKey(read, 'SECRET_KEY', key, ask),
    previous: judgeKey(read, 'SECRET_KEY_PREVIOUS', previous, ask),
  }
  if (usable.key !== null) return { kind: 'given', key: usable.key, previous: usable.previous }
  // Users go with the process, so their sessions may as well.
  if (ask.store.kind === 'memory' && ask.isLocal) return { kind: 'passing' }
  const file = keptFile(read, ask.store)
  if (ask.isOpen) {
    // Beside a file that is written anyway; an open node leaves nothing in anybody's home.
    return ask.store.kind === 'sqlite'
      ? { kind: 'kept', file, previous: usable.previous, mayPass: true }
      : { kind: 'passing' }
  }
  if (!ask.isLocal && key === null) {
    read.faults.push(
      `SECRET_KEY is missing: callers have to log in, as ${ask.host} is no loopback address, and sessions are signed with it. ${howToMakeKey} ` +
        'Or listen on 127.0.0.1, or let everybody in with TASKLANE_AUTH=off.',
    )
  }
  return { kind: 'kept', file, previous: usable.previous, mayPass: false }
}

/** A weak key is refused where it keeps anybody out; elsewhere, as with the `.env` of a tutorial, it is not used. */
function judgeKey(read: Reader, name: string, key: string | null, { isOpen }: SecretAsk): string | null {
  const weakness = key === null ? null : weaknessOf(key)
  if (weakness === null) return key
  if (isOpen) {
    read.warnings.push(`${name} ${weakness}; it is not used, and refused where callers have to log in. ${howToMakeKey}`)
  } else read.faults.push(`${name} ${weakness}. ${howToMakeKey}`)
  return null
}

/** Beside the database, or where programs of this user keep what is theirs. */
function keptFile({ env }: Reader, store: StoreConfig): string {
  if (store.kind === 'sqlite') return join(dirname(store.file), `${baseName(store.file)}.secret-key`)
  const state = env.STATE_DIRECTORY ?? env.XDG_STATE_HOME
  const folder = isSet(state) ? state : join(homedir(), '.local', 'state')
  return join(folder, 'tasklane', 'secret-key')
}

function baseName(file: string): string {
  return file.slice(dirname(file).length).replace(/^[/\\]+/, '')
}

/** Other systems let it be chosen. It is pinned here: a choice is what attacks on JWT are made of. */
function checkAlgorithm({ env, faults }: Reader): void {
  const given = env.ALGORITHM
  if (!isSet(given) || given.trim().toUpperCase() === 'HS256') return
  faults.push(`ALGORITHM is '${given}'; sessions are signed with HS256 and nothing else. Unset it.`)
}

function readAdminPassword(read: Reader): string | null {
  const password = read.secret('TASKLANE_ADMIN_PASSWORD')
  const fault = password === null ? null : passwordFault(password, firstAdminName)
  if (fault === null) return password
  read.faults.push(`TASKLANE_ADMIN_PASSWORD: ${fault}`)
  return null
}

function readWorkerToken(read: Reader): string | null {
  const token = read.secret('TASKLANE_WORKER_TOKEN')
  if (token === null || isTokenSecret(token)) return token
  read.faults.push(
    "TASKLANE_WORKER_TOKEN is no token: it takes 'tl_' and 256 bits as base64url. Make one: " +
      '`echo "tl_$(openssl rand -base64 32 | tr +/ -_ | tr -d =)"`.',
  )
  return null
}
