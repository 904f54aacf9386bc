import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readNotice } from '../../src/core/alert-notice.ts'
import { taskId } from '../../src/core/task.ts'
import type { Store } from '../../src/ports/store.ts'
import { openDatabase } from '../../src/stores/sqlite/database.ts'
import { StoreFileError } from '../../src/stores/sqlite/file-errors.ts'
import { tasksMigration } from '../../src/stores/sqlite/migrations/001-tasks.ts'
import { accountsMigration } from '../../src/stores/sqlite/migrations/002-accounts.ts'
import { dashboardMigration } from '../../src/stores/sqlite/migrations/003-dashboard.ts'
import { alertsMigration } from '../../src/stores/sqlite/migrations/004-alerts.ts'
import { createSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { draft, everyTask, json } from '../support/drafts.ts'
import { driveStore } from '../support/store-driver.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

describe('the file of a SQLite store', () => {
  it('keeps tasks, history, counts, queues and workers over a reopen', async () => {
    const file = join(newFolder(), 'tasks.db')
    const first = await open(file)
    const driver = driveStore(first)
    await driver.register('w1')
    await driver.submit(
      draft('parent'),
      draft('child', { dependencies: ['parent'] }),
      draft('later', { delayMs: 60_000 }),
    )
    await driver.fail(await driver.claimOne(), 0)
    await driver.complete(await driver.claimOne())
    await first.setQueue('night', { isPaused: true })
    const told = await everything(first)
    await first.close()

    expect(told.counts).toMatchObject({ completed: 1, pending: 1, scheduled: 1 })
    expect(await everything(await open(file))).toEqual(told)
  })

  it('never gives a number twice, even where the newest task was removed before a reopen', async () => {
    const file = join(newFolder(), 'tasks.db')
    const first = await open(file)
    await driveStore(first).submit(draft('one'), draft('two'))
    await first.cancel([taskId('two')], null)
    await first.remove([taskId('two')])
    await first.close()
    const [receipt] = await driveStore(await open(file)).submit(draft('three'))
    expect(receipt?.number).toBe(3)
  })

  it('keeps a payload of any size beside or inside the row and tells it whole', async () => {
    const driver = driveStore(await open(':memory:'))
    const payloads = [10, 2_000, 2_100, 300_000].map(length => ({ text: 'ü'.repeat(length) }))
    await driver.submit(...payloads.map((payload, at) => draft(`task-${at}`, { payload })))
    const claimed = await driver.claim()
    expect(claimed.map(task => JSON.parse(task.payload ?? ''))).toEqual(payloads)
    expect(JSON.parse((await driver.task('task-3')).payload ?? '')).toEqual(payloads[3])
  })

  it('of the first schema is brought up to date with what it holds', async () => {
    const file = join(newFolder(), 'tasks.db')
    const lane = `INSERT INTO lanes VALUES (1, 'q', 'noop'); INSERT INTO counters VALUES (1, 'pending', 1);`
    const task = `INSERT INTO tasks (number, id, lane, state, rank, due_at, priority, priority_source, created_at,
      waiting_count, parent_count, has_dependents, max_retries, policy, is_payload_apart)
      VALUES (7, 'old', 1, 'pending', 1, 1, 5, 'default', 1, 0, 0, 0, 5, 'cancel', 0);`
    execute(file, `${tasksMigration}; ${lane} ${task} PRAGMA application_id = 0x5461736b; PRAGMA user_version = 1`)
    const store = await open(file)
    expect(await store.taskByNumber(7)).toMatchObject({ id: 'old', queue: 'q', submittedBy: null })
    await driveStore(store).submit(draft('new', { submittedBy: 'ada' }))
    const filter = { ...everyTask, submittedBy: 'ada' }
    expect(await store.taskIds(filter, { limit: 5, before: null, offset: 0 })).toEqual([{ id: 'new', number: 8 }])
    expect(await store.createUser({ name: 'ada', passwordHash: 'x', role: 'admin' })).toMatchObject({ number: 1 })
  })

  it('of a version without reasons and reminders is read for what it says', async () => {
    const file = join(newFolder(), 'tasks.db')
    const before = [tasksMigration, accountsMigration, dashboardMigration, alertsMigration].join(';')
    const channel = {
      name: 'c',
      url: 'https://hooks.example/1',
      secret: null,
      severities: ['warning'],
      isEnabled: true,
    }
    const facts = { ruleName: 'r', kind: 'queue_paused', subject: { queue: 'q' } }
    const told = { alert_id: 1, state: 'firing', subject: { queue: 'q' } }
    execute(
      file,
      `${before}; INSERT INTO queues VALUES ('q', 1), ('p', 0);
      INSERT INTO alert_channels (id, settings, version, created_at, changed_at) VALUES ('c', '${JSON.stringify(channel)}', 1, 1, 1);
      INSERT INTO alerts (turn, rule_id, subject, state, severity, value, since_at, fired_at, noted_at, facts, told, detail)
        VALUES (1, 'r', 'q', 'firing', 'warning', 1, 1, 1, 1, '${JSON.stringify(facts)}', '["c"]', 'It is bad.');
      INSERT INTO alert_notices (id, channel_id, created_at, due_at, attempts, alerts) VALUES ('n', 'c', 1, 1, 0, '${JSON.stringify([told])}');
      PRAGMA application_id = 0x5461736b; PRAGMA user_version = 4`,
    )
    const store = await open(file)
    const unknown = { atMs: null, by: null, reason: null }
    expect(await store.queues()).toMatchObject([
      { name: 'p', pause: null },
      { name: 'q', pause: unknown },
    ])
    // Nobody knows since when: that it is asked for once more makes nobody know it.
    expect(await store.setQueue('q', { isPaused: true, by: 'anna' })).toMatchObject({ pause: unknown })
    expect(await store.setQueue('q', { isPaused: true, reason: 'Deploying' })).toMatchObject({
      pause: { reason: 'Deploying' },
    })
    expect(await store.alertChannels()).toMatchObject([{ settings: { ...channel, remindEveryMs: null } }])
    expect(await store.openAlerts()).toMatchObject([{ told: ['c'], tellings: {} }])
    const [notice] = await store.takeNotices({ limit: 1, leaseMs: 1, triesInOrder: 1 })
    expect(readNotice(notice?.alerts ?? json('none'))).toMatchObject([{ alert_id: 1, reminder: 0 }])
  })

  it('is refused where a newer version wrote it', async () => {
    const file = join(newFolder(), 'tasks.db')
    await (await open(file)).close()
    execute(file, 'PRAGMA user_version = 99')
    await expectRefusal(file, 'was written by a newer Tasklane (schema 99')
  })

  it('is refused and left as it is where it belongs to another program', async () => {
    const file = join(newFolder(), 'theirs.db')
    execute(file, 'CREATE TABLE theirs (a)')
    const before = readFileSync(file)
    await expectRefusal(file, 'is a SQLite database of another program')
    expect(readFileSync(file).equals(before)).toBe(true)
    execute(file, 'INSERT INTO theirs VALUES (1)')
  })

  it('is refused where it is no database', async () => {
    const file = join(newFolder(), 'letter.txt')
    writeFileSync(file, 'Dear reader, this is a letter and not a database.'.repeat(100))
    await expectRefusal(file, 'is not a SQLite database')
  })

  it('is refused where it is a folder, or where its folder is missing', async () => {
    const folder = newFolder()
    mkdirSync(join(folder, 'data'))
    await expectRefusal(join(folder, 'data'), `is a folder. Name a file in it, such as ${folder}/data/tasklane.db.`)
    await expectRefusal(join(folder, 'missing', 'tasks.db'), `The folder ${folder}/missing does not exist.`)
  })

  it('may have a name that SQLite would take for an address', async () => {
    const file = join(newFolder(), 'file:tasks.db?mode=memory')
    const first = await open(file)
    await driveStore(first).submit(draft('kept'))
    await first.close()
    expect(await (await open(file)).task(taskId('kept'))).not.toBeNull()
  })
})

async function expectRefusal(file: string, words: string): Promise<void> {
  const refusal = await open(file).catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(StoreFileError)
  expect(String(refusal)).toContain(words)
}

async function everything(store: Store): Promise<Record<string, unknown>> {
  return {
    tasks: await store.tasks(everyTask, { limit: 100, before: null, offset: 0 }),
    attempts: await store.attempts(taskId('parent')),
    counts: await store.counts(),
    queues: await store.queues(),
    workers: await store.workers(),
  }
}

function newFolder(): string {
  const folder = temporaryFolder()
  onTestFinished(folder.remove)
  return folder.path
}

function execute(file: string, sql: string): void {
  const database = openDatabase(file, 0)
  database.exec(sql)
  database.close()
}

async function open(file: string): Promise<Store> {
  const store = await createSqliteStore({ file, clock: createVirtualClock(), headStartMs: 3_600_000 })
  onTestFinished(() => store.close())
  return store
}
