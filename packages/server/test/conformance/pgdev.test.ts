import pg from 'pg'
import { createPostgresStore } from '../../src/stores/postgres/postgres-store.ts'
import { describeStore } from './store-suite.ts'

const url = process.env.PGDEV ?? 'postgres://postgres@127.0.0.1:55432/dev1'
describeStore('PostgreSQL store', async parts => {
  const c = new pg.Client(url)
  await c.connect()
  await c.query('DROP SCHEMA IF EXISTS tasklane CASCADE')
  await c.end()
  const store = createPostgresStore({ ...parts, url, fixedNow: parts.clock.now })
  return { store, dispose: () => store.close() }
})
