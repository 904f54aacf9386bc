import { taskErrorCodes } from '@tasklane/protocol'
import { expect } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import { draft, errorJson, json } from '../support/drafts.ts'
import type { Topic } from './topic.ts'

const ids = (...texts: readonly string[]) => texts.map(taskId)

export const cancelTopic: Topic = test => {
  test('ends waiting tasks at once, in every waiting state', async bench => {
    await bench.submit(draft('a'), draft('b', { delayMs: 9_000 }), draft('c', { dependencies: ['a', 'b'] }))
    await bench.clock.advance(5)
    const { verdicts, changes } = await bench.store.cancel(ids('c', 'b', 'a'), 'too late')
    expect(verdicts).toEqual(['cancelled', 'cancelled', 'cancelled'])
    expect(changes.ended).toEqual(
      ['c', 'b', 'a'].map(id => ({
        id,
        type: 'noop',
        queue: 'default',
        state: 'cancelled',
        waitMs: null,
        runMs: null,
      })),
    )
    for (const id of ['a', 'b', 'c']) {
      expect(await bench.task(id)).toMatchObject({
        state: 'cancelled',
        error: json({ code: 'cancelled', message: 'too late' }),
        finishedAtMs: bench.clock.now(),
        startedAtMs: null,
        attempt: 0,
      })
    }
    expect(await bench.claim()).toEqual([])
    expect(await bench.attempts('a')).toEqual([])
  })

  test('says that it was cancelled where no reason is given', async bench => {
    await bench.submit(draft('a'))
    await bench.store.cancel(ids('a'), null)
    expect(JSON.parse((await bench.task('a')).error ?? '')).toEqual({
      code: 'cancelled',
      message: taskErrorCodes.cancelled,
    })
  })

  test('marks a running task and leaves it running', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    await bench.clock.advance(40)
    const moved = await bench.store.cancel(ids('a'), 'stop it')
    expect(moved).toEqual({ verdicts: ['requested'], changes: { ready: [], ended: [], hasLeftovers: false } })
    expect(await bench.task('a')).toMatchObject({
      state: 'running',
      epoch: a.epoch,
      cancelRequestedAtMs: bench.clock.now(),
      error: json({ code: 'cancelled', message: 'stop it' }),
    })
  })

  test('a second mark changes nothing', async bench => {
    await bench.submitAndClaim(draft('a'))
    await bench.store.cancel(ids('a'), 'first')
    const before = await bench.task('a')
    await bench.clock.advance(40)
    expect((await bench.store.cancel(ids('a'), 'second')).verdicts).toEqual(['requested'])
    expect(await bench.task('a')).toEqual(before)
  })

  test('finds finished and unknown tasks so, and changes nothing', async bench => {
    await bench.complete(await bench.submitAndClaim(draft('done')))
    await bench.fail(await bench.submitAndClaim(draft('bad')))
    const { verdicts, changes } = await bench.store.cancel(ids('done', 'ghost', 'bad'), null)
    expect(verdicts).toEqual(['finished', 'unknown', 'finished'])
    expect(changes.ended).toEqual([])
    expect((await bench.task('bad')).error).toBe(errorJson('boom'))
  })

  test('applies a list in its order, an id that stands twice included', async bench => {
    await bench.submit(draft('a'))
    expect((await bench.store.cancel(ids('a', 'a'), null)).verdicts).toEqual(['cancelled', 'finished'])
  })

  test('takes the cancel children along, and lets the others run', async bench => {
    await bench.submit(
      draft('parent'),
      draft('falls', { dependencies: ['parent'] }),
      draft('goes-on', { dependencies: ['parent'], onDependencyFailure: 'proceed' }),
    )
    const { changes } = await bench.store.cancel(ids('parent'), 'no')
    expect(changes.ended.map(task => task.id)).toEqual(['parent', 'falls'])
    expect(changes.ready).toEqual([{ queue: 'default', type: 'noop', count: 1 }])
    expect(await bench.states('falls', 'goes-on')).toEqual(['cancelled', 'pending'])
  })

  test('a child that its parent took along is finished for the rest of the list', async bench => {
    await bench.submit(draft('parent'), draft('child', { dependencies: ['parent'] }))
    expect((await bench.store.cancel(ids('parent', 'child'), null)).verdicts).toEqual(['cancelled', 'finished'])
    expect(JSON.parse((await bench.task('child')).error ?? '')).toMatchObject({ code: 'dependency_failed' })
  })

  test('a retry of a task with a cancel mark is free of the mark', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    await bench.store.cancel(ids('a'), null)
    await bench.release(a)
    await bench.store.requeue(ids('a'), false)
    const again = await bench.claimOne()
    expect(again).toMatchObject({ cancelRequestedAtMs: null, error: null })
    expect(await bench.fail(again, 0)).toMatchObject({ state: 'pending' })
  })
}
