import { limits } from '@tasklane/protocol'
import { expect } from 'vitest'
import { taskId, workerId } from '../../src/core/task.ts'
import type { Outcome, TaskFilter } from '../../src/ports/store.ts'
import { draft, errorJson, everyTask, json, names } from '../support/drafts.ts'
import { leaseOf } from '../support/store-driver.ts'
import type { Bench, Topic } from './topic.ts'

async function find({ store }: Bench, filter: Partial<TaskFilter>, page = {}): Promise<readonly string[]> {
  const found = await store.tasks({ ...everyTask, ...filter }, { limit: 100, before: null, offset: 0, ...page })
  const ids = await store.taskIds({ ...everyTask, ...filter }, { limit: 100, before: null, offset: 0, ...page })
  expect(ids).toEqual(found.map(({ id, number }) => ({ id, number })))
  return found.map(task => task.id)
}

export const readsTopic: Topic = test => {
  test('knows no task that was never submitted', async ({ store }) => {
    const id = taskId('ghost')
    expect(await store.task(id)).toBeNull()
    expect(await store.attempts(id)).toBeNull()
    expect(await store.logs(id, 0, 10)).toBeNull()
    expect(await store.parents(id, 0, 10)).toBeNull()
    expect(await store.graph(id, 10, 10)).toBeNull()
    expect(await store.standing(id, 10)).toBeNull()
  })

  test('lists the newest first, in pages by number and by offset', async bench => {
    await bench.submit(...names('t', 7).map(id => draft(id)))
    expect(await find(bench, {}, { limit: 3 })).toEqual(['t-6', 't-5', 't-4'])
    const { number } = await bench.task('t-4')
    expect(await find(bench, {}, { limit: 3, before: number })).toEqual(['t-3', 't-2', 't-1'])
    expect(await find(bench, {}, { limit: 3, offset: 5 })).toEqual(['t-1', 't-0'])
    expect(await find(bench, {}, { offset: 7 })).toEqual([])
    expect(await find(bench, {}, { limit: 1, before: number, offset: 1 })).toEqual(['t-2'])
  })

  test('names every type that a queue was ever sent', async bench => {
    await bench.submit(draft('a', { type: 'x', queue: 'q' }), draft('b', { type: 'y', queue: 'q' }), draft('c'))
    await bench.store.cancel([taskId('a')], null)
    await bench.store.remove([taskId('a')])
    expect([...(await bench.store.typesIn('q'))].sort()).toEqual(['x', 'y'])
    expect(await bench.store.typesIn('never seen')).toEqual([])
  })

  test('counts those of the newest failed tasks that ran out of time', async bench => {
    expect(await bench.store.countTimedOut(null, 10)).toBe(0)
    const byAda = { submittedBy: 'ada' }
    await bench.submit(draft('a', byAda), draft('b'), draft('c', byAda), draft('d'), draft('e'))
    const [a, b, c, d, e] = await bench.claim({ limit: 5 })
    if (!a || !b || !c || !d || !e) throw new Error('five tasks were submitted')
    const timeout: Outcome = { kind: 'failed', error: errorJson('timeout'), as: 'timeout' }
    for (const task of [a, b, c]) await bench.settle(leaseOf(task), timeout)
    await bench.fail(d)
    await bench.settle(leaseOf(e), { ...timeout, kind: 'retry', delayMs: 60_000 })
    expect(await bench.store.countTimedOut(null, 10)).toBe(3)
    expect(await bench.store.countTimedOut('ada', 10)).toBe(2)
    expect(await bench.store.countTimedOut('nobody', 10)).toBe(0)
    // The failed ones are d, c, b and a, the newest first.
    expect(await bench.store.countTimedOut(null, 2)).toBe(1)
    await bench.store.requeue([c.id], false)
    expect(await bench.store.countTimedOut(null, 10)).toBe(2)
  })

  test('lists whole records', async bench => {
    const payload = { some: 'payload' }
    await bench.submit(draft('a', { payload, labels: { team: 'red' } }), draft('b', { dependencies: ['a'] }))
    const listed = await bench.store.tasks(everyTask, { limit: 10, before: null, offset: 0 })
    expect(listed).toEqual([await bench.task('b'), await bench.task('a')])
  })

  test('filters by state, type, queue and worker, and by all together', async bench => {
    await bench.submit(draft('a', { type: 'x' }), draft('b', { type: 'y' }), draft('c', { type: 'x', queue: 'q' }))
    await bench.claim({ worker: 'w9', types: ['y'] })
    expect(await find(bench, { states: ['pending'] })).toEqual(['c', 'a'])
    expect(await find(bench, { states: ['running', 'pending'] })).toEqual(['c', 'b', 'a'])
    expect(await find(bench, { types: ['y', 'z'] })).toEqual(['b'])
    expect(await find(bench, { queues: ['q'] })).toEqual(['c'])
    expect(await find(bench, { workerId: workerId('w9') })).toEqual(['b'])
    expect(await find(bench, { states: ['pending'], types: ['x'], queues: ['default'] })).toEqual(['a'])
    expect(await find(bench, { queues: ['unheard-of'] })).toEqual([])
    expect(await find(bench, { states: [] })).toEqual([])
  })

  test('finds the worker of a finished task, too', async bench => {
    await bench.complete(await bench.submitAndClaim(draft('done'), { worker: 'w9' }))
    await bench.release(await bench.submitAndClaim(draft('back'), { worker: 'w9' }))
    expect(await find(bench, { workerId: workerId('w9') })).toEqual(['done'])
  })

  test('filters by label, with a value or with any', async bench => {
    await bench.submit(
      draft('a', { labels: { team: 'red', 'we.ird "key"': 'yes' } }),
      draft('b', { labels: { team: 'blue' } }),
      draft('c', { labels: { other: 'red' } }),
      draft('d'),
    )
    expect(await find(bench, { label: { key: 'team', value: 'red' } })).toEqual(['a'])
    expect(await find(bench, { label: { key: 'team', value: null } })).toEqual(['b', 'a'])
    expect(await find(bench, { label: { key: 'we.ird "key"', value: 'yes' } })).toEqual(['a'])
    expect(await find(bench, { label: { key: 'toString', value: null } })).toEqual([])
  })

  test('finds text in id, name and type, without regard to ASCII case', async bench => {
    await bench.submit(
      draft('Invoice-1', { name: 'first' }),
      draft('b', { name: '100% INVOICE' }),
      draft('c', { type: 'make_invoice' }),
      draft('d', { name: 'x_y' }),
      draft('e', { name: 'Ä' }),
    )
    expect(await find(bench, { text: 'invoice' })).toEqual(['c', 'b', 'Invoice-1'])
    expect(await find(bench, { text: '0%' })).toEqual(['b'])
    expect(await find(bench, { text: 'x_' })).toEqual(['d'])
    expect(await find(bench, { text: 'ä' })).toEqual([])
    expect(await find(bench, { text: 'Ä' })).toEqual(['e'])
  })

  test('counts what matches, up to a bound', async bench => {
    await bench.submit(...names('t', 5).map((id, at) => draft(id, { type: at < 3 ? 'x' : 'y' })))
    expect(await bench.store.countTasks(everyTask, 100, null)).toEqual({ count: 5, isExact: true })
    expect(await bench.store.countTasks(everyTask, 4, null)).toEqual({ count: 4, isExact: false })
    expect(await bench.store.countTasks({ ...everyTask, types: ['x'] }, 100, null)).toMatchObject({ count: 3 })
  })

  test('counts a text among the newest alone, and says so', async bench => {
    await bench.submit(...['red-1', 'red-2', 'blue', 'red-3'].map(id => draft(id)))
    const count = (text: string, most: number, newest: number | null) =>
      bench.store.countTasks({ ...everyTask, text }, most, newest)
    expect(await count('red', 100, null)).toEqual({ count: 3, isExact: true })
    expect(await count('red', 100, 4)).toEqual({ count: 3, isExact: true })
    expect(await count('red', 100, 3)).toEqual({ count: 2, isExact: false })
    expect(await count('red', 1, 4)).toEqual({ count: 1, isExact: false })
    expect(await count('green', 100, 2)).toEqual({ count: 0, isExact: false })
  })

  test('counts tasks by state, every state present', async bench => {
    expect(await bench.store.counts()).toEqual({
      blocked: 0,
      scheduled: 0,
      pending: 0,
      running: 0,
      completed: 0,
      failed: 0,
      cancelled: 0,
    })
    await bench.submit(draft('a'), draft('b', { delayMs: 9_000 }), draft('c', { dependencies: ['b'] }), draft('d'))
    await bench.claim({ limit: 1 })
    expect(await bench.store.counts()).toMatchObject({ blocked: 1, scheduled: 1, pending: 1, running: 1 })
  })

  test('pages through parents: as many as fit, one at least, each once', async bench => {
    const parents = names('p', 5)
    await bench.submit(...parents.map(id => draft(id)), draft('child', { dependencies: parents }))
    for (const each of await bench.claim()) await bench.complete(each, json('x'.repeat(98)))
    const page = async (from: number, bytesMax: number): Promise<readonly string[] | undefined> =>
      (await bench.store.parents(taskId('child'), from, bytesMax))?.map(parent => parent.id)
    expect(await page(0, 1_000)).toEqual(parents)
    expect(await page(0, 200)).toEqual(['p-0', 'p-1'])
    expect(await page(2, 199)).toEqual(['p-2'])
    expect(await page(3, 0)).toEqual(['p-3'])
    expect(await page(5, 1_000)).toEqual([])
  })

  test('tells parents that have not ended as they are', async bench => {
    await bench.submit(draft('p'), draft('child', { dependencies: ['p'] }))
    expect(await bench.store.parents(taskId('child'), 0, 1_000)).toEqual([
      { id: 'p', state: 'pending', result: null, error: null },
    ])
    expect(await bench.store.parents(taskId('p'), 0, 1_000)).toEqual([])
  })

  test('draws the neighbourhood: ancestors and descendants, not their other kin', async bench => {
    await bench.submit(
      draft('grandparent'),
      draft('parent', { dependencies: ['grandparent'] }),
      draft('me', { dependencies: ['parent'], onDependencyFailure: 'proceed' }),
      draft('child', { dependencies: ['me', 'stranger'] }),
      draft('sibling', { dependencies: ['parent'] }),
      draft('stranger'),
    )
    const graph = await bench.store.graph(taskId('me'), 100, 100)
    expect([graph?.isTruncated, graph?.areEdgesTruncated]).toEqual([false, false])
    expect(graph?.tasks.map(task => task.id).sort()).toEqual(['child', 'grandparent', 'me', 'parent'])
    expect(await bench.task('me')).toMatchObject(graph?.tasks[0] ?? { id: 'nobody' })
    expect([...(graph?.edges ?? [])].sort((one, other) => (one.child < other.child ? -1 : 1))).toEqual([
      { parent: 'me', child: 'child', policy: 'cancel' },
      { parent: 'parent', child: 'me', policy: 'proceed' },
      { parent: 'grandparent', child: 'parent', policy: 'cancel' },
    ])
  })

  test('draws the nearest of a large neighbourhood, and says that there is more', async bench => {
    await bench.submit(...names('c', 10).map((id, at) => draft(id, { dependencies: at === 0 ? [] : [`c-${at - 1}`] })))
    const graph = await bench.store.graph(taskId('c-5'), 3, 100)
    expect([graph?.isTruncated, graph?.tasks.length, graph?.tasks[0]?.id]).toEqual([true, 3, 'c-5'])
    const whole = await bench.store.graph(taskId('c-5'), 10, 9)
    expect([whole?.isTruncated, whole?.tasks.length, whole?.edges.length]).toEqual([false, 10, 9])
  })

  test('tells the edges of the nearest where there are too many, and that there are more', async bench => {
    await bench.submit(...names('p', 6).map(id => draft(id)))
    await bench.submit(...names('c', 4).map(id => draft(id, { dependencies: names('p', 6) })))
    const whole = await bench.store.graph(taskId('p-0'), 100, 4)
    expect([whole?.tasks.length, whole?.edges.length, whole?.areEdgesTruncated]).toEqual([5, 4, false])
    // Of every child one parent is in the picture: it is found among the six.
    expect(new Set(whole?.edges.map(edge => edge.parent))).toEqual(new Set(['p-0']))
    const cut = await bench.store.graph(taskId('c-0'), 100, 5)
    expect([cut?.isTruncated, cut?.areEdgesTruncated, cut?.edges.length]).toEqual([false, true, 5])
    expect(cut?.edges.map(edge => edge.parent)).toEqual(names('p', 5))
  })

  test('says how a pending task stands in its queue', async bench => {
    await bench.submit(
      draft('a'),
      draft('b'),
      draft('urgent', { priority: 9 }),
      draft('elsewhere', { queue: 'q', priority: 10 }),
    )
    expect(await bench.store.standing(taskId('b'), 10)).toEqual({
      task: await bench.task('b'),
      nowMs: bench.clock.now(),
      pause: null,
      waitingFor: { count: 0, first: [] },
      position: { before: 2, pending: 3 },
    })
    expect((await bench.store.standing(taskId('b'), 1))?.position?.before).toBe(1)
    await bench.store.setQueue('default', { isPaused: true, reason: 'Deploying', by: 'anna' })
    const pause = { atMs: bench.clock.now(), by: 'anna', reason: 'Deploying' }
    expect((await bench.store.standing(taskId('b'), 10))?.pause).toEqual(pause)
  })

  test('says what a blocked task waits for', async bench => {
    const parents = names('p', 12)
    await bench.submit(...parents.map(id => draft(id)), draft('child', { dependencies: parents }))
    const [first] = await bench.claim({ limit: 2 })
    if (first === undefined) throw new Error('expected a task')
    await bench.complete(first)
    const standing = await bench.store.standing(taskId('child'), limits.positionCountMax)
    expect(standing?.position).toBeNull()
    expect(standing?.waitingFor.count).toBe(11)
    expect(standing?.waitingFor.first).toEqual(
      parents.slice(1, 11).map(id => ({ id, state: id === 'p-1' ? 'running' : 'pending' })),
    )
  })
}
