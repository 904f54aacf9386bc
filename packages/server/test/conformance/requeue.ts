import { expect } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import { draft, json } from '../support/drafts.ts'
import type { Bench, Topic } from './topic.ts'

const ids = (...texts: readonly string[]) => texts.map(taskId)

async function failById(bench: Bench, id: string): Promise<void> {
  const claimed = (await bench.claim()).find(task => task.id === id)
  if (claimed === undefined) throw new Error(`'${id}' cannot be claimed`)
  await bench.fail(claimed)
}

export const requeueTopic: Topic = test => {
  test('starts a failed task anew, under epochs that go on', async bench => {
    await bench.fail(await bench.submitAndClaim(draft('a')), 0)
    await bench.fail(await bench.claimOne())
    const { verdicts, changes } = await bench.store.requeue(ids('a'), false)
    expect(verdicts).toEqual(['requeued'])
    expect(changes).toEqual({ ready: [{ queue: 'default', type: 'noop', count: 1 }], ended: [], hasLeftovers: false })
    expect(await bench.task('a')).toMatchObject({
      state: 'pending',
      attempt: 0,
      crashes: 0,
      epoch: 2,
      workerId: null,
      startedAtMs: null,
      finishedAtMs: null,
      result: null,
      error: null,
      progress: null,
    })
    expect(await bench.claimOne()).toMatchObject({ attempt: 1, epoch: 3 })
    expect((await bench.attempts('a')).map(({ attempt, epoch }) => [attempt, epoch])).toEqual([
      [1, 1],
      [2, 2],
      [1, 3],
    ])
  })

  test('starts a cancelled task at once, even one that was scheduled', async bench => {
    await bench.submit(draft('a', { delayMs: 60_000 }))
    await bench.store.cancel(ids('a'), null)
    await bench.store.requeue(ids('a'), false)
    expect((await bench.claimOne()).id).toBe('a')
  })

  test('refuses what has not failed and was not cancelled', async bench => {
    await bench.complete(await bench.submitAndClaim(draft('done')))
    await bench.submitAndClaim(draft('running'))
    await bench.submit(
      draft('waiting'),
      draft('later', { delayMs: 9_000 }),
      draft('child', { dependencies: ['waiting'] }),
    )
    const { verdicts } = await bench.store.requeue(ids('done', 'running', 'waiting', 'later', 'child', 'ghost'), true)
    expect(verdicts).toEqual([...Array(5).fill('not_retryable'), 'unknown'])
  })

  test('takes an id that stands twice once', async bench => {
    await bench.fail(await bench.submitAndClaim(draft('a')))
    expect((await bench.store.requeue(ids('a', 'a'), false)).verdicts).toEqual(['requeued', 'not_retryable'])
  })

  test('a worker’s settle under the old epoch stays what it was', async bench => {
    const old = await bench.submitAndClaim(draft('a'))
    await bench.fail(old)
    await bench.store.requeue(ids('a'), false)
    expect(await bench.fail(old)).toEqual({ verdict: 'applied', state: null })
    expect(await bench.complete(old)).toEqual({ verdict: 'stale', state: null })
    expect(await bench.state('a')).toBe('pending')
  })

  test('a cancelled child waits again for parents that have not ended', async bench => {
    await bench.submit(draft('parent'), draft('child', { dependencies: ['parent'] }))
    await bench.store.cancel(ids('child'), null)
    const { verdicts, changes } = await bench.store.requeue(ids('child'), false)
    expect([verdicts, changes.ready]).toEqual([['requeued'], []])
    expect(await bench.state('child')).toBe('blocked')
    await bench.complete(await bench.claimOne())
    expect(await bench.state('child')).toBe('pending')
  })

  test('the operator overrides a parent that failed', async bench => {
    await bench.submit(draft('parent'), draft('child', { dependencies: ['parent'] }))
    await failById(bench, 'parent')
    await bench.store.requeue(ids('child'), false)
    expect(await bench.states('parent', 'child')).toEqual(['failed', 'pending'])
    expect((await bench.claimOne()).parents).toMatchObject([{ id: 'parent', state: 'failed' }])
  })

  test('a family requeued together keeps its order, whatever the order of the list', async bench => {
    await bench.submit(draft('parent'), draft('child', { dependencies: ['parent'] }))
    await failById(bench, 'parent')
    expect((await bench.store.requeue(ids('child', 'parent'), false)).verdicts).toEqual(['requeued', 'requeued'])
    expect(await bench.states('parent', 'child')).toEqual(['pending', 'blocked'])
    await bench.complete(await bench.claimOne())
    expect(await bench.state('child')).toBe('pending')
  })

  test('without dependents, fallen children stay where they are', async bench => {
    await bench.submit(draft('parent'), draft('child', { dependencies: ['parent'] }))
    await failById(bench, 'parent')
    await bench.store.requeue(ids('parent'), false)
    await bench.complete(await bench.claimOne())
    expect(await bench.state('child')).toBe('cancelled')
  })

  test('with dependents, fallen descendants of every level wait again', async bench => {
    await bench.submit(
      draft('a'),
      draft('b', { dependencies: ['a'] }),
      // Named before the parent that it shares with `c`: it can come back only after `c` did.
      draft('d', { dependencies: ['b', 'c'] }),
      draft('c', { dependencies: ['b'] }),
    )
    await failById(bench, 'a')
    expect(await bench.states('b', 'c', 'd')).toEqual(['cancelled', 'cancelled', 'cancelled'])
    const { changes } = await bench.store.requeue(ids('a'), true)
    expect(changes.ready).toEqual([{ queue: 'default', type: 'noop', count: 1 }])
    expect(await bench.states('a', 'b', 'c', 'd')).toEqual(['pending', 'blocked', 'blocked', 'blocked'])
    expect(await bench.task('d')).toMatchObject({ error: null, finishedAtMs: null })
    for (const id of ['a', 'b', 'c', 'd']) {
      const next = await bench.claimOne()
      expect(next.id).toBe(id)
      await bench.complete(next, json(id))
    }
  })

  test('with dependents, a child that another failed parent holds stays cancelled', async bench => {
    await bench.submit(
      draft('a'),
      draft('b'),
      draft('both', { dependencies: ['a', 'b'] }),
      draft('below', { dependencies: ['both'] }),
      draft('only-a', { dependencies: ['a'] }),
    )
    for (const each of await bench.claim()) await bench.fail(each)
    await bench.store.requeue(ids('a'), true)
    expect(await bench.states('both', 'below', 'only-a')).toEqual(['cancelled', 'cancelled', 'blocked'])
    await bench.store.requeue(ids('b'), true)
    expect(await bench.states('both', 'below')).toEqual(['blocked', 'blocked'])
  })

  test('with dependents, a child that somebody cancelled stays cancelled', async bench => {
    await bench.submit(draft('a'), draft('mine', { dependencies: ['a'] }), draft('theirs', { dependencies: ['a'] }))
    await bench.store.cancel(ids('mine'), null)
    await failById(bench, 'a')
    await bench.store.requeue(ids('a'), true)
    expect(await bench.states('mine', 'theirs')).toEqual(['cancelled', 'blocked'])
  })

  test('with dependents, a child does not wait again for parents that have completed', async bench => {
    await bench.submit(draft('good'), draft('bad'), draft('child', { dependencies: ['good', 'bad'] }))
    const [good, bad] = await bench.claim()
    if (good === undefined || bad === undefined) throw new Error('expected tasks')
    await bench.complete(good, json('kept'))
    await bench.fail(bad)
    await bench.store.requeue(ids('bad'), true)
    expect(await bench.state('child')).toBe('blocked')
    await bench.complete(await bench.claimOne(), json('mended'))
    expect((await bench.claimOne()).parents).toMatchObject([{ result: json('kept') }, { result: json('mended') }])
  })

  test('with dependents, a pruned parent holds nobody back', async bench => {
    await bench.submit(draft('old'), draft('bad'), draft('child', { dependencies: ['old', 'bad'] }))
    const [old, bad] = await bench.claim()
    if (old === undefined || bad === undefined) throw new Error('expected tasks')
    await bench.complete(old)
    await bench.fail(bad)
    expect(await bench.store.remove(ids('old'))).toEqual(['removed'])
    await bench.store.requeue(ids('bad'), true)
    await bench.complete(await bench.claimOne())
    expect((await bench.claimOne()).parents).toMatchObject([{ id: 'old', state: null, result: null }, { id: 'bad' }])
  })

  test('a child that waits for another parent waits for the retried one again, too', async bench => {
    const proceed = { dependencies: ['failed', 'open'], onDependencyFailure: 'proceed' } as const
    await bench.submit(draft('failed'), draft('open'), draft('child', proceed))
    await bench.store.cancel([taskId('failed')], null)
    await bench.store.requeue([taskId('failed')], false)
    await bench.store.completeByHand([{ id: taskId('open'), result: null }])
    expect(await bench.state('child')).toBe('blocked')
    await bench.store.completeByHand([{ id: taskId('failed'), result: json('at last') }])
    expect(await bench.state('child')).toBe('pending')
  })

  test('a child that is claimed together with its retried parent is told that it runs', async bench => {
    await bench.submit(draft('a'), draft('child', { dependencies: ['a'], onDependencyFailure: 'proceed' }))
    await failById(bench, 'a')
    await bench.store.requeue(ids('a'), false)
    const [first, second] = await bench.claim()
    expect([first?.id, second?.id]).toEqual(['a', 'child'])
    expect(second?.parents).toMatchObject([{ id: 'a', state: 'running' }])
  })

  test('a parent that runs again does not take its proceeding child back', async bench => {
    await bench.submit(draft('a'), draft('child', { dependencies: ['a'], onDependencyFailure: 'proceed' }))
    await failById(bench, 'a')
    await bench.store.requeue(ids('a'), true)
    expect(await bench.states('a', 'child')).toEqual(['pending', 'pending'])
    await failById(bench, 'a')
    expect(await bench.state('child')).toBe('running')
  })
}
