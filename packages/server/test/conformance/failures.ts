import { expect } from 'vitest'
import { fingerprintOf } from '../../src/core/fingerprint.ts'
import type { FailureGroup, TaskFilter } from '../../src/ports/store.ts'
import { draft, errorJson, everyTask } from '../support/drafts.ts'
import { leaseOf } from '../support/store-driver.ts'
import type { Bench, Topic } from './topic.ts'

async function fail(bench: Bench, id: string, message: string, type = 'noop'): Promise<void> {
  const task = await bench.submitAndClaim(draft(id, { type }))
  await bench.settle(leaseOf(task), { kind: 'failed', error: errorJson('broken', message), as: 'failed' })
  await bench.clock.advance(10)
}

function failures({ store }: Bench, ask: object = {}): Promise<readonly FailureGroup[]> {
  return store.failures({ withinMs: 60_000, most: 100, limit: 10, cells: 3, newest: 2, ...ask })
}

async function find({ store }: Bench, filter: Partial<TaskFilter>, page: object = {}): Promise<readonly string[]> {
  const all = { ...everyTask, ...filter }
  const found = await store.taskIds(all, { limit: 100, before: null, offset: 0, ...page })
  expect(await store.countTasks(all, 100, null)).toEqual({
    count: (await store.taskIds(all, { limit: 100, before: null, offset: 0 })).length,
    isExact: true,
  })
  return found.map(task => task.id)
}

const row = fingerprintOf('noop', errorJson('broken', 'Row 1'))

