import { createHash } from 'node:crypto'
import { type Connection, openDatabase, type Database as Postgres } from '../stores/postgres/database.ts'
import { migrate } from '../stores/postgres/migrate.ts'
import { lastNumberName, movingName } from '../stores/postgres/moving-mark.ts'
import { toProblem } from '../stores/postgres/problems.ts'
import type { Database } from '../stores/sqlite/database.ts'
import { openFileToRead } from '../stores/sqlite/read-file.ts'
import { insertRows, once, type Place, placeOf, postgresSide, type Row, type Side, sqliteSide } from './sides.ts'
import { type TableSpec, tables } from './tables.ts'

export interface MoveParts {
  /** The SQLite file. No scheduler may run on it, and nothing in it is changed. */
  readonly file: string
  /** Of the PostgreSQL database. */
  readonly url: string
  readonly onProgress: (progress: MoveProgress) => void
  /** Rows in one transaction. */
  readonly batch?: number
  /** For tests: called after every commit. */
  readonly afterCommit?: () => Promise<void>
}

export interface MoveProgress {
  readonly step: 'copy' | 'verify'
  readonly table: string
  readonly done: number
  readonly total: number
}

export interface MoveReport {
  readonly tables: readonly { readonly name: string; readonly rows: number; readonly sha256: string }[]
  readonly rows: number
  /** Of these, how many an earlier run had moved that was interrupted. */
  readonly before: number
}

/** The target cannot take the store, or is not what it was after the move. Its message says what to do. */
export class MoveError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'MoveError'
  }
}

const batchDefault = 2_000
/** Characters of texts in one transaction: rows may hold a mebibyte each. */
const batchTextMax = 16_777_216
const timeoutMs = 120_000

/**
 * Moves everything that a SQLite file holds into an empty PostgreSQL database. How far it has come is committed together
 * with the rows: interrupted at any moment and started again, it goes on. At the end both sides are read from the
 * beginning and compared. Until then the target is marked, and no scheduler starts on it.
 *
 * Rejects with `StoreLockedError` where a scheduler owns the file, `StoreFileError` where the file cannot be read,
 * `SchemaError` and `MoveError` where the target is not right, and a `store_unavailable` problem where it is away.
 */
export async function moveStore(parts: MoveParts): Promise<MoveReport> {
  const source = openFileToRead(parts.file)
  const target = openDatabase({ url: parts.url, connections: 1, timeoutMs })
  try {
    return await moveBetween(source.database, target, parts)
  } catch (error) {
    throw toProblem(error, parts.url)
  } finally {
    source.close()
    await target.close()
  }
}

async function moveBetween(source: Database, target: Postgres, parts: MoveParts): Promise<MoveReport> {
  const connection = await target.connect()
  try {
    await migrate(connection)
    const from = sqliteSide(source)
    const to = postgresSide(connection)
    await begin(connection, to, fingerprintOf(source))
    const totals = new Map<string, number>()
    for (const table of tables) totals.set(table.name, await from.count(table))
    const total = [...totals.values()].reduce((sum, count) => sum + count, 0)
    const before = await copyAll({ connection, from, to, total, parts })
    const report = await verify({ from, to, total, parts })
    await finish(connection, source)
    return { tables: report, rows: total, before }
  } finally {
    connection.release(true)
  }
}

/** Tells one file from another: what was there first, what came last, and how much it is. */
function fingerprintOf(source: Database): number {
  const facts = source.prepare('SELECT count(*), min(number), max(number), min(id), max(id) FROM tasks').get()
  const digest = createHash('sha256').update(JSON.stringify(facts)).digest()
  // A whole number that both sides hold exactly.
  return digest.readUIntBE(0, 6)
}

async function begin(connection: Connection, to: Side, fingerprint: number): Promise<void> {
  const [mark] = await connection.rows(once('SELECT value FROM tasklane.meta WHERE name = $1'), movingName)
  if (mark !== undefined) {
    if (mark[0] === fingerprint) return
    throw new MoveError(
      'The database holds an unfinished move from another file, or from this one as it was before. ' +
        'Go on with that file, or drop the schema "tasklane" and begin anew.',
    )
  }
  for (const table of tables) {
    if ((await to.count(table)) === 0) continue
    throw new MoveError(
      `The database has ${table.name} of its own already. Move into an empty database, or drop its schema "tasklane".`,
    )
  }
  await connection.run(once('INSERT INTO tasklane.meta (name, value) VALUES ($1, $2)'), movingName, fingerprint)
}

