import type { Database, Statement } from './database.ts'
import { prepareAll } from './statements.ts'

const userColumns = 'number, name, password_hash, role, is_disabled, version, created_at, changed_at'
const tokenColumns = 'id, name, hash, role, queues, types, created_by, created_at, expires_at, revoked_at, last_used_at'
const auditColumns = 'number, at, actor, action, subject, address, outcome, request_id, reason'

/** Alive at ?2. */
const isAlive = 'revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?2)'

/** ?1 below number, ?2 actor, ?3 action, ?4 subject, ?5 limit; a condition is off where its parameter is null. */
const auditMatches = `number < ?1 AND (?2 IS NULL OR actor = ?2) AND (?3 IS NULL OR action = ?3)
  AND (?4 IS NULL OR subject = ?4) ORDER BY number DESC LIMIT ?5 + 0`

export const accountTexts = {
  raiseVersion: `INSERT INTO meta (name, value) VALUES ('accounts_version', 1)
    ON CONFLICT (name) DO UPDATE SET value = value + 1`,

  insertUser: `INSERT INTO users (name, password_hash, role, is_disabled, version, created_at, changed_at)
    SELECT ?1, ?2, ?3, 0, 1, ?4, ?4 WHERE ?5 = 0 OR NOT EXISTS (SELECT 1 FROM users)
    ON CONFLICT DO NOTHING`,
  users: `SELECT ${userColumns} FROM users ORDER BY number`,
  userByName: `SELECT ${userColumns} FROM users WHERE name = ?`,
  otherAdmins: `SELECT count(*) FROM users WHERE name <> ? AND role = 'admin' AND is_disabled = 0`,
  writeUser: `UPDATE users SET password_hash = ?2, role = ?3, is_disabled = ?4, version = version + 1, changed_at = ?5
    WHERE name = ?1`,

  insertToken: `INSERT INTO tokens (id, name, hash, role, queues, types, created_by, created_at, expires_at)
    SELECT ?3, ?1, ?4, ?5, ?6, ?7, ?8, ?2, ?9 WHERE NOT EXISTS (SELECT 1 FROM tokens WHERE name = ?1 AND ${isAlive})`,
  tokens: `SELECT ${tokenColumns} FROM tokens ORDER BY turn DESC`,
  tokenById: `SELECT ${tokenColumns} FROM tokens WHERE id = ?`,
  tokenByHash: `SELECT ${tokenColumns} FROM tokens WHERE hash = ?`,
  livingToken: `SELECT ${tokenColumns} FROM tokens WHERE name = ?1 AND ${isAlive}`,
  revokeToken: 'UPDATE tokens SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL',
  touchTokens: `UPDATE tokens SET last_used_at = max(coalesce(last_used_at, 0), ?2)
    WHERE id IN (SELECT value FROM json_each(?1))`,

  insertAudit: `INSERT INTO audit (at, actor, action, subject, address, outcome, request_id, reason)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  audit: `SELECT ${auditColumns} FROM audit NOT INDEXED WHERE ${auditMatches}`,
  auditOfActor: `SELECT ${auditColumns} FROM audit INDEXED BY audit_actor WHERE actor = ?2 AND ${auditMatches}`,
  auditOfAction: `SELECT ${auditColumns} FROM audit INDEXED BY audit_action WHERE action = ?3 AND ${auditMatches}`,
  auditOfSubject: `SELECT ${auditColumns} FROM audit INDEXED BY audit_subject WHERE subject = ?4 AND ${auditMatches}`,
  // Numbers and times rise together, but for a clock that was set back: then an entry stays a little longer.
  pruneAudit: `DELETE FROM audit WHERE number IN (SELECT number FROM (SELECT number, at FROM audit ORDER BY number LIMIT ?2 + 0)
    WHERE at < ?1)`,
} as const

export type AccountStatements = Readonly<Record<keyof typeof accountTexts, Statement>>

export function prepareAccounts(database: Database): AccountStatements {
  return prepareAll(database, accountTexts)
}