export const failuresTopic: Topic = test => {
  test('groups failed tasks by their cause, the group that failed last first', async bench => {
    const startMs = bench.clock.now()
    expect(await failures(bench)).toEqual([])
    await fail(bench, 'a', 'Row 7 is bad', 'load')
    await fail(bench, 'b', 'No disk')
    await fail(bench, 'c', 'Row 12 is bad', 'load')
    await bench.complete(await bench.submitAndClaim(draft('fine')))
    const [first, second, ...more] = await failures(bench)
    expect(first).toEqual({
      fingerprint: fingerprintOf('load', errorJson('broken', 'Row 0 is bad')),
      type: 'load',
      count: 2,
      firstAtMs: startMs,
      lastAtMs: startMs + 20,
      sample: 'c',
      error: errorJson('broken', 'Row 12 is bad'),
      trend: [0, 0, 2],
      newest: { count: 2, queues: ['default'], workers: ['w1'], usedUp: 0 },
    })
    expect(second).toMatchObject({ type: 'noop', count: 1, sample: 'b', firstAtMs: startMs + 10 })
    expect(more).toEqual([])
    expect(await failures(bench, { limit: 1 })).toEqual([first])
  })

  test('looks at what failed within the time, and at so many', async bench => {
    await fail(bench, 'a', 'Row 1')
    await fail(bench, 'b', 'Row 2')
    await bench.clock.advance(1_000)
    await fail(bench, 'c', 'Row 3')
    expect(await failures(bench, { withinMs: 500 })).toMatchObject([{ count: 1, sample: 'c' }])
    expect(await failures(bench, { most: 2 })).toMatchObject([{ count: 2, sample: 'c' }])
    expect(await failures(bench)).toMatchObject([{ count: 3 }])
  })

  test('tells when they failed, and of the newest who had them and whether their tries were used up', async bench => {
    await fail(bench, 'early', 'Row 1')
    await bench.clock.advance(30_000)
    await bench.submit(draft('b', { queue: 'mail', maxRetries: 0 }), draft('c', { queue: 'post' }))
    for (const task of await bench.claim({ limit: 2, worker: 'w2' })) {
      await bench.settle(leaseOf(task), { kind: 'failed', error: errorJson('broken', 'Row 2'), as: 'failed' })
    }
    const [group] = await failures(bench)
    expect(group).toMatchObject({ count: 3, trend: [0, 1, 2] })
    expect(group?.newest).toEqual({ count: 2, queues: ['mail', 'post'], workers: ['w2'], usedUp: 1 })
    const wide = await failures(bench, { newest: 10, cells: 1 })
    expect(wide).toMatchObject([{ trend: [3], newest: { count: 3, workers: ['w1', 'w2'] } }])
    expect(await failures(bench, { withinMs: 20_000 })).toMatchObject([{ count: 2, trend: [0, 0, 2] }])
  })

  test('forgets what was started anew or removed, and knows it again when it fails again', async bench => {
    await fail(bench, 'a', 'Row 1')
    await fail(bench, 'b', 'Row 2')
    const a = (await bench.task('a')).id
    await bench.store.requeue([a], false)
    expect(await failures(bench)).toMatchObject([{ count: 1, sample: 'b' }])
    const [again] = await bench.claim()
    if (again === undefined) throw new Error('a task was started anew')
    await bench.settle(leaseOf(again), { kind: 'failed', error: errorJson('broken', 'Row 3'), as: 'crashed' })
    expect(await failures(bench)).toMatchObject([{ count: 2, sample: 'b', lastAtMs: bench.clock.now() }])
    await bench.store.remove([(await bench.task('b')).id])
    expect(await failures(bench)).toMatchObject([{ count: 1, sample: 'a' }])
  })

  test('lists the tasks of one cause, in pages', async bench => {
    for (const [at, id] of ['a', 'b', 'c'].entries()) await fail(bench, id, `Row ${at}`)
    await fail(bench, 'other', 'No disk')
    await bench.submit(draft('waiting'))
    expect(await find(bench, { fingerprint: row })).toEqual(['c', 'b', 'a'])
    expect(await find(bench, { fingerprint: row }, { limit: 2 })).toEqual(['c', 'b'])
    expect(await find(bench, { fingerprint: row }, { before: (await bench.task('c')).number })).toEqual(['b', 'a'])
    expect(await find(bench, { fingerprint: row, states: ['pending'] })).toEqual([])
    expect(await find(bench, { fingerprint: row, states: ['failed'], text: 'B' })).toEqual(['b'])
    expect(await find(bench, { fingerprint: 'ghost' })).toEqual([])
  })

  test('tells no group of what retries, is cancelled or completed by hand', async bench => {
    await bench.submit(draft('r'), draft('m'), draft('h'))
    const [retried, marked, byHand] = await bench.claim({ limit: 3 })
    if (!retried || !marked || !byHand) throw new Error('three tasks were submitted')
    const error = errorJson('broken', 'Row 1')
    await bench.settle(leaseOf(retried), { kind: 'retry', error, as: 'failed', delayMs: 0 })
    await bench.store.cancel([marked.id], null)
    await bench.settle(leaseOf(marked), { kind: 'failed', error, as: 'failed' })
    await bench.store.completeByHand([{ id: byHand.id, result: null }])
    expect(await failures(bench)).toEqual([])
    expect(await find(bench, { fingerprint: row })).toEqual([])
  })

  test('filters by the time of creation and by priority', async bench => {
    const startMs = bench.clock.now()
    for (const [at, id] of ['a', 'b', 'c'].entries()) {
      await bench.submit(draft(id, { priority: at + 1.5 }))
      await bench.clock.advance(1_000)
    }
    expect(await find(bench, { createdFromMs: startMs + 1_000 })).toEqual(['c', 'b'])
    expect(await find(bench, { createdBeforeMs: startMs + 1_000 })).toEqual(['a'])
    expect(await find(bench, { createdFromMs: startMs + 1, createdBeforeMs: startMs + 2_000 })).toEqual(['b'])
    expect(await find(bench, { priorityMin: 2.5 })).toEqual(['c', 'b'])
    expect(await find(bench, { priorityMax: 2.5, states: ['pending'] })).toEqual(['b', 'a'])
    expect(await find(bench, { priorityMin: 9, submittedBy: 'ada' })).toEqual([])
  })
}
