import type { Connection, Database, SqlParameter, SqlRow, Statement } from '../stores/postgres/database.ts'
import { openDatabase, placeOf } from '../stores/postgres/database.ts'
import { lockSchema, migrate } from '../stores/postgres/migrate.ts'
import type { SqlValue } from '../stores/sqlite/database.ts'
import { MoveError } from './move-error.ts'
import type { HouseMove } from './progress.ts'
import { type ColumnKind, type MovedTable, movedTables, type Place } from './tables.ts'

/** The new house: a server that no node works on yet. */
export interface Target {
  /** Where it is, without the password. */
  readonly place: string
  /** The move that is going on or has been finished here; begins one where the house is empty. */
  begin(begun: HouseMove): Promise<StoredMove>
  read(): Promise<StoredMove>
  /**
   * Writes the rows and, in the same transaction, how far the move has come. False, and nothing written, where it has
   * come further meanwhile: a process that was killed may have left a commit on its way.
   */
  write(batch: Batch, from: string, to: string): Promise<boolean>
  /** Up to `limit` rows behind this place, in the order of the key, with digests in the place of long texts. */
  page(table: MovedTable, after: Place, limit: number): Promise<readonly SqlRow[]>
  /** What is left to do when all rows are there: what comes next gets higher numbers. */
  settleIn(last: { readonly lastNumber: number; readonly lastAuditNumber: number }): Promise<void>
  finish(report: string): Promise<void>
  close(): Promise<void>
}

export interface Batch {
  readonly table: MovedTable
  /** By column, not by row: as the server takes them. */
  readonly columns: readonly (readonly SqlValue[])[]
}

export interface StoredMove {
  readonly source: string
  /** A `HouseMove` as text. */
  readonly progress: string
  readonly finishedAtMs: number | null
  /** Told at its end; null before. */
  readonly report: string | null
}

/** One row at most: a house is moved into once. */
const tableOfMove = `
CREATE TABLE IF NOT EXISTS tasklane.house_move (
  is_only     boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  source      text NOT NULL,
  progress    text NOT NULL,
  started_at  timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  report      text
)`

const sql = Object.freeze({
  readMove: {
    name: '',
    text: `SELECT source, progress, (extract(epoch FROM finished_at) * 1000)::bigint, report FROM tasklane.house_move`,
  },
  beginMove: {
    name: '',
    text: 'INSERT INTO tasklane.house_move (source, progress) VALUES ($1, $2)',
  },
  goOn: {
    name: '',
    text: 'UPDATE tasklane.house_move SET progress = $2 WHERE progress = $1 AND finished_at IS NULL',
  },
  finishMove: { name: '', text: 'UPDATE tasklane.house_move SET finished_at = now(), report = $1' },
  // Nodes say who they are; this connection has another name.
  nodes: {
    name: '',
    text: `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name IN ('tasklane', 'tasklane hints')`,
  },
  // An identity goes forward only: a number given is never given again.
  numberOn: {
    name: '',
    text: `SELECT setval(pg_get_serial_sequence('tasklane.tasks', 'number'), $1::bigint) WHERE $1::bigint > 0`,
  },
  auditOn: {
    name: '',
    text: `SELECT setval(pg_get_serial_sequence('tasklane.audit', 'number'), $1::bigint) WHERE $1::bigint > 0`,
  },
  turnsOn: {
    name: '',
    text: `SELECT setval(pg_get_serial_sequence('tasklane.unresolved', 'turn'), max(turn)) FROM tasklane.unresolved
        HAVING max(turn) > 0
      UNION ALL SELECT setval(pg_get_serial_sequence('tasklane.tokens', 'turn'), max(turn)) FROM tasklane.tokens
        HAVING max(turn) > 0
      UNION ALL SELECT setval(pg_get_serial_sequence('tasklane.alerts', 'number'), max(number)) FROM tasklane.alerts
        HAVING max(number) > 0
      UNION ALL SELECT setval(pg_get_serial_sequence('tasklane.alert_notices', 'number'), max(number))
        FROM tasklane.alert_notices HAVING max(number) > 0`,
  },
})

/** Building an index or waiting for a checkpoint may take its time. */
const timeoutMs = 600_000
const connectTimeoutMs = 10_000

/** Connects, and brings the schema up to date. Throws `SchemaError` where it is of a newer version. */
export async function openTarget(url: string): Promise<Target> {
  const named = new URL(url)
  named.searchParams.set('application_name', 'tasklane-move')
  const database = openDatabase({ url: named.href, connections: 1, timeoutMs, connectTimeoutMs })
  try {
    const connection = await database.connect()
    try {
      await migrate(connection)
      return createTarget(database, connection, placeOf(url), named.searchParams.get('pgbouncer') === 'true')
    } catch (error) {
      connection.release(true)
      throw error
    }
  } catch (error) {
    await database.close()
    throw error
  }
}

