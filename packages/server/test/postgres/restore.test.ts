import { describe, expect, it, onTestFinished } from 'vitest'
import { freshDatabase, type Template } from '../../../../test/support/servers/postgres.ts'
import { createPostgresStore } from '../../src/stores/postgres/postgres-store.ts'
import { draft, errorJson, json } from '../support/drafts.ts'
import { hasPostgres } from '../support/postgres-stores.ts'
import { driveStore, type StoreDriver } from '../support/store-driver.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

/**
 * What docs/operating.md says of a database that went back in time: by a backup that was restored, or by a replica that
 * became the primary without the last commits. Two databases from one template are the one that was lost and the one
 * that came after it.
 */
describe.skipIf(!(await hasPostgres()))('after the database went back to a moment before a claim', () => {
  it('refuses the settle of that claim while nobody has claimed again, and does not know tasks accepted since', async () => {
    const [lost, restored] = [await open(), await open()]
    const held = await lost.claimOne({ worker: 'w1' })
    await lost.submit(draft('accepted since'))
    expect(await restored.complete(held)).toMatchObject({ verdict: 'stale' })
    expect(await restored.beat('w1', { held: [held] })).toMatchObject({ lost: ['early'] })
    expect(await restored.states('early', 'accepted since')).toEqual(['pending', null])
  })

  it('refuses it when another worker has claimed under the same epoch', async () => {
    const [lost, restored] = [await open(), await open()]
    const held = await lost.claimOne({ worker: 'w1' })
    const again = await restored.claimOne({ worker: 'w2' })
    expect(again.epoch).toBe(held.epoch)
    expect(await restored.complete(held)).toMatchObject({ verdict: 'stale' })
    expect(await restored.complete(again)).toMatchObject({ verdict: 'applied' })
  })

  it('takes it when the same worker has claimed again, and the task still ends once', async () => {
    const [lost, restored] = [await open(), await open()]
    const held = await lost.claimOne({ worker: 'w1' })
    const again = await restored.claimOne({ worker: 'w1' })
    expect(await restored.complete(held, json('first run'))).toEqual({ verdict: 'applied', state: 'completed' })
    expect(await restored.complete(again, json('second run'))).toEqual({ verdict: 'applied', state: null })
    expect(await restored.fail(again, null, errorJson('late'))).toMatchObject({ verdict: 'stale' })
    expect(await restored.task('early')).toMatchObject({ state: 'completed', result: json('first run') })
  })

  it('runs a task again that had ended since', async () => {
    const [lost, restored] = [await open(), await open()]
    await lost.complete(await lost.claimOne({ worker: 'w1' }))
    expect(await restored.state('early')).toBe('pending')
    expect(await restored.claimOne({ worker: 'w1' })).toMatchObject({ id: 'early', attempt: 1 })
  })
})

const clock = createVirtualClock()

function storeAt(url: string) {
  return createPostgresStore({ url, clock, headStartMs: 0, connections: 3, fixedNow: clock.now })
}

/** One task, and two workers that are known. */
const backup: Template = {
  key: 'a task and two workers',
  fill: async url => {
    const store = storeAt(url)
    try {
      await store.migrate()
      await driveStore(store).register('w1')
      await driveStore(store).register('w2')
      await driveStore(store).submit(draft('early'))
    } finally {
      await store.close()
    }
  },
}

async function open(): Promise<StoreDriver> {
  const database = await freshDatabase(backup)
  onTestFinished(database.drop)
  const store = storeAt(database.url)
  onTestFinished(() => store.close())
  return driveStore(store)
}
