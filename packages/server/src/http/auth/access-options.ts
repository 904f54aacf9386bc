import type { AccountStore } from '../../ports/accounts.ts'
import type { FirstPassword } from './first-admin.ts'
import type { PasswordHasher } from './passwords.ts'

/** Who may come in, as a node is told. */
export interface AccessOptions {
  /** `required`: who sends no token is refused. `open` and `off`: is admin; tokens that are sent are checked all the same. */
  readonly mode: 'open' | 'required' | 'off'
  readonly accounts: AccountStore
  /** The first signs sessions, all verify them; without any, one is made that lasts as long as the process. */
  readonly secretKeys: readonly string[]
  /** How long a login lasts; 30 minutes if not said. */
  readonly sessionSeconds?: number
  /** Where the password of the first admin is to be looked for; `printed` if not said. */
  readonly firstPassword?: FirstPassword
  /** In place of argon2id, for tests that count its work. */
  readonly hasher?: PasswordHasher
}
