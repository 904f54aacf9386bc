import { DatabaseSync } from '@photostructure/sqlite'

/**
 * The only file that knows the driver. `@photostructure/sqlite` has the API of the built-in `node:sqlite`, so that
 * swapping one for the other is a change of the import above.
 */

export type SqlValue = string | number | null
/** Values in the order of the statement's columns: half the time of objects with names at thirty columns a row. */
export type SqlRow = readonly SqlValue[]

/** A prepared statement. Values are bound in the order of its parameters. */
export interface Statement {
  run(...values: SqlValue[]): { readonly changes: number }
  get(...values: SqlValue[]): SqlRow | undefined
  all(...values: SqlValue[]): readonly SqlRow[]
  /**
   * Row by row, for results of any size; the statement is busy until the last one. Hold on to the statement until then:
   * the driver's iterator does not, and reads freed memory when the statement was collected as garbage.
   */
  iterate(...values: SqlValue[]): IterableIterator<SqlRow>
}

export interface Database {
  exec(sql: string): void
  prepare(sql: string): Statement
  isInTransaction(): boolean
  close(): void
}

/**
 * Opens the file, or creates it unless it is only to be read. `busyMs` is how long a statement waits, blocking, for
 * another process's lock. Throws what the driver throws; `faultOf` reads it.
 */
export function openDatabase(file: string, busyMs: number, readOnly = false): Database {
  const driver = new DatabaseSync(file, { timeout: busyMs, enableForeignKeyConstraints: false, readOnly })
  return Object.freeze({
    exec: (sql: string) => driver.exec(sql),
    prepare: (sql: string) => {
      const statement = driver.prepare(sql)
      statement.setReturnArrays(true)
      // The driver types its rows as any; with setReturnArrays they are arrays of what the statements select, which is
      // text, numbers and null.
      return statement as unknown as Statement
    },
    isInTransaction: () => driver.isTransaction,
    close: () => driver.close(),
  })
}

export type SqliteFault = 'busy' | 'full' | 'io' | 'readonly' | 'corrupt' | 'not_a_database' | 'cannot_open' | 'memory'

// Primary result codes (https://sqlite.org/rescode.html) that are the world's fault, with SQLite's own sentence for each;
// the other codes are our fault.
const faults: readonly { readonly code: number; readonly text: string; readonly fault: SqliteFault }[] = Object.freeze([
  { code: 3, text: 'access permission denied', fault: 'cannot_open' },
  { code: 5, text: 'database is locked', fault: 'busy' },
  { code: 6, text: 'database table is locked', fault: 'busy' },
  { code: 7, text: 'out of memory', fault: 'memory' },
  { code: 8, text: 'attempt to write a readonly database', fault: 'readonly' },
  { code: 10, text: 'disk I/O error', fault: 'io' },
  { code: 11, text: 'database disk image is malformed', fault: 'corrupt' },
  { code: 13, text: 'database or disk is full', fault: 'full' },
  { code: 14, text: 'unable to open database file', fault: 'cannot_open' },
  { code: 15, text: 'locking protocol', fault: 'io' },
  { code: 23, text: 'authorization denied', fault: 'cannot_open' },
  { code: 26, text: 'file is not a database', fault: 'not_a_database' },
])

/** What went wrong in the world, or null where the error is a fault of our own. */
export function faultOf(error: unknown): SqliteFault | null {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_SQLITE_ERROR') return null
  // The low byte is the primary code, the rest tells more of it. An error met while rows are read has no code here.
  const code = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : null
  const known = faults.find(each => (code === null ? error.message.includes(each.text) : each.code === code))
  return known?.fault ?? null
}
