import type { AccountStore } from '../../ports/accounts.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'
import type { AccessOptions } from './access-options.ts'
import { type Audit, createAudit } from './audit.ts'
import { type Authenticator, createAuthenticator } from './authenticate.ts'
import { createDirectory, type Directory } from './directory.ts'
import type { FirstPassword } from './first-admin.ts'
import { createGuesses } from './guesses.ts'
import { createLogins, type Logins } from './logins.ts'
import { createLogouts, type Logouts } from './logouts.ts'
import { createPasswords, type Passwords } from './passwords.ts'
import { createSessionTokens, type SessionTokens } from './session-tokens.ts'
import { createTokenUse } from './token-use.ts'

/** All of who may come in, wired. */
export interface AccessControl {
  readonly mode: AccessOptions['mode']
  readonly accounts: AccountStore
  readonly firstPassword: FirstPassword
  readonly authenticator: Authenticator
  readonly logins: Logins
  readonly passwords: Passwords
  readonly sessions: SessionTokens
  readonly logouts: Logouts
  readonly directory: Directory
  readonly audit: Audit
  readonly sessionMs: number
  /** Writes what is left to be written. */
  stop(): Promise<void>
}

const sessionSecondsDefault = 1_800

export function createAccessControl(
  options: AccessOptions,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): AccessControl {
  const { accounts: store, mode, secretKeys } = options
  const sessionMs = (options.sessionSeconds ?? sessionSecondsDefault) * 1_000
  const directory = createDirectory(store, clock)
  const passwords = createPasswords(options.hasher)
  const sessions = createSessionTokens({ clock, secretKeys, lastsMs: sessionMs })
  const logouts = createLogouts(clock)
  const tokenUse = createTokenUse({ store, clock, log })
  const audit = createAudit({ store, clock, log })
  const logins = createLogins({ store, directory, passwords, guesses: createGuesses(clock), sessions, audit })
  const authenticator = createAuthenticator({ directory, sessions, logouts, tokenUse, clock })
  return Object.freeze<AccessControl>({
    mode,
    accounts: store,
    firstPassword: options.firstPassword ?? 'printed',
    authenticator,
    logins,
    passwords,
    sessions,
    logouts,
    directory,
    audit,
    sessionMs,
    stop: async () => {
      await Promise.all([tokenUse.stop(), audit.stop()])
    },
  })
}
