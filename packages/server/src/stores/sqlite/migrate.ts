import type { Database } from './database.ts'
import { StoreFileError } from './file-errors.ts'
import { tasksMigration } from './migrations/001-tasks.ts'
import { accountsMigration } from './migrations/002-accounts.ts'
import { dashboardMigration } from './migrations/003-dashboard.ts'
import { alertsMigration } from './migrations/004-alerts.ts'
import { pausesMigration } from './migrations/005-pauses.ts'

/** In order; a migration that was released is never changed, only followed by another. */
const migrations: readonly string[] = Object.freeze([
  tasksMigration,
  accountsMigration,
  dashboardMigration,
  alertsMigration,
  pausesMigration,
])

/** The version of the schema that this code writes and reads. */
export const schemaVersion = migrations.length

/** "Task" in ASCII: tells a file of ours from another program's SQLite database. */
const applicationId = 0x5461736b

/**
 * Brings the schema up to this code's version, in one transaction: all of it or nothing. The version is SQLite's own
 * `user_version`. Idempotent.
 */
export function migrate(database: Database, file: string): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    const version = readVersion(database, file)
    for (const sql of migrations.slice(version)) database.exec(sql)
    if (version < migrations.length) {
      database.exec(`PRAGMA application_id = ${applicationId}`)
      database.exec(`PRAGMA user_version = ${migrations.length}`)
    }
    database.exec('COMMIT')
  } catch (error) {
    if (database.isInTransaction()) database.exec('ROLLBACK')
    throw error
  }
}

/**
 * The version of the file's schema; 0 is an empty file. Only reads. Throws `StoreFileError` where the file is another
 * program's, or newer than this code.
 */
export function readVersion(database: Database, file: string): number {
  const version = readPragma(database, 'PRAGMA user_version')
  const owner = readPragma(database, 'PRAGMA application_id')
  const tables = Number(database.prepare('SELECT count(*) FROM sqlite_schema').get()?.[0] ?? 0)
  if (owner !== applicationId && tables > 0) {
    throw new StoreFileError(
      `${file} is a SQLite database of another program. Name another file; Tasklane creates it where it does not exist.`,
    )
  }
  if (version > migrations.length) {
    throw new StoreFileError(
      `${file} was written by a newer Tasklane (schema ${version}, this one knows ${migrations.length}). ` +
        'Start that version or a later one; an older one cannot read the file safely.',
    )
  }
  return version
}

function readPragma(database: Database, sql: 'PRAGMA user_version' | 'PRAGMA application_id'): number {
  return Number(database.prepare(sql).get()?.[0] ?? 0)
}
