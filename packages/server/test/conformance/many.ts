import { expect } from 'vitest'
import { workerId } from '../../src/core/task.ts'
import { draft, json } from '../support/drafts.ts'
import { leaseOf } from '../support/store-driver.ts'
import type { Topic } from './topic.ts'

/** More than a store needs to take the way for many, and no multiple of what it may write at once. */
const crowd = 63

/** What a store does for many at once must look as if it had been done one by one. */
export const manyTopic: Topic = test => {
  const crowdOf = (name: string) => Array.from({ length: crowd }, (_, n) => draft(`${name}${n}`))

  test('a crowd is submitted, claimed and completed, each with its own payload and result', async bench => {
    const drafts = crowdOf('t').map((each, n) => ({ ...each, payload: json({ n, long: 'é'.repeat(n * 100) }) }))
    await bench.submit(...drafts)
    const claimed = await bench.claim({ limit: 100 })
    expect(claimed.map(task => [task.id, task.payload])).toEqual(drafts.map(each => [each.id, each.payload]))
    const results = claimed.map((_, n) => (n % 3 === 0 ? null : json({ n, text: '"\\\u2028é'.repeat(n * 20) })))
    const { settles } = await bench.exchange({
      settles: claimed.map((task, n) => ({
        lease: leaseOf(task),
        outcome: { kind: 'completed', result: results[n] ?? null },
        guard: 'held',
      })),
    })
    expect(settles).toEqual(claimed.map(() => ({ verdict: 'applied', state: 'completed' })))
    const records = await Promise.all(claimed.map(task => bench.task(task.id)))
    expect(records.map(record => [record.state, record.result])).toEqual(results.map(each => ['completed', each]))
  })

  test('one that exists refuses its own group in a crowd of groups, and no other', async bench => {
    await bench.submit(draft('t7'))
    await bench.submit(draft('t9', { type: 'other' }))
    const { submits } = await bench.exchange({ submits: crowdOf('t').map(each => ({ drafts: [each] })) })
    expect(submits.map(verdict => verdict.kind)).toEqual(crowdOf('t').map((_, n) => (n === 9 ? 'refused' : 'accepted')))
    const existing = submits.filter(verdict => verdict.kind === 'accepted' && verdict.receipts[0]?.existing !== null)
    expect(existing).toHaveLength(1)
    expect((await bench.claim({ limit: 100 })).map(task => task.id).sort()).toEqual(
      crowdOf('t')
        .map(each => each.id)
        .sort(),
    )
  })

  test('of two settles of one task in a crowd, the first counts', async bench => {
    await bench.submit(...crowdOf('t'))
    const claimed = await bench.claim({ limit: 100 })
    const complete = claimed.map(task => ({
      lease: leaseOf(task),
      outcome: { kind: 'completed', result: null } as const,
      guard: 'held' as const,
    }))
    const release = claimed.slice(0, 2).map(task => ({
      lease: leaseOf(task),
      outcome: { kind: 'released' } as const,
      guard: 'held' as const,
    }))
    const { settles } = await bench.exchange({ settles: [...release.slice(0, 1), ...complete, ...release.slice(1)] })
    expect(settles.map(each => each.verdict)).toEqual([
      'applied',
      'stale',
      ...complete.slice(1).map(() => 'applied'),
      'stale',
    ])
    expect(await bench.states('t0', 't1', 't2')).toEqual(['pending', 'completed', 'completed'])
  })

  test('a lease of another worker, of another epoch and a task nobody knows are told apart in a crowd', async bench => {
    await bench.submit(...crowdOf('t'))
    const claimed = await bench.claim({ limit: 100 })
    const leases = claimed.map(task => leaseOf(task))
    const [first, second, third] = leases
    if (first === undefined || second === undefined || third === undefined) throw new Error('expected leases')
    const asked = [
      { ...first, epoch: first.epoch + 1 },
      { ...second, workerId: 'another' as typeof second.workerId }, // No worker of that name holds anything.
      { ...third, taskId: 'nobody' as typeof third.taskId }, // No task has this id.
      ...leases.slice(3),
    ]
    const { settles } = await bench.exchange({
      settles: asked.map(lease => ({ lease, outcome: { kind: 'completed', result: null }, guard: 'held' })),
    })
    expect(settles.map(each => each.verdict)).toEqual([
      'stale',
      'stale',
      'unknown',
      ...leases.slice(3).map(() => 'applied'),
    ])
    expect(await bench.states('t0', 't1', 't2', 't3')).toEqual(['running', 'running', 'running', 'completed'])
  })

  test('children of a crowd of parents are released once, when the last of theirs has completed', async bench => {
    const parents = crowdOf('p')
    await bench.submit(
      ...parents,
      draft('all', { dependencies: parents.map(each => each.id) }),
      draft('one', { dependencies: ['p5'] }),
    )
    const claimed = await bench.claim({ limit: 100 })
    await bench.submit(draft('late', { dependencies: ['p6'] }))
    const { changes } = await bench.exchange({
      settles: claimed.map(task => ({
        lease: leaseOf(task),
        outcome: { kind: 'completed', result: null },
        guard: 'held',
      })),
    })
    expect(changes.ready).toEqual([{ queue: 'default', type: 'noop', count: 3 }])
    expect(changes.ended).toHaveLength(crowd)
    expect(await bench.states('all', 'one', 'late')).toEqual(['pending', 'pending', 'pending'])
  })

  test('leases of one claim end by the time limits of their tasks', async bench => {
    await bench.submit(...crowdOf('t').map((each, n) => ({ ...each, timeoutMs: n % 2 === 0 ? 1_000 : null })))
    const claimed = await bench.claim({ limit: 100, leaseMs: 60_000 })
    const nowMs = bench.clock.now()
    expect(claimed.map(task => task.leaseExpiresAtMs - nowMs)).toEqual(
      claimed.map((_, n) => (n % 2 === 0 ? 11_000 : 60_000)),
    )
    await bench.clock.advance(11_001)
    expect(await bench.store.expired(100)).toHaveLength(Math.ceil(crowd / 2))
  })

  test('a claim that stands twice in one exchange beside a submit gets the same task twice', async bench => {
    const ask = { workerId: workerId('w1'), queues: null, types: null, limit: 1, leaseMs: 1_000, requestId: 'r1' }
    const { claims } = await bench.exchange({ submits: [{ drafts: [draft('a'), draft('b')] }], claims: [ask, ask] })
    expect(claims.map(tasks => tasks.map(task => task.id))).toEqual([['a'], ['a']])
    expect(await bench.states('a', 'b')).toEqual(['running', 'pending'])
  })

  test('a request that found nothing the first time is asked again in its turn', async bench => {
    const ask = { workerId: workerId('w1'), queues: null, types: null, limit: 1, leaseMs: 1_000, requestId: 'r1' }
    const other = { ...ask, workerId: workerId('w2'), requestId: null }
    const { claims } = await bench.exchange({
      submits: [{ drafts: [draft('a'), draft('b')] }],
      claims: [{ ...ask, types: ['nothing'] }, ask, other],
    })
    expect(claims.map(tasks => tasks.map(task => task.id))).toEqual([[], ['a'], ['b']])
  })

  test('new tasks go to the claims beside them by priority, then by time, and behind what was pending before', async bench => {
    const claim = (worker: string, types: readonly string[] | null, limit: number) => ({
      ...{ workerId: workerId(worker), queues: null, types, limit },
      ...{ leaseMs: 1_000, requestId: null },
    })
    const first = await bench.exchange({
      submits: [
        { drafts: [draft('low', { priority: 1 }), draft('high', { priority: 9 }), draft('later', { delayMs: 5 })] },
        { drafts: [draft('other', { type: 'x', priority: 10 }), draft('next'), draft('last')] },
      ],
      claims: [claim('w1', ['noop'], 2), claim('w2', null, 2), claim('w3', ['nothing'], 1)],
    })
    expect(first.claims.map(tasks => tasks.map(task => [task.id, task.workerId, task.epoch]))).toEqual([
      [
        ['high', 'w1', 1],
        ['next', 'w1', 1],
      ],
      [
        ['other', 'w2', 1],
        ['last', 'w2', 1],
      ],
      [],
    ])
    expect(await bench.states('low', 'later', 'high')).toEqual(['pending', 'scheduled', 'running'])
    const second = await bench.exchange({
      submits: [{ drafts: [draft('newer', { priority: 1 })] }],
      claims: [claim('w1', null, 1)],
    })
    expect(second.claims.map(tasks => tasks.map(task => task.id))).toEqual([['low']])
  })
}
