import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Clock } from '../../ports/clock.ts'
import { type Database, faultOf, openDatabase } from './database.ts'
import { StoreFileError, StoreLockedError } from './file-errors.ts'
import { migrate, readVersion } from './migrate.ts'
import { readOwner, removeOwner, writeOwner } from './owner.ts'

/**
 * How one process comes to own the file.
 *
 * `locking_mode=EXCLUSIVE`, set before the first access, makes SQLite take the operating system's lock on the database
 * file and keep it until the connection closes. The lock belongs to the process: the kernel drops it at any death,
 * SIGKILL included, so that the next start needs no clean-up and no time-out. A second process tries for about two
 * seconds (a restart may overlap the old process's last commit) and is then refused with a `StoreLockedError`. Between
 * two tries it lets go of everything, and the length of a try is left to chance: two processes that start at one moment
 * could otherwise each hold half of the lock and wait for the other.
 *
 * NEVER open the database file itself with `node:fs` in this process: POSIX drops a process's locks on a file as soon as
 * it closes any descriptor of it. `stat` is harmless.
 */
const lockTries = 5
const lockTryMsMin = 200
const lockTryMsMax = 600

/**
 * The exclusive mode spares the log its shared memory file. FULL syncs the log at every commit, so that what was
 * answered survives power loss. The log is copied back every 10,000 pages instead of 1,000 (measured: 20 % more lives
 * a second at 40 MB of log) and cut to 64 MiB when it has grown beyond. 64 MiB of cache hold the upper levels of every
 * index at some millions of tasks.
 */
const settings = `
PRAGMA journal_mode = WAL;
PRAGMA wal_autocheckpoint = 10000;
PRAGMA journal_size_limit = 67108864;
PRAGMA cache_size = -65536;
PRAGMA temp_store = MEMORY;
`

type Synchronous = 'FULL' | 'NORMAL'

export interface OpenFile {
  readonly database: Database
  /** Copies the log back into the file and lets go of it. */
  close(): void
}

/** Opens, locks and migrates. Throws `StoreLockedError` or `StoreFileError`. */
export function openFile(file: string, clock: Clock, synchronous: Synchronous): OpenFile {
  if (file === ':memory:') {
    const database = openDatabase(file, 0)
    migrate(database, file)
    return { database, close: () => database.close() }
  }
  // Absolute, so that no path is taken for one of SQLite's `file:` addresses.
  const path = resolve(file)
  checkPath(path)
  const database = openOwned(path, clock, synchronous)
  writeOwner(path, { pid: process.pid, since: new Date(clock.now()).toISOString() })
  return {
    database,
    close: () => {
      letGo(database)
      removeOwner(path)
    },
  }
}

function openOwned(path: string, clock: Clock, synchronous: Synchronous): Database {
  for (let tries = 1; ; tries += 1) {
    const busyMs = Math.round(lockTryMsMin + (lockTryMsMax - lockTryMsMin) * clock.random())
    try {
      return tryToOwn(path, busyMs, synchronous)
    } catch (error) {
      if (faultOf(error) !== 'busy' || tries === lockTries) throw explain(error, path)
    }
  }
}

function tryToOwn(path: string, busyMs: number, synchronous: Synchronous): Database {
  const database = openDatabase(path, busyMs)
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE')
    // Before anything is written: a file that is not ours stays as it is.
    readVersion(database, path)
    database.exec(settings)
    database.exec(synchronous === 'FULL' ? 'PRAGMA synchronous = FULL' : 'PRAGMA synchronous = NORMAL')
    migrate(database, path)
    database.exec('PRAGMA busy_timeout = 0')
    return database
  } catch (error) {
    giveUp(database, error)
    throw error
  }
}

/** After a refusal the file is not ours to change; after a failure of our own it is let go of as at a close. */
function giveUp(database: Database, error: unknown): void {
  if (faultOf(error) === null && !(error instanceof StoreFileError)) letGo(database)
  else letGo(database, 'PRAGMA busy_timeout = 0; PRAGMA locking_mode = NORMAL; SELECT count(*) FROM sqlite_schema')
}

const leaving = 'PRAGMA journal_mode = DELETE; PRAGMA locking_mode = NORMAL; SELECT count(*) FROM sqlite_schema'

/**
 * Leaving WAL copies the log back and deletes it, and only then can the lock be let go of; the last statement does so.
 * `close` alone would not: the driver keeps a connection, and with it the lock, until its statements are collected as
 * garbage, and this process could not open its own file again.
 */
function letGo(database: Database, by: string = leaving): void {
  try {
    if (database.isInTransaction()) database.exec('ROLLBACK')
    database.exec(by)
  } catch {
    // A damaged file or a full disk: the lock dies with the process, and the log is read at the next start.
  }
  database.close()
}

/** SQLite says "unable to open database file" for all of these; a person wants to know which. */
export function checkPath(path: string): void {
  if (isFolder(path)) throw new StoreFileError(`${path} is a folder. Name a file in it, such as ${path}/tasklane.db.`)
  const folder = dirname(path)
  if (!isFolder(folder)) {
    throw new StoreFileError(`The folder ${folder} does not exist. Create it, or name a database file elsewhere.`)
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  } catch (error) {
    throw new StoreFileError(`${path} cannot be looked at. Check the rights on the folders above it.`, error)
  }
}

export function explain(error: unknown, path: string): unknown {
  switch (faultOf(error)) {
    case 'busy':
      return lockedError(path)
    case 'not_a_database':
      return new StoreFileError(
        `${path} is not a SQLite database. Name another file; Tasklane creates it where it does not exist.`,
        error,
      )
    case 'corrupt':
      return new StoreFileError(
        `${path} is damaged. Stop, keep a copy, and restore a backup or try \`sqlite3 ${path} .recover\`.`,
        error,
      )
    case 'readonly':
    case 'cannot_open':
      return new StoreFileError(
        `${path} cannot be opened for writing. Check the rights on the file and its folder, or name another file.`,
        error,
      )
    case 'full':
    case 'io':
    case 'memory':
      return new StoreFileError(
        `${path} cannot be read or written (${error instanceof Error ? error.message : 'unknown fault'}). ` +
          'Check the free space and the health of the disk.',
        error,
      )
    case null:
      return error
  }
}

export function lockedError(path: string): StoreLockedError {
  const owner = readOwner(path)
  const who = owner === null ? 'Another process' : `Process ${owner.pid}, started ${owner.since},`
  return new StoreLockedError(
    path,
    owner?.pid ?? null,
    `${who} already uses ${path}, and one process at a time may. Stop it first, or start this one with another file.`,
  )
}
