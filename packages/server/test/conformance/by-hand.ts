import { expect } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import { draft, json } from '../support/drafts.ts'
import type { Topic } from './topic.ts'

const byHand = (...ids: readonly string[]) => ids.map(id => ({ id: taskId(id), result: json(`by hand: ${id}`) }))

export const byHandTopic: Topic = test => {
  test('completes tasks in every waiting state', async bench => {
    await bench.submit(
      draft('parent'),
      draft('a'),
      draft('b', { delayMs: 9_000 }),
      draft('c', { dependencies: ['parent'] }),
    )
    await bench.clock.advance(30)
    const { verdicts, changes } = await bench.store.completeByHand(byHand('a', 'b', 'c'))
    expect(verdicts).toEqual(['completed', 'completed', 'completed'])
    expect(changes.ended).toMatchObject(
      ['a', 'b', 'c'].map(id => ({ id, state: 'completed', waitMs: null, runMs: null })),
    )
    for (const id of ['a', 'b', 'c']) {
      expect(await bench.task(id)).toMatchObject({
        state: 'completed',
        result: json(`by hand: ${id}`),
        error: null,
        attempt: 0,
        workerId: null,
        startedAtMs: null,
        finishedAtMs: bench.clock.now(),
      })
    }
    expect((await bench.claim()).map(task => task.id)).toEqual(['parent'])
  })

  test('completes a running task; its attempt was cancelled and the worker’s settle is stale', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    await bench.clock.advance(30)
    const { changes } = await bench.store.completeByHand(byHand('a'))
    expect(changes.ended).toMatchObject([{ id: 'a', state: 'completed', waitMs: 0, runMs: 30 }])
    expect(await bench.task('a')).toMatchObject({ state: 'completed', workerId: 'w1', startedAtMs: a.startedAtMs })
    expect(await bench.attempts('a')).toMatchObject([
      { outcome: 'cancelled', error: null, endedAtMs: bench.clock.now() },
    ])
    for (const settle of [bench.complete, bench.fail, bench.release]) {
      expect(await settle(a)).toEqual({ verdict: 'stale', state: null })
    }
    expect((await bench.task('a')).result).toBe(json('by hand: a'))
  })

  test('wins over a cancel mark', async bench => {
    await bench.submitAndClaim(draft('a'))
    await bench.store.cancel([taskId('a')], 'no')
    await bench.store.completeByHand([{ id: taskId('a'), result: null }])
    expect(await bench.task('a')).toMatchObject({
      state: 'completed',
      result: null,
      error: null,
      cancelRequestedAtMs: null,
    })
  })

  test('the worker is told that the task is lost', async bench => {
    await bench.register('w1')
    const a = await bench.submitAndClaim(draft('a'))
    await bench.store.completeByHand(byHand('a'))
    expect(await bench.beat('w1', { held: [a] })).toMatchObject({ lost: ['a'], cancel: [] })
  })

  test('clears the error of an earlier attempt', async bench => {
    await bench.fail(await bench.submitAndClaim(draft('a')), 9_000)
    await bench.store.completeByHand(byHand('a'))
    expect((await bench.task('a')).error).toBeNull()
  })

  test('unblocks the children', async bench => {
    await bench.submit(draft('parent'), draft('child', { dependencies: ['parent'] }))
    const { changes } = await bench.store.completeByHand(byHand('parent'))
    expect(changes.ready).toEqual([{ queue: 'default', type: 'noop', count: 1 }])
    expect((await bench.claimOne()).parents).toMatchObject([{ result: json('by hand: parent') }])
  })

  test('a child completed by hand does not wake when its parent ends', async bench => {
    await bench.submit(draft('parent'), draft('child', { dependencies: ['parent'] }))
    await bench.store.completeByHand(byHand('child'))
    await bench.complete(await bench.claimOne())
    expect(await bench.state('child')).toBe('completed')
  })

  test('lets finished and unknown tasks be', async bench => {
    await bench.fail(await bench.submitAndClaim(draft('bad')))
    await bench.submit(draft('a'))
    const { verdicts } = await bench.store.completeByHand(byHand('bad', 'ghost', 'a', 'a'))
    expect(verdicts).toEqual(['finished', 'unknown', 'completed', 'finished'])
    expect((await bench.task('bad')).state).toBe('failed')
  })
}
