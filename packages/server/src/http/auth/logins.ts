import { Problem } from '../../core/problem.ts'
import type { AccountStore, UserRecord } from '../../ports/accounts.ts'
import type { Audit } from './audit.ts'
import type { Directory } from './directory.ts'
import type { Guesses } from './guesses.ts'
import type { Passwords } from './passwords.ts'
import type { SessionClaims, SessionTokens } from './session-tokens.ts'

export interface Login {
  readonly user: UserRecord
  readonly token: string
  readonly claims: SessionClaims
}

/** Who asks, as far as limits and the audit log need to know. */
export interface Asker {
  readonly address: string
  readonly requestId: string
}

export interface Logins {
  /** Throws `login_refused` in the same words and after the same work whatever was wrong, or `too_many_requests`. */
  login(name: string, password: string, asker: Asker): Promise<Login>
  /** Whether this is the user's password. Counted as a guess like any other. Throws as `login` does. */
  confirm(name: string, password: string, asker: Asker): Promise<UserRecord>
  begin(user: UserRecord): Promise<Login>
}

export function createLogins(parts: {
  readonly store: AccountStore
  readonly directory: Directory
  readonly passwords: Passwords
  readonly guesses: Guesses
  readonly sessions: SessionTokens
  readonly audit: Audit
}): Logins {
  const { store, directory, passwords, guesses, sessions, audit } = parts

  function note(user: UserRecord | null, outcome: string, { address, requestId }: Asker): void {
    // A name that no user has may be a password, typed into the wrong field: it is not written down.
    const name = user?.name ?? null
    audit.write({ actor: outcome === 'ok' ? name : null, action: 'login', subject: name, address, outcome, requestId })
  }

  async function confirm(name: string, password: string, asker: Asker): Promise<UserRecord> {
    const attempt = guesses.begin(name, asker.address)
    if ('retryAfterSeconds' in attempt) {
      // Of a row of refusals the first is written; the rest would only fill the log.
      if (attempt.isFirst) note(null, 'too_many_requests', asker)
      const seconds = attempt.retryAfterSeconds
      const detail = `Too many logins have failed from here; try again in ${seconds} s.`
      throw new Problem('too_many_requests', detail, [], undefined, seconds)
    }
    let user: UserRecord | null = null
    let isRight = false
    try {
      user = isUserName(name) ? await store.user(name) : null
      isRight = await passwords.verify(password, user?.passwordHash ?? null, attempt.isKnown)
    } catch (error) {
      attempt.withdrawn()
      throw error
    } finally {
      attempt.ended()
    }
    if (user === null || !isRight || user.isDisabled) {
      note(user, 'login_refused', asker)
      throw new Problem('login_refused', 'The user name or the password is wrong, or the user is disabled.')
    }
    attempt.succeeded()
    return user
  }

  /** New parameters reach a hash when its password comes by. The other sessions of the user end, as at any new hash. */
  async function withCurrentHash(user: UserRecord, password: string): Promise<UserRecord> {
    if (!passwords.isOutdated(user.passwordHash)) return user
    const passwordHash = await passwords.hash(password)
    // Somebody may have set another password meanwhile: that one counts.
    if ((await store.user(user.name))?.passwordHash !== user.passwordHash) return user
    const changed = await store.changeUser(user.name, { passwordHash })
    directory.invalidate()
    return changed === null || changed === 'last_admin' ? user : changed
  }

  async function begin(user: UserRecord): Promise<Login> {
    const { token, claims } = await sessions.sign({ userName: user.name, role: user.role, version: user.version })
    return { user, token, claims }
  }

  return Object.freeze<Logins>({
    login: async (name, password, asker) => {
      const user = await confirm(name, password, asker)
      const login = await begin(await withCurrentHash(user, password))
      note(user, 'ok', asker)
      // The user may be newer than what is at hand; its first request must not be refused for that.
      directory.invalidate()
      return login
    },
    confirm,
    begin,
  })
}

const userName = /^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,127}$/

/** A colon is left out: `token:NAME` is a token's. */
export function isUserName(name: string): boolean {
  return userName.test(name)
}
