import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { describeStore } from '../conformance/store-suite.ts'

describeStore('sqlite store in memory', async parts => {
  const store = await createSqliteStore({ file: ':memory:', ...parts })
  return { store, dispose: () => store.close() }
})

describeStore('sqlite store in a file', async parts => {
  const folder = await mkdtemp(join(tmpdir(), 'tasklane-'))
  const open = () => createSqliteStore({ file: join(folder, 'tasklane.db'), ...parts })
  let store = await open()
  return {
    store,
    reopen: async () => {
      await store.close()
      store = await open()
      return store
    },
    dispose: async () => {
      await store.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
})
