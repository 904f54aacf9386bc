import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../../../test/support/processes.ts'
import { type FreshDatabase, freshDatabase } from '../../../../test/support/servers/postgres.ts'
import { taskId, workerId } from '../../src/core/task.ts'
import type { ClaimedTask, ExchangeBatch, ExchangeOutcome, Store } from '../../src/ports/store.ts'
import { createPostgresStore } from '../../src/stores/postgres/postgres-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { draft } from '../support/drafts.ts'
import { hasPostgres, schemaTemplate } from '../support/postgres-stores.ts'

/** An answer that waits for a lock comes after the store's own time limit, as a refusal. */
const timeoutMs = 5_000
const leaseMs = 60_000

describe.skipIf(!(await hasPostgres()))('while another node holds rows', () => {
  let database: FreshDatabase
  let store: Store
  let other: pg.Client
  let held: ClaimedTask

  beforeAll(async () => {
    database = await freshDatabase(schemaTemplate)
    store = createPostgresStore({ url: database.url, clock: systemClock, headStartMs: 0, timeoutMs })
    other = new pg.Client(database.url)
    await other.connect()
    return async () => {
      await other.end()
      await store.close()
      await database.drop()
    }
  })
  afterAll(() => other.query('ROLLBACK').catch(() => {}))

  beforeEach(async () => {
    await other.query('ROLLBACK')
    for (const id of ['w1', 'w2']) {
      const rest = { instance: 'one', capabilities: null, queues: null, slots: 10, labels: null, types: null }
      await store.registerWorker({ id: workerId(id), ...rest }, leaseMs)
    }
    await store.exchange({ ...nothing, submits: [{ drafts: [draft(`task-${number}`)] }] })
    number += 1
    held = await claimOne()
  })

  it('a heartbeat goes on: what is locked is neither lost nor waited for', async () => {
    await hold('SELECT 1 FROM tasklane.tasks WHERE id = $1 FOR NO KEY UPDATE', held.id)
    await hold('SELECT 1 FROM tasklane.workers WHERE id = $1 FOR NO KEY UPDATE', 'w1')
    const named = [{ taskId: held.id, epoch: held.epoch, progress: null }]
    const ghost = [{ taskId: taskId('ghost'), epoch: 1, progress: null }]
    const { beats } = await exchange({
      beats: [
        { workerId: workerId('w1'), leaseMs, systemInfo: null, held: [...named, ...ghost] },
        { workerId: workerId('w2'), leaseMs, systemInfo: null, held: named },
        { workerId: workerId('w1'), leaseMs, systemInfo: null, held: 'all' },
      ],
    })
    expect(beats).toEqual([
      { isKnown: true, isDraining: false, cancel: [], lost: ['ghost'] },
      { isKnown: true, isDraining: false, cancel: [], lost: [held.id] },
      { isKnown: true, isDraining: false, cancel: [], lost: [] },
    ])
  })

  it('a claim goes on, though its worker has not been seen for long', async () => {
    await other.query('UPDATE tasklane.workers SET last_seen_at = 0')
    await hold('SELECT 1 FROM tasklane.workers WHERE id = $1 FOR NO KEY UPDATE', 'w1')
    await store.exchange({ ...nothing, submits: [{ drafts: [draft(`task-${number}`)] }] })
    expect((await claimOne()).id).toBe(`task-${number}`)
    number += 1
  })

  it('a node that promotes leaves alone what another is at, and waits for what comes next', async () => {
    const [due, later] = [`due-${number}`, `later-${number}`]
    await store.exchange({
      ...nothing,
      submits: [{ drafts: [draft(due, { delayMs: 1 }), draft(later, { delayMs: 60_000 })] }],
    })
    await until(
      () => store.waiting(0),
      ({ nowMs, nextRunAtMs }) => nextRunAtMs !== null && nextRunAtMs <= nowMs,
      () => 'the task to be due',
    )
    await hold('SELECT 1 FROM tasklane.tasks WHERE id = $1 FOR NO KEY UPDATE', due)
    const { changes, nextDueInMs } = await store.promote(1_000)
    expect(changes.ready).toEqual([])
    expect(nextDueInMs).toBeGreaterThan(30_000)
    await other.query('ROLLBACK')
    expect((await store.promote(1_000)).changes.ready).toMatchObject([{ count: 1 }])
    await store.cancel([taskId(due), taskId(later)], null)
  })

  it('a node that goes on with leftovers leaves alone what another is at, and is done', async () => {
    const lease = { taskId: held.id, epoch: held.epoch, workerId: workerId('w1') }
    await exchange({ settles: [{ lease, outcome: { kind: 'completed', result: null }, guard: 'held' }] })
    await other.query('INSERT INTO tasklane.unresolved (parent) VALUES ($1)', [held.number])
    await hold('SELECT 1 FROM tasklane.unresolved WHERE parent = $1 FOR UPDATE', held.number)
    expect(await store.unblock(10)).toMatchObject({ isDone: true, changes: { hasLeftovers: false } })
    await other.query('ROLLBACK')
    await store.unblock(10)
    expect((await other.query('SELECT 1 FROM tasklane.unresolved')).rowCount).toBe(0)
  })

  async function hold(sql: string, id: string | number): Promise<void> {
    await other.query('BEGIN')
    expect((await other.query(sql, [id])).rowCount).toBe(1)
  }

  async function claimOne(): Promise<ClaimedTask> {
    const ask = { workerId: workerId('w1'), queues: null, types: null, limit: 1, leaseMs, requestId: null }
    const [claimed] = (await exchange({ claims: [ask] })).claims
    const [task] = claimed ?? []
    if (task === undefined) throw new Error('There was nothing to claim.')
    return task
  }

  function exchange(some: Partial<ExchangeBatch>): Promise<ExchangeOutcome> {
    return store.exchange({ ...nothing, ...some })
  }
})

const nothing: ExchangeBatch = { settles: [], submits: [], beats: [], claims: [] }
let number = 1
