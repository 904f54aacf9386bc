import { join } from 'node:path'
import type { Store } from '../../src/ports/store.ts'
import { createSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { describeStore } from './store-suite.ts'

describeStore('SQLite store', async parts => {
  const folder = temporaryFolder()
  const store = await createSqliteStore({ ...parts, file: join(folder.path, 'test.db') })
  return { store, dispose: () => store.close().finally(folder.remove) }
})

// Whatever a store keeps in memory beside its file (counts, lanes, a place in a walk) must be found again.
describeStore('SQLite store, reopened before every fifth call', async parts => {
  const folder = temporaryFolder()
  const open = (): Promise<Store> => createSqliteStore({ ...parts, file: join(folder.path, 'test.db') })
  const store = reopening(await open(), open, 5)
  return { store, dispose: () => store.close().finally(folder.remove) }
})

/** One call at a time, so that none is under way when the store is closed. */
function reopening(first: Store, open: () => Promise<Store>, every: number): Store {
  let current = first
  let calls = 0
  let latest: Promise<unknown> = Promise.resolve()
  async function call(name: Exclude<keyof Store, 'exchangesAtOnce'>, args: readonly unknown[]): Promise<unknown> {
    calls += 1
    if (calls % every === 0 && name !== 'close') {
      await current.close()
      current = await open()
    }
    // Every member but the number is a method that takes these very arguments.
    return (current[name] as (...args: readonly unknown[]) => unknown)(...args)
  }
  return new Proxy(
    { ...first },
    {
      get: (_, name: keyof Store) => {
        if (name === 'exchangesAtOnce') return current.exchangesAtOnce
        return (...args: readonly unknown[]) => {
          const answer = latest.then(() => call(name, args))
          latest = answer.catch(() => {})
          return answer
        }
      },
    },
  )
}
