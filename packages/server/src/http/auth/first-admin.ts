import type { AccountStore } from '../../ports/accounts.ts'
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
