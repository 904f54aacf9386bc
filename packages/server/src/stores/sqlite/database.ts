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
}

export interface Database {
  exec(sql: string): void
  prepare(sql: string): Statement
  isInTransaction(): boolean
  close(): void
}

/**
 * Opens the file, or creates it. `busyMs` is how long a statement waits, blocking, for another process's lock.
 * Throws what the driver throws; `faultOf` reads it.
 */
export function openDatabase(file: string, busyMs: number): Database {
  const driver = new DatabaseSync(file, { timeout: busyMs, enableForeignKeyConstraints: false })
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

// Primary result codes (https://sqlite.org/rescode.html) that are the world's fault; the others are ours.
const faults: Readonly<Record<number, SqliteFault>> = Object.freeze({
  3: 'cannot_open',
  5: 'busy',
  6: 'busy',
  7: 'memory',
  8: 'readonly',
  10: 'io',
  11: 'corrupt',
  13: 'full',
  14: 'cannot_open',
  15: 'io',
  23: 'cannot_open',
  26: 'not_a_database',
})

/** What went wrong in the world, or null where the error is a fault of our own. */
export function faultOf(error: unknown): SqliteFault | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null
  // The low byte is the primary code, the rest tells more of it.
  return faults[error.errcode & 0xff] ?? null
}
