import type { Connection, SqlValue as PostgresValue, Statement } from '../stores/postgres/database.ts'
import type { Database, SqlValue } from '../stores/sqlite/database.ts'
import { type TableSpec, writtenColumns } from './tables.ts'

/** A row in the order of the table's columns; booleans as booleans. */
export type Row = readonly (string | number | boolean | null)[]
/** The key of the last row that was read; null before the first. */
export type Place = readonly (string | number)[] | null

/** One of the two stores, read page by page in the order of the keys. */
export interface Side {
  count(table: TableSpec): Promise<number>
  page(table: TableSpec, after: Place, limit: number): Promise<readonly Row[]>
}

export function placeOf(table: TableSpec, row: Row): Place {
  const names = Object.keys(table.columns)
  return table.key.map(column => {
    const value = row[names.indexOf(column)]
    if (typeof value === 'string' || typeof value === 'number') return value
    throw new Error(`Assertion failed: ${table.name}.${column} is part of a key`)
  })
}

export function sqliteSide(database: Database): Side {
  return {
    count: async ({ name }) => Number(database.prepare(`SELECT count(*) FROM ${name}`).get()?.[0] ?? 0),
    page: async (table, after, limit) => {
      const { name, columns, key, reads = {} } = table
      const list = Object.keys(columns).map(column => reads[column] ?? column)
      const where = after === null ? '' : `WHERE (${key.join(', ')}) > (${key.map(() => '?').join(', ')})`
      const text = `SELECT ${list.join(', ')} FROM ${name} ${where} ORDER BY ${key.join(', ')} LIMIT ${limit}`
      const types = Object.values(columns)
      return database
        .prepare(text)
        .all(...(after ?? []))
        .map(row =>
          row.map((value, at) => (types[at] === 'boolean' ? value === 1 : value) satisfies SqlValue | boolean),
        )
    },
  }
}

export function postgresSide(connection: Connection): Side {
  return {
    count: async ({ name }) =>
      Number((await connection.rows(once(`SELECT count(*) FROM tasklane.${name}`)))[0]?.[0] ?? 0),
    page: async ({ name, columns, key }, after, limit) => {
      const place = key.map((column, at) => `$${at + 1}::${columns[column]}`)
      const where = after === null ? '' : `WHERE (${key.join(', ')}) > (${place.join(', ')})`
      const text = `SELECT ${Object.keys(columns).join(', ')} FROM tasklane.${name} ${where}
        ORDER BY ${key.join(', ')} LIMIT ${limit}`
      return connection.rows(once(text), ...(after ?? []))
    },
  }
}

/** Writes rows as they came. Rejects where one is there already. */
export async function insertRows(connection: Connection, table: TableSpec, rows: readonly Row[]): Promise<void> {
  const names = Object.keys(table.columns)
  const written = writtenColumns(table)
  const list = rows.map(row =>
    Object.fromEntries(names.map((name, at) => [name, row[at] satisfies PostgresValue | undefined])),
  )
  const types = names.map(name => `${name} ${table.columns[name]}`)
  // Rows whose order is all that a column told keep it.
  const order = (table.orderOnly ?? []).length === 0 ? '' : `ORDER BY ${table.orderOnly?.join(', ')}`
  const text = `INSERT INTO tasklane.${table.name} (${written.join(', ')})
    SELECT ${written.join(', ')} FROM json_to_recordset($1::json) AS r (${types.join(', ')}) ${order}`
  await connection.run(once(text), JSON.stringify(list))
}

/** Not worth preparing. */
export function once(text: string): Statement {
  return { name: '', text }
}
