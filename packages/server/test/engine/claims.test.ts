import { describe, expect, it } from 'vitest'
import { taskId, workerId } from '../../src/core/task.ts'
import { draft, names } from '../support/drafts.ts'
import { codeOf, idsOf, leaseMs, startNode, stateOf, watch } from './harness.ts'

describe('a parked claim', () => {
  it('is answered by the exchange that brings the submit', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1')
    const claim = watch(node.claim('w1', { waitMs: 30_000 }))
    await node.clock.rest()
    const before = node.exchanges.length
    await node.engine.submit([draft('a')])
    await node.clock.rest()
    expect(idsOf(claim.value())).toEqual(['a'])
    expect(node.exchanges.slice(before)).toMatchObject([{ submits: [{}], claims: [{ workerId: 'w1' }] }])
  })

  it.each([
    ['the first look', 0],
    ['a later look', 2],
  ])(
    'is asked for again where work came by another exchange while its answer to %s was on its way',
    async (_, held) => {
      let looks = 0
      let letGo = (): void => {}
      const node = await startNode({
        isStarted: false,
        exchangesAtOnce: 2,
        afterExchange: async ({ claims }) => {
          if (claims.length === 0) return
          looks += 1
          if (looks === held + 1) await new Promise<void>(resolve => (letGo = resolve))
        },
      })
      await node.register('w1')
      const claim = watch(node.claim('w1', { waitMs: 30_000 }))
      await node.clock.rest()
      if (held > 0) {
        // In vain: the queue is paused, and the waiter is asked for once more.
        await node.store.setQueue('default', { isPaused: true })
        await node.engine.submit([draft('early')])
        await node.clock.rest()
        await node.store.cancel([taskId('early')], null)
        await node.store.setQueue('default', { isPaused: false })
      }
      const submitted = watch(node.engine.submit([draft('a')]))
      await node.clock.rest()
      // It waits for the exchange that could hand it over, but not for long.
      expect(submitted.isSettled()).toBe(false)
      await node.clock.advance(250)
      expect(submitted.isSettled()).toBe(true)
      letGo()
      await node.clock.rest()
      expect(idsOf(claim.value())).toEqual(['a'])
    },
  )

  it('is served in the order of arrival', async () => {
    const node = await startNode({ isStarted: false })
    const claims = []
    for (const id of ['w1', 'w2', 'w3']) {
      await node.register(id)
      claims.push(watch(node.claim(id, { waitMs: 30_000, limit: 1 })))
      await node.clock.rest()
    }
    await node.engine.submit([draft('a'), draft('b')])
    await node.clock.rest()
    expect(claims.map(claim => idsOf(claim.value()))).toEqual([['a'], ['b'], undefined])
  })

  it('keeps its place where another took the task before it', async () => {
    const node = await startNode({ isStarted: false })
    for (const id of ['w1', 'w2', 'w3']) await node.register(id)
    const first = watch(node.claim('w1', { waitMs: 30_000, limit: 1 }))
    await node.clock.rest()
    const second = watch(node.claim('w2', { waitMs: 30_000, limit: 1 }))
    await node.clock.rest()
    await node.store.setQueue('default', { isPaused: true })
    await node.engine.submit([draft('a')])
    await node.clock.rest()
    expect([first.isSettled(), second.isSettled()]).toEqual([false, false])
    await node.store.setQueue('default', { isPaused: false })
    await node.store.cancel([taskId('a')], null)
    await node.engine.submit([draft('b')])
    await node.clock.rest()
    expect([idsOf(first.value()), second.isSettled()]).toEqual([['b'], false])
  })

  it('is not woken where the tasks go to those before it', async () => {
    const node = await startNode({ isStarted: false })
    for (const id of ['w1', 'w2', 'w3']) {
      await node.register(id)
      void node.claim(id, { waitMs: 30_000, limit: 4 })
      await node.clock.rest()
    }
    const before = node.exchanges.length
    await node.engine.submit([draft('a'), draft('b'), draft('c')])
    await node.clock.rest()
    expect(node.exchanges.slice(before).flatMap(batch => batch.claims.map(ask => ask.workerId))).toEqual(['w1'])
  })

  it('is woken only for lanes that it serves', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('mail', { capabilities: ['mail'] })
    await node.register('letters', { queues: ['letters'] })
    const mail = watch(node.claim('mail', { waitMs: 30_000 }))
    const letters = watch(node.claim('letters', { waitMs: 30_000 }))
    await node.clock.rest()
    const before = node.exchanges.length
    await node.engine.submit([draft('a', { type: 'count' })])
    await node.clock.rest()
    expect(node.exchanges.slice(before).flatMap(batch => batch.claims)).toEqual([])
    await node.engine.submit([draft('b', { type: 'mail' }), draft('c', { queue: 'letters' })])
    await node.clock.rest()
    expect([idsOf(mail.value()), idsOf(letters.value())]).toEqual([['b'], ['c']])
  })

  it('is woken by an unblock, a retry, a release and a requeue', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1')
    await node.register('w2')
    const waits = async () => {
      const claim = watch(node.claim('w2', { waitMs: 30_000, limit: 1 }))
      await node.clock.rest()
      expect(claim.isSettled()).toBe(false)
      return claim
    }
    await node.engine.submit([draft('parent'), draft('child', { dependencies: ['parent'] })])
    const parent = await node.claimOne('w1')
    const byUnblock = await waits()
    await node.settle(parent, { outcome: 'completed' })
    await node.clock.rest()
    expect(idsOf(byUnblock.value())).toEqual(['child'])

    const byRelease = await waits()
    const [child] = byUnblock.value() ?? []
    if (child === undefined) throw new Error('expected the child')
    await node.settle(child, { outcome: 'released' })
    await node.clock.rest()
    const [again] = byRelease.value() ?? []
    expect(again?.id).toBe('child')

    if (again === undefined) throw new Error('expected the child again')
    await node.settle(again, { outcome: 'failed', isRetryable: false })
    const byRequeue = await waits()
    await node.engine.retry(again.id, false)
    await node.clock.rest()
    expect(idsOf(byRequeue.value())).toEqual(['child'])
  })

  it('is woken for what the same exchange has left, and not for what it has handed out', async () => {
    const node = await startNode({ isStarted: false })
    const others = names('other', 7)
    for (const id of ['w1', ...others]) await node.register(id)
    const children = names('child', 6).map(id => draft(id, { dependencies: ['parent'] }))
    await node.engine.submit([draft('parent'), ...children])
    const parent = await node.claimOne('w1')
    const claims = others.map(id => watch(node.claim(id, { waitMs: 30_000, limit: 1 })))
    await node.clock.rest()
    const before = node.exchanges.length
    await node.settle(parent, { outcome: 'completed' })
    await node.clock.rest()
    expect(claims.filter(claim => claim.isSettled())).toHaveLength(6)
    // A few go along with the settle; the next takes the rest, and nobody asks in vain.
    expect(node.exchanges.slice(before).map(batch => batch.claims.length)).toEqual([4, 2])
  })

  it('ends empty when its time is up', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1')
    const claim = watch(node.claim('w1', { waitMs: 2_000 }))
    await node.clock.advance(1_999)
    expect(claim.isSettled()).toBe(false)
    await node.clock.advance(1)
    expect(claim.value()).toEqual([])
    expect(node.clock.timers()).toBe(0)
  })

  it('ends empty when its asker goes, and takes nothing from then on', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1')
    const caller = new AbortController()
    const claim = watch(node.claim('w1', { waitMs: 30_000, signal: caller.signal }))
    await node.clock.rest()
    caller.abort()
    await node.clock.rest()
    expect(claim.value()).toEqual([])
    await node.engine.submit([draft('a')])
    await node.clock.rest()
    expect(await stateOf(node, 'a')).toBe('pending')
    expect(node.clock.timers()).toBe(0)
  })

  it('looks again at every sweep, since a hint may be lost', async () => {
    const node = await startNode()
    await node.register('w1')
    const claim = watch(node.claim('w1', { waitMs: 30_000 }))
    await node.clock.rest()
    await node.store.exchange({ settles: [], submits: [{ drafts: [draft('a')] }], beats: [], claims: [] })
    await node.clock.advance(1_200)
    expect(idsOf(claim.value())).toEqual(['a'])
  })

  it('is woken when its queue is resumed', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1')
    await node.engine.setQueue('default', { isPaused: true })
    await node.engine.submit([draft('a')])
    const claim = watch(node.claim('w1', { waitMs: 30_000 }))
    await node.clock.rest()
    expect(claim.isSettled()).toBe(false)
    await node.engine.setQueue('default', { isPaused: false })
    await node.clock.rest()
    expect(idsOf(claim.value())).toEqual(['a'])
  })

  it('asks once where two things wake it at the same time', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1')
    const claim = watch(node.claim('w1', { waitMs: 30_000, limit: 1 }))
    await node.clock.rest()
    const before = node.exchanges.length
    await Promise.all([
      node.engine.setQueue('default', { isPaused: false }),
      node.engine.submit([draft('a'), draft('b')]),
    ])
    await node.clock.rest()
    expect(node.exchanges.slice(before).flatMap(batch => batch.claims).length).toBe(1)
    expect([idsOf(claim.value()), await stateOf(node, 'b')]).toEqual([['a'], 'pending'])
  })

  it('ends empty when its worker drains', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1')
    const claim = watch(node.claim('w1', { waitMs: 30_000 }))
    await node.clock.rest()
    await node.engine.drain(workerId('w1'))
    await node.clock.rest()
    expect(claim.value()).toEqual([])
    await node.engine.submit([draft('a')])
    expect(await stateOf(node, 'a')).toBe('pending')
  })

  it('ends empty when its worker is deregistered', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1')
    const claim = watch(node.claim('w1', { waitMs: 30_000 }))
    await node.clock.rest()
    await node.engine.deregister(workerId('w1'))
    await node.engine.submit([draft('a')])
    await node.clock.rest()
    expect([claim.value(), await stateOf(node, 'a')]).toEqual([[], 'pending'])
  })

  it('of a former process takes nothing once another of the same id has registered', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1', { instance: 'old' })
    const claim = watch(node.claim('w1', { waitMs: 30_000 }))
    await node.clock.rest()
    await node.register('w1', { instance: 'new' })
    await node.engine.submit([draft('a')])
    await node.clock.rest()
    expect([claim.value(), await stateOf(node, 'a')]).toEqual([[], 'pending'])
  })
})

