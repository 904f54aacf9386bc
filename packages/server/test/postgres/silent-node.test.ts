import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Link, openLink } from '../../../../test/chaos/proxy.ts'
import { type FreshDatabase, freshDatabase } from '../../../../test/support/servers/postgres.ts'
import { taskId, workerId } from '../../src/core/task.ts'
import type { ExchangeBatch, Settlement, Store } from '../../src/ports/store.ts'
import { createPostgresStore } from '../../src/stores/postgres/postgres-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { draft } from '../support/drafts.ts'
import { hasPostgres, schemaTemplate } from '../support/postgres-stores.ts'

const nothing: ExchangeBatch = { settles: [], submits: [], beats: [], claims: [] }

describe.skipIf(!(await hasPostgres()))('a node that falls silent in the middle of a transaction', () => {
  let database: FreshDatabase
  let link: Link
  let silent: Store
  let other: Store
  /** The first answer after this text was sent is not delivered, nor anything else from then on. */
  let lastWords: string | null = null

  beforeEach(async () => {
    database = await freshDatabase(schemaTemplate)
    let isSaid = false
    const port = Number(new URL(database.url).port)
    link = await openLink(
      () => port,
      () => ({
        request: bytes => {
          isSaid ||= lastWords !== null && bytes.includes(lastWords)
        },
        reply: () => {
          if (isSaid) link.setMode('stall')
        },
      }),
    )
    const over = new URL(database.url)
    over.port = new URL(link.url).port
    const parts = { clock: systemClock, headStartMs: 0 }
    silent = createPostgresStore({ ...parts, url: over.href, timeoutMs: 2_000 })
    other = createPostgresStore({ ...parts, url: database.url })
  })
  afterEach(async () => {
    await link.close()
    await silent.close()
    await other.close()
    await database.drop()
  })

  it('does not hold the others up for long', async () => {
    await other.exchange({ ...nothing, submits: [{ drafts: [draft('a')] }] })
    const ask = { workerId: workerId('w1'), queues: null, types: null, limit: 1, leaseMs: 60_000, requestId: null }
    const [[task] = []] = (await other.exchange({ ...nothing, claims: [ask] })).claims
    if (task === undefined) throw new Error('There was nothing to claim.')
    const lease = { taskId: task.id, epoch: task.epoch, workerId: workerId('w1') }
    const settle: Settlement = { lease, outcome: { kind: 'completed', result: null }, guard: 'held' }
    lastWords = 'completeTasks'
    const unheard = silent.exchange({ ...nothing, settles: [settle] })
    await expect(unheard).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(link.hits()).toBeGreaterThan(0)
    const { settles } = await other.exchange({ ...nothing, settles: [settle] })
    expect(settles).toEqual([{ verdict: 'applied', state: 'completed' }])
  })

  it('says that it does not know whether what it committed was done', async () => {
    // A lane that is new would be committed by itself.
    await silent.exchange({ ...nothing, submits: [{ drafts: [draft('before')] }] })
    const submit = { ...nothing, submits: [{ drafts: [draft('a')] }] }
    // Not that of BEGIN … READ COMMITTED.
    lastWords = 'COMMIT\0'
    await expect(silent.exchange(submit)).rejects.toMatchObject({
      code: 'outcome_unknown',
      message: expect.stringContaining('Whether the call took effect is not known'),
    })
    expect(link.hits()).toBeGreaterThan(0)
    // It was done, and to repeat it does nothing twice.
    expect(await other.task(taskId('a'))).toMatchObject({ state: 'pending' })
    const [again] = (await other.exchange(submit)).submits
    expect(again).toMatchObject({ kind: 'accepted', receipts: [{ taskId: 'a', existing: { id: 'a' } }] })
  })
})
