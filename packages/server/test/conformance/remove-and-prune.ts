import { expect } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import { draft, json, names } from '../support/drafts.ts'
import { leaseOf, only } from '../support/store-driver.ts'
import type { Bench, Topic } from './topic.ts'

const ids = (...texts: readonly string[]) => texts.map(taskId)
const keepMs = 10_000

async function pruneAll({ store }: Bench, limit = 1_000): Promise<number> {
  let pruned = 0
  // The walk goes in pages and wraps around: so many passes see every task at least once.
  for (let pass = 0; pass < 10; pass += 1) pruned += await store.prune({ keepMs, workerKeepMs: keepMs, limit })
  return pruned
}

export const removeTopic: Topic = test => {
  test('removes finished tasks with everything that belongs to them', async bench => {
    const a = await bench.submitAndClaim(draft('a', { idempotencyKey: 'key' }))
    await bench.store.appendLogs(leaseOf(a).workerId, [
      { taskId: a.id, epoch: a.epoch, level: 'info', message: 'hello', atMs: null },
    ])
    await bench.complete(a)
    expect(await bench.store.remove(ids('a', 'a', 'ghost'))).toEqual(['removed', 'unknown', 'unknown'])
    expect(await bench.store.task(a.id)).toBeNull()
    expect(await bench.store.attempts(a.id)).toBeNull()
    expect(await bench.store.logs(a.id, 0, 10)).toBeNull()
    expect(await bench.store.graph(a.id, 10, 10)).toBeNull()
    expect(await bench.store.standing(a.id, 10)).toBeNull()
    expect(await bench.store.parents(a.id, 0, 10)).toBeNull()
    expect((await bench.store.counts()).completed).toBe(0)
    expect(await bench.complete(a)).toEqual({ verdict: 'unknown', state: null })
  })

  test('frees id and key of a removed task', async bench => {
    await bench.complete(await bench.submitAndClaim(draft('a', { idempotencyKey: 'key' })))
    await bench.store.remove(ids('a'))
    expect(only(await bench.submit(draft('b', { idempotencyKey: 'key', payload: 'new' }))).existing).toBeNull()
    expect(only(await bench.submit(draft('a', { payload: 'new' }))).existing).toBeNull()
    expect(await bench.attempts('a')).toEqual([])
    expect(await bench.store.logs(taskId('a'), 0, 10)).toEqual([])
  })

  test('never gives a number away twice', async bench => {
    const first = only(await bench.submit(draft('a')))
    await bench.store.cancel(ids('a'), null)
    await bench.store.remove(ids('a'))
    expect(only(await bench.submit(draft('b'))).number).toBeGreaterThan(first.number)
  })

  test('refuses to remove what has not finished', async bench => {
    await bench.submitAndClaim(draft('running'))
    await bench.submit(draft('a'), draft('later', { delayMs: 1_000 }), draft('child', { dependencies: ['a'] }))
    expect(await bench.store.remove(ids('running', 'a', 'later', 'child'))).toEqual(Array(4).fill('unfinished'))
  })

  test('keeps what an unfinished child needs, and lets it go with the child', async bench => {
    await bench.submit(draft('parent'), draft('child', { dependencies: ['parent'] }))
    await bench.complete(await bench.claimOne())
    expect(await bench.store.remove(ids('parent'))).toEqual(['needed'])
    const child = await bench.claimOne()
    expect(await bench.store.remove(ids('parent'))).toEqual(['needed'])
    await bench.complete(child)
    expect(await bench.store.remove(ids('parent', 'child'))).toEqual(['removed', 'removed'])
  })

  test('a child outlives its parent and still names it', async bench => {
    await bench.submit(draft('parent'), draft('child', { dependencies: ['parent'] }))
    await bench.complete(await bench.claimOne(), json('result'))
    await bench.complete(await bench.claimOne())
    await bench.store.remove(ids('parent'))
    expect((await bench.task('child')).dependencies).toEqual(['parent'])
    expect(await bench.store.parents(taskId('child'), 0, 1_000)).toEqual([
      { id: 'parent', state: null, result: null, error: null },
    ])
    const graph = await bench.store.graph(taskId('child'), 10, 10)
    expect([graph?.tasks.map(task => task.id), graph?.edges]).toEqual([['child'], []])
  })

  test('a new task under the id of a removed parent is no parent of the old child', async bench => {
    await bench.submit(draft('parent'), draft('child', { dependencies: ['parent'] }))
    await bench.fail(await bench.claimOne())
    await bench.store.remove(ids('parent'))
    await bench.submit(draft('parent'))
    await bench.store.requeue(ids('child'), false)
    expect(await bench.state('child')).toBe('pending')
    expect((await bench.store.parents(taskId('child'), 0, 1_000))?.[0]?.state).toBeNull()
  })

  test('prunes finished tasks that are older than the retention', async bench => {
    for (const id of ['one', 'two']) await bench.complete(await bench.submitAndClaim(draft(id)))
    await bench.fail(await bench.submitAndClaim(draft('three', { idempotencyKey: 'key' })))
    await bench.submit(draft('four'), draft('waits'))
    await bench.store.cancel(ids('four'), null)
    await bench.clock.advance(keepMs)
    expect(await pruneAll(bench)).toBe(0)
    await bench.clock.advance(1)
    await bench.complete(await bench.submitAndClaim(draft('young', { priority: 9 }), { limit: 1 }))
    expect(await pruneAll(bench)).toBe(4)
    expect(await bench.states('one', 'two', 'three', 'four', 'waits', 'young')).toEqual([
      ...Array(4).fill(null),
      'pending',
      'completed',
    ])
    expect(only(await bench.submit(draft('other', { idempotencyKey: 'key' }))).existing).toBeNull()
  })

  test('starts its walk over at the first task younger than the retention: above it nothing can be old', async bench => {
    const { store, clock } = bench
    const prune = () => store.prune({ keepMs, workerKeepMs: keepMs, limit: 2 })
    await bench.submit(draft('parent'), draft('child', { dependencies: ['parent'], delayMs: 10 * keepMs }))
    await store.completeByHand([{ id: taskId('parent'), result: null }])
    await clock.advance(keepMs + 1)
    await bench.submit(...names('young', 10).map(id => draft(id)))
    // The child needs its parent; the next look meets the young ones and sends the walk back.
    expect([await prune(), await prune()]).toEqual([0, 0])
    await store.cancel([taskId('child')], null)
    expect(await prune()).toBe(1)
    expect(await store.task(taskId('parent'))).toBeNull()
  })

  test('prunes nothing that an unfinished child needs', async bench => {
    await bench.submit(draft('parent'), draft('child', { dependencies: ['parent'] }))
    await bench.complete(await bench.claimOne())
    await bench.clock.advance(keepMs * 2)
    expect(await pruneAll(bench)).toBe(0)
    await bench.complete(await bench.claimOne())
    expect(await pruneAll(bench)).toBe(1)
    await bench.clock.advance(keepMs * 2)
    expect(await pruneAll(bench)).toBe(1)
  })

  test('walks on in small steps past unfinished tasks, and comes round', async bench => {
    await bench.submit(...names('waits', 7).map(id => draft(id, { delayMs: keepMs * 99 })))
    for (const id of names('done', 5)) await bench.complete(await bench.submitAndClaim(draft(id)))
    await bench.clock.advance(keepMs + 1)
    expect(await pruneAll(bench, 3)).toBe(5)
    for (const id of names('more', 5)) await bench.complete(await bench.submitAndClaim(draft(id)))
    await bench.clock.advance(keepMs + 1)
    expect(await pruneAll(bench, 3)).toBe(5)
  })

  test('forgets workers that were not seen for long, but not one that holds a task', async bench => {
    await bench.register('gone')
    await bench.register('holds')
    await bench.submitAndClaim(draft('a', { timeoutMs: null }), { worker: 'holds', leaseMs: keepMs * 9 })
    await bench.clock.advance(keepMs + 1)
    await bench.register('new')
    await pruneAll(bench)
    expect((await bench.store.workers()).map(worker => worker.id)).toEqual(['holds', 'new'])
  })
}
