import { describe, expect, it } from 'vitest'
import { Problem } from '../../src/core/problem.ts'
import { taskId, workerId } from '../../src/core/task.ts'
import { draft, names } from '../support/drafts.ts'
import { heartbeatMs, idsOf, leaseMs, startNode, stateOf, type TestNode, watch } from './harness.ts'

/** Longer than any pause between two passes: the sweep's jitter is a tenth. */
const sweepMs = 1_200

/** A node past its first grace, with one task held by a worker that is then silent. */
async function withSilentWorker(): Promise<TestNode> {
  const node = await startNode()
  await node.clock.advance(leaseMs + sweepMs)
  await node.register('w1')
  await node.engine.submit([draft('a')])
  await node.claimOne('w1')
  return node
}

describe('a silent worker', () => {
  it('loses its task at the third missed heartbeat, and not before', async () => {
    const node = await withSilentWorker()
    await node.clock.advance(3 * heartbeatMs - 1)
    expect(await stateOf(node, 'a')).toBe('running')
    await node.clock.advance(sweepMs)
    expect(await node.engine.task(taskId('a'))).toMatchObject({ state: 'pending', crashes: 1, workerId: null })
    expect(await node.engine.attempts(taskId('a'))).toMatchObject([{ outcome: 'crashed' }])
    expect(node.events).toContainEqual({ kind: 'attempt_failed', as: 'crashed', willRetry: true })
  })

  it('keeps its task as long as it beats', async () => {
    const node = await withSilentWorker()
    for (let beat = 0; beat < 10; beat += 1) {
      await node.clock.advance(heartbeatMs)
      expect(await node.beat('w1')).toMatchObject({ lost: [] })
    }
    expect(await stateOf(node, 'a')).toBe('running')
  })

  it('is told what it lost when it comes back', async () => {
    const node = await withSilentWorker()
    await node.clock.advance(leaseMs + sweepMs)
    await node.register('w2')
    const again = await node.claimOne('w2')
    expect(again.workerId).toBe('w2')
    const currentTasks = [{ taskId: again.id, epoch: 1, progress: null }]
    const reply = await node.engine.heartbeat({ workerId: workerId('w1'), systemInfo: null, currentTasks })
    expect(reply).toEqual({ lost: ['a'], cancel: [], drain: false })
  })

  it('wakes a parked claim with what it lost', async () => {
    const node = await withSilentWorker()
    await node.register('w2')
    const claim = watch(node.claim('w2', { waitMs: 30_000 }))
    await node.clock.advance(leaseMs + sweepMs)
    expect(idsOf(claim.value())).toEqual(['a'])
  })
})

describe('a worker that beats at an interval of its own', () => {
  async function withSlowWorker(): Promise<TestNode> {
    const node = await startNode({ settings: { heartbeatMs: 1_000 } })
    await node.clock.advance(leaseMs)
    const settings = { instance: null, capabilities: null, queues: null, slots: 1, labels: null, types: null }
    const reply = await node.engine.register({ id: workerId('slow'), ...settings }, { heartbeatMs: 5_000 })
    expect(reply).toMatchObject({ heartbeat_interval: 5, lease_seconds: 15 })
    await node.engine.submit([draft('a')])
    await node.claimOne('slow')
    return node
  }

  it('is held to its own, and not to the shorter one of the scheduler', async () => {
    const node = await withSlowWorker()
    await node.clock.advance(14_000)
    expect(await stateOf(node, 'a')).toBe('running')
    await node.clock.advance(1_000 + sweepMs)
    expect(await stateOf(node, 'a')).toBe('pending')
  })

  it('is given as long as that to be heard after an outage', async () => {
    const node = await withSlowWorker()
    await node.clock.advance(2_000)
    node.outage = new Problem('store_unavailable')
    await node.clock.advance(10_000)
    node.outage = null
    await node.clock.advance(4_500)
    expect(await node.beat('slow')).toMatchObject({ lost: [] })
    await node.clock.advance(4_500)
    expect(await stateOf(node, 'a')).toBe('running')
  })

  it('is held to the scheduler’s where that is longer', async () => {
    const node = await startNode()
    const settings = { instance: null, capabilities: null, queues: null, slots: 1, labels: null, types: null }
    const reply = await node.engine.register({ id: workerId('quick'), ...settings }, { heartbeatMs: 100 })
    expect(reply).toMatchObject({ heartbeat_interval: 5, lease_seconds: 15 })
  })
})

