import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { assert } from '../../src/core/assert.ts'
import type { Store } from '../../src/ports/store.ts'
import type { Database } from '../../src/stores/sqlite/database.ts'
import { createSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { draft, names } from '../support/drafts.ts'
import { driveStore } from '../support/store-driver.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

describe('a full disk', () => {
  it('undoes the whole exchange, says store_unavailable, and is over when there is room again', async () => {
    const { store, database } = await open()
    const driver = driveStore(store)
    await driver.submit(draft('first'))
    const before = await store.counts()

    fill(database)
    const large = names('large', 50).map(id => draft(id, { queue: 'new', payload: { text: 'x'.repeat(20_000) } }))
    await expect(driver.submitGroups([draft('small')], large)).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(driver.submitGroups(large)).rejects.toThrow('the disk is full')
    expect(await store.counts()).toEqual(before)
    expect((await store.queues()).map(queue => queue.name)).toEqual(['default'])
    expect(await driver.state('small')).toBeNull()

    makeRoom(database)
    const receipts = await driver.submit(...large)
    expect(receipts.map(receipt => receipt.number)).toEqual(large.map((_, at) => at + 2))
    expect(await store.counts()).toMatchObject({ pending: 51 })
  })

  it('lets a claim that fails keep its tasks pending', async () => {
    const { store, database } = await open()
    const driver = driveStore(store)
    await driver.submit(...names('task', 400).map(id => draft(id)))
    fill(database)
    // The rows grow by the worker's name, until no page has room for it.
    await expect(driver.claim({ worker: 'w'.repeat(128) })).rejects.toMatchObject({ code: 'store_unavailable' })
    makeRoom(database)
    expect(await store.counts()).toMatchObject({ pending: 400, running: 0 })
    expect(await driver.claim()).toHaveLength(400)
  })
})

function fill(database: Database): void {
  // SQLite sets the bound to the present size where it is asked for less.
  database.prepare('PRAGMA max_page_count = 1').get()
}

function makeRoom(database: Database): void {
  database.prepare('PRAGMA max_page_count = 1000000').get()
}

async function open(): Promise<{ readonly store: Store; readonly database: Database }> {
  const folder = temporaryFolder()
  onTestFinished(folder.remove)
  let database: Database | null = null
  const parts = { file: join(folder.path, 'tasks.db'), clock: createVirtualClock(), headStartMs: 3_600_000 }
  const store = await createSqliteStore(parts, opened => {
    database = opened
  })
  onTestFinished(() => store.close())
  assert(database !== null, 'the store hands its database to the test')
  return { store, database }
}
