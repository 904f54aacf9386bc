import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Database, faultOf, openDatabase } from './database.ts'
import { StoreFileError } from './file-errors.ts'
import { readVersion } from './migrate.ts'
import { checkPath, explain, lockedError } from './open-file.ts'

/** How long a scheduler that is just ending may take to let go of the file. */
const busyMs = 2_000

export interface FileToRead {
  readonly path: string
  readonly database: Database
  /** Of the schema; 0 is an empty file. */
  readonly version: number
  close(): void
}

/**
 * Opens a file that no scheduler uses, to read it and nothing else. Until `close` it stays as it is: the transaction that
 * begins here holds SQLite's shared lock, beside which no scheduler can come to own the file.
 *
 * Throws `StoreLockedError` where a scheduler runs on it, `StoreFileError` where there is no file, or none of ours, or
 * one of a newer schema.
 */
export function openFileToRead(file: string): FileToRead {
  const path = resolve(file)
  checkPath(path)
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw new StoreFileError(`${path} does not exist. Name the file that the scheduler used (--data, DATABASE_URL).`)
  }
  let database: Database | null = null
  try {
    database = openDatabase(path, busyMs, true)
    database.exec('BEGIN')
    const version = readVersion(database, path)
    const opened = database
    return { path, database, version, close: () => letGo(opened) }
  } catch (error) {
    if (database !== null) letGo(database)
    throw explainReading(error, path)
  }
}

function letGo(database: Database): void {
  try {
    if (database.isInTransaction()) database.exec('ROLLBACK')
  } catch {
    // Nothing was written; closing lets go of the lock in any case.
  }
  database.close()
}

function explainReading(error: unknown, path: string): unknown {
  const fault = faultOf(error)
  if (fault === 'busy') return lockedError(path)
  // Only what was left half written makes a reader write.
  if (fault === 'readonly') {
    return new StoreFileError(
      `${path} was left in the middle of a change by a process that was killed. Start a scheduler on it once, stop it ` +
        'in order, and try again.',
      error,
    )
  }
  if (fault === 'cannot_open') {
    return new StoreFileError(`${path} cannot be opened. Check the rights on the file and its folder.`, error)
  }
  return explain(error, path)
}
