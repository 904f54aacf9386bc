import type { AuditFilter } from '../../src/ports/accounts.ts'
import type { Store } from '../../src/ports/store.ts'
import { type AccountSpec, pool } from './commands.ts'
import type { Call, Run } from './perform.ts'

export const userOf = (number: number): string => `u${number}`
const tokenOf = (number: number): string => `k${number}`
const actionOf = (number: number): string => `verb.${number}`

export function toAccountCall(spec: AccountSpec, run: Run): Call {
  switch (spec.verb) {
    case 'create_user': {
      const { name, isAdmin, onlyAsFirst } = spec
      const draft = { name: userOf(name), passwordHash: 'first', role: isAdmin ? 'admin' : 'submitter' } as const
      return store => store.createUser(draft, { onlyAsFirst })
    }
    case 'change_user': {
      const { name, isAdmin, isDisabled, endsSessions } = spec
      const role = isAdmin === null ? {} : ({ role: isAdmin ? 'admin' : 'viewer' } as const)
      return store =>
        store.changeUser(userOf(name), { ...role, ...(isDisabled === null ? {} : { isDisabled }), endsSessions })
    }
    case 'create_token': {
      // Ids of tokens are drawn by chance, and never met twice.
      run.nextToken += 1
      const id = `token-${run.nextToken}`
      const rest = { role: 'worker', queues: ['a'], types: null, createdBy: null } as const
      return store =>
        store.createToken({ id, name: tokenOf(spec.name), hash: `hash of ${id}`, lastsMs: spec.lastsMs, ...rest })
    }
    case 'revoke_token': {
      const idOrName = spec.isById ? `token-${spec.name + 1}` : tokenOf(spec.name)
      return store => store.revokeToken(idOrName)
    }
    case 'touch_tokens':
      return store => store.touchTokens(spec.tokens.map(at => `token-${at + 1}`))
    case 'append_audit': {
      const entries = spec.entries.map(({ actor, action }, at) => ({
        actor: actor === 0 ? null : userOf(actor),
        action: actionOf(action),
        subject: at % 2 === 0 ? `t${at}` : null,
        address: null,
        outcome: 'ok',
        requestId: null,
      }))
      return store => store.appendAudit(entries)
    }
    case 'prune_audit':
      return store => store.pruneAudit(spec.keepMs, 1_000)
  }
}

/** Everything that can be read of accounts. Entries of the audit log are compared by their order: numbers may have gaps. */
export async function lookAtAccounts(store: Store): Promise<unknown> {
  const nobody: AuditFilter = { actor: null, action: null, subject: null }
  const entries = async (filter: Partial<AuditFilter>, limit = 5): Promise<unknown> => {
    const page = await store.audit({ ...nobody, ...filter }, { limit, before: null })
    return page.map(({ number: _, ...entry }) => entry)
  }
  return {
    users: await store.users(),
    named: await Promise.all(Array.from({ length: pool.names }, (_, at) => store.user(userOf(at)))),
    tokens: await store.tokens(),
    token: await store.tokenByHash('hash of token-1'),
    audit: await entries({}, 100),
    filtered: [
      await entries({ actor: userOf(1) }),
      await entries({ action: actionOf(0) }),
      await entries({ subject: 't0' }),
      await entries({ actor: userOf(1), action: actionOf(1), subject: 't2' }),
    ],
  }
}
