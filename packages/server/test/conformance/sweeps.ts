import { expect } from 'vitest'
import { draft, names } from '../support/drafts.ts'
import { leaseMsDefault, leaseOf } from '../support/store-driver.ts'
import type { Topic } from './topic.ts'

export const sweepsTopic: Topic = test => {
  test('promotes what is due, and tells when the next will be', async bench => {
    await bench.submit(draft('soon', { delayMs: 100, type: 'x' }), draft('late', { delayMs: 250 }), draft('now'))
    expect(await bench.store.promote(10)).toEqual({
      changes: { ready: [], ended: [], hasLeftovers: false },
      nextDueInMs: 100,
    })
    await bench.clock.advance(100)
    expect(await bench.store.promote(10)).toEqual({
      changes: { ready: [{ queue: 'default', type: 'x', count: 1 }], ended: [], hasLeftovers: false },
      nextDueInMs: 150,
    })
    expect(await bench.states('soon', 'late')).toEqual(['pending', 'scheduled'])
    await bench.clock.advance(150)
    expect((await bench.store.promote(10)).nextDueInMs).toBeNull()
    expect(await bench.state('late')).toBe('pending')
  })

  test('promotes in the order of the times, as many as allowed', async bench => {
    await bench.submit(...names('t', 5).map((id, at) => draft(id, { delayMs: 50 - at * 10 })))
    await bench.clock.advance(60)
    expect((await bench.store.promote(2)).nextDueInMs).toBe(0)
    expect(await bench.states(...names('t', 5))).toEqual(['scheduled', 'scheduled', 'scheduled', 'pending', 'pending'])
  })

  test('promoting leaves run_at as it was', async bench => {
    const [receipt] = await bench.submit(draft('a', { delayMs: 100 }))
    await bench.clock.advance(400)
    await bench.store.promote(10)
    expect((await bench.task('a')).runAtMs).toBe(receipt?.runAtMs)
  })

  test('lists leases that have run out, the oldest first, as many as asked for', async bench => {
    await bench.submit(draft('a'), draft('b'), draft('c'))
    await bench.claim({ limit: 1, leaseMs: 300 })
    await bench.claim({ limit: 1, leaseMs: 100, worker: 'w2' })
    await bench.claim({ limit: 1, leaseMs: 301 })
    expect(await bench.store.expired(10)).toEqual([])
    await bench.clock.advance(300)
    expect(await bench.store.expired(10)).toMatchObject([
      { taskId: 'b', workerId: 'w2', epoch: 1 },
      { taskId: 'a', workerId: 'w1', epoch: 1 },
    ])
    expect((await bench.store.expired(1)).map(lease => lease.taskId)).toEqual(['b'])
  })

  test('tells what core needs to decide a loss', async bench => {
    const a = await bench.submitAndClaim(draft('a', { maxRetries: 7 }))
    await bench.clock.advance(leaseMsDefault)
    await bench.reap()
    await bench.fail(await bench.claimOne(), 0)
    await bench.claimOne()
    await bench.clock.advance(leaseMsDefault)
    expect(await bench.store.expired(10)).toEqual([
      { taskId: a.id, epoch: 3, workerId: 'w1', attempt: 3, crashes: 1, maxRetries: 7, pastDeadline: false },
    ])
  })

  test('tells a time-out from a crash by the deadline of the attempt', async bench => {
    await bench.submit(
      draft('a', { timeoutMs: 1_000 }),
      draft('b', { timeoutMs: 1_001 }),
      draft('c', { timeoutMs: null }),
    )
    await bench.claim({ leaseMs: 1_000 })
    await bench.clock.advance(1_000)
    const leases = await bench.store.expired(10)
    expect(Object.fromEntries(leases.map(lease => [lease.taskId, lease.pastDeadline]))).toEqual({
      a: true,
      b: false,
      c: false,
    })
  })

  test('a settled task has no lease to run out', async bench => {
    await bench.submit(draft('a'), draft('b'), draft('c'))
    const [a, b, c] = await bench.claim()
    if (a === undefined || b === undefined || c === undefined) throw new Error('expected tasks')
    await bench.complete(a)
    await bench.release(b)
    await bench.fail(c, 1_000)
    await bench.clock.advance(leaseMsDefault * 9)
    expect(await bench.store.expired(10)).toEqual([])
  })

  test('shortens the leases that end too far ahead, and no other', async bench => {
    await bench.submit(draft('a'), draft('b'), draft('waits'))
    await bench.claim({ limit: 1, leaseMs: 50_000 })
    await bench.claim({ limit: 1, leaseMs: 1_000 })
    await bench.store.shorten(2_000)
    const expired = async () => (await bench.store.expired(10)).map(lease => lease.taskId)
    await bench.clock.advance(1_000)
    expect(await expired()).toEqual(['b'])
    await bench.clock.advance(1_000)
    expect(await expired()).toEqual(['b', 'a'])
    expect(await bench.state('waits')).toBe('pending')
  })

  test('finds live leases by task, epoch and worker, in the order asked', async bench => {
    await bench.submit(draft('a'), draft('b'))
    const [a, b] = await bench.claim()
    if (a === undefined || b === undefined) throw new Error('expected tasks')
    await bench.complete(b)
    const asked = [leaseOf(b), leaseOf(a), { ...leaseOf(a), epoch: 2 }, leaseOf(a, 'w2'), leaseOf(a)]
    const facts = { taskId: 'a', epoch: 1, workerId: 'w1', attempt: 1, crashes: 0, maxRetries: 5, pastDeadline: false }
    expect(await bench.store.leases(asked)).toEqual([null, facts, null, null, facts])
  })

  test('finds all that a worker holds', async bench => {
    await bench.submit(draft('a'), draft('b'), draft('c'))
    await bench.claim({ limit: 2 })
    await bench.claim({ worker: 'w2' })
    const workerId = leaseOf(await bench.task('a')).workerId
    expect((await bench.store.leasesOf(workerId)).map(lease => lease.taskId)).toEqual(['a', 'b'])
  })
}
