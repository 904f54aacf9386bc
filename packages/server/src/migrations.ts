import type { StoreConfig } from './config.ts'
import { explainDatabaseFault } from './database-error.ts'
import { type Connection, openDatabase, placeOf } from './stores/postgres/database.ts'
import {
  type AppliedMigration,
  type Migration,
  migrate,
  migrations,
  planOf,
  readStatus,
} from './stores/postgres/migrate.ts'
import { schemaVersion } from './stores/sqlite/migrate.ts'
import { openFileToRead } from './stores/sqlite/read-file.ts'

/** The schema of a store, looked at and brought up to date by an operator instead of by a node that starts. */
export type SchemaStatus =
  | {
      readonly kind: 'postgres'
      /** Where it is, without the password. */
      readonly place: string
      /** Of the last applied migration; 0 is a database without our schema. */
      readonly version: number
      /** The last that this code knows. */
      readonly known: number
      readonly applied: readonly AppliedMigration[]
      readonly open: readonly MigrationName[]
      /** False where the schema is of a later version that this code cannot work with. */
      readonly isUsable: boolean
    }
  | {
      readonly kind: 'sqlite'
      readonly file: string
      /** 0 is an empty file. */
      readonly version: number
      readonly known: number
    }
  | { readonly kind: 'memory' }

export interface MigrationName {
  readonly version: number
  readonly name: string
}

/** A migration may wait for other nodes' statements, and may take its time. */
const timeoutMs = 600_000
const connectTimeoutMs = 10_000

/**
 * Changes nothing, in a file neither. Throws `StoreLockedError` and `StoreFileError` for a file, `DatabaseError` for a
 * server.
 */
export async function readSchemaStatus(store: StoreConfig): Promise<SchemaStatus> {
  if (store.kind === 'memory') return { kind: 'memory' }
  if (store.kind === 'sqlite') {
    const opened = openFileToRead(store.file)
    opened.close()
    return { kind: 'sqlite', file: opened.path, version: opened.version, known: schemaVersion }
  }
  const { applied, open, isUsable } = await withConnection(store.url, readStatus)
  return {
    kind: 'postgres',
    place: placeOf(store.url),
    version: applied.at(-1)?.version ?? 0,
    known: migrations.length,
    applied,
    open: open.map(nameOf),
    isUsable,
  }
}

/** The SQL that `applyMigrations` would run, as a script for psql; empty where nothing is open. Changes nothing. */
export async function planMigrations(
  url: string,
): Promise<{ readonly open: readonly MigrationName[]; readonly sql: string }> {
  const { open } = await withConnection(url, readStatus)
  return { open: open.map(nameOf), sql: planOf(open) }
}

/** Returns what was applied now. Throws `SchemaError` where the schema is of a newer version, else `DatabaseError`. */
export async function applyMigrations(url: string): Promise<readonly MigrationName[]> {
  return (await withConnection(url, migrate)).map(nameOf)
}

async function withConnection<Value>(url: string, use: (connection: Connection) => Promise<Value>): Promise<Value> {
  const database = openDatabase({ url, connections: 1, timeoutMs, connectTimeoutMs })
  try {
    const connection = await database.connect()
    try {
      return await use(connection)
    } finally {
      connection.release(false)
    }
  } catch (error) {
    throw explainDatabaseFault(error, url)
  } finally {
    await database.close()
  }
}

function nameOf({ version, name }: Migration): MigrationName {
  return { version, name }
}
