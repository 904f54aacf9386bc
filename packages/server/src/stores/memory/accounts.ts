import { changedUser, isEnabledAdmin } from '../../core/account.ts'
import type { AccountStore, AuditRecord, TokenRecord, UserRecord } from '../../ports/accounts.ts'
import type { Clock } from '../../ports/clock.ts'

/** Users, tokens and the audit log of the model. */
export function createMemoryAccounts({ clock }: { readonly clock: Clock }): AccountStore {
  const users = new Map<string, UserRecord>()
  const tokens = new Map<string, TokenRecord>()
  const audit: AuditRecord[] = []
  let version = 0
  let nextAudit = 1

  const isAlive = (token: TokenRecord): boolean =>
    token.revokedAtMs === null && (token.expiresAtMs === null || token.expiresAtMs > clock.now())

  return {
    accountsVersion: async () => version,

    createUser: async ({ name, passwordHash, role }, { onlyAsFirst = false } = {}) => {
      if (users.has(name) || (onlyAsFirst && users.size > 0)) return null
      const nowMs = clock.now()
      const user: UserRecord = {
        number: users.size + 1,
        name,
        passwordHash,
        role,
        isDisabled: false,
        version: 1,
        createdAtMs: nowMs,
        changedAtMs: nowMs,
      }
      users.set(name, user)
      version += 1
      return user
    },
    users: async () => [...users.values()],
    user: async name => users.get(name) ?? null,
    changeUser: async (name, { endsSessions = false, ...change }) => {
      const user = users.get(name)
      if (user === undefined) return null
      const { isChanged, losesAdmin, ...facts } = changedUser(user, change, endsSessions)
      if (!isChanged) return user
      const others = [...users.values()].filter(other => other.name !== name)
      if (losesAdmin && !others.some(isEnabledAdmin)) return 'last_admin'
      const changed = { ...user, ...facts, version: user.version + 1, changedAtMs: clock.now() }
      users.set(name, changed)
      version += 1
      return changed
    },

    createToken: async ({ lastsMs, ...draft }) => {
      if ([...tokens.values()].some(other => other.name === draft.name && isAlive(other))) return null
      const nowMs = clock.now()
      const expiresAtMs = lastsMs === null ? null : nowMs + lastsMs
      const token: TokenRecord = { ...draft, createdAtMs: nowMs, expiresAtMs, revokedAtMs: null, lastUsedAtMs: null }
      tokens.set(token.id, token)
      version += 1
      return token
    },
    tokens: async () => [...tokens.values()].reverse(),
    tokenByHash: async hash => [...tokens.values()].find(token => token.hash === hash) ?? null,
    revokeToken: async idOrName => {
      const token = tokens.get(idOrName) ?? [...tokens.values()].find(one => one.name === idOrName && isAlive(one))
      if (token === undefined) return null
      if (token.revokedAtMs !== null) return token
      const revoked = { ...token, revokedAtMs: clock.now() }
      tokens.set(token.id, revoked)
      version += 1
      return revoked
    },
    touchTokens: async ids => {
      for (const id of ids) {
        const token = tokens.get(id)
        if (token !== undefined) tokens.set(id, { ...token, lastUsedAtMs: clock.now() })
      }
    },

    appendAudit: async entries => {
      for (const entry of entries) {
        audit.push({ ...entry, reason: entry.reason ?? null, number: nextAudit, atMs: clock.now() })
        nextAudit += 1
      }
    },
    audit: async ({ actor, action, subject }, { limit, before }) =>
      audit
        .filter(
          entry =>
            (before === null || entry.number < before) &&
            (actor === null || entry.actor === actor) &&
            (action === null || entry.action === action) &&
            (subject === null || entry.subject === subject),
        )
        .reverse()
        .slice(0, limit),
    pruneAudit: async (keepMs, limit) => {
      const first = audit.findIndex(entry => entry.atMs >= clock.now() - keepMs)
      const count = Math.min(limit, first === -1 ? audit.length : first)
      audit.splice(0, count)
      return count
    },
  }
}
