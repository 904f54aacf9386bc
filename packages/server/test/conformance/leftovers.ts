import { limits } from '@tasklane/protocol'
import { expect } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import type { Changes } from '../../src/ports/store.ts'
import { draft, errorJson, names } from '../support/drafts.ts'
import { leaseOf } from '../support/store-driver.ts'
import type { Bench, Topic } from './topic.ts'

const childrenCount = 2_500
const perTransaction = limits.releasedInTransactionMax

/** A parent with more children than one transaction may tell. */
async function submitHub(bench: Bench, onDependencyFailure: 'cancel' | 'proceed' = 'cancel'): Promise<void> {
  const children = names('child', childrenCount).map(id => draft(id, { dependencies: ['hub'], onDependencyFailure }))
  await bench.submit(draft('hub', { priority: 10 }))
  for (let at = 0; at < childrenCount; at += 1_000) await bench.submit(...children.slice(at, at + 1_000))
}

async function endHub(bench: Bench, state: 'completed' | 'failed'): Promise<Changes> {
  const hub = await bench.claimOne()
  if (hub.id !== 'hub') throw new Error(`expected the hub, got ${hub.id}`)
  const outcome =
    state === 'completed'
      ? ({ kind: 'completed', result: null } as const)
      : ({ kind: 'failed', error: errorJson('boom'), as: 'failed' } as const)
  return (await bench.exchange({ settles: [{ lease: leaseOf(hub), outcome, guard: 'held' }] })).changes
}

const readyIn = (changes: Changes): number => changes.ready.reduce((sum, lane) => sum + lane.count, 0)

export const leftoversTopic: Topic = test => {
  test('has nothing left over where nothing ended', async ({ store }) => {
    expect(await store.unblock(10)).toEqual({
      changes: { ready: [], ended: [], hasLeftovers: false },
      isDone: true,
    })
  })

  test('releases a thousand children of a hub in its transaction, and each of the others once', async bench => {
    await submitHub(bench)
    const first = await endHub(bench, 'completed')
    expect([readyIn(first), first.hasLeftovers]).toEqual([perTransaction, true])
    expect(await bench.store.counts()).toMatchObject({ pending: 1_000, blocked: 1_500, completed: 1 })
    const rest = await bench.unblockAll(1_000)
    expect(rest.map(readyIn)).toEqual([1_000, 500])
    expect(rest.map(changes => changes.hasLeftovers)).toEqual([true, false])
    expect(await bench.store.counts()).toMatchObject({ pending: 2_500, blocked: 0 })
    const again = await bench.store.unblock(1_000)
    expect([again.isDone, readyIn(again.changes)]).toEqual([true, 0])
  })

  test('goes on in steps as small as asked for', async bench => {
    await submitHub(bench)
    await endHub(bench, 'completed')
    const { changes, isDone } = await bench.store.unblock(7)
    expect([readyIn(changes), isDone]).toEqual([7, false])
    expect((await bench.store.counts()).pending).toBe(1_007)
  })

  test('cancels the children of a failed hub in the same measure', async bench => {
    await submitHub(bench)
    const first = await endHub(bench, 'failed')
    expect([first.ended.length, first.hasLeftovers]).toEqual([1 + perTransaction, true])
    const rest = await bench.unblockAll(1_000)
    expect(rest.map(changes => changes.ended.length)).toEqual([1_000, 500])
    expect(await bench.store.counts()).toMatchObject({ cancelled: 2_500, failed: 1, blocked: 0 })
  })

  test('a cascade below the left over children goes on, too', async bench => {
    await submitHub(bench)
    await bench.submit(
      draft('grandchild', { dependencies: ['child-2499'] }),
      draft('proceeds', { dependencies: ['child-2499'], onDependencyFailure: 'proceed' }),
    )
    await endHub(bench, 'failed')
    await bench.unblockAll()
    expect(await bench.states('grandchild', 'proceeds')).toEqual(['cancelled', 'pending'])
  })

  test('keeps a hub that has left children over', async bench => {
    await submitHub(bench)
    await endHub(bench, 'completed')
    expect(await bench.store.remove([taskId('hub')])).toEqual(['needed'])
  })

  test('a child submitted between leftovers is settled at once and not told again', async bench => {
    await submitHub(bench)
    await endHub(bench, 'completed')
    await bench.submit(
      draft('late', { dependencies: ['hub'] }),
      draft('later', { dependencies: ['hub', 'child-2499'] }),
    )
    expect(await bench.states('late', 'later')).toEqual(['pending', 'blocked'])
    await bench.unblockAll()
    expect(await bench.state('later')).toBe('blocked')
  })

  test('a hub requeued between leftovers lets the rest wait for its next end', async bench => {
    await submitHub(bench)
    await endHub(bench, 'failed')
    expect((await bench.store.requeue([taskId('hub')], false)).verdicts).toEqual(['requeued'])
    const rest = await bench.unblockAll()
    expect(rest.map(changes => changes.ended.length + readyIn(changes))).toEqual([0])
    expect(await bench.store.counts()).toMatchObject({ cancelled: 1_000, blocked: 1_500, pending: 1 })
    await endHub(bench, 'completed')
    await bench.unblockAll()
    expect(await bench.store.counts()).toMatchObject({ cancelled: 1_000, blocked: 0, pending: 1_500, completed: 1 })
  })

  test('a hub requeued with its dependents takes those back that had fallen already', async bench => {
    await submitHub(bench)
    await endHub(bench, 'failed')
    await bench.store.requeue([taskId('hub')], true)
    expect(await bench.store.counts()).toMatchObject({ cancelled: 0, blocked: 2_500, pending: 1 })
    await bench.unblockAll()
    expect(await bench.store.counts()).toMatchObject({ blocked: 2_500 })
    await endHub(bench, 'completed')
    await bench.unblockAll()
    expect(await bench.store.counts()).toMatchObject({ blocked: 0, pending: 2_500, completed: 1 })
  })

  test('a child cancelled between leftovers stays cancelled', async bench => {
    await submitHub(bench, 'proceed')
    await endHub(bench, 'failed')
    await bench.store.cancel([taskId('child-2499')], 'mine')
    await bench.unblockAll()
    expect(await bench.store.counts()).toMatchObject({ cancelled: 1, pending: 2_499, blocked: 0 })
  })

  test('several hubs of one list share the measure of the transaction', async bench => {
    for (const hub of ['one', 'two']) {
      await bench.submit(draft(hub), ...names(`${hub}-child`, 600).map(id => draft(id, { dependencies: [hub] })))
    }
    const { changes } = await bench.store.completeByHand(['one', 'two'].map(id => ({ id: taskId(id), result: null })))
    expect([readyIn(changes), changes.hasLeftovers]).toEqual([1_000, true])
    expect(readyIn((await bench.store.unblock(1_000)).changes)).toBe(200)
  })
}
