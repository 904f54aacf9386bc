import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { taskStates } from '@tasklane/protocol'
import { describe, expect, it, vi } from 'vitest'
import { workerId } from '../../src/core/task.ts'
import { moveStore } from '../../src/moving/move-store.ts'
import { movedTables } from '../../src/moving/tables.ts'
import { openDatabase } from '../../src/stores/sqlite/database.ts'
import { learn, toCall } from '../oracle/perform.ts'
import { draft, errorJson, json } from '../support/drafts.ts'
import { hasPostgres } from '../support/postgres-stores.ts'
import { driveStore } from '../support/store-driver.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import {
  askServer,
  idsOf,
  liveIn,
  lookAround,
  newDatabase,
  newFile,
  openPostgres,
  openSqlite,
  someCommands,
} from './houses.ts'

vi.mock('@tasklane/protocol', async load => {
  const actual = await load<typeof import('@tasklane/protocol')>()
  const { smallBounds } = await import('../oracle/small-bounds.ts')
  return { ...actual, limits: { ...actual.limits, ...smallBounds } }
})

const everyEntry = { actor: null, action: null, subject: null }
const seeds = [1, 2, 3, 4, 5, 6]

describe.skipIf(!(await hasPostgres()))('a house that was moved', () => {
  it.each(seeds)('tells the same at every read, and lives on in the same way (life %i)', async seed => {
    const lived = await liveIn(newFile(), seed)
    const bytes = digestOf(lived.file)
    const url = await newDatabase()
    const report = await moveStore({ file: lived.file, url, bounds: { rowsMax: 7, charsMax: 1_000 } })
    expect(report).toMatchObject({ isVerified: true, rowsCopied: report.rows, finishedBeforeAtMs: null })
    expect(digestOf(lived.file)).toBe(bytes)

    const { clock, run } = lived
    const postgres = await openPostgres(url, clock)
    expect(await lookAround(postgres, idsOf(run))).toStrictEqual(lived.seen)

    const sqlite = await openSqlite(lived.file, clock)
    try {
      for (const [at, each] of someCommands(seed + 100, 150).entries()) {
        if (each.kind === 'advance') clock.pause(each.ms)
        const call = toCall(each, run)
        if (call === null) continue
        const expected = await call(sqlite)
        // Numbers may have gaps on the server.
        expect(withoutNumbers(await call(postgres)), `command ${at} (${each.kind})`).toStrictEqual(
          withoutNumbers(expected),
        )
        learn(run, expected)
      }
    } finally {
      await sqlite.close()
    }
  })

  it('holds rows of every table and tasks of every state, so that the above compares something', async () => {
    const rows = new Map<string, number>()
    const states = new Set<string>()
    for (const seed of seeds) {
      const { file, seen } = await liveIn(newFile(), seed)
      const { tables } = await moveStore({ file, url: await newDatabase() })
      for (const table of tables) rows.set(table.name, (rows.get(table.name) ?? 0) + table.rows)
      for (const state of taskStates) if (JSON.stringify(seen).includes(`"state":"${state}"`)) states.add(state)
    }
    expect([...rows].filter(([, count]) => count === 0)).toEqual([])
    expect([...states].sort()).toEqual([...taskStates].sort())
  })

  it('is moved with every column of every table, on both sides', async () => {
    const url = await newDatabase()
    const file = newFile()
    await (await openSqlite(file, createVirtualClock())).close()
    await moveStore({ file, url })
    const moved = movedTables.flatMap(table => table.columns.map(({ name }) => `${table.name}.${name}`)).sort()
    const onServer = await askServer(
      url,
      `SELECT table_name || '.' || column_name AS name FROM information_schema.columns WHERE table_schema = 'tasklane'
        AND table_name NOT IN ('migrations', 'house_move', 'meta', 'counter_changes')`,
    )
    expect(onServer.map(({ name }) => String(name)).sort()).toEqual(moved)
    // The file keeps long payloads apart, and last numbers in tables of their own.
    const apart = ['meta', 'payloads', 'sqlite_sequence']
    const database = openDatabase(file, 0)
    const inFile = database
      .prepare(`SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'`)
      .all()
      .filter(([table, column]) => !apart.includes(String(table)) && column !== 'is_payload_apart')
    database.close()
    expect(inFile.map(names => names.join('.')).sort()).toEqual(moved)
  })

  it('counts a settle, a beat and a log line of a worker that held its task all the while', async () => {
    const clock = createVirtualClock()
    const file = newFile()
    const before = await openSqlite(file, clock)
    const worker = driveStore(before)
    await worker.register('w1', { slots: 3 })
    const [done, failed] = [await worker.submitAndClaim(draft('done')), await worker.submitAndClaim(draft('failed'))]
    const lost = await worker.submitAndClaim(draft('lost'), { leaseMs: 1_000 })
    await before.close()

    const url = await newDatabase()
    await moveStore({ file, url })
    clock.pause(2_000)
    const store = await openPostgres(url, clock)
    const after = driveStore(store)
    expect(await after.beat(String(done.workerId), { held: [done] })).toMatchObject({ isKnown: true, lost: [] })
    const line = { taskId: done.id, epoch: done.epoch, level: 'info', message: 'still here', atMs: null } as const
    expect(await store.appendLogs(done.workerId ?? workerId('none'), [line])).toBe(1)
    expect(await after.complete(done, json({ sum: 3 }))).toEqual({ verdict: 'applied', state: 'completed' })
    expect(await after.complete(done, json({ sum: 3 }))).toMatchObject({ verdict: 'applied', state: null })
    expect(await after.fail(failed, 0, errorJson('boom'))).toEqual({ verdict: 'applied', state: 'pending' })
    expect(await after.reap()).toEqual(['lost'])
    expect(await after.complete(lost)).toMatchObject({ verdict: 'stale' })
    expect((await after.claimOne()).epoch).toBe(2)
  })

  it('knows a repeated submit and a repeated claim, and answers them as before', async () => {
    const clock = createVirtualClock()
    const file = newFile()
    const before = await openSqlite(file, clock)
    const once = draft('once', { idempotencyKey: 'key', payload: { x: 'a'.repeat(100_000) }, priority: 7 })
    await driveStore(before).submit(once)
    await driveStore(before).register('w1')
    const claimed = await driveStore(before).claim({ worker: 'w1', requestId: 'r1' })
    await before.close()

    const url = await newDatabase()
    await moveStore({ file, url })
    const after = driveStore(await openPostgres(url, clock))
    expect(await after.submit(once)).toMatchObject([{ taskId: 'once', number: 1, existing: { id: 'once' } }])
    expect(await after.claim({ worker: 'w1', requestId: 'r1' })).toStrictEqual(claimed)
  })

  it('never gives a number again, though the newest tasks were removed before', async () => {
    const clock = createVirtualClock()
    const file = newFile()
    const before = await openSqlite(file, clock)
    await driveStore(before).submit(draft('first'), draft('second'), draft('third'))
    await before.cancel([draft('second').id, draft('third').id], null)
    await before.remove([draft('second').id, draft('third').id])
    await before.close()

    const url = await newDatabase()
    expect(await moveStore({ file, url })).toMatchObject({ lastNumber: 3 })
    const [receipt] = await driveStore(await openPostgres(url, clock)).submit(draft('fourth'))
    expect(receipt?.number).toBeGreaterThan(3)
  })

  it('knows its users and tokens, and numbers on where it stopped, also where the audit log was pruned', async () => {
    const clock = createVirtualClock()
    const file = newFile()
    const before = await openSqlite(file, clock)
    await before.createUser({ name: 'root', passwordHash: '$argon2id$v=19$m=1', role: 'admin' })
    const worker = { role: 'worker', queues: ['mail'], types: null, createdBy: 'root', lastsMs: 60_000 } as const
    // More than a transaction is tried again: a number given twice is no accident that passes.
    for (const at of Array(20).keys()) {
      await before.createToken({ ...worker, id: `${at}`, hash: `${at}`, name: `ci-${at}` })
    }
    const entry = { actor: 'root', action: 'login', subject: null, address: '::1', outcome: 'ok', requestId: 'r' }
    await before.appendAudit(Array(20).fill(entry))
    const [newest] = await before.audit(everyEntry, { limit: 1, before: null })
    clock.pause(2)
    await before.pruneAudit(1, 100)
    const told = [await before.users(), await before.tokens()]
    await before.close()

    const url = await newDatabase()
    await moveStore({ file, url })
    const after = await openPostgres(url, clock)
    expect([await after.users(), await after.tokens()]).toStrictEqual(told)
    expect(await after.createUser({ name: 'two', passwordHash: 'x', role: 'viewer' })).toMatchObject({ number: 2 })
    expect(await after.createToken({ ...worker, name: 'ci-7', id: 'x', hash: 'x' })).toBeNull()
    expect(await after.createToken({ ...worker, name: 'new', id: 'y', hash: 'y' })).toMatchObject({ id: 'y' })
    expect((await after.tokens())[0]).toMatchObject({ id: 'y' })
    await after.appendAudit([entry])
    const [next] = await after.audit(everyEntry, { limit: 1, before: null })
    expect(next?.number).toBeGreaterThan(newest?.number ?? Number.NaN)
  })

  it('keeps text that is hard to quote, and numbers that are hard to print', async () => {
    const clock = createVirtualClock()
    const file = newFile()
    const before = await openSqlite(file, clock)
    const hard = ['"', '\\', '\\"', '{}', ',', 'NULL', '', ' ', '\n\t', '’ 𝄞 é', '\u2028', "'; --", '\\x41']
    await driveStore(before).submit(
      ...hard.map((text, at) =>
        draft(`t${at}`, { name: text, description: text, payload: [text], labels: { a: text }, priority: 1 + at / 7 }),
      ),
    )
    const ids = hard.map((_, at) => draft(`t${at}`).id)
    const seen = await lookAround(before, ids)
    await before.close()
    const url = await newDatabase()
    expect(await moveStore({ file, url })).toMatchObject({ isVerified: true })
    expect(await lookAround(await openPostgres(url, clock), ids)).toStrictEqual(seen)
  })

  it('is told of once more when the move is run again, and left as it is', async () => {
    const { file } = await liveIn(newFile(), 1)
    const url = await newDatabase()
    const first = await moveStore({ file, url })
    await askServer(url, `UPDATE tasklane.queues SET is_paused = NOT is_paused`)
    const paused = await askServer(url, 'SELECT * FROM tasklane.queues ORDER BY name')
    const again = await moveStore({ file, url })
    expect(again).toEqual({ ...first, rowsCopied: 0, finishedBeforeAtMs: expect.any(Number) })
    expect(await askServer(url, 'SELECT * FROM tasklane.queues ORDER BY name')).toEqual(paused)
  })
})

function digestOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

function withoutNumbers(value: unknown): unknown {
  return JSON.parse(JSON.stringify({ value }, (key, inner: unknown) => (key === 'number' ? undefined : inner)))
}
