import { limits } from '@tasklane/protocol'
import { expect } from 'vitest'
import { taskId, workerId } from '../../src/core/task.ts'
import { draft, errorJson, json, names } from '../support/drafts.ts'
import type { ClaimOptions, StoreDriver } from '../support/store-driver.ts'
import { suiteHeadStartMs, type Topic } from './topic.ts'

async function claimedIds({ claim }: StoreDriver, ask?: ClaimOptions): Promise<readonly string[]> {
  return (await claim(ask)).map(task => task.id)
}

export const claimTopic: Topic = test => {
  test('takes a task under a lease', async ({ submit, claimOne, task, clock }) => {
    await submit(draft('a', { timeoutMs: 60_000 }))
    await clock.advance(250)
    const claimed = await claimOne({ worker: 'w7', leaseMs: 9_000 })
    const { leaseExpiresAtMs, parents, ...record } = claimed
    expect(record).toEqual(await task('a'))
    expect(record).toMatchObject({ state: 'running', workerId: 'w7', attempt: 1, epoch: 1, startedAtMs: clock.now() })
    expect(leaseExpiresAtMs).toBe(clock.now() + 9_000)
    expect(parents).toEqual([])
  })

  test('tells at the claim whatever was said of a task, each thing by itself', async ({
    submit,
    claim,
    task,
    clock,
  }) => {
    const text = '😀 "quoted" back\\slash\n\u0001 {"json":[1.0]} null'
    await submit(
      draft('plain'),
      draft('name', { name: text }),
      draft('description', { description: text }),
      draft('labels', { labels: { 'we.ird "key"': text } }),
      draft('key', { idempotencyKey: text }),
      draft('by', { submittedBy: text }),
      draft('trace', { trace: text }),
      draft('priority', { priority: limits.priorityDefault }),
      draft('predicted', { prioritySource: 'predicted' }),
      draft('policy', { onDependencyFailure: 'proceed' }),
      draft('due', { runAtMs: clock.now() - 86_400_001 }),
      draft('limits', { timeoutMs: null, maxRetries: 0 }),
      draft('payload', { payload: { text, numbers: [1e300, 0.1, Number.MAX_SAFE_INTEGER] } }),
      draft('parent'),
    )
    await submit(draft('child', { dependencies: ['parent'] }))
    const claimed = await claim({ limit: 100 })
    expect(claimed).toHaveLength(14)
    for (const { leaseExpiresAtMs: _, parents: __, ...record } of claimed) expect(record).toEqual(await task(record.id))
  })

  test('tells at the claim how often a task was tried, how it failed and what its parents were', async bench => {
    const text = '{"a":"b"} "quoted"'
    await bench.submit(draft('a'), draft('b', { name: text }))
    for (const held of await bench.claim({ limit: 2 })) await bench.fail(held, 0, errorJson('boom', text))
    await bench.submit(draft('child', { dependencies: ['b'], onDependencyFailure: 'proceed' }))
    const again = await bench.claim({ limit: 3 })
    expect(again).toHaveLength(2)
    for (const { leaseExpiresAtMs: _, parents: __, ...record } of again) {
      expect(record).toEqual(await bench.task(record.id))
      expect(record).toMatchObject({ attempt: 2, epoch: 2, error: errorJson('boom', text) })
    }
    for (const held of again) await bench.complete(held)
    const child = await bench.claimOne()
    expect(child).toMatchObject({ id: 'child', dependencies: ['b'], onDependencyFailure: 'proceed' })
    expect(child.parents?.map(parent => parent.id)).toEqual(['b'])
  })

  test('hands each task to one claim only', async bench => {
    await bench.submit(draft('a'), draft('b'), draft('c'))
    const ask = { queues: null, types: null, leaseMs: 1_000, requestId: null, limit: 2 }
    const { claims } = await bench.exchange({
      claims: ['w1', 'w2', 'w3'].map(id => ({ ...ask, workerId: workerId(id) })),
    })
    expect(claims.map(tasks => tasks.map(task => task.id))).toEqual([['a', 'b'], ['c'], []])
    expect(await claimedIds(bench)).toEqual([])
  })

  test('counts attempts and epochs up at each claim', async ({ submit, claimOne, fail }) => {
    await submit(draft('a'))
    for (const count of [1, 2, 3]) {
      const claimed = await claimOne()
      expect(claimed).toMatchObject({ attempt: count, epoch: count })
      await fail(claimed, 0)
    }
  })

  test('never lets a lease outlive the deadline of the attempt by more than ten seconds', async ({
    submit,
    claimOne,
  }) => {
    await submit(draft('a', { timeoutMs: 1_000 }))
    const claimed = await claimOne({ leaseMs: 60_000 })
    expect(claimed.leaseExpiresAtMs).toBe((claimed.startedAtMs ?? 0) + 11_000)
  })

  test('bounds no lease where a task has no time-out', async ({ submit, claimOne, clock }) => {
    await submit(draft('a', { timeoutMs: null }))
    expect((await claimOne({ leaseMs: 86_400_000 })).leaseExpiresAtMs).toBe(clock.now() + 86_400_000)
  })

  test('claims nothing that waits for a time or for parents', async bench => {
    await bench.submit(draft('later', { delayMs: 1 }), draft('parent'), draft('child', { dependencies: ['parent'] }))
    expect(await claimedIds(bench)).toEqual(['parent'])
  })

  test('takes at most as many as asked for', async bench => {
    await bench.submit(...['a', 'b', 'c', 'd', 'e'].map(id => draft(id)))
    expect(await claimedIds(bench, { limit: 3 })).toEqual(['a', 'b', 'c'])
    expect(await claimedIds(bench, { limit: 3 })).toEqual(['d', 'e'])
  })

  test('serves the types asked for, of every queue', async bench => {
    await bench.submit(draft('a', { type: 'x' }), draft('b', { type: 'y', queue: 'q' }), draft('c', { type: 'z' }))
    expect(await claimedIds(bench, { types: ['z', 'y', 'unheard-of'] })).toEqual(['b', 'c'])
    expect(await claimedIds(bench, { types: ['y'] })).toEqual([])
    expect(await claimedIds(bench, { types: null })).toEqual(['a'])
  })

  test('serves the queues asked for', async bench => {
    await bench.submit(draft('a', { queue: 'one' }), draft('b', { queue: 'two' }), draft('c', { queue: 'three' }))
    expect(await claimedIds(bench, { queues: ['three', 'one', 'unheard-of'] })).toEqual(['a', 'c'])
    expect(await claimedIds(bench, { queues: [] })).toEqual([])
    expect(await claimedIds(bench, { types: [] })).toEqual([])
    expect(await claimedIds(bench)).toEqual(['b'])
  })

  test('needs type and queue to fit both', async bench => {
    await bench.submit(draft('a', { queue: 'one', type: 'x' }), draft('b', { queue: 'two', type: 'y' }))
    expect(await claimedIds(bench, { queues: ['one'], types: ['y'] })).toEqual([])
    expect(await claimedIds(bench, { queues: ['two'], types: ['x', 'y'] })).toEqual(['b'])
  })

  test('passes by a paused queue until it is resumed', async bench => {
    await bench.submit(draft('a', { queue: 'halted', priority: 10 }), draft('b'))
    await bench.store.setQueue('halted', { isPaused: true })
    expect(await claimedIds(bench)).toEqual(['b'])
    expect(await claimedIds(bench, { queues: ['halted'] })).toEqual([])
    await bench.store.setQueue('halted', { isPaused: false })
    expect(await claimedIds(bench)).toEqual(['a'])
  })

  test('orders by priority, then by age, then by number', async bench => {
    await bench.submit(draft('low', { priority: 2 }), draft('mid-1'), draft('mid-2'), draft('high', { priority: 9 }))
    await bench.clock.advance(1)
    await bench.submit(draft('mid-3'), draft('real', { priority: 5.5 }))
    expect(await claimedIds(bench)).toEqual(['high', 'real', 'mid-1', 'mid-2', 'mid-3', 'low'])
  })

  test('gives one level of priority a fixed head start and no more', async bench => {
    await bench.submit(draft('old'))
    await bench.clock.advance(suiteHeadStartMs - 1)
    await bench.submit(draft('overtakes', { priority: 6 }))
    await bench.clock.advance(1)
    await bench.submit(draft('ties-and-is-younger', { priority: 6 }))
    await bench.clock.advance(1)
    await bench.submit(draft('comes-too-late', { priority: 6 }))
    expect(await claimedIds(bench)).toEqual(['overtakes', 'old', 'ties-and-is-younger', 'comes-too-late'])
  })

  test('ranks by when a task was due, not by when it was submitted', async bench => {
    await bench.submit(draft('delayed', { delayMs: 1_000 }))
    await bench.clock.advance(500)
    await bench.submit(draft('plain'))
    await bench.clock.advance(500)
    await bench.submit(draft('younger'))
    await bench.store.promote(10)
    expect(await claimedIds(bench)).toEqual(['plain', 'delayed', 'younger'])
  })

  test('keeps the place of a task over its retries', async bench => {
    await bench.submit(draft('first'))
    await bench.clock.advance(1_000)
    await bench.submit(draft('second'))
    await bench.fail(await bench.claimOne(), 500)
    await bench.clock.advance(500)
    await bench.store.promote(10)
    expect(await claimedIds(bench)).toEqual(['first', 'second'])
  })

  test('compares the heads of several queues by urgency, ties by number', async bench => {
    await bench.submit(
      draft('a1', { queue: 'a' }),
      draft('b1', { queue: 'b' }),
      draft('c1', { queue: 'c', priority: 6 }),
    )
    await bench.clock.advance(10)
    await bench.submit(
      draft('b2', { queue: 'b' }),
      draft('a2', { queue: 'a', priority: 7 }),
      draft('a3', { queue: 'a' }),
    )
    expect(await claimedIds(bench, { limit: 4 })).toEqual(['a2', 'c1', 'a1', 'b1'])
    expect(await claimedIds(bench, { limit: 4 })).toEqual(['b2', 'a3'])
  })

  test('keeps the order over many types of one queue', async bench => {
    const ids = Array.from({ length: 60 }, (_, at) => `t${at}`)
    await bench.submit(...ids.map((id, at) => draft(id, { type: `type-${at % 7}`, queue: `queue-${at % 3}` })))
    expect(await claimedIds(bench, { limit: 25 })).toEqual(ids.slice(0, 25))
    expect(await claimedIds(bench, { limit: 500 })).toEqual(ids.slice(25))
  })

  test('a request that stands twice in one exchange takes its turn, too, before those behind it', async bench => {
    await bench.submit(draft('a'), draft('b'), draft('c'))
    const ask = { queues: null, types: null, leaseMs: 1_000, limit: 1 }
    const [one, two] = [workerId('w1'), workerId('w2')]
    const { claims } = await bench.exchange({
      claims: [
        { ...ask, workerId: one, requestId: 'r1', types: ['none'] },
        { ...ask, workerId: one, requestId: 'r1' },
        { ...ask, workerId: two, requestId: 'r2' },
        { ...ask, workerId: one, requestId: 'r1' },
        { ...ask, workerId: two, requestId: null },
      ],
    })
    expect(claims.map(tasks => tasks.map(task => task.id))).toEqual([[], ['a'], ['b'], ['a'], ['c']])
  })

  test('hands out the same leases where a request is repeated, and nothing new', async bench => {
    await bench.submit(draft('a'), draft('b'), draft('c'))
    const first = await bench.claim({ limit: 2, requestId: 'r1' })
    await bench.clock.advance(100)
    expect(await bench.claim({ limit: 2, requestId: 'r1' })).toEqual(first)
    expect((await bench.attempts('a')).length).toBe(1)
    expect(await claimedIds(bench, { requestId: 'r2' })).toEqual(['c'])
  })

  test('repeats a request only as far as the worker still holds the tasks', async bench => {
    await bench.submit(draft('a'), draft('b'), draft('c'))
    const [a, b] = await bench.claim({ requestId: 'r1' })
    if (a === undefined || b === undefined) throw new Error('expected tasks')
    await bench.complete(a)
    await bench.release(b)
    await bench.claim({ limit: 1 })
    expect(await claimedIds(bench, { requestId: 'r1' })).toEqual(['c'])
  })

  test('ends a claim where the texts are as many as a reply can hold, and goes on with the next', async bench => {
    const large = (id: string) => draft(id, { payload: json('x'.repeat(1_000_000)) })
    for (const prefix of ['a', 'b']) await bench.submit(...names(prefix, 25).map(large))
    expect((await bench.claim({ limit: 50 })).length).toBe(34)
    expect((await bench.claim({ limit: 50 })).length).toBe(16)
  })

  test('claims anew for a request whose tasks were all given back: nobody had received them', async bench => {
    await bench.submit(draft('a'))
    const [a] = await bench.claim({ requestId: 'r1' })
    if (a === undefined) throw new Error('expected a task')
    await bench.release(a)
    const [again] = await bench.claim({ requestId: 'r1' })
    expect(again).toMatchObject({ id: 'a', epoch: 2, attempt: 1 })
    expect(await bench.claim({ requestId: 'r1' })).toEqual([again])
  })

  test('claims anew for a request that found nothing', async bench => {
    expect(await claimedIds(bench, { requestId: 'r1' })).toEqual([])
    await bench.submit(draft('a'))
    expect(await claimedIds(bench, { requestId: 'r1' })).toEqual(['a'])
  })

  test('takes the same request id of another worker as another request', async bench => {
    await bench.submit(draft('a'), draft('b'))
    expect(await claimedIds(bench, { worker: 'w1', limit: 1, requestId: 'r1' })).toEqual(['a'])
    expect(await claimedIds(bench, { worker: 'w2', limit: 1, requestId: 'r1' })).toEqual(['b'])
  })

  test('hands the outcomes of all parents to the child, in the order of its dependencies', async bench => {
    await bench.submit(
      draft('ok'),
      draft('bad'),
      draft('gone'),
      draft('child', { dependencies: ['gone', 'bad', 'ok'], onDependencyFailure: 'proceed' }),
    )
    const [ok, bad] = await bench.claim({ limit: 2 })
    if (ok === undefined || bad === undefined) throw new Error('expected tasks')
    await bench.complete(ok, json({ words: 12 }))
    await bench.fail(bad, null, json({ code: 'boom', message: 'no' }))
    await bench.store.cancel([taskId('gone')], 'why not')
    const child = await bench.claimOne()
    expect(child.id).toBe('child')
    expect(child.parents).toEqual([
      { id: 'gone', state: 'cancelled', result: null, error: json({ code: 'cancelled', message: 'why not' }) },
      { id: 'bad', state: 'failed', result: null, error: json({ code: 'boom', message: 'no' }) },
      { id: 'ok', state: 'completed', result: json({ words: 12 }), error: null },
    ])
  })

  test('hands no results above their bound, which are then read in pages', async bench => {
    const half = json('x'.repeat(limits.parentsBytesMax / 2))
    await bench.submit(draft('a'), draft('b'), draft('c'), draft('child', { dependencies: ['a', 'b', 'c'] }))
    for (const each of await bench.claim()) await bench.complete(each, half)
    const child = await bench.claimOne()
    expect(child.parents).toBeNull()
    const page = async (from: number): Promise<readonly string[] | undefined> =>
      (await bench.store.parents(child.id, from, limits.parentsBytesMax))?.map(parent => parent.id)
    expect([await page(0), await page(1), await page(2), await page(3)]).toEqual([['a'], ['b'], ['c'], []])
  })

  test('clears what an earlier attempt left on the row', async bench => {
    const first = await bench.submitAndClaim(draft('a'))
    await bench.register('w1')
    await bench.beat('w1', { held: [{ taskId: first.id, epoch: 1, progress: json({ percent: 50 }) }] })
    await bench.fail(first, 0, json({ code: 'boom', message: 'once' }))
    const second = await bench.claimOne({ worker: 'w2' })
    expect(second).toMatchObject({
      progress: null,
      workerId: 'w2',
      cancelRequestedAtMs: null,
      error: json({ code: 'boom', message: 'once' }),
    })
  })
}