describe('a claim', () => {
  it('needs a worker that is registered and does not drain', async () => {
    const node = await startNode({ isStarted: false })
    expect(await codeOf(node.claim('ghost'))).toBe('worker_unknown')
    await node.register('w1')
    expect(await codeOf(node.claim('w1'))).toBe('none')
    await node.engine.drain(workerId('w1'))
    expect(await codeOf(node.claim('w1'))).toBe('worker_draining')
    await node.register('w1')
    expect(await codeOf(node.claim('w1'))).toBe('none')
  })

  it('takes nothing from a worker that got one of two answers to the same request', async () => {
    const node = await startNode()
    await node.register('w1')
    await node.engine.submit([draft('a')])
    const lost = await node.claim('w1', { requestId: 'r1' })
    const received = await node.claim('w1', { requestId: 'r1' })
    expect(received).toEqual(lost)
    await node.engine.releaseUndelivered(workerId('w1'), lost, 'r1')
    expect(await stateOf(node, 'a')).toBe('running')
    await node.engine.releaseUndelivered(workerId('w1'), received, 'r1')
    expect(await stateOf(node, 'a')).toBe('pending')
  })

  it('hands nothing to a worker that was drained while its claim was under way', async () => {
    const node = await startNode()
    await node.register('w1')
    const claim = watch(node.claim('w1', { waitMs: 30_000 }))
    await node.engine.drain(workerId('w1'))
    await node.clock.rest()
    await node.engine.submit([draft('a')])
    await node.clock.rest()
    expect(claim.value()).toEqual([])
    expect(await stateOf(node, 'a')).toBe('pending')
  })

  it('gives back uncharged what it got after its asker had gone', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1')
    await node.engine.submit([draft('a')])
    const caller = new AbortController()
    const claim = node.claim('w1', { signal: caller.signal })
    caller.abort()
    expect(await claim).toEqual([])
    await node.clock.rest()
    expect(await node.engine.task(taskId('a'))).toMatchObject({ state: 'pending', attempt: 0, epoch: 1 })
  })

  it('takes the workers’ word of types and queues from their registration', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1', { capabilities: ['mail'], queues: ['letters'] })
    await node.engine.submit([draft('a', { type: 'mail' }), draft('b', { type: 'mail', queue: 'letters' })])
    expect(idsOf(await node.claim('w1'))).toEqual(['b'])
  })

  it('holds its tasks for three heartbeats', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1')
    await node.engine.submit([draft('a')])
    expect((await node.claimOne('w1')).leaseExpiresAtMs).toBe(node.clock.now() + leaseMs)
  })
})
