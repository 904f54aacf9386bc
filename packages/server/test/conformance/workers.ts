import { expect } from 'vitest'
import { workerId } from '../../src/core/task.ts'
import { draft, json } from '../support/drafts.ts'
import { workerLeaseMs } from '../support/store-driver.ts'
import type { Topic } from './topic.ts'

export const workersTopic: Topic = test => {
  test('keeps what a worker says of itself', async ({ register, store, clock }) => {
    const settings = {
      instance: 'process-1',
      capabilities: ['mail', 'count'],
      queues: ['letters'],
      slots: 4,
      labels: json({ zone: 'a' }),
      types: json({ mail: { type: 'object' } }),
    }
    expect(await register('w1', settings)).toEqual({ orphans: [] })
    expect(await store.worker(workerId('w1'))).toEqual({
      id: 'w1',
      ...settings,
      isDraining: false,
      systemInfo: null,
      leaseMs: workerLeaseMs,
      registeredAtMs: clock.now(),
      lastSeenAtMs: clock.now(),
      nowMs: clock.now(),
      holds: [],
    })
    expect(await store.worker(workerId('w2'))).toBeNull()
  })

  test('lists workers by id, with what they hold', async ({ register, submit, claim, store }) => {
    for (const id of ['w2', 'w1', 'w10']) await register(id, { capabilities: null, queues: null })
    await submit(draft('a'), draft('b'), draft('c'))
    await claim({ worker: 'w2', limit: 2 })
    await claim({ worker: 'w10' })
    expect((await store.workers()).map(({ id, holds }) => [id, holds])).toEqual([
      ['w1', []],
      ['w10', ['c']],
      ['w2', ['a', 'b']],
    ])
  })

  test('replaces the settings where a worker registers again', async ({ register, store, clock }) => {
    await register('w1', { slots: 1, capabilities: ['x'] })
    await clock.advance(100)
    const registeredAtMs = clock.now() - 100
    await register('w1', { slots: 2, capabilities: null })
    expect(await store.presence()).toEqual(
      (await store.workers()).map(({ id, slots, isDraining, leaseMs, lastSeenAtMs, nowMs }) => ({
        id,
        slots,
        isDraining,
        leaseMs,
        lastSeenAtMs,
        nowMs,
      })),
    )
    expect(await store.workers()).toMatchObject([
      { slots: 2, capabilities: null, registeredAtMs, lastSeenAtMs: clock.now() },
    ])
    await register('w1', { instance: 'another' })
    expect(await store.workers()).toMatchObject([{ registeredAtMs: clock.now() }])
  })

  test('hands nothing to a worker that drains, but what it was handed already', async bench => {
    await bench.register('w1')
    await bench.submit(draft('a'), draft('b'))
    const first = await bench.claim({ worker: 'w1', limit: 1, requestId: 'r1' })
    await bench.store.drainWorker(workerId('w1'))
    expect(await bench.claim({ worker: 'w1', limit: 1, requestId: 'r2' })).toEqual([])
    expect(await bench.claim({ worker: 'w1', limit: 1, requestId: 'r1' })).toEqual(first)
    await bench.register('w1')
    expect(await bench.claim({ worker: 'w1', limit: 1, requestId: 'r3' })).toMatchObject([{ id: 'b' }])
  })

  test('takes a claim for a sign of life, now and then', async ({ register, claim, store, clock }) => {
    await register('w1')
    const seenAtMs = async () => (await store.worker(workerId('w1')))?.lastSeenAtMs
    const registeredAtMs = clock.now()
    await clock.advance(10)
    await claim({ worker: 'w1', leaseMs: 3_000 })
    expect(await seenAtMs()).toBe(registeredAtMs)
    await clock.advance(1_000)
    await claim({ worker: 'w1', leaseMs: 3_000 })
    expect(await seenAtMs()).toBe(clock.now())
  })

  test('tells what a former process held again, until somebody has given it back', async bench => {
    await bench.register('w1', { instance: 'one' })
    await bench.submit(draft('a'), draft('b'))
    await bench.claim({ worker: 'w1', limit: 1 })
    await bench.clock.advance(10)
    const { orphans } = await bench.register('w1', { instance: 'two' })
    expect(orphans).toMatchObject([{ taskId: 'a', epoch: 1 }])
    await bench.clock.advance(10)
    await bench.claim({ worker: 'w1', limit: 1 })
    await bench.clock.advance(10)
    expect(await bench.register('w1', { instance: 'two' })).toEqual({ orphans })
  })

  test('drains until the worker registers again', async ({ register, store, beat }) => {
    await register('w1')
    expect(await store.drainWorker(workerId('w1'))).toBe(true)
    expect(await store.worker(workerId('w1'))).toMatchObject({ isDraining: true })
    expect((await beat('w1')).isDraining).toBe(true)
    await register('w1')
    expect((await beat('w1')).isDraining).toBe(false)
    expect(await store.drainWorker(workerId('ghost'))).toBe(false)
  })

  test('tells what a former process of the same id still holds', async ({ register, submit, claim, store, state }) => {
    await register('w1', { instance: 'one' })
    await submit(draft('a', { maxRetries: 2 }), draft('b'), draft('c'))
    await claim({ limit: 2 })
    await claim({ worker: 'w2' })
    const { orphans } = await register('w1', { instance: 'two' })
    expect(orphans.map(lease => [lease.taskId, lease.epoch, lease.workerId])).toEqual([
      ['a', 1, 'w1'],
      ['b', 1, 'w1'],
    ])
    expect(orphans[0]).toMatchObject({ attempt: 1, crashes: 0, maxRetries: 2, pastDeadline: false })
    expect(await state('a')).toBe('running')
    expect((await store.worker(workerId('w1')))?.instance).toBe('two')
  })

  test('finds no orphans where the same process registers again', async ({ register, submitAndClaim }) => {
    await register('w1', { instance: 'one' })
    await submitAndClaim(draft('a'))
    expect(await register('w1', { instance: 'one' })).toEqual({ orphans: [] })
  })

  test('forgets a worker that is removed', async ({ register, store, beat }) => {
    await register('w1')
    expect(await store.removeWorker(workerId('w1'))).toBe(true)
    expect(await store.removeWorker(workerId('w1'))).toBe(false)
    expect(await store.worker(workerId('w1'))).toBeNull()
    expect((await beat('w1')).isKnown).toBe(false)
  })
}
