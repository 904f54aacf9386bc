import type { Role } from '@tasklane/protocol'

/** What of a user may change. */
export interface UserFacts {
  readonly passwordHash: string
  readonly role: Role
  readonly isDisabled: boolean
}

export interface ChangedUser extends UserFacts {
  /** Whether tokens that were given out before are void from now on. */
  readonly isChanged: boolean
  /** Whether there is one enabled admin less. */
  readonly losesAdmin: boolean
}

/** @param endsSessions the user is to log in again, whatever else changes */
export function changedUser(user: UserFacts, change: Partial<UserFacts>, endsSessions: boolean): ChangedUser {
  const passwordHash = change.passwordHash ?? user.passwordHash
  const role = change.role ?? user.role
  const isDisabled = change.isDisabled ?? user.isDisabled
  const isSame = passwordHash === user.passwordHash && role === user.role && isDisabled === user.isDisabled
  const next = { passwordHash, role, isDisabled }
  return { ...next, isChanged: !isSame || endsSessions, losesAdmin: isEnabledAdmin(user) && !isEnabledAdmin(next) }
}

export function isEnabledAdmin(user: Pick<UserFacts, 'role' | 'isDisabled'>): boolean {
  return user.role === 'admin' && !user.isDisabled
}