describe('the reaper’s grace', () => {
  it('reaps nothing for one lease after its start', async () => {
    const first = await startNode()
    await first.register('w1')
    await first.engine.submit([draft('a')])
    await first.claimOne('w1')
    await first.engine.stop()
    await first.clock.advance(leaseMs * 4)
    const second = await startNode({ beside: first })
    await second.clock.advance(leaseMs - 1)
    expect(await stateOf(second, 'a')).toBe('running')
    await second.clock.advance(sweepMs)
    expect(await stateOf(second, 'a')).toBe('pending')
  })

  it('counts that lease from the start, however long the making of the node took', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1')
    await node.engine.submit([draft('a')])
    await node.claimOne('w1')
    await node.clock.advance(heartbeatMs - 1_000)
    await node.engine.start()
    await node.clock.advance(leaseMs - 100)
    expect(await stateOf(node, 'a')).toBe('running')
  })

  it('reaps nothing for one lease after a gap in its own clock', async () => {
    const node = await withSilentWorker()
    node.clock.pause(leaseMs * 2)
    await node.clock.advance(leaseMs - 1)
    expect(await stateOf(node, 'a')).toBe('running')
    expect(node.log).toContainEqual({
      level: 'warn',
      message: 'The clock has a gap; nothing is reaped for one lease.',
    })
    await node.clock.advance(sweepMs)
    expect(await stateOf(node, 'a')).toBe('pending')
  })

  it('reaps all the same where every pass comes late: that is a slow machine, not a paused one', async () => {
    const node = await withSilentWorker()
    for (let pass = 0; pass < 8 && (await stateOf(node, 'a')) === 'running'; pass += 1) {
      node.clock.pause(leaseMs)
      await node.clock.advance(1)
    }
    expect(await stateOf(node, 'a')).toBe('pending')
  })

  it('reaps nothing for one lease after somebody set the wall clock', async () => {
    const node = await withSilentWorker()
    node.clock.jumpWall(60_000)
    await node.clock.advance(leaseMs - 1)
    expect(await stateOf(node, 'a')).toBe('running')
    await node.clock.advance(2 * sweepMs)
    expect(await stateOf(node, 'a')).toBe('pending')
  })

  it('gives a dead worker’s task back after one lease, also where the wall clock was set back an hour', async () => {
    const node = await withSilentWorker()
    node.clock.jumpWall(-3_600_000)
    await node.clock.advance(leaseMs + 3 * sweepMs)
    expect(await stateOf(node, 'a')).toBe('pending')
  })

  it('reaps nothing for one lease after the store refused what workers said, though it could be read', async () => {
    const node = await withSilentWorker()
    await node.clock.advance(leaseMs - sweepMs)
    node.outage = new Problem('store_unavailable')
    await expect(node.beat('w1')).rejects.toMatchObject({ code: 'store_unavailable' })
    node.outage = null
    await node.clock.advance(leaseMs - sweepMs)
    expect(await stateOf(node, 'a')).toBe('running')
  })

  it('gives a worker that was told longer terms by a former node its time', async () => {
    const former = await startNode({ settings: { heartbeatMs: heartbeatMs * 4 } })
    await former.register('w1')
    await former.engine.submit([draft('a')])
    await former.claimOne('w1')
    await former.engine.stop()
    await former.clock.advance(leaseMs * 3)
    const node = await startNode({ beside: former })
    await node.clock.advance(leaseMs * 3)
    expect(await stateOf(node, 'a')).toBe('running')
    expect((await node.beat('w1')).lost).toEqual([])
    await node.clock.advance(leaseMs * 3)
    expect(await stateOf(node, 'a')).toBe('running')
  })

  it('reaps nothing while a beat has been on its way to the store for long', async () => {
    const held: (() => void)[] = []
    const node = await startNode({
      exchangesAtOnce: 2,
      beforeExchange: batch => (batch.beats.length === 0 ? Promise.resolve() : new Promise(go => held.push(go))),
    })
    await node.clock.advance(leaseMs + sweepMs)
    await node.register('w1')
    await node.engine.submit([draft('a')])
    await node.claimOne('w1')
    await node.clock.advance(leaseMs - heartbeatMs)
    const beat = watch(node.beat('w1'))
    await node.clock.advance(heartbeatMs + 2 * sweepMs)
    expect(held).toHaveLength(1)
    expect(await stateOf(node, 'a')).toBe('running')
    expect(node.log).toContainEqual({ level: 'warn', message: 'The store is late; nothing is reaped for one lease.' })
    held.shift()?.()
    await node.clock.rest()
    expect(beat.value()).toMatchObject({ lost: [] })
  })

  it('reaps all the same where the store is late for ever', async () => {
    const held: (() => void)[] = []
    const node = await startNode({
      exchangesAtOnce: 2,
      beforeExchange: batch => (batch.beats.length === 0 ? Promise.resolve() : new Promise(go => held.push(go))),
    })
    await node.clock.advance(leaseMs + sweepMs)
    await node.register('w1')
    await node.engine.submit([draft('a')])
    await node.claimOne('w1')
    const beat = watch(node.beat('w1'))
    await node.clock.advance(6 * leaseMs)
    expect(await stateOf(node, 'a')).toBe('pending')
    held.shift()?.()
    await node.clock.rest()
    expect(beat.isSettled()).toBe(true)
  })

  it('reaps nothing for one lease after the store was away', async () => {
    const node = await withSilentWorker()
    await node.clock.advance(sweepMs)
    node.outage = new Problem('store_unavailable')
    await node.clock.advance(leaseMs * 2)
    node.outage = null
    await node.clock.advance(leaseMs - sweepMs)
    expect(await stateOf(node, 'a')).toBe('running')
    await node.clock.advance(2 * sweepMs)
    expect(await stateOf(node, 'a')).toBe('pending')
  })

  it.each(['promote', 'unblock', 'prune', 'pruneAudit'] as const)(
    'reaps though `%s` fails for a fault of ours',
    async call => {
      const node = await startNode({ isBroken: each => each === call })
      await node.clock.advance(leaseMs + sweepMs)
      await node.register('w1')
      await node.engine.submit([draft('a')])
      await node.claimOne('w1')
      await node.clock.advance(leaseMs + sweepMs)
      expect(await stateOf(node, 'a')).toBe('pending')
      const told = node.log.filter(({ level }) => level === 'error')
      expect(told.map(({ message }) => message)).toEqual(['A sweep failed; it is tried again at every pass.'])
    },
  )

  it('tells of an outage once, and of its end', async () => {
    const node = await startNode()
    node.outage = new Problem('store_unavailable')
    await node.clock.advance(10_000)
    node.outage = null
    await node.clock.advance(2_000)
    expect(node.log.filter(line => line.level === 'error').length).toBe(1)
    expect(node.log).toContainEqual({ level: 'info', message: 'The store is back.' })
  })
})