function createTarget(database: Database, connection: Connection, place: string, isPooled: boolean): Target {
  async function transact<Value>(work: () => Promise<Value>): Promise<Value> {
    await connection.exec(database.begin)
    try {
      const value = await work()
      await connection.exec('COMMIT')
      return value
    } catch (error) {
      await connection.exec('ROLLBACK').catch(() => {})
      throw error
    }
  }

  async function read(): Promise<StoredMove | null> {
    const [row] = await connection.rows(sql.readMove)
    if (row === undefined) return null
    const [source, progress, finishedAtMs, report] = row
    return {
      source: String(source),
      progress: String(progress),
      finishedAtMs: finishedAtMs === null ? null : Number(finishedAtMs),
      report: report === null ? null : String(report),
    }
  }

  async function readBegun(): Promise<StoredMove> {
    const stored = await read()
    if (stored !== null) return stored
    throw new MoveError('interrupted', `The move into ${place} was undone by somebody. Nothing more was written.`)
  }

  return Object.freeze<Target>({
    place,
    begin: ({ source, progress }) =>
      transact(async () => {
        await connection.exec(lockSchema)
        await connection.exec(tableOfMove)
        const before = await read()
        if (before?.finishedAtMs != null) return before
        // A pooler keeps a node's connections, under the node's name, for minutes after the node has gone.
        if (!isPooled) await refuseNodes(connection, place)
        if (before !== null) return before
        await refuseTenants(connection, place)
        await connection.run(sql.beginMove, source, progress)
        return readBegun()
      }),
    read: readBegun,
    write: ({ table, columns }, from, to) =>
      transact(async () => {
        // The row of the move is held first: whoever else writes here waits, and then finds that it has gone on.
        if ((await connection.run(sql.goOn, from, to)) === 0) return false
        await connection.run(insertOf(table), ...columns.map((values, at) => toArray(values, table.columns[at]?.kind)))
        return true
      }),
    page: (table, after, limit) => connection.rows(pageOf(table, after.length > 0), limit, ...after),
    async settleIn({ lastNumber, lastAuditNumber }) {
      await connection.rows(sql.numberOn, lastNumber)
      await connection.rows(sql.auditOn, lastAuditNumber)
      await connection.rows(sql.turnsOn)
      // Statistics for whoever asks with SQL of their own; ours are planned without.
      for (const { name } of movedTables) await connection.exec(`ANALYZE tasklane.${name}`)
    },
    async finish(report) {
      await connection.run(sql.finishMove, report)
    },
    async close() {
      connection.release(false)
      await database.close()
    },
  })
}

async function refuseNodes(connection: Connection, place: string): Promise<void> {
  const [row] = await connection.rows(sql.nodes)
  if (Number(row?.[0] ?? 0) === 0) return
  throw new MoveError(
    'target_in_use',
    `A scheduler is connected to ${place}. Stop it, and start it again when the move is finished.`,
  )
}

async function refuseTenants(connection: Connection, place: string): Promise<void> {
  const held: string[] = []
  for (const { name } of movedTables) {
    const [row] = await connection.rows({ name: '', text: `SELECT count(*) FROM tasklane.${name}` })
    const count = Number(row?.[0] ?? 0)
    if (count > 0) held.push(`${count} in ${name}`)
  }
  if (held.length === 0) return
  throw new MoveError(
    'target_not_empty',
    `The database at ${place} holds rows of its own (${held.join(', ')}), and a move needs an empty one. Name another ` +
      'database; or, if nothing in it is needed, drop the schema tasklane in it first.',
  )
}

const arrayTypes: Readonly<Record<ColumnKind, string>> = Object.freeze({
  whole: 'bigint[]',
  float: 'double precision[]',
  flag: 'boolean[]',
  text: 'text[]',
  long: 'text[]',
})

function insertOf({ name, columns, isNumberedByServer }: MovedTable): Statement {
  const names = columns.map(column => column.name).join(', ')
  const lists = columns.map(({ kind }, at) => `$${at + 1}::${arrayTypes[kind]}`).join(', ')
  const own = isNumberedByServer === true ? ' OVERRIDING SYSTEM VALUE' : ''
  return {
    name: `move_into_${name}`,
    text: `INSERT INTO tasklane.${name} (${names})${own} SELECT * FROM unnest(${lists})`,
  }
}

/**
 * An array as the server's text for one: 80,000 values a batch, so that the driver's way, which looks at each of them
 * anew, would take a third of the time of the whole.
 */
function toArray(values: readonly SqlValue[], kind: ColumnKind | undefined): SqlParameter {
  if (kind !== 'text' && kind !== 'long') return `{${values.map(value => value ?? 'NULL').join(',')}}`
  return `{${values.map(value => (value === null ? 'NULL' : quoted(String(value)))).join(',')}}`
}

function quoted(text: string): string {
  return `"${/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`
}

function pageOf({ name, key, columns }: MovedTable, isResumed: boolean): Statement {
  const values = columns.map(column =>
    column.kind === 'long' ? `encode(sha256(convert_to(${column.name}, 'UTF8')), 'hex')` : column.name,
  )
  const order = key.join(', ')
  const where = isResumed ? ` WHERE (${order}) > (${key.map((_, at) => `$${at + 2}`).join(', ')})` : ''
  return {
    name: `move_page_${isResumed ? 'after_' : ''}${name}`,
    text: `SELECT ${values.join(', ')} FROM tasklane.${name}${where} ORDER BY ${order} LIMIT $1`,
  }
}
