import pg from 'pg'
import { afterAll } from 'vitest'
import { freshDatabase, postgresServer, type Template } from '../../../../test/support/servers/postgres.ts'
import type { Store } from '../../src/ports/store.ts'
import { createPostgresStore, type PostgresStoreParts } from '../../src/stores/postgres/postgres-store.ts'
import { systemClock } from '../../src/system-clock.ts'

/** A database with the schema in it, and nothing else. */
export const schemaTemplate: Template = {
  key: 'tasklane schema',
  fill: async url => {
    const store = createPostgresStore({ url, clock: systemClock, headStartMs: 0 })
    try {
      await store.migrate()
    } finally {
      await store.close()
    }
  },
}

/** Whether a test file may go on; says why not, once. */
export async function hasPostgres(): Promise<boolean> {
  return (await postgresServer()) !== null
}

/**
 * Empty stores in one database, one after another: to empty the tables is faster than another database. Call it once in
 * a test file; the database goes when the file is done.
 */
export function emptyStores(): (parts: Omit<PostgresStoreParts, 'url'>) => Promise<Store> {
  const open = emptyNodes()
  return async parts => {
    const [store] = await open(parts, 1)
    if (store === undefined) throw new Error('One was asked for.')
    return store
  }
}

/** The same with several stores on the one database: each of them a node. */
export function emptyNodes(): (parts: Omit<PostgresStoreParts, 'url'>, count: number) => Promise<readonly Store[]> {
  let database: ReturnType<typeof freshDatabase> | null = null
  afterAll(async () => {
    await (await database)?.drop()
  })
  return async (parts, count) => {
    database ??= freshDatabase(schemaTemplate)
    const { url } = await database
    await emptyTables(url)
    return Array.from({ length: count }, () => createPostgresStore({ connections: 4, ...parts, url }))
  }
}

async function emptyTables(url: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    const { rows } = await client.query<{ names: string | null }>(
      `SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') AS names
       FROM pg_tables WHERE schemaname = 'tasklane' AND tablename <> 'migrations'`,
    )
    const names = rows[0]?.names ?? null
    if (names !== null) await client.query(`TRUNCATE ${names} RESTART IDENTITY`)
  } finally {
    await client.end()
  }
}
