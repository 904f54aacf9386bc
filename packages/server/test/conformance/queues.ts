import { expect } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import { draft } from '../support/drafts.ts'
import { suiteHeadStartMs, type Topic } from './topic.ts'

export const queuesTopic: Topic = test => {
  test('knows a queue from its first task on', async ({ store, submit, clock }) => {
    expect(await store.queues()).toEqual([])
    await submit(draft('a', { queue: 'mail' }), draft('b', { queue: 'archive', delayMs: 5_000 }))
    const counts = { blocked: 0, scheduled: 0, pending: 0, running: 0, completed: 0, failed: 0, cancelled: 0 }
    const nowMs = clock.now()
    expect(await store.queues()).toEqual([
      { name: 'archive', pause: null, counts: { ...counts, scheduled: 1 }, oldestDueAtMs: null, nowMs },
      { name: 'mail', pause: null, counts: { ...counts, pending: 1 }, oldestDueAtMs: nowMs, nowMs },
    ])
  })

  test('a queue outlives its tasks', async ({ store, submit, task }) => {
    await submit(draft('a', { queue: 'mail' }))
    const { id } = await task('a')
    await store.cancel([id], null)
    await store.remove([id])
    expect(await store.queues()).toMatchObject([{ name: 'mail', counts: { cancelled: 0 } }])
  })

  test('creates a queue by its settings, and tells it as it is then', async ({ store, clock }) => {
    const record = await store.setQueue('new', { isPaused: true })
    expect(record).toMatchObject({
      name: 'new',
      pause: { by: null, reason: null },
      oldestDueAtMs: null,
      nowMs: clock.now(),
    })
    expect(await store.queues()).toEqual([record])
  })

  test('a submit into a paused queue leaves it paused', async ({ store, submit }) => {
    await store.setQueue('q', { isPaused: true })
    await submit(draft('a', { queue: 'q' }))
    expect(await store.queues()).toMatchObject([{ name: 'q', pause: {}, counts: { pending: 1 } }])
    expect(await store.setQueue('q', { isPaused: false })).toMatchObject({ pause: null, counts: { pending: 1 } })
  })

  test('keeps why a queue is paused, by whom and since when, wherever it tells of it', async ({
    store,
    clock,
    submit,
  }) => {
    await submit(draft('a', { queue: 'mail' }))
    const pause = { atMs: clock.now(), by: 'anna', reason: 'Deploying the new mailer' }
    expect(await store.setQueue('mail', { isPaused: true, by: 'anna', reason: pause.reason })).toMatchObject({ pause })
    await clock.advance(1_000)
    expect(await store.queues()).toMatchObject([{ name: 'mail', pause }])
    expect((await store.standing(taskId('a'), 1))?.pause).toEqual(pause)
    expect((await store.waiting(1)).lanes).toMatchObject([{ queue: 'mail', pause }])
  })

  test('another reason for a pause replaces the one before, and says anew by whom and since when', async bench => {
    const { store, clock } = bench
    const pause = (by: string | null, reason: string | null) => store.setQueue('q', { isPaused: true, by, reason })
    await pause(null, null)
    const first = clock.now()
    await clock.advance(1_000)
    expect(await pause('anna', 'Deploying')).toMatchObject({
      pause: { atMs: first + 1_000, by: 'anna', reason: 'Deploying' },
    })
    await clock.advance(1_000)
    expect(await pause('ben', 'The disk is full')).toMatchObject({ pause: { atMs: first + 2_000, by: 'ben' } })
    expect(await store.queues()).toMatchObject([{ pause: { by: 'ben', reason: 'The disk is full' } }])
  })

  test('a pause that is repeated, or asked for once more without a reason, changes nothing', async bench => {
    const { store, clock } = bench
    const pause = { atMs: clock.now(), by: 'anna', reason: 'Deploying' }
    await store.setQueue('q', { isPaused: true, by: 'anna', reason: 'Deploying' })
    await clock.advance(1_000)
    expect(await store.setQueue('q', { isPaused: true, by: 'ben', reason: 'Deploying' })).toMatchObject({ pause })
    expect(await store.setQueue('q', { isPaused: true, by: 'ben' })).toMatchObject({ pause })
    expect(await store.queues()).toMatchObject([{ pause }])
  })

  test('resuming forgets why a queue was paused, so that the next pause does not tell it', async ({ store, clock }) => {
    await store.setQueue('q', { isPaused: true, by: 'anna', reason: 'Deploying' })
    expect(await store.setQueue('q', { isPaused: false, by: 'ben', reason: 'Deployed' })).toMatchObject({ pause: null })
    await clock.advance(1_000)
    const again = { atMs: clock.now(), by: null, reason: null }
    expect(await store.setQueue('q', { isPaused: true })).toMatchObject({ pause: again })
  })

  test('tells since when the oldest pending task has been due, whatever its place in the line', async bench => {
    await bench.submit(draft('old', { priority: 1 }))
    const dueAtMs = bench.clock.now()
    await bench.clock.advance(suiteHeadStartMs / 2)
    await bench.submit(draft('young', { priority: 9, type: 'other' }))
    expect((await bench.store.queues())[0]?.oldestDueAtMs).toBe(dueAtMs)
    await bench.claim({ types: ['noop'] })
    expect((await bench.store.queues())[0]?.oldestDueAtMs).toBe(bench.clock.now())
  })

  test('counts every state of its own tasks only', async bench => {
    await bench.submit(
      draft('done', { queue: 'q', priority: 10 }),
      draft('bad', { queue: 'q', priority: 9 }),
      draft('runs', { queue: 'q', priority: 8 }),
      draft('child', { queue: 'q', dependencies: ['runs'] }),
      draft('other'),
    )
    await bench.complete(await bench.claimOne())
    await bench.fail(await bench.claimOne())
    await bench.claimOne()
    expect(await bench.store.queues()).toMatchObject([
      { name: 'default', counts: { pending: 1, running: 0 } },
      { name: 'q', counts: { completed: 1, failed: 1, running: 1, blocked: 1, pending: 0 } },
    ])
  })
}
