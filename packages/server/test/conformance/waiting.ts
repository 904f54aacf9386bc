import { expect } from 'vitest'
import { draft } from '../support/drafts.ts'
import type { Topic } from './topic.ts'

export const waitingTopic: Topic = test => {
  test('tells which types wait where, the most first, each with the head of its line', async bench => {
    const nowMs = bench.clock.now()
    expect(await bench.store.waiting(10)).toEqual({ nowMs, nextRunAtMs: null, lanes: [] })
    await bench.submit(
      draft('a', { type: 'mail', queue: 'post' }),
      draft('b', { type: 'scan', queue: 'post', priority: 1 }),
      draft('c', { type: 'scan', queue: 'post', priority: 9 }),
      draft('d', { type: 'mail', queue: 'air', delayMs: 7_000 }),
    )
    await bench.store.setQueue('post', { isPaused: true })
    const lane = { queue: 'post', pause: { atMs: nowMs, by: null, reason: null } }
    expect(await bench.store.waiting(10)).toEqual({
      nowMs,
      nextRunAtMs: nowMs + 7_000,
      lanes: [
        { ...lane, type: 'scan', pending: 2, first: { id: 'c', dueAtMs: nowMs } },
        { ...lane, type: 'mail', pending: 1, first: { id: 'a', dueAtMs: nowMs } },
      ],
    })
    const [first, second] = (await bench.store.waiting(1)).lanes
    expect([first?.first?.id, second?.pending, second?.first]).toEqual(['c', 1, null])
  })

  test('forgets what is no longer pending', async bench => {
    await bench.submit(draft('a'), draft('b'))
    const task = await bench.claimOne()
    expect((await bench.store.waiting(1)).lanes).toMatchObject([{ pending: 1, first: { id: 'b' } }])
    await bench.store.cancel([(await bench.task('b')).id], null)
    expect((await bench.store.waiting(1)).lanes).toEqual([])
    await bench.fail(task, 0)
    expect((await bench.store.waiting(1)).lanes).toMatchObject([{ pending: 1, first: { id: 'a' } }])
  })
}