interface Copying {
  readonly connection: Connection
  readonly from: Side
  readonly to: Side
  readonly total: number
  readonly parts: MoveParts
}

/** Returns how many rows were there already. */
async function copyAll({ connection, from, to, total, parts }: Copying): Promise<number> {
  let before = 0
  let done = 0
  for (const table of tables) {
    const had = await to.count(table)
    before += had
    done += had
    parts.onProgress({ step: 'copy', table: table.name, done, total })
    let after = await lastPlace(from, table, had)
    for (;;) {
      const rows = cut(await from.page(table, after, parts.batch ?? batchDefault))
      const last = rows.at(-1)
      if (last === undefined) break
      // One statement is one transaction: all of these rows or none of them.
      await insertRows(connection, table, rows)
      after = placeOf(table, last)
      done += rows.length
      parts.onProgress({ step: 'copy', table: table.name, done, total })
      await parts.afterCommit?.()
    }
  }
  return before
}

/** Rows are moved in the order of their keys, so that how many there are tells which was the last. */
async function lastPlace(from: Side, table: TableSpec, had: number): Promise<Place> {
  let after: Place = null
  for (let left = had; left > 0; ) {
    const rows = await from.page(table, after, Math.min(left, 10_000))
    const last = rows.at(-1)
    if (last === undefined)
      throw new MoveError(
        `The database has more ${table.name} than the file. Drop its schema "tasklane" and begin anew.`,
      )
    after = placeOf(table, last)
    left -= rows.length
  }
  return after
}

/** As many of the rows as one transaction should hold, at least one. */
function cut(rows: readonly Row[]): readonly Row[] {
  let size = 0
  return rows.filter((row, at) => {
    for (const value of row) if (typeof value === 'string') size += value.length
    return at === 0 || size <= batchTextMax
  })
}

type Verifying = Omit<Copying, 'connection'>

async function verify({ from, to, total, parts }: Verifying): Promise<MoveReport['tables']> {
  const report: { name: string; rows: number; sha256: string }[] = []
  let done = 0
  for (const table of tables) {
    const [source, target] = [createHash('sha256'), createHash('sha256')]
    let [after, afterThere]: [Place, Place] = [null, null]
    let rows = 0
    for (;;) {
      const limit = parts.batch ?? batchDefault
      const here = await from.page(table, after, limit)
      const there = await to.page(table, afterThere, limit)
      digest(source, table, here)
      digest(target, table, there)
      const [last, lastThere] = [here.at(-1), there.at(-1)]
      if (last === undefined && lastThere === undefined) break
      after = last === undefined ? after : placeOf(table, last)
      afterThere = lastThere === undefined ? afterThere : placeOf(table, lastThere)
      rows += here.length
      done += here.length
      parts.onProgress({ step: 'verify', table: table.name, done, total })
    }
    const [expected, sha256] = [source.digest('hex'), target.digest('hex')]
    if (expected !== sha256) {
      throw new MoveError(
        `The ${table.name} are not the same on both sides after the move. The file is unchanged; drop the schema "tasklane" and begin anew.`,
      )
    }
    report.push({ name: table.name, rows, sha256 })
  }
  return report
}

function digest(hash: ReturnType<typeof createHash>, table: TableSpec, rows: readonly Row[]): void {
  const names = Object.keys(table.columns)
  const told = names.map(name => !(table.orderOnly ?? []).includes(name))
  for (const row of rows) hash.update(JSON.stringify(row.filter((_, at) => told[at] === true)))
}

/** Numbers go on above the last one that was ever given; then the mark goes. */
async function finish(connection: Connection, source: Database): Promise<void> {
  const kept = Number(source.prepare('SELECT value FROM meta WHERE name = ?').get(lastNumberName)?.[0] ?? 0)
  const highest = Number(source.prepare('SELECT max(number) FROM tasks').get()?.[0] ?? 0)
  const last = Math.max(kept, highest)
  if (last > 0) {
    await connection.rows(once(`SELECT setval(pg_get_serial_sequence('tasklane.tasks', 'number'), $1)`), last)
  }
  await connection.run(once('DELETE FROM tasklane.meta WHERE name = $1'), movingName)
  await connection.exec('ANALYZE tasklane.tasks, tasklane.edges')
}
