import { expect } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import { draft, errorJson, names } from '../support/drafts.ts'
import { leaseOf, only } from '../support/store-driver.ts'
import type { Bench, Topic } from './topic.ts'

async function claimById(bench: Bench, id: string) {
  const task = (await bench.claim()).find(each => each.id === id)
  if (task === undefined) throw new Error(`'${id}' cannot be claimed`)
  return task
}

export const dependenciesTopic: Topic = test => {
  test('lets a child run when the last of its parents has completed', async bench => {
    await bench.submit(draft('a'), draft('b'), draft('child', { dependencies: ['a', 'b'] }))
    const [a, b] = await bench.claim()
    if (a === undefined || b === undefined) throw new Error('expected tasks')
    await bench.complete(b)
    expect(await bench.state('child')).toBe('blocked')
    const { changes } = await bench.exchange({
      settles: [{ lease: leaseOf(a), outcome: { kind: 'completed', result: null }, guard: 'held' }],
    })
    expect(changes.ready).toEqual([{ queue: 'default', type: 'noop', count: 1 }])
    expect(await bench.state('child')).toBe('pending')
  })

  test('a retry or a release of a parent is no end of it', async bench => {
    await bench.submit(draft('parent'), draft('child', { dependencies: ['parent'] }))
    await bench.release(await bench.claimOne())
    await bench.fail(await bench.claimOne(), 0)
    expect(await bench.state('child')).toBe('blocked')
  })

  test('takes parents that stand later in the same group', async bench => {
    await bench.submit(draft('child', { dependencies: ['parent'] }), draft('parent'))
    expect(await bench.states('child', 'parent')).toEqual(['blocked', 'pending'])
    await bench.complete(await bench.claimOne())
    expect(await bench.state('child')).toBe('pending')
  })

  test('counts a parent that is named twice once, and keeps the list as it was given', async bench => {
    await bench.submit(draft('a'), draft('b'), draft('child', { dependencies: ['a', 'b', 'a'] }))
    const [a, b] = await bench.claim()
    if (a === undefined || b === undefined) throw new Error('expected tasks')
    await bench.complete(a)
    expect(await bench.state('child')).toBe('blocked')
    await bench.complete(b)
    const child = await bench.claimOne()
    expect(child.dependencies).toEqual(['a', 'b', 'a'])
    expect(child.parents?.map(parent => parent.id)).toEqual(['a', 'b'])
  })

  test('does not wait for a parent that has completed before', async bench => {
    await bench.complete(await bench.submitAndClaim(draft('parent')))
    const receipt = only(await bench.submit(draft('child', { dependencies: ['parent'] })))
    expect(receipt.state).toBe('pending')
  })

  test('cancels a child at once where a parent has failed before', async bench => {
    await bench.fail(await bench.submitAndClaim(draft('parent')))
    await bench.clock.advance(10)
    const { submits, changes } = await bench.exchange({
      submits: [{ drafts: [draft('child', { dependencies: ['parent'] })] }],
    })
    expect(submits).toMatchObject([{ kind: 'accepted', receipts: [{ state: 'cancelled', existing: null }] }])
    expect(changes.ended).toMatchObject([{ id: 'child', state: 'cancelled', waitMs: null, runMs: null }])
    const child = await bench.task('child')
    expect(child).toMatchObject({ state: 'cancelled', finishedAtMs: bench.clock.now(), attempt: 0 })
    expect(JSON.parse(child.error ?? '')).toMatchObject({
      code: 'dependency_failed',
      message: expect.stringMatching(/parent.* failed/),
    })
  })

  test('lets a child proceed at once where its parent was cancelled before', async bench => {
    await bench.submit(draft('parent'))
    await bench.store.cancel([taskId('parent')], null)
    const child = draft('child', { dependencies: ['parent'], onDependencyFailure: 'proceed' })
    expect(only(await bench.submit(child)).state).toBe('pending')
  })

  test('settles a whole group below a failed parent within the submit', async bench => {
    await bench.fail(await bench.submitAndClaim(draft('bad')))
    const receipts = await bench.submit(
      draft('grandchild', { dependencies: ['child'] }),
      draft('child', { dependencies: ['bad'] }),
      draft('proceeds', { dependencies: ['child'], onDependencyFailure: 'proceed' }),
      draft('proceeds-later', { dependencies: ['child'], onDependencyFailure: 'proceed', delayMs: 1_000 }),
      draft('waits', { dependencies: ['child', 'proceeds'], onDependencyFailure: 'proceed' }),
    )
    const expected = ['cancelled', 'cancelled', 'pending', 'scheduled', 'blocked']
    expect(receipts.map(receipt => receipt.state)).toEqual(expected)
    expect(await bench.states('grandchild', 'child', 'proceeds', 'proceeds-later', 'waits')).toEqual(expected)
    await bench.complete(await bench.claimOne())
    expect(await bench.state('waits')).toBe('pending')
  })

  test('follows both policies on one parent', async bench => {
    await bench.submit(
      draft('parent'),
      draft('falls', { dependencies: ['parent'] }),
      draft('proceeds', { dependencies: ['parent'], onDependencyFailure: 'proceed' }),
    )
    await bench.fail(await claimById(bench, 'parent'))
    expect(await bench.states('falls', 'proceeds')).toEqual(['cancelled', 'pending'])
    expect((await bench.claimOne()).parents).toMatchObject([{ id: 'parent', state: 'failed' }])
  })

  test('a child that proceeds still waits for its other parents', async bench => {
    await bench.submit(
      draft('a'),
      draft('b'),
      draft('child', { dependencies: ['a', 'b'], onDependencyFailure: 'proceed' }),
    )
    const [a, b] = await bench.claim()
    if (a === undefined || b === undefined) throw new Error('expected tasks')
    await bench.fail(a)
    expect(await bench.state('child')).toBe('blocked')
    await bench.fail(b)
    expect(await bench.state('child')).toBe('pending')
  })

  test('cascades over several levels in the transaction of the failure', async bench => {
    await bench.submit(
      draft('top'),
      draft('one', { dependencies: ['top'] }),
      draft('two', { dependencies: ['one'] }),
      draft('three', { dependencies: ['two', 'top'] }),
      draft('beside', { dependencies: ['two'], onDependencyFailure: 'proceed' }),
    )
    const top = await claimById(bench, 'top')
    const { changes } = await bench.exchange({
      settles: [
        { lease: leaseOf(top), outcome: { kind: 'failed', error: errorJson('boom'), as: 'failed' }, guard: 'held' },
      ],
    })
    expect(changes.ended.map(task => [task.id, task.state]).sort()).toEqual([
      ['one', 'cancelled'],
      ['three', 'cancelled'],
      ['top', 'failed'],
      ['two', 'cancelled'],
    ])
    expect(await bench.states('one', 'two', 'three', 'beside')).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
      'pending',
    ])
    expect(JSON.parse((await bench.task('two')).error ?? '').message).toMatch(/one.* cancelled/)
  })

  test('a child with a time of its own waits for it when its parents are done', async bench => {
    await bench.submit(draft('parent'), draft('child', { dependencies: ['parent'], delayMs: 5_000 }))
    await bench.complete(await bench.claimOne())
    expect(await bench.state('child')).toBe('scheduled')
    await bench.clock.advance(5_000)
    await bench.store.promote(10)
    expect(await bench.state('child')).toBe('pending')
  })

  test('a child whose time has passed runs when its parents are done', async bench => {
    await bench.submit(draft('parent'), draft('child', { dependencies: ['parent'], delayMs: 5_000 }))
    await bench.clock.advance(5_000)
    await bench.complete(await bench.claimOne())
    expect(await bench.state('child')).toBe('pending')
  })

  test('a parent that ends after its child was cancelled moves nothing', async bench => {
    await bench.submit(draft('a'), draft('b'), draft('child', { dependencies: ['a', 'b'] }))
    const [a, b] = await bench.claim()
    if (a === undefined || b === undefined) throw new Error('expected tasks')
    await bench.fail(a)
    const before = await bench.task('child')
    await bench.complete(b)
    expect(await bench.task('child')).toEqual(before)
  })

  test('runs a diamond of a thousand: one above, 998 between, one below', async bench => {
    const middle = names('m', 998)
    await bench.submit(
      draft('top'),
      ...middle.map(id => draft(id, { dependencies: ['top'] })),
      draft('bottom', { dependencies: middle }),
    )
    await bench.complete(await bench.claimOne())
    const first = await bench.claim()
    const second = await bench.claim()
    expect(first.length + second.length).toBe(998)
    const settles = [...first, ...second].map(
      task => ({ lease: leaseOf(task), outcome: { kind: 'completed', result: null }, guard: 'held' }) as const,
    )
    await bench.exchange({ settles: settles.slice(0, -1) })
    expect(await bench.state('bottom')).toBe('blocked')
    await bench.exchange({ settles: settles.slice(-1) })
    const bottom = await bench.claimOne()
    expect([bottom.id, bottom.parents?.length]).toEqual(['bottom', 998])
    await bench.complete(bottom)
    expect((await bench.store.counts()).completed).toBe(1_000)
  })

  test('runs a chain of a thousand, one after the other', async bench => {
    const chain = names('c', 1_000)
    await bench.submit(...chain.map((id, at) => draft(id, { dependencies: at === 0 ? [] : [`c-${at - 1}`] })))
    for (const id of chain) {
      const task = await bench.claimOne()
      if (task.id !== id) throw new Error(`expected ${id}, got ${task.id}`)
      await bench.complete(task)
    }
    expect((await bench.store.counts()).completed).toBe(1_000)
  })

  test('a chain of a thousand falls together with its first', async bench => {
    const chain = names('c', 1_000)
    await bench.submit(...chain.map((id, at) => draft(id, { dependencies: at === 0 ? [] : [`c-${at - 1}`] })))
    const { changes } = await bench.store.cancel([taskId('c-0')], null)
    expect([changes.ended.length, changes.hasLeftovers]).toEqual([1_000, false])
    expect((await bench.store.counts()).cancelled).toBe(1_000)
  })
}
