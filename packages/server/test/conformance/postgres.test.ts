import { describe } from 'vitest'
import { emptyStores, hasPostgres } from '../support/postgres-stores.ts'
import { describeStore } from './store-suite.ts'

describe.skipIf(!(await hasPostgres()))('on a server', () => {
  const emptyStore = emptyStores()

  describeStore('PostgreSQL store', async ({ clock, headStartMs }) => {
    const store = await emptyStore({ clock, headStartMs, fixedNow: clock.now })
    return { store, dispose: () => store.close() }
  })
})
