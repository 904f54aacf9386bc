import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { freshDatabase } from '../../../../test/support/servers/postgres.ts'
import { headStartMsDefault } from '../../src/core/rank.ts'
import { moveStore } from '../../src/moving/move-store.ts'
import type { Store } from '../../src/ports/store.ts'
import { createPostgresStore } from '../../src/stores/postgres/postgres-store.ts'
import { createSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { command } from '../oracle/commands.ts'
import { lookAt } from '../oracle/look.ts'
import { createRun, learn, type Run, toCall } from '../oracle/perform.ts'
import { draft, json } from '../support/drafts.ts'
import { hasPostgres } from '../support/postgres-stores.ts'
import { driveStore } from '../support/store-driver.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'

const headStartMs = headStartMsDefault

describe.skipIf(!(await hasPostgres()))('moving a store from SQLite to PostgreSQL', () => {
  const undo: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const each of undo.splice(0).reverse()) await each()
  })

  async function setUp() {
    const clock = createVirtualClock()
    const folder = temporaryFolder()
    undo.push(async () => folder.remove())
    const database = await freshDatabase()
    undo.push(() => database.drop())
    const file = join(folder.path, 'moved.db')
    const openFile = (): Promise<Store> => createSqliteStore({ file, clock, headStartMs })
    const openDatabase = (): Store =>
      createPostgresStore({ url: database.url, clock, headStartMs, fixedNow: clock.now, connections: 4 })
    const move = (more: Partial<Parameters<typeof moveStore>[0]> = {}) =>
      moveStore({ file, url: database.url, onProgress: () => {}, ...more })
    return { clock, openFile, openDatabase, move }
  }

  /** Leads the file through a long random life, which knows every state and every table. */
  async function live(store: Store, clock: VirtualClock, commands: number): Promise<Run> {
    const run = createRun(clock.now)
    const [life = []] = fc.sample(fc.array(command, { minLength: commands, maxLength: commands }), {
      numRuns: 1,
      seed: 7,
    })
    for (const each of life) {
      if (each.kind === 'advance') clock.pause(each.ms)
      const call = toCall(each, run)
      if (call !== null) learn(run, await call(store))
    }
    return run
  }

  it('tells the same of everything afterwards, and goes on', async () => {
    const { clock, openFile, openDatabase, move } = await setUp()
    const before = await openFile()
    const run = await live(before, clock, 400)
    await driveStore(before).submit(draft('long', { payload: json({ text: 'x'.repeat(5_000) }) }))
    const ids = [...new Set(run.drafts.map(each => each.id))]
    const seen = await lookAt(before, ids)
    const counts = await before.counts()
    expect(Object.values(counts).filter(count => count > 0).length).toBeGreaterThan(5)
    await before.close()

    const report = await move({ batch: 7 })
    expect(report.before).toBe(0)
    const rows = Object.fromEntries(report.tables.map(table => [table.name, table.rows]))
    expect(rows).toMatchObject({ tasks: Object.values(counts).reduce((sum, count) => sum + count, 0) })
    for (const name of ['edges', 'attempts', 'logs', 'workers', 'claim_requests', 'lanes', 'queues']) {
      expect(rows[name], name).toBeGreaterThan(0)
    }

    const after = openDatabase()
    undo.push(() => after.close())
    await after.migrate()
    expect(await lookAt(after, ids)).toStrictEqual(seen)
    const [receipt] = await driveStore(after).submit(draft('new'))
    const every = { states: null, types: null, queues: null, workerId: null, label: null, text: null }
    const [, previous] = await after.tasks(every, { limit: 2, before: null, offset: 0 })
    expect(receipt?.number).toBeGreaterThan(previous?.number ?? Number.POSITIVE_INFINITY)
  })

  it('keeps leases: what a worker was running it may settle after the move', async () => {
    const { openFile, openDatabase, move } = await setUp()
    const before = await openFile()
    const held = await driveStore(before).submitAndClaim(draft('a'))
    await before.close()
    await move()
    const after = openDatabase()
    undo.push(() => after.close())
    expect(await driveStore(after).complete(held, json('done'))).toEqual({ verdict: 'applied', state: 'completed' })
  })

  it('goes on where it was interrupted, and no scheduler starts on a half', async () => {
    const { clock, openFile, openDatabase, move } = await setUp()
    const before = await openFile()
    const run = await live(before, clock, 200)
    const ids = [...new Set(run.drafts.map(each => each.id))]
    const seen = await lookAt(before, ids)
    await before.close()
    let tries = 0
    for (let isDone = false; !isDone; tries += 1) {
      let commits = 0
      const afterCommit = async (): Promise<void> => {
        commits += 1
        if (commits === 5) throw new Error('interrupted')
      }
      isDone = await move({ batch: 9, afterCommit }).then(
        report => report.before > 0,
        (error: unknown) => {
          expect(String(error)).toMatch(/interrupted/)
          return false
        },
      )
      if (isDone) break
      const half = openDatabase()
      await expect(half.migrate()).rejects.toThrow(/migrate-store/)
      await half.close()
    }
    expect(tries).toBeGreaterThan(2)
    const after = openDatabase()
    undo.push(() => after.close())
    await after.migrate()
    expect(await lookAt(after, ids)).toStrictEqual(seen)
  })

  it('refuses what it must not touch', async () => {
    const { openFile, openDatabase, move } = await setUp()
    await expect(move()).rejects.toThrow(/does not exist/)
    const before = await openFile()
    await driveStore(before).submit(draft('a'))
    await expect(move()).rejects.toMatchObject({ name: 'StoreLockedError' })
    await before.close()
    const target = openDatabase()
    await target.migrate()
    await driveStore(target).submit(draft('b'))
    await expect(move()).rejects.toMatchObject({ name: 'MoveError' })
    expect(await driveStore(target).state('a')).toBeNull()
    await target.close()
  })

  it('refuses to go on with another file than it began with', async () => {
    const one = await setUp()
    const store = await one.openFile()
    await driveStore(store).submit(draft('a'), draft('b'))
    await store.close()
    const stop = (): Promise<void> => Promise.reject(new Error('interrupted'))
    await expect(one.move({ afterCommit: stop })).rejects.toThrow(/interrupted/)
    const again = await one.openFile()
    await driveStore(again).submit(draft('c'))
    await again.close()
    await expect(one.move()).rejects.toThrow(/unfinished move/)
  })
})
