import type { AccountStore, UserRecord } from '../../ports/accounts.ts'
import type { Clock } from '../../ports/clock.ts'
import { createPasswords, passwordFault } from './passwords.ts'
import { randomText } from './session-tokens.ts'

export { passwordFault } from './passwords.ts'

export const firstAdminName = 'admin'

/**
 * The first start, with no user yet, makes an admin; nobody could let the first one in otherwise. Of several nodes that
 * start at once, one makes it.
 *
 * @param password of the admin; null makes one by chance
 * @returns the password that was made, to be shown once to the person who starts the node; null where none was
 */
export async function ensureFirstAdmin(
  accounts: AccountStore,
  password: string | null,
  clock: Pick<Clock, 'fillRandom'>,
): Promise<{ readonly password: string | null }> {
  if ((await accounts.users()).length > 0) return { password: null }
  const fault = password === null ? null : passwordFault(password, firstAdminName)
  if (fault !== null) throw new Error(fault)
  const chosen = password ?? randomText(clock, 18)
  const passwordHash = await createPasswords().hash(chosen)
  const made = await accounts.createUser({ name: firstAdminName, passwordHash, role: 'admin' }, { onlyAsFirst: true })
  return { password: made === null || password !== null ? null : chosen }
}

/** Where the password of the first admin comes from: it was printed at the first start, or is in the configuration. */
export type FirstPassword = 'printed' | 'configured'

/**
 * Whether this is the first admin as it was made, under its first password. No column has to say so: whatever is done to
 * a user raises its version, in every store.
 */
export function isAsMade({ name, version }: Pick<UserRecord, 'name' | 'version'>): boolean {
  return name === firstAdminName && version === 1
}

/** What is configured counts for the first start only, so that it may be another one than the user has by now. */
export async function whereFirstPasswordIs(
  accounts: Pick<AccountStore, 'user'>,
  configured: string | null,
): Promise<FirstPassword> {
  const user = configured === null ? null : await accounts.user(firstAdminName)
  if (configured === null || user === null || !isAsMade(user)) return 'printed'
  return (await createPasswords().verify(configured, user.passwordHash, true)) ? 'configured' : 'printed'
}
