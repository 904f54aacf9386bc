import { expect } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import type { Outcome } from '../../src/ports/store.ts'
import { draft, errorJson, json } from '../support/drafts.ts'
import { leaseMsDefault, leaseOf } from '../support/store-driver.ts'
import type { Bench, Topic } from './topic.ts'

const crash: Outcome = { kind: 'retry', delayMs: 0, error: errorJson('worker_lost'), as: 'crashed' }
const applied = { verdict: 'applied', state: null }
const stale = { verdict: 'stale', state: null }

export const settleTopic: Topic = test => {
  test('completes a task with its result', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    await bench.register('w1')
    await bench.beat('w1', { held: [{ taskId: a.id, epoch: 1, progress: json({ percent: 99 }) }] })
    await bench.clock.advance(800)
    expect(await bench.complete(a, json({ sum: 3 }))).toEqual({ verdict: 'applied', state: 'completed' })
    const { leaseExpiresAtMs: _, parents: __, ...record } = a
    expect(await bench.task('a')).toEqual({
      ...record,
      state: 'completed',
      result: json({ sum: 3 }),
      progress: json({ percent: 99 }),
      finishedAtMs: bench.clock.now(),
    })
  })

  test('an epoch that no task ever reaches is stale, and hinders nobody in the same exchange', async bench => {
    await bench.register('w1')
    const a = await bench.submitAndClaim(draft('a'))
    const b = await bench.submitAndClaim(draft('b'))
    const far = { ...leaseOf(a), epoch: Number.MAX_SAFE_INTEGER }
    const completed = { kind: 'completed', result: null } as const
    const { settles, beats } = await bench.exchange({
      settles: [
        { lease: far, outcome: completed, guard: 'held' },
        { lease: far, outcome: { kind: 'released' }, guard: 'held' },
        { lease: leaseOf(b), outcome: completed, guard: 'held' },
      ],
      beats: [
        { workerId: far.workerId, systemInfo: null, leaseMs: leaseMsDefault, held: [{ ...far, progress: json(1) }] },
      ],
    })
    expect(settles).toEqual([stale, stale, { verdict: 'applied', state: 'completed' }])
    expect(beats).toMatchObject([{ lost: ['a'] }])
    expect(await bench.store.leases([far])).toEqual([null])
    expect(await bench.store.appendLogs(far.workerId, [{ ...far, level: 'info', message: '', atMs: null }])).toBe(0)
  })

  test('fails a task with its error', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    await bench.clock.advance(800)
    expect(await bench.fail(a, null, errorJson('boom'))).toEqual({ verdict: 'applied', state: 'failed' })
    expect(await bench.task('a')).toMatchObject({
      state: 'failed',
      attempt: 1,
      workerId: 'w1',
      startedAtMs: a.startedAtMs,
      finishedAtMs: bench.clock.now(),
      result: null,
      error: errorJson('boom'),
    })
  })

  test('schedules a retry and keeps its error until it completes', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    expect(await bench.fail(a, 2_000)).toEqual({ verdict: 'applied', state: 'scheduled' })
    const waiting = { runAtMs: bench.clock.now() + 2_000, workerId: null, startedAtMs: null, finishedAtMs: null }
    expect(await bench.task('a')).toMatchObject({
      state: 'scheduled',
      attempt: 1,
      error: errorJson('boom'),
      ...waiting,
    })
    await bench.clock.advance(2_000)
    await bench.store.promote(10)
    expect((await bench.task('a')).error).toBe(errorJson('boom'))
    await bench.complete(await bench.claimOne())
    expect(await bench.task('a')).toMatchObject({ state: 'completed', attempt: 2, error: null })
  })

  test('puts a retry without delay back into the line at once', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    expect(await bench.fail(a, 0)).toEqual({ verdict: 'applied', state: 'pending' })
    expect(await bench.claimOne()).toMatchObject({ id: 'a', attempt: 2, epoch: 2 })
  })

  test('counts a crash apart from the attempts', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    await bench.settle(leaseOf(a), crash)
    expect(await bench.task('a')).toMatchObject({ state: 'pending', attempt: 1, crashes: 1, workerId: null })
    const [lease] = await bench.store.leases([leaseOf(await bench.claimOne())])
    expect(lease).toMatchObject({ attempt: 2, crashes: 1 })
  })

  test('hands the attempt back on release, and never the epoch', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    expect(await bench.release(a)).toEqual({ verdict: 'applied', state: 'pending' })
    expect(await bench.task('a')).toMatchObject({ attempt: 0, epoch: 1, workerId: null, startedAtMs: null })
    expect(await bench.claimOne()).toMatchObject({ attempt: 1, epoch: 2 })
    expect(await bench.complete(a)).toEqual(stale)
  })

  test('ends as cancelled what its worker says was called off, with its children', async bench => {
    const a = await bench.submitAndClaim([draft('child', { dependencies: ['a'] }), draft('a')].toReversed())
    const error = errorJson('cancelled', 'Not wanted any more.')
    expect(await bench.settle(leaseOf(a), { kind: 'cancelled', error })).toEqual({
      verdict: 'applied',
      state: 'cancelled',
    })
    expect(await bench.task('a')).toMatchObject({ state: 'cancelled', error, result: null, workerId: 'w1', attempt: 1 })
    expect(await bench.attempts('a')).toMatchObject([{ outcome: 'cancelled', error, endedAtMs: bench.clock.now() }])
    expect(await bench.state('child')).toBe('cancelled')
    expect(await bench.fail(a)).toEqual(stale)
    await bench.store.requeue([a.id], true)
    expect(await bench.claimOne()).toMatchObject({ id: 'a', attempt: 1, epoch: 2 })
    expect(await bench.attempts('a')).toMatchObject([{ outcome: 'cancelled', error }, { outcome: 'running' }])
  })

  test('keeps the error of a cancel mark where the worker says so, too, and refuses it from a lost lease', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    await bench.store.cancel([a.id], 'An operator did.')
    const marked = (await bench.task('a')).error
    const calledOff: Outcome = { kind: 'cancelled', error: errorJson('cancelled', 'The worker did.') }
    expect(await bench.settle({ ...leaseOf(a), epoch: 2 }, calledOff)).toEqual(stale)
    expect(await bench.settle(leaseOf(a, 'w2'), calledOff)).toEqual(stale)
    await bench.settle(leaseOf(a), calledOff)
    expect(await bench.task('a')).toMatchObject({ state: 'cancelled', error: marked })
  })

  test('does not know a task that does not exist', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    const lease = { ...leaseOf(a), taskId: taskId('ghost') }
    expect(await bench.settle(lease, { kind: 'completed', result: null })).toEqual({ verdict: 'unknown', state: null })
  })

  const repeats: Readonly<Record<string, Outcome>> = {
    completed: { kind: 'completed', result: json(1) },
    'failed for good': { kind: 'failed', error: errorJson('boom'), as: 'failed' },
    'failed and to be retried': { kind: 'retry', delayMs: 1_000, error: errorJson('boom'), as: 'failed' },
    'timed out': { kind: 'retry', delayMs: 0, error: errorJson('timeout'), as: 'timeout' },
    released: { kind: 'released' },
    'called off': { kind: 'cancelled', error: errorJson('cancelled') },
  }
  for (const [name, outcome] of Object.entries(repeats)) {
    test(`takes a repeated settle as applied and changes nothing: ${name}`, async bench => {
      const a = await bench.submitAndClaim(draft('a'))
      await bench.settle(leaseOf(a), outcome)
      const before = await bench.task('a')
      await bench.clock.advance(10)
      expect(await bench.settle(leaseOf(a), outcome)).toEqual(applied)
      expect(await bench.task('a')).toEqual(before)
      expect((await bench.attempts('a')).length).toBe(1)
    })
  }

  test('takes a failure as repeated, whatever was decided on it', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    await bench.fail(a, 5_000)
    expect(await bench.fail(a, null)).toEqual(applied)
    expect((await bench.task('a')).state).toBe('scheduled')
  })

  test('knows a repeated settle after the task was claimed again, and after it ended', async bench => {
    const first = await bench.submitAndClaim(draft('a'))
    await bench.fail(first, 0)
    const second = await bench.claimOne({ worker: 'w2' })
    expect(await bench.fail(first, 0)).toEqual(applied)
    expect(await bench.complete(first)).toEqual(stale)
    expect(await bench.complete(second)).toMatchObject({ verdict: 'applied', state: 'completed' })
    expect(await bench.fail(first, 0)).toEqual(applied)
    expect(await bench.complete(second)).toEqual(applied)
  })

  test('refuses another outcome under a lease that was settled', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    await bench.complete(a, json(1))
    expect(await bench.fail(a)).toEqual(stale)
    expect(await bench.release(a)).toEqual(stale)
    expect(await bench.task('a')).toMatchObject({ state: 'completed', result: json(1) })
  })

  test('answers a lease that stands twice in one list with applied twice', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    const settlement = { lease: leaseOf(a), outcome: { kind: 'completed', result: null }, guard: 'held' } as const
    const { settles } = await bench.exchange({ settles: [settlement, settlement] })
    expect(settles).toEqual([{ verdict: 'applied', state: 'completed' }, applied])
  })

  test('refuses a settle of another worker, and of another epoch', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    expect(await bench.settle(leaseOf(a, 'w2'), { kind: 'completed', result: null })).toEqual(stale)
    expect(await bench.complete({ ...a, epoch: 2 })).toEqual(stale)
    expect(await bench.complete({ ...a, epoch: 0 })).toEqual(stale)
    expect((await bench.task('a')).state).toBe('running')
  })

  test('refuses a settle from a worker whose lease was reaped', async bench => {
    const first = await bench.submitAndClaim(draft('a'))
    await bench.clock.advance(leaseMsDefault)
    expect(await bench.reap()).toEqual(['a'])
    const second = await bench.claimOne({ worker: 'w2' })
    expect(await bench.complete(first)).toEqual(stale)
    expect(await bench.fail(first)).toEqual(stale)
    expect(await bench.release(first)).toEqual(stale)
    expect(await bench.complete(second)).toMatchObject({ verdict: 'applied' })
  })

  test('refuses the old epoch of a worker that claimed its own expired task again', async bench => {
    const first = await bench.submitAndClaim(draft('a'))
    await bench.clock.advance(leaseMsDefault)
    await bench.reap()
    const second = await bench.claimOne()
    expect(second.workerId).toBe(first.workerId)
    expect(await bench.complete(first)).toEqual(stale)
    expect((await bench.task('a')).state).toBe('running')
    expect(await bench.complete(second)).toMatchObject({ verdict: 'applied' })
  })

  test('takes a settle after the lease ran out, as long as nobody reaped it', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    await bench.clock.advance(leaseMsDefault + 60_000)
    expect(await bench.complete(a)).toEqual({ verdict: 'applied', state: 'completed' })
  })

  test('refuses the guard `expired` before the lease has run out', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    await bench.clock.advance(leaseMsDefault - 1)
    expect(await bench.settle(leaseOf(a), crash, 'expired')).toEqual(stale)
    await bench.clock.advance(1)
    expect(await bench.settle(leaseOf(a), crash, 'expired')).toEqual({ verdict: 'applied', state: 'pending' })
    expect(await bench.settle(leaseOf(a), crash, 'expired')).toEqual(stale)
  })

  test('lets only one of two reapers and a heartbeat win', async bench => {
    await bench.register('w1')
    await bench.submitAndClaim(draft('a'))
    await bench.clock.advance(leaseMsDefault)
    const [seen] = await bench.store.expired(10)
    await bench.beat('w1')
    if (seen === undefined) throw new Error('expected a lease')
    expect(await bench.settle(seen, crash, 'expired')).toEqual(stale)
    expect(await bench.task('a')).toMatchObject({ state: 'running', crashes: 0 })
  })

  test('a settle of the reaper is nobody’s repeated settle', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    await bench.clock.advance(leaseMsDefault)
    const timeout = { kind: 'failed', error: errorJson('timeout'), as: 'timeout' } as const
    await bench.settle(leaseOf(a), timeout, 'expired')
    expect(await bench.settle(leaseOf(a), timeout)).toEqual(stale)
  })

  test('settles before it claims, within one exchange', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    const claim = {
      workerId: leaseOf(a).workerId,
      queues: null,
      types: null,
      limit: 9,
      leaseMs: 1_000,
      requestId: null,
    }
    const outcome = await bench.exchange({
      settles: [{ lease: leaseOf(a), outcome: { kind: 'released' }, guard: 'held' }],
      claims: [claim],
    })
    expect(outcome.claims).toMatchObject([[{ id: 'a', epoch: 2, attempt: 1 }]])
  })

  test('tells what ended, with the times it waited and ran', async bench => {
    await bench.submit(draft('a', { type: 'count', queue: 'q' }), draft('b'))
    await bench.clock.advance(300)
    const [a, b] = await bench.claim()
    if (a === undefined || b === undefined) throw new Error('expected tasks')
    await bench.clock.advance(50)
    const { changes } = await bench.exchange({
      settles: [
        { lease: leaseOf(a), outcome: { kind: 'completed', result: null }, guard: 'held' },
        {
          lease: leaseOf(b),
          outcome: { kind: 'retry', delayMs: 0, error: errorJson('x'), as: 'failed' },
          guard: 'held',
        },
      ],
    })
    expect(changes).toEqual({
      ended: [{ id: 'a', type: 'count', queue: 'q', state: 'completed', waitMs: 300, runMs: 50 }],
      ready: [{ queue: 'default', type: 'noop', count: 1 }],
      hasLeftovers: false,
    })
  })

  describeMark(test)
}

