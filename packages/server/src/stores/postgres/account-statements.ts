import { shortPage } from './short-page.ts'
import { name } from './statements.ts'

const userColumns = 'number, name, password_hash, role, is_disabled, version, created_at, changed_at'
const tokenColumns = 'id, name, hash, role, queues, types, created_by, created_at, expires_at, revoked_at, last_used_at'
const auditColumns = 'number, at, actor, action, subject, address, outcome, request_id, reason'

/** Alive at $2. */
const isAlive = 'revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2::bigint)'

/** $1 below number, $2 actor, $3 action, $4 subject, $5 limit; a condition is off where its parameter is null. */
const auditMatches = `($2::text IS NULL OR actor = $2) AND ($3::text IS NULL OR action = $3)
  AND ($4::text IS NULL OR subject = $4)`
const audit = `SELECT ${auditColumns} FROM tasklane.audit AS t`

function auditOf(what: string): string {
  return `${shortPage(`${audit} WHERE ${what} AND t.number + 0 < $1::bigint`, auditMatches)} LIMIT $5`
}

/** Who changes users or tokens holds the table, so that what was looked at before is still so; readers are not kept waiting. */
export const accountStatements = name({
  lockUsers: 'LOCK TABLE tasklane.users IN SHARE ROW EXCLUSIVE MODE',
  lockTokens: 'LOCK TABLE tasklane.tokens IN SHARE ROW EXCLUSIVE MODE',
  accountsVersion: `SELECT value FROM tasklane.meta WHERE name = 'accounts_version'`,
  // By a step of chance: after a failover that lost commits another change must not come to the number of one that is gone,
  // by which nodes know what they have at hand.
  raiseAccountsVersion: `INSERT INTO tasklane.meta AS m (name, value)
    VALUES ('accounts_version', 1 + floor(random() * 1000000)::bigint)
    ON CONFLICT (name) DO UPDATE SET value = m.value + excluded.value`,

  insertUser: `INSERT INTO tasklane.users (number, name, password_hash, role, is_disabled, version, created_at, changed_at)
    SELECT coalesce(max(u.number), 0) + 1, $1, $2, $3, false, 1, $4::bigint, $4::bigint FROM tasklane.users AS u
    HAVING NOT $5::boolean OR count(*) = 0
    ON CONFLICT DO NOTHING`,
  users: `SELECT ${userColumns} FROM tasklane.users ORDER BY number`,
  userByName: `SELECT ${userColumns} FROM tasklane.users WHERE name = $1`,
  otherAdmins: `SELECT count(*) FROM tasklane.users WHERE name <> $1 AND role = 'admin' AND NOT is_disabled`,
  writeUser: `UPDATE tasklane.users SET password_hash = $2, role = $3, is_disabled = $4, version = version + 1,
    changed_at = $5 WHERE name = $1`,

  insertToken: `INSERT INTO tasklane.tokens (id, name, hash, role, queues, types, created_by, created_at, expires_at)
    SELECT $3, $1, $4, $5, $6, $7, $8, $2::bigint, $9::bigint
    WHERE NOT EXISTS (SELECT 1 FROM tasklane.tokens WHERE name = $1 AND ${isAlive})`,
  tokens: `SELECT ${tokenColumns} FROM tasklane.tokens ORDER BY turn DESC`,
  tokenById: `SELECT ${tokenColumns} FROM tasklane.tokens WHERE id = $1`,
  tokenByHash: `SELECT ${tokenColumns} FROM tasklane.tokens WHERE hash = $1`,
  livingToken: `SELECT ${tokenColumns} FROM tasklane.tokens WHERE name = $1 AND ${isAlive}`,
  revokeToken: 'UPDATE tasklane.tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL',
  touchTokens: `UPDATE tasklane.tokens SET last_used_at = greatest(coalesce(last_used_at, 0), $2::bigint)
    WHERE id = ANY($1::text[])`,

  insertAudit: `INSERT INTO tasklane.audit (at, actor, action, subject, address, outcome, request_id, reason)
    SELECT $1::bigint, actor, action, subject, address, outcome, request_id, reason
    FROM json_to_recordset($2::json)
      AS r (actor text, action text, subject text, address text, outcome text, request_id text, reason text)`,
  audit: `${audit} WHERE t.number < $1::bigint AND ${auditMatches} ORDER BY t.number DESC LIMIT $5`,
  auditOfActor: auditOf('actor = $2'),
  auditOfAction: auditOf('action = $3'),
  auditOfSubject: auditOf('subject = $4'),
  // Numbers and times rise together, but for a clock that was set back: then an entry stays a little longer.
  pruneAudit: `DELETE FROM tasklane.audit WHERE number IN (SELECT number FROM
    (SELECT number, at FROM tasklane.audit ORDER BY number LIMIT $2) AS oldest WHERE at < $1::bigint)`,
})
