import { expect } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import type { Outcome } from '../../src/ports/store.ts'
import { draft, errorJson } from '../support/drafts.ts'
import { leaseMsDefault, leaseOf } from '../support/store-driver.ts'
import type { Topic } from './topic.ts'

export const historyTopic: Topic = test => {
  test('tells the running attempt', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    expect(await bench.attempts('a')).toEqual([
      {
        attempt: 1,
        epoch: 1,
        workerId: 'w1',
        startedAtMs: a.startedAtMs,
        endedAtMs: null,
        outcome: 'running',
        error: null,
      },
    ])
  })

  const ends: Readonly<Record<string, { readonly outcome: Outcome; readonly as: string }>> = {
    completed: { outcome: { kind: 'completed', result: null }, as: 'completed' },
    failed: { outcome: { kind: 'failed', error: errorJson('boom'), as: 'failed' }, as: 'failed' },
    'failed, to be retried': {
      outcome: { kind: 'retry', delayMs: 0, error: errorJson('boom'), as: 'failed' },
      as: 'failed',
    },
    'timed out': { outcome: { kind: 'failed', error: errorJson('timeout'), as: 'timeout' }, as: 'timeout' },
    'timed out, to be retried': {
      outcome: { kind: 'retry', delayMs: 9, error: errorJson('timeout'), as: 'timeout' },
      as: 'timeout',
    },
    crashed: { outcome: { kind: 'retry', delayMs: 0, error: errorJson('worker_lost'), as: 'crashed' }, as: 'crashed' },
    poisoned: { outcome: { kind: 'failed', error: errorJson('poisoned'), as: 'crashed' }, as: 'crashed' },
    released: { outcome: { kind: 'released' }, as: 'released' },
  }
  for (const [name, { outcome, as }] of Object.entries(ends)) {
    test(`tells an attempt that ${/^(timed|crashed|completed|failed)/.test(name) ? '' : 'was '}${name}`, async bench => {
      const a = await bench.submitAndClaim(draft('a'))
      await bench.clock.advance(120)
      await bench.settle(leaseOf(a), outcome)
      expect(await bench.attempts('a')).toEqual([
        {
          attempt: 1,
          epoch: 1,
          workerId: 'w1',
          startedAtMs: a.startedAtMs,
          endedAtMs: bench.clock.now(),
          outcome: as,
          error: 'error' in outcome ? outcome.error : null,
        },
      ])
    })
  }

  test('tells attempts oldest first, over releases, crashes and retries', async bench => {
    await bench.release(await bench.submitAndClaim(draft('a'), { worker: 'w1' }))
    await bench.claimOne({ worker: 'w2' })
    await bench.clock.advance(leaseMsDefault)
    await bench.reap()
    await bench.fail(await bench.claimOne({ worker: 'w3' }), 0)
    await bench.complete(await bench.claimOne({ worker: 'w1' }))
    expect(
      (await bench.attempts('a')).map(({ attempt, epoch, workerId, outcome }) => [attempt, epoch, workerId, outcome]),
    ).toEqual([
      [1, 1, 'w1', 'released'],
      [1, 2, 'w2', 'crashed'],
      [2, 3, 'w3', 'failed'],
      [3, 4, 'w1', 'completed'],
    ])
    expect(await bench.task('a')).toMatchObject({ attempt: 3, crashes: 1, epoch: 4 })
  })

  test('ends an attempt that somebody completed by hand as cancelled', async bench => {
    await bench.submitAndClaim(draft('a'))
    await bench.store.completeByHand([{ id: taskId('a'), result: null }])
    expect(await bench.attempts('a')).toMatchObject([{ outcome: 'cancelled', error: null }])
  })

  test('a task that never ran has no history, however it ended', async bench => {
    await bench.submit(draft('a'), draft('b'))
    await bench.store.cancel([taskId('a')], null)
    await bench.store.completeByHand([{ id: taskId('b'), result: null }])
    expect([await bench.attempts('a'), await bench.attempts('b')]).toEqual([[], []])
  })
}