/** What becomes of an attempt whose task somebody asked to cancel meanwhile. */
function describeMark(test: Parameters<Topic>[0]): void {
  const mark = json({ code: 'cancelled', message: 'not needed' })
  const markOne = async (bench: Bench) => {
    const a = await bench.submitAndClaim(draft('a'))
    await bench.store.cancel([a.id], 'not needed')
    await bench.clock.advance(20)
    return a
  }

  test('lets a success win over a cancel mark', async bench => {
    const a = await markOne(bench)
    expect(await bench.complete(a, json('done'))).toEqual({ verdict: 'applied', state: 'completed' })
    expect(await bench.task('a')).toMatchObject({
      state: 'completed',
      result: json('done'),
      error: null,
      cancelRequestedAtMs: null,
    })
    expect(await bench.attempts('a')).toMatchObject([{ outcome: 'completed', error: null }])
  })

  const ends: Readonly<Record<string, Outcome>> = {
    'a failure': { kind: 'failed', error: errorJson('boom'), as: 'failed' },
    'a retry': { kind: 'retry', delayMs: 1_000, error: errorJson('boom'), as: 'failed' },
    'a release': { kind: 'released' },
    'a time-out': { kind: 'retry', delayMs: 1_000, error: errorJson('timeout'), as: 'timeout' },
  }
  for (const [name, outcome] of Object.entries(ends)) {
    test(`turns ${name} under a cancel mark into cancelled, with the error of the mark`, async bench => {
      const a = await markOne(bench)
      expect(await bench.settle(leaseOf(a), outcome)).toEqual({ verdict: 'applied', state: 'cancelled' })
      const error = 'error' in outcome ? outcome.error : null
      expect(await bench.task('a')).toMatchObject({
        state: 'cancelled',
        error: mark,
        cancelRequestedAtMs: null,
        attempt: 1,
      })
      expect(await bench.attempts('a')).toMatchObject([{ outcome: 'cancelled', error, endedAtMs: bench.clock.now() }])
      expect(await bench.settle(leaseOf(a), outcome)).toEqual(applied)
      expect(await bench.complete(a)).toEqual(stale)
    })
  }

  test('turns a loss under a cancel mark into cancelled', async bench => {
    const a = await markOne(bench)
    await bench.clock.advance(leaseMsDefault)
    expect(await bench.settle(leaseOf(a), crash, 'expired')).toEqual({ verdict: 'applied', state: 'cancelled' })
    expect(await bench.task('a')).toMatchObject({ state: 'cancelled', error: mark, crashes: 0, workerId: 'w1' })
  })
}