describe('a scheduled task', () => {
  it('is promoted when it is due, and not at the next pass only', async () => {
    const node = await startNode()
    await node.clock.advance(400)
    await node.engine.submit([draft('a', { delayMs: 150 })])
    await node.clock.advance(149)
    expect(await stateOf(node, 'a')).toBe('scheduled')
    await node.clock.advance(1)
    expect(await stateOf(node, 'a')).toBe('pending')
  })

  it('is promoted in time where another one is due before it', async () => {
    const node = await startNode()
    await node.engine.submit([draft('late', { delayMs: 5_000 }), draft('soon', { delayMs: 70 })])
    await node.clock.advance(70)
    expect([await stateOf(node, 'soon'), await stateOf(node, 'late')]).toEqual(['pending', 'scheduled'])
    await node.clock.advance(4_930)
    expect(await stateOf(node, 'late')).toBe('pending')
  })

  it('wakes a parked claim when it is due', async () => {
    const node = await startNode()
    await node.register('w1')
    const claim = watch(node.claim('w1', { waitMs: 30_000 }))
    await node.engine.submit([draft('a', { delayMs: 2_345 })])
    await node.clock.advance(2_344)
    expect(claim.isSettled()).toBe(false)
    await node.clock.advance(1)
    expect(idsOf(claim.value())).toEqual(['a'])
  })
})

describe('housekeeping', () => {
  it('goes on with the children that a hub left over, without being asked', async () => {
    const node = await startNode()
    await node.register('w1')
    const children = names('child', 2_500).map(id => draft(id, { dependencies: ['hub'] }))
    await node.engine.submit([draft('hub')])
    for (let at = 0; at < children.length; at += 1_000) await node.engine.submit(children.slice(at, at + 1_000))
    await node.settle(await node.claimOne('w1'), { outcome: 'completed' })
    await node.clock.rest()
    expect(await node.store.counts()).toMatchObject({ pending: 2_500, blocked: 0 })
  })

  it('forgets old entries of the audit log', async () => {
    const node = await startNode({ settings: { auditKeepMs: 60_000 } })
    const entry = { actor: null, subject: null, address: null, outcome: 'ok', requestId: null }
    await node.store.appendAudit(Array.from({ length: 2_500 }, (_, at) => ({ ...entry, action: `a${at}` })))
    const count = async () =>
      (await node.store.audit({ actor: null, action: null, subject: null }, { limit: 5_000, before: null })).length
    await node.clock.advance(59_000)
    expect(await count()).toBe(2_500)
    await node.clock.advance(15_000)
    expect(await count()).toBe(0)
  })

  it('prunes finished tasks after the retention', async () => {
    const node = await startNode({ settings: { retentionMs: 60_000 } })
    await node.engine.submit([draft('a')])
    await node.engine.cancel(taskId('a'), null)
    await node.clock.advance(59_000)
    expect(await stateOf(node, 'a')).toBe('cancelled')
    await node.clock.advance(15_000)
    expect(await node.store.task(taskId('a'))).toBeNull()
  })
})
