import type { SqlRow, Statement } from '../stores/sqlite/database.ts'
import { StoreFileError } from '../stores/sqlite/file-errors.ts'
import { schemaVersion } from '../stores/sqlite/migrate.ts'
import { openFileToRead } from '../stores/sqlite/read-file.ts'
import { type MovedTable, movedTables, type Place } from './tables.ts'

/** The house that is left: a file, read and never written. */
export interface Source {
  readonly path: string
  /** Rows by table. */
  readonly counts: ReadonlyMap<string, number>
  /** The highest number that was ever given to a task, also where that task has been removed since. */
  readonly lastNumber: number
  /** The same of the audit log. */
  readonly lastAuditNumber: number
  /** The rows behind this place, in the order of the key. */
  rows(table: MovedTable, after: Place): Iterable<SqlRow>
  close(): void
}

/** Throws what `openFileToRead` throws, and `StoreFileError` where the file's schema is an older one. */
export function openSource(file: string): Source {
  const { path, database, version, close } = openFileToRead(file)
  try {
    if (version < schemaVersion) {
      throw new StoreFileError(
        version === 0
          ? `${path} is empty: no scheduler has used it yet, and there is nothing to move.`
          : `${path} has an older schema (${version}, this Tasklane moves ${schemaVersion}). Start this version's ` +
              'scheduler on it once, stop it, and try again.',
      )
    }
    const count = (sql: string): number => Number(database.prepare(sql).get()?.[0] ?? 0)
    // Held as long as the source: see `Statement.iterate`.
    const statements = new Map<string, Statement>()
    return Object.freeze<Source>({
      path,
      counts: new Map(movedTables.map(({ name }) => [name, count(`SELECT count(*) FROM ${name}`)])),
      // What the store itself goes by: `meta` where the newest tasks were removed, else the table.
      lastNumber: Math.max(
        count(`SELECT value FROM meta WHERE name = 'last_number'`),
        count('SELECT max(number) FROM tasks'),
      ),
      lastAuditNumber: count(`SELECT seq FROM sqlite_sequence WHERE name = 'audit'`),
      rows(table, after) {
        const sql = selectOf(table, after.length > 0)
        const statement = statements.get(sql) ?? database.prepare(sql)
        statements.set(sql, statement)
        return statement.iterate(...after)
      },
      close,
    })
  } catch (error) {
    close()
    throw error
  }
}

function selectOf({ name, key, columns }: MovedTable, isResumed: boolean): string {
  const values = columns.map(column => column.from ?? column.name).join(', ')
  const order = key.join(', ')
  const where = isResumed ? ` WHERE (${order}) > (${key.map(() => '?').join(', ')})` : ''
  return `SELECT ${values} FROM ${name}${where} ORDER BY ${order}`
}
