import type { Connection, Statement } from './database.ts'
import { tasksMigration } from './migrations/001-tasks.ts'
import { accountsMigration } from './migrations/002-accounts.ts'
import { dashboardMigration } from './migrations/003-dashboard.ts'
import { alertsMigration } from './migrations/004-alerts.ts'
import { pausesMigration } from './migrations/005-pauses.ts'
import { number, text } from './rows.ts'

export interface Migration {
  /** Counts up from 1 without gaps. */
  readonly version: number
  readonly name: string
  readonly sql: string
  /** The lowest version that code must know to work with the schema after this one: nodes that know less must stop first. */
  readonly needs: number
}

/** In order; a migration that was released is never changed, only followed by another. */
export const migrations: readonly Migration[] = Object.freeze([
  { version: 1, name: 'tasks', sql: tasksMigration, needs: 1 },
  { version: 2, name: 'accounts', sql: accountsMigration, needs: 1 },
  { version: 3, name: 'dashboard', sql: dashboardMigration, needs: 1 },
  { version: 4, name: 'alerts', sql: alertsMigration, needs: 1 },
  { version: 5, name: 'pauses', sql: pausesMigration, needs: 1 },
])

export interface AppliedMigration {
  readonly version: number
  readonly name: string
  readonly appliedAtMs: number
}

export interface MigrationStatus {
  readonly applied: readonly AppliedMigration[]
  readonly open: readonly Migration[]
  /** False where the schema is of a later version that this code cannot work with. */
  readonly isUsable: boolean
}

/** The schema is of a later version, or not there and not to be made. Its message says what to do. */
export class SchemaError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'SchemaError'
  }
}

/** Not IF NOT EXISTS alone: that asks for the right to make one also where it is there. */
const schema = `DO $$ BEGIN
  IF to_regnamespace('tasklane') IS NULL THEN CREATE SCHEMA IF NOT EXISTS tasklane; END IF;
END $$`

const tableOfMigrations = `
CREATE TABLE IF NOT EXISTS tasklane.migrations (
  version    integer PRIMARY KEY,
  needs      integer NOT NULL,
  name       text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);`

/** Any number that no other program on the database is likely to lock. "Tasklane" in ASCII, cut to 63 bits. */
const lockKey = '6088505634886118757'

/** Held to the end of the transaction by who changes the schema, one at a time. */
export const lockSchema = `SELECT pg_advisory_xact_lock(${lockKey});`

const hasTable: Statement = { name: '', text: `SELECT to_regclass('tasklane.migrations')::text` }
const encoding: Statement = { name: '', text: `SELECT current_setting('server_encoding'), current_user::text` }
const applied: Statement = {
  name: '',
  text: `SELECT version, name, needs, (extract(epoch FROM applied_at) * 1000)::bigint
    FROM tasklane.migrations ORDER BY version`,
}
const writeApplied: Statement = {
  name: '',
  text: 'INSERT INTO tasklane.migrations (version, name, needs) VALUES ($1, $2, $3)',
}

const begin = `BEGIN;
SET LOCAL lock_timeout = '60s';
${lockSchema}`

const hasMove: Statement = { name: '', text: `SELECT to_regclass('tasklane.house_move')::text` }
const unfinishedMove: Statement = {
  name: '',
  text: 'SELECT source FROM tasklane.house_move WHERE finished_at IS NULL',
}

export async function readStatus(connection: Connection): Promise<MigrationStatus> {
  const [table] = await connection.rows(hasTable)
  const rows = table?.[0] === null ? [] : await connection.rows(applied)
  const known = migrations.length
  const needed = rows.reduce((most, row) => Math.max(most, number(row[2])), 0)
  const done = rows.map(row => ({ version: number(row[0]), name: text(row[1]), appliedAtMs: number(row[3]) }))
  const last = done.at(-1)?.version ?? 0
  return { applied: done, open: migrations.filter(each => each.version > last), isUsable: needed <= known }
}

/**
 * Brings the schema up to this code's version, in one transaction: all of it or nothing. Several nodes may start at
 * once: one does it while the others wait. A lock of the transaction, not of the session, so that a pooler may stand
 * between. Returns what was applied now.
 */
export async function migrate(connection: Connection): Promise<readonly Migration[]> {
  const before = await readStatus(connection)
  refuseUnusable(before)
  if (before.open.length === 0) return []
  const [[found, user] = []] = await connection.rows(encoding)
  // Any text that a client may send must find room: another encoding would refuse it in the middle of its work.
  if (found !== 'UTF8') {
    throw new SchemaError(
      `The database's encoding is ${found}; Tasklane needs UTF8. Make one: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.`,
    )
  }
  await connection.exec(begin)
  try {
    await connection.exec(schema)
    await connection.exec(tableOfMigrations)
    // Another node may have been faster.
    const { open } = await readStatus(connection)
    for (const { version, name, needs, sql } of open) {
      await connection.exec(sql)
      await connection.run(writeApplied, version, name, needs)
    }
    await connection.exec('COMMIT')
    return open
  } catch (error) {
    await connection.exec('ROLLBACK').catch(() => {})
    throw isForbidden(error) ? lackOfRights(error, text(user)) : error
  }
}

export function isForbidden(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === '42501'
}

function lackOfRights(error: Error, user: string): SchemaError {
  return new SchemaError(
    `The user ${user} may not create its schema or the tables in it: ${error.message}. Give ${user} the right ` +
      `(GRANT CREATE ON DATABASE … TO ${user}), or an empty schema (CREATE SCHEMA tasklane AUTHORIZATION ${user}).`,
    error,
  )
}

/** What `migrate` would do with these, as a script for psql: for where no program may change a schema. */
export function planOf(open: readonly Migration[]): string {
  if (open.length === 0) return ''
  const steps = open.flatMap(({ version, name, needs, sql }) => [
    `-- Migration ${version}: ${name}`,
    sql.trim(),
    // Names are ours: lower case and dashes.
    `INSERT INTO tasklane.migrations (version, name, needs) VALUES (${version}, '${name}', ${needs});`,
  ])
  return [begin, `${schema};`, tableOfMigrations.trim(), ...steps, 'COMMIT;'].join('\n\n')
}

/** For a node that is not to change the schema itself. */
export async function requireSchema(connection: Connection): Promise<void> {
  const status = await readStatus(connection)
  refuseUnusable(status)
  if (status.open.length === 0) return
  throw new SchemaError(
    status.applied.length === 0
      ? 'The database has no Tasklane schema yet. Run `tasklane migrate up`, or start without --no-migrate.'
      : `The schema is ${status.open.length} migration${status.open.length === 1 ? '' : 's'} behind. Run \`tasklane migrate up\`, or start without --no-migrate.`,
  )
}

/** Half of a store that is being moved in (`moving/`) is nothing to schedule from. */
export async function refuseHalfMoved(connection: Connection): Promise<void> {
  const [table] = await connection.rows(hasMove)
  if (table?.[0] === null) return
  const [move] = await connection.rows(unfinishedMove)
  if (move === undefined) return
  throw new SchemaError(
    `The move of ${text(move[0])} into this database is not finished. Run \`tasklane migrate-store\` as before, and it ` +
      'goes on where it stopped; or drop the schema "tasklane".',
  )
}

function refuseUnusable({ isUsable, applied: done }: MigrationStatus): void {
  if (isUsable) return
  throw new SchemaError(
    `The schema was written by a newer Tasklane (version ${done.at(-1)?.version}, this one knows ${migrations.length}) ` +
      'and cannot be used by this one. Start that version or a later one.',
  )
}
