import { expect } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import { draft, json } from '../support/drafts.ts'
import { leaseMsDefault } from '../support/store-driver.ts'
import type { Topic } from './topic.ts'

export const beatTopic: Topic = test => {
  test('does not know a worker that never registered, and extends nothing for it', async bench => {
    await bench.submitAndClaim(draft('a'))
    expect(await bench.beat('w1')).toEqual({ isKnown: false, isDraining: false, cancel: [], lost: [] })
    await bench.clock.advance(leaseMsDefault)
    expect(await bench.reap()).toEqual(['a'])
  })

  test('extends all a worker holds, and nothing of others', async bench => {
    await bench.register('w1')
    await bench.submitAndClaim([draft('a'), draft('b')])
    await bench.submitAndClaim(draft('c'), { worker: 'w2' })
    await bench.clock.advance(leaseMsDefault - 1)
    expect(await bench.beat('w1')).toEqual({ isKnown: true, isDraining: false, cancel: [], lost: [] })
    await bench.clock.advance(1)
    expect(await bench.reap()).toEqual(['c'])
    await bench.clock.advance(leaseMsDefault - 2)
    expect(await bench.reap()).toEqual([])
    await bench.clock.advance(1)
    expect([...(await bench.reap())].sort()).toEqual(['a', 'b'])
  })

  test('extends only what is named, by epoch or by bare id', async bench => {
    await bench.register('w1')
    await bench.submit(draft('a'), draft('b'), draft('c'))
    const [a] = await bench.claim()
    if (a === undefined) throw new Error('expected tasks')
    await bench.clock.advance(10_000)
    expect(await bench.beat('w1', { held: [a, 'b'] })).toMatchObject({ lost: [] })
    await bench.clock.advance(5_000)
    expect(await bench.reap()).toEqual(['c'])
  })

  test('tells what is lost: unknown, finished, of another worker or of another epoch', async bench => {
    await bench.register('w1')
    const done = await bench.submitAndClaim(draft('done'))
    await bench.complete(done)
    const released = await bench.submitAndClaim(draft('again'))
    await bench.release(released)
    await bench.claimOne()
    await bench.submitAndClaim(draft('theirs'), { worker: 'w2' })
    const held = ['ghost', 'done', 'theirs', released, 'again']
    expect(await bench.beat('w1', { held })).toEqual({
      isKnown: true,
      isDraining: false,
      cancel: [],
      lost: ['ghost', 'done', 'theirs', 'again'],
    })
  })

  test('a beat under an old epoch does not extend the new lease', async bench => {
    await bench.register('w1')
    const old = await bench.submitAndClaim(draft('a'))
    await bench.release(old)
    await bench.claimOne()
    await bench.clock.advance(10_000)
    await bench.beat('w1', { held: [old] })
    await bench.clock.advance(5_000)
    expect(await bench.reap()).toEqual(['a'])
  })

  test('revives a lease that has run out but was not reaped', async bench => {
    await bench.register('w1')
    await bench.submitAndClaim(draft('a'))
    await bench.clock.advance(leaseMsDefault + 5_000)
    expect(await bench.beat('w1')).toMatchObject({ lost: [] })
    expect(await bench.reap()).toEqual([])
  })

  test('never extends past the deadline plus ten seconds, and never shortens', async bench => {
    await bench.register('w1')
    await bench.submitAndClaim(draft('a', { timeoutMs: 20_000 }), { leaseMs: 25_000 })
    await bench.clock.advance(24_000)
    await bench.beat('w1', { leaseMs: 1 })
    await bench.clock.advance(999)
    expect(await bench.store.expired(10)).toEqual([])
    await bench.clock.advance(1)
    expect((await bench.store.expired(10)).length).toBe(1)
    await bench.beat('w1', { leaseMs: 100_000 })
    await bench.clock.advance(4_999)
    expect(await bench.store.expired(10)).toEqual([])
    await bench.clock.advance(1)
    await bench.beat('w1', { leaseMs: 100_000 })
    expect(await bench.store.expired(10)).toMatchObject([{ taskId: 'a', pastDeadline: true }])
  })

  test('brings cancel requests, and never extends more than thirty seconds past the mark', async bench => {
    await bench.register('w1')
    const held = await bench.submitAndClaim([draft('a'), draft('b')])
    await bench.store.cancel([held.id], null)
    expect(await bench.beat('w1')).toMatchObject({ cancel: ['b'], lost: [] })
    await bench.clock.advance(10_000)
    expect(await bench.beat('w1', { leaseMs: 60_000, held: ['b', 'a'] })).toMatchObject({ cancel: ['b'] })
    await bench.clock.advance(19_999)
    expect(await bench.store.expired(10)).toEqual([])
    await bench.clock.advance(1)
    await bench.beat('w1', { leaseMs: 60_000 })
    expect((await bench.store.expired(10)).map(lease => lease.taskId)).toEqual(['b'])
  })

  test('keeps the latest progress of a held task only', async bench => {
    await bench.register('w1')
    const a = await bench.submitAndClaim(draft('a'))
    const progress = json({ percent: 40, message: 'half way' })
    await bench.beat('w1', { held: [{ taskId: a.id, epoch: null, progress }] })
    expect((await bench.task('a')).progress).toBe(progress)
    await bench.beat('w1', { held: [a] })
    expect((await bench.task('a')).progress).toBe(progress)
    await bench.beat('w1', { held: [{ taskId: a.id, epoch: 9, progress: json({ percent: 90 }) }] })
    expect((await bench.task('a')).progress).toBe(progress)
  })

  test('notes when the worker was seen and how it is', async bench => {
    await bench.register('w1')
    await bench.clock.advance(700)
    await bench.beat('w1', { systemInfo: json({ cpu_usage: 12 }) })
    const seenAtMs = bench.clock.now()
    await bench.clock.advance(300)
    const [worker] = await bench.store.workers()
    expect(worker).toMatchObject({ lastSeenAtMs: seenAtMs, systemInfo: json({ cpu_usage: 12 }), nowMs: seenAtMs + 300 })
    await bench.beat('w1')
    expect((await bench.store.workers())[0]?.systemInfo).toBe(json({ cpu_usage: 12 }))
  })

  test('tells a draining worker so', async bench => {
    await bench.register('w1')
    const a = await bench.submitAndClaim(draft('a'))
    await bench.store.drainWorker(
      a.workerId ??
        (() => {
          throw new Error('held')
        })(),
    )
    expect(await bench.beat('w1', { held: [taskId('a')] })).toMatchObject({ isDraining: true, lost: [] })
  })
}
