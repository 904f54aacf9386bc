import type { Role } from '@tasklane/protocol'
import { changedUser } from '../../core/account.ts'
import { assert } from '../../core/assert.ts'
import { namesText, readNames } from '../../core/names.ts'
import type {
  AccountStore,
  AuditDraft,
  AuditFilter,
  AuditRecord,
  TokenDraft,
  TokenRecord,
  UserChange,
  UserDraft,
  UserRecord,
} from '../../ports/accounts.ts'
import type { SqlRow } from './database.ts'
import { number, numberOrNull, text, textOrNull } from './rows.ts'
import type { Session } from './session.ts'

/** Users, tokens and the audit log. `run` turns the world's faults into problems. */
export function createAccounts(session: Session, run: <Value>(work: () => Value) => Promise<Value>): AccountStore {
  return {
    accountsVersion: () => run(() => number(session.sql.readMeta.get('accounts_version')?.[0] ?? 0)),
    createUser: (draft, options) => run(() => createUser(session, draft, options?.onlyAsFirst ?? false)),
    users: () => run(() => session.accounts.users.all().map(toUser)),
    user: name => run(() => userOf(session, name)),
    changeUser: (name, change) => run(() => changeUser(session, name, change)),
    createToken: draft => run(() => createToken(session, draft)),
    tokens: () => run(() => session.accounts.tokens.all().map(toToken)),
    tokenByHash: hash => run(() => tokenOf(session.accounts.tokenByHash.get(hash))),
    revokeToken: idOrName => run(() => revokeToken(session, idOrName)),
    touchTokens: ids =>
      run(() => session.transact(tx => void session.accounts.touchTokens.run(JSON.stringify(ids), tx.nowMs))),
    appendAudit: entries => run(() => appendAudit(session, entries)),
    audit: (filter, page) => run(() => readAudit(session, filter, page)),
    pruneAudit: (keepMs, limit) =>
      run(() => session.transact(tx => session.accounts.pruneAudit.run(tx.nowMs - keepMs, limit).changes)),
  }
}

// ─── Users ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function createUser(session: Session, draft: UserDraft, onlyAsFirst: boolean): UserRecord | null {
  return session.transact(tx => {
    const { insertUser, raiseVersion } = session.accounts
    const isFirst = onlyAsFirst ? 1 : 0
    const { changes } = insertUser.run(draft.name, draft.passwordHash, draft.role, tx.nowMs, isFirst)
    if (changes === 0) return null
    raiseVersion.run()
    return userOf(session, draft.name)
  })
}

function changeUser(session: Session, name: string, change: UserChange): UserRecord | 'last_admin' | null {
  return session.transact(tx => {
    const user = userOf(session, name)
    if (user === null) return null
    const next = changedUser(user, change, change.endsSessions ?? false)
    if (!next.isChanged) return user
    if (next.losesAdmin && number(session.accounts.otherAdmins.get(name)?.[0]) === 0) return 'last_admin'
    session.accounts.writeUser.run(name, next.passwordHash, next.role, next.isDisabled ? 1 : 0, tx.nowMs)
    session.accounts.raiseVersion.run()
    return userOf(session, name)
  })
}

function userOf(session: Session, name: string): UserRecord | null {
  const row = session.accounts.userByName.get(name)
  return row === undefined ? null : toUser(row)
}

function toUser(row: SqlRow): UserRecord {
  return {
    number: number(row[0]),
    name: text(row[1]),
    passwordHash: text(row[2]),
    role: text(row[3]) as Role, // Written from a Role.
    isDisabled: row[4] === 1,
    version: number(row[5]),
    createdAtMs: number(row[6]),
    changedAtMs: number(row[7]),
  }
}

// ─── Tokens ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function createToken(session: Session, draft: TokenDraft): TokenRecord | null {
  return session.transact(tx => {
    const { changes } = session.accounts.insertToken.run(
      draft.name,
      tx.nowMs,
      draft.id,
      draft.hash,
      draft.role,
      namesText(draft.queues),
      namesText(draft.types),
      draft.createdBy,
      draft.lastsMs === null ? null : tx.nowMs + draft.lastsMs,
    )
    if (changes === 0) return null
    session.accounts.raiseVersion.run()
    return tokenOf(session.accounts.tokenById.get(draft.id))
  })
}

function revokeToken(session: Session, idOrName: string): TokenRecord | null {
  return session.transact(tx => {
    const { tokenById, livingToken, revokeToken: revoke, raiseVersion } = session.accounts
    const found = tokenOf(tokenById.get(idOrName) ?? livingToken.get(idOrName, tx.nowMs))
    if (found === null || found.revokedAtMs !== null) return found
    revoke.run(found.id, tx.nowMs)
    raiseVersion.run()
    return tokenOf(tokenById.get(found.id))
  })
}

function tokenOf(row: SqlRow | undefined): TokenRecord | null {
  return row === undefined ? null : toToken(row)
}

function toToken(row: SqlRow): TokenRecord {
  return {
    id: text(row[0]),
    name: text(row[1]),
    hash: text(row[2]),
    role: text(row[3]) as Role, // Written from a Role.
    queues: readNames(textOrNull(row[4])),
    types: readNames(textOrNull(row[5])),
    createdBy: textOrNull(row[6]),
    createdAtMs: number(row[7]),
    expiresAtMs: numberOrNull(row[8]),
    revokedAtMs: numberOrNull(row[9]),
    lastUsedAtMs: numberOrNull(row[10]),
  }
}

// ─── Audit ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function appendAudit(session: Session, entries: readonly AuditDraft[]): void {
  if (entries.length === 0) return
  session.transact(tx => {
    for (const { actor, action, subject, address, outcome, requestId, reason = null } of entries) {
      const { changes } = session.accounts.insertAudit.run(
        tx.nowMs,
        actor,
        action,
        subject,
        address,
        outcome,
        requestId,
        reason,
      )
      assert(changes === 1, 'an entry is always written')
    }
  })
}

function readAudit(
  session: Session,
  { actor, action, subject }: AuditFilter,
  { limit, before }: { readonly limit: number; readonly before: number | null },
): readonly AuditRecord[] {
  const { accounts } = session
  const ofActor = actor === null ? null : accounts.auditOfActor
  const ofAction = action === null ? null : accounts.auditOfAction
  // By the index of what is likely the rarest of what is asked for.
  const page = (subject === null ? null : accounts.auditOfSubject) ?? ofActor ?? ofAction ?? accounts.audit
  return page.all(before ?? Number.MAX_SAFE_INTEGER, actor, action, subject, limit).map(row => ({
    number: number(row[0]),
    atMs: number(row[1]),
    actor: textOrNull(row[2]),
    action: text(row[3]),
    subject: textOrNull(row[4]),
    address: textOrNull(row[5]),
    outcome: text(row[6]),
    requestId: textOrNull(row[7]),
    reason: textOrNull(row[8]),
  }))
}
