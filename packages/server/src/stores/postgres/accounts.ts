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
import { accountStatements as sql } from './account-statements.ts'
import type { Connection, SqlRow } from './database.ts'
import { boolean, number, numberOrNull, text, textOrNull } from './rows.ts'
import type { Session } from './session.ts'
import { shortPageMax } from './short-page.ts'

/** Users, tokens and the audit log. `run` turns the world's faults into problems. */
export function createAccounts(
  session: Session,
  run: <Value>(work: () => Promise<Value>) => Promise<Value>,
): AccountStore {
  const read = <Value>(work: (connection: Connection) => Promise<Value>): Promise<Value> =>
    run(() => session.read(({ connection }) => work(connection)))
  return {
    accountsVersion: () => read(async connection => number((await connection.rows(sql.accountsVersion))[0]?.[0] ?? 0)),
    createUser: (draft, options) => run(() => createUser(session, draft, options?.onlyAsFirst ?? false)),
    users: () => read(async connection => (await connection.rows(sql.users)).map(toUser)),
    user: name => read(connection => userOf(connection, name)),
    changeUser: (name, change) => run(() => changeUser(session, name, change)),
    createToken: draft => run(() => createToken(session, draft)),
    tokens: () => read(async connection => (await connection.rows(sql.tokens)).map(toToken)),
    tokenByHash: hash => read(async connection => tokenOf(await connection.rows(sql.tokenByHash, hash))),
    revokeToken: idOrName => run(() => revokeToken(session, idOrName)),
    touchTokens: ids =>
      run(() =>
        session.transact(async tx => {
          await tx.connection.run(sql.touchTokens, [...ids].sort(), tx.nowMs)
        }),
      ),
    appendAudit: entries => run(() => appendAudit(session, entries)),
    audit: (filter, page) => read(connection => readAudit(connection, filter, page)),
    pruneAudit: (keepMs, limit) =>
      run(() => session.transact(tx => tx.connection.run(sql.pruneAudit, tx.nowMs - keepMs, limit))),
  }
}

// ─── Users ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function createUser(session: Session, draft: UserDraft, onlyAsFirst: boolean): Promise<UserRecord | null> {
  return session.transact(async ({ connection, nowMs }) => {
    await connection.run(sql.lockUsers)
    const count = await connection.run(sql.insertUser, draft.name, draft.passwordHash, draft.role, nowMs, onlyAsFirst)
    if (count === 0) return null
    await connection.run(sql.raiseAccountsVersion)
    return userOf(connection, draft.name)
  })
}

function changeUser(session: Session, name: string, change: UserChange): Promise<UserRecord | 'last_admin' | null> {
  return session.transact(async ({ connection, nowMs }) => {
    await connection.run(sql.lockUsers)
    const user = await userOf(connection, name)
    if (user === null) return null
    const next = changedUser(user, change, change.endsSessions ?? false)
    if (!next.isChanged) return user
    if (next.losesAdmin && number((await connection.rows(sql.otherAdmins, name))[0]?.[0]) === 0) return 'last_admin'
    await connection.run(sql.writeUser, name, next.passwordHash, next.role, next.isDisabled, nowMs)
    await connection.run(sql.raiseAccountsVersion)
    return userOf(connection, name)
  })
}

async function userOf(connection: Connection, name: string): Promise<UserRecord | null> {
  const [row] = await connection.rows(sql.userByName, name)
  return row === undefined ? null : toUser(row)
}

function toUser(row: SqlRow): UserRecord {
  return {
    number: number(row[0]),
    name: text(row[1]),
    passwordHash: text(row[2]),
    role: text(row[3]) as Role, // Written from a Role.
    isDisabled: boolean(row[4]),
    version: number(row[5]),
    createdAtMs: number(row[6]),
    changedAtMs: number(row[7]),
  }
}

// ─── Tokens ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function createToken(session: Session, draft: TokenDraft): Promise<TokenRecord | null> {
  return session.transact(async ({ connection, nowMs }) => {
    await connection.run(sql.lockTokens)
    const count = await connection.run(
      sql.insertToken,
      draft.name,
      nowMs,
      draft.id,
      draft.hash,
      draft.role,
      namesText(draft.queues),
      namesText(draft.types),
      draft.createdBy,
      draft.lastsMs === null ? null : nowMs + draft.lastsMs,
    )
    if (count === 0) return null
    await connection.run(sql.raiseAccountsVersion)
    return tokenOf(await connection.rows(sql.tokenById, draft.id))
  })
}

function revokeToken(session: Session, idOrName: string): Promise<TokenRecord | null> {
  return session.transact(async ({ connection, nowMs }) => {
    await connection.run(sql.lockTokens)
    const byId = tokenOf(await connection.rows(sql.tokenById, idOrName))
    const found = byId ?? tokenOf(await connection.rows(sql.livingToken, idOrName, nowMs))
    if (found === null || found.revokedAtMs !== null) return found
    await connection.run(sql.revokeToken, found.id, nowMs)
    await connection.run(sql.raiseAccountsVersion)
    return tokenOf(await connection.rows(sql.tokenById, found.id))
  })
}

function tokenOf([row]: readonly SqlRow[]): TokenRecord | null {
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

async function appendAudit(session: Session, entries: readonly AuditDraft[]): Promise<void> {
  if (entries.length === 0) return
  const rows = entries.map(({ requestId, ...entry }) => ({ ...entry, request_id: requestId }))
  await session.transact(({ connection, nowMs }) => connection.run(sql.insertAudit, nowMs, JSON.stringify(rows)))
}

async function readAudit(
  connection: Connection,
  { actor, action, subject }: AuditFilter,
  { limit, before }: { readonly limit: number; readonly before: number | null },
): Promise<readonly AuditRecord[]> {
  assert(limit <= shortPageMax, 'a page of the audit log is bounded')
  const ofActor = actor === null ? null : sql.auditOfActor
  const ofAction = action === null ? null : sql.auditOfAction
  // By the index of what is likely the rarest of what is asked for.
  const page = (subject === null ? null : sql.auditOfSubject) ?? ofActor ?? ofAction ?? sql.audit
  const rows = await connection.rows(page, before ?? Number.MAX_SAFE_INTEGER, actor, action, subject, limit)
  return rows.map(row => ({
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
