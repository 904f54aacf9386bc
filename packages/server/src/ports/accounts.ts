import type { Role } from '@tasklane/protocol'

/**
 * Who may come in, and what was done. The contract of the store holds here, too: each call is one transaction, time is the
 * store's own, what a race may bring is a verdict. None of these calls is on the hot path: a node keeps what it read for
 * a moment, and asks for what changed since (`accountsVersion`).
 */
export interface AccountStore {
  /** Rises with every change of a user or a token, so that a node knows when what it keeps at hand is stale. */
  accountsVersion(): Promise<number>

  /** Null where the name is taken. With `onlyAsFirst`, null where there is any user: the first start, at several nodes. */
  createUser(draft: UserDraft, options?: { readonly onlyAsFirst?: boolean }): Promise<UserRecord | null>
  /** In the order of their numbers. Users are disabled, never deleted: what they did keeps their name. */
  users(): Promise<readonly UserRecord[]>
  user(name: string): Promise<UserRecord | null>
  /**
   * Applies what is named. Raises the user's `version` by one where the password, the role or `isDisabled` changes or
   * `endsSessions` is set, so that every token given out before is void. `last_admin`: it would leave no enabled admin, and
   * nothing was changed. Null where the user is unknown.
   */
  changeUser(name: string, change: UserChange): Promise<UserRecord | 'last_admin' | null>

  /** Null where a token of this name lives, neither revoked nor expired. */
  createToken(draft: TokenDraft): Promise<TokenRecord | null>
  /** Newest first, revoked and expired ones included. */
  tokens(): Promise<readonly TokenRecord[]>
  /** By the digest of its secret; revoked and expired ones, too. */
  tokenByHash(hash: string): Promise<TokenRecord | null>
  /** The living token of this name, or the one of this id; null where there is none, the record where it is revoked now or was before. */
  revokeToken(idOrName: string): Promise<TokenRecord | null>
  /** Tokens that were used just now; unknown ids are passed over. Does not raise `accountsVersion`. */
  touchTokens(ids: readonly string[]): Promise<void>

  appendAudit(entries: readonly AuditDraft[]): Promise<void>
  /** Newest first. */
  audit(
    filter: AuditFilter,
    page: { readonly limit: number; readonly before: number | null },
  ): Promise<readonly AuditRecord[]>
  /** Deletes up to `limit` entries, oldest first, that are older than `keepMs`; returns how many. */
  pruneAudit(keepMs: number, limit: number): Promise<number>
}

export interface UserDraft {
  readonly name: string
  /** As the hash function wrote it, parameters included. The store knows no passwords. */
  readonly passwordHash: string
  readonly role: Role
}

export interface UserRecord extends UserDraft {
  /** Counts from 1. */
  readonly number: number
  readonly isDisabled: boolean
  /** From 1. A token that says another version is void. */
  readonly version: number
  readonly createdAtMs: number
  readonly changedAtMs: number
}

export interface UserChange {
  readonly passwordHash?: string
  readonly role?: Role
  readonly isDisabled?: boolean
  readonly endsSessions?: boolean
}

export interface TokenDraft {
  readonly id: string
  readonly name: string
  /** SHA-256 of the secret, in hex: the secret itself is shown once and kept nowhere. */
  readonly hash: string
  readonly role: Role
  /** What a worker's token is for; null is all. */
  readonly queues: readonly string[] | null
  readonly types: readonly string[] | null
  readonly createdBy: string | null
  /** From now; null never expires. */
  readonly lastsMs: number | null
}

export interface TokenRecord extends Omit<TokenDraft, 'lastsMs'> {
  readonly createdAtMs: number
  readonly expiresAtMs: number | null
  readonly revokedAtMs: number | null
  readonly lastUsedAtMs: number | null
}

export interface AuditDraft {
  /** The user's name, or `token:NAME`; null where nobody was known. */
  readonly actor: string | null
  /** A verb of the API, such as `task.cancel` or `user.create`. */
  readonly action: string
  /** The id or name of what it was done to; null where it is none. */
  readonly subject: string | null
  readonly address: string | null
  /** `ok`, or the code of the refusal. */
  readonly outcome: string
  readonly requestId: string | null
  /** Why, in the words of who did it. */
  readonly reason?: string | null
}

export interface AuditRecord extends AuditDraft {
  /** Null where nobody said. */
  readonly reason: string | null
  readonly number: number
  readonly atMs: number
}

export interface AuditFilter {
  readonly actor: string | null
  readonly action: string | null
  readonly subject: string | null
}
