import type { AccountStore, TokenRecord, UserRecord } from '../../ports/accounts.ts'
import type { Clock } from '../../ports/clock.ts'

/**
 * Users and living tokens at hand, so that a request asks no store who its sender is. What is at hand was true at most a
 * second ago: the store tells by a number whether anything has changed since, and a node that changed something itself
 * looks again at once.
 */
export interface Directory {
  /** What is at hand, where it is fresh; null where `refreshed` has to be waited for. */
  fresh(): Accounts | null
  /** Rejects where the store cannot say: then nobody is let in on what may have changed. */
  refreshed(): Promise<Accounts>
  /** Something was changed here: nothing that was read before counts. */
  invalidate(): void
}

export interface Accounts {
  readonly users: ReadonlyMap<string, UserRecord>
  /** By digest; neither revoked nor, when they were read, expired. */
  readonly tokens: ReadonlyMap<string, TokenRecord>
}

/** From half of it on the look is begun in the background, so that under load nobody waits for it. */
const staleAfterMs = 1_000

interface Snapshot {
  readonly version: number
  readonly accounts: Accounts
  readonly askedMs: number
}

export function createDirectory(store: AccountStore, clock: Clock): Directory {
  let snapshot: Snapshot | null = null
  let look: { readonly generation: number; readonly result: Promise<Accounts> } | null = null
  let generation = 0

  async function read(mine: number): Promise<Accounts> {
    const askedMs = clock.monotonic()
    // The number first: what changes between the two reads is read again at the next look.
    const version = await store.accountsVersion()
    const accounts = snapshot?.version === version ? snapshot.accounts : await readAll()
    if (mine === generation) snapshot = { version, accounts, askedMs }
    return accounts
  }

  async function readAll(): Promise<Accounts> {
    const [users, tokens] = await Promise.all([store.users(), store.tokens()])
    const living = tokens.filter(token => token.revokedAtMs === null)
    return {
      users: new Map(users.map(user => [user.name, user])),
      tokens: new Map(living.map(token => [token.hash, token])),
    }
  }

  function refreshed(): Promise<Accounts> {
    // A look that began before a change here may have read what was before it.
    if (look?.generation === generation) return look.result
    const mine = { generation, result: read(generation) }
    look = mine
    const end = (): void => {
      if (look === mine) look = null
    }
    mine.result.then(end, end)
    return mine.result
  }

  return Object.freeze<Directory>({
    fresh: () => {
      if (snapshot === null) return null
      const ageMs = clock.monotonic() - snapshot.askedMs
      if (ageMs >= staleAfterMs) return null
      if (ageMs >= staleAfterMs / 2 && look === null) refreshed().catch(() => {}) // Whoever comes later is told.
      return snapshot.accounts
    },
    refreshed,
    invalidate: () => {
      generation += 1
      snapshot = null
    },
  })
}
