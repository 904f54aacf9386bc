import { describe, expect, it } from 'vitest'
import { Problem } from '../../src/core/problem.ts'
import { taskId, workerId } from '../../src/core/task.ts'
import { type Committer, createCommitter, type ParkedClaim } from '../../src/engine/committer.ts'
import type { ClaimAsk } from '../../src/ports/store.ts'
import { createMemoryStore } from '../../src/stores/memory/memory-store.ts'
import { draft, names } from '../support/drafts.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'
import { codeOf, idsOf, startNode, watch } from './harness.ts'

describe('group commit', () => {
  it('puts all that arrives during one turn into one exchange', async () => {
    const node = await startNode({ isStarted: false })
    const before = node.exchanges.length
    await Promise.all(names('t', 300).map(id => node.engine.submit([draft(id)])))
    expect(node.exchanges.slice(before).map(batch => batch.submits.length)).toEqual([300])
    expect((await node.store.counts()).pending).toBe(300)
  })

  it('gathers what arrives while a commit is under way for the next one', async () => {
    const { committer, clock, kinds, letGo } = startGated()
    const first = committer.submit([{ drafts: [draft('a')] }])
    expect(clock.runSoon()).toBe(1)
    const others = names('t', 5).map(id => committer.submit([{ drafts: [draft(id)] }]))
    expect([clock.runSoon(), kinds]).toEqual([0, ['1 submits, 0 claims']])
    await letGo()
    await first
    clock.runSoon()
    await letGo()
    await Promise.all(others)
    expect(kinds).toEqual(['1 submits, 0 claims', '5 submits, 0 claims'])
  })

  it('keeps submits for the exchange that can hand them over, where a store takes two at once', async () => {
    const { committer, clock, kinds, letGo } = startGated({ exchangesAtOnce: 2 })
    const submit = (id: string): void => void committer.submit([{ drafts: [draft(id)] }])

    submit('beside submits')
    clock.runSoon()
    submit('and another')
    clock.runSoon()
    expect(kinds).toEqual(['1 submits, 0 claims', '1 submits, 0 claims'])
    await letGo()

    void committer.claim(ask)
    clock.runSoon()
    submit('beside a claim')
    clock.runSoon()
    expect(kinds.slice(2)).toEqual(['0 submits, 1 claims'])
    void committer.claim(ask)
    clock.runSoon()
    expect(kinds.slice(3)).toEqual(['1 submits, 1 claims'])
    submit('beside two')
    await letGo()
    clock.runSoon()
    expect(kinds.slice(4)).toEqual(['1 submits, 0 claims'])
    await letGo()
    await committer.idle()
  })

  describe('where the workers of a lane find nothing', () => {
    it('sends new tasks along with claims, as many as these have room for', async () => {
      const { committer, kinds, step, submit } = await startHungry()
      const claim = (): void => void committer.claim({ ...ask, limit: 500 })
      for (const count of [200, 200, 200, 200]) submit(count)
      void committer.settle([])
      await step()
      expect(kinds).toEqual(['0 submits, 0 claims'])
      claim()
      await step()
      // The claim has room for 500; the last command that has a place there goes as a whole.
      expect(kinds.slice(1)).toEqual(['3 submits, 1 claims'])
      claim()
      await step()
      // A hundred were left behind, and a claim takes those first.
      expect(kinds.slice(2)).toEqual(['0 submits, 1 claims'])
      claim()
      await step()
      claim()
      await step()
      expect(kinds.slice(3)).toEqual(['0 submits, 1 claims', '1 submits, 1 claims'])
    })

    it('keeps no few of them', async () => {
      const { committer, kinds, step, submit } = await startHungry()
      submit(100)
      void committer.settle([])
      await step()
      expect(kinds).toEqual(['1 submits, 0 claims'])
    })

    it('sends them at once when nobody is served who could claim', async () => {
      const { kinds, step, submit } = await startHungry()
      submit(200)
      await step()
      expect(kinds).toEqual(['1 submits, 0 claims'])
    })

    it('sends them at once to a claim that is parked', async () => {
      const parked: ParkedClaim[] = []
      const { committer, kinds, step, submit } = await startHungry(parked)
      parked.push({ ask, settle: () => {}, fail: () => {} })
      submit(200)
      void committer.settle([])
      await step()
      expect(kinds).toEqual(['1 submits, 1 claims'])
    })

    it('keeps them for a few exchanges only', async () => {
      const { committer, kinds, step, submit } = await startHungry()
      submit(200)
      for (let count = 0; count < 9; count += 1) {
        void committer.settle([])
        await step()
      }
      expect(kinds).toEqual([...Array<string>(8).fill('0 submits, 0 claims'), '1 submits, 0 claims'])
      // They waited in vain, so that the next ones do not.
      submit(200)
      void committer.settle([])
      await step()
      expect(kinds.slice(9)).toEqual(['1 submits, 0 claims'])
    })

    it('keeps them for a quarter of a second only', async () => {
      const { committer, clock, kinds, letGo, submit } = await startHungry()
      void committer.settle([])
      clock.runSoon()
      submit(200)
      clock.runSoon()
      await clock.advance(249)
      expect(kinds).toEqual(['0 submits, 0 claims'])
      await clock.advance(1)
      clock.runSoon()
      expect(kinds).toEqual(['0 submits, 0 claims', '1 submits, 0 claims'])
      await letGo()
      await committer.idle()
      expect(clock.timers()).toBe(0)
    })

    it('lets no child overtake the parent that came before it', async () => {
      const { committer, kinds, step, submit } = await startHungry()
      submit(200)
      const child = committer.submit([{ drafts: [draft('child', { dependencies: ['batch-1-0'] })] }])
      void committer.settle([])
      await step()
      expect(kinds).toEqual(['2 submits, 0 claims'])
      expect(await child).toMatchObject([{ kind: 'accepted' }])
    })

    it('sends tasks at once that no claim can take at once', async () => {
      const { committer, kinds, step } = await startHungry()
      const waits = [{ delayMs: 1_000 }, { runAtMs: 4_102_444_800_000 }]
      for (const [at, options] of waits.entries()) {
        void committer.submit([{ drafts: names(`later-${at}`, 100).map(id => draft(id, options)) }])
      }
      void committer.settle([])
      await step()
      expect(kinds).toEqual(['2 submits, 0 claims'])
    })
  })

  it('asks no clock while no exchange may begin', async () => {
    const { committer, clock, kinds, letGo } = startGated()
    for (const id of ['a', 'b']) {
      void committer.submit([{ drafts: [draft(id)] }])
      clock.runSoon()
    }
    expect(clock.timers()).toBe(0)
    await clock.advance(60_000)
    expect([clock.timers(), kinds]).toEqual([0, ['1 submits, 0 claims']])
    await letGo()
    clock.runSoon()
    await letGo()
    await committer.idle()
    expect(kinds).toHaveLength(2)
  })

  it('gives each caller its own answers', async () => {
    const node = await startNode({ isStarted: false })
    const before = node.exchanges.length
    const [one, two, three] = await Promise.all([
      node.engine.submit([draft('a'), draft('b')]),
      codeOf(node.engine.submit([draft('c', { dependencies: ['ghost'] })])),
      node.engine.submitEach([draft('d'), draft('e', { dependencies: ['ghost'] }), draft('f')]),
    ])
    expect(node.exchanges.length - before).toBe(1)
    expect(one.map(each => each.record.id)).toEqual(['a', 'b'])
    expect(two).toBe('dependency_unknown')
    expect(three.map(each => each.outcome)).toEqual(['created', 'refused', 'created'])
  })

  it('lets nobody pay for a call that the store cannot take for a fault of ours', async () => {
    const poison = draft('poison')
    const node = await startNode({
      isStarted: false,
      beforeExchange: async ({ submits }) => {
        if (submits.some(({ drafts }) => drafts.includes(poison))) throw new TypeError('out of range')
      },
    })
    await node.register('w1')
    await node.register('w2')
    const parked = watch(node.claim('w2', { waitMs: 30_000 }))
    await node.clock.rest()
    const [good, bad, also, beat, claimed] = await Promise.all([
      node.engine.submit([draft('a')]),
      codeOf(node.engine.submit([poison])),
      node.engine.submit([draft('b')]),
      node.beat('w1'),
      node.claim('w1', { limit: 1 }),
    ])
    expect(bad).toBe('TypeError: out of range')
    expect([...good, ...also].map(each => each.outcome)).toEqual(['created', 'created'])
    expect(beat).toEqual({ cancel: [], lost: [], drain: false })
    expect(idsOf(claimed)).toEqual(['a'])
    // Who waited for work waits on, and gets what was left.
    expect(parked.isSettled()).toBe(false)
    await node.engine.submit([draft('c')])
    await node.clock.rest()
    expect(idsOf(parked.value())).toEqual(['b', 'c'])
    expect(node.log).toContainEqual(expect.objectContaining({ level: 'error' }))
  })

  it('tries few calls by themselves where the store takes none at all', async () => {
    const node = await startNode({ isStarted: false })
    const before = node.exchanges.length
    node.outage = new TypeError('broken')
    const codes = await Promise.all(names('t', 100).map(id => codeOf(node.engine.submit([draft(id)]))))
    expect(new Set(codes)).toEqual(new Set(['TypeError: broken']))
    expect(node.exchanges.length - before).toBeLessThan(20)
    node.outage = null
    await node.engine.submit([draft('after')])
  })

  it('answers a call without items, too, while another commit is under way', async () => {
    const { committer, clock, letGo } = startGated()
    const full = committer.submit([{ drafts: [draft('a')] }])
    clock.runSoon()
    const empty = [watch(committer.submit([{ drafts: [] }])), watch(committer.settle([]))]
    await letGo()
    await full
    clock.runSoon()
    await letGo()
    expect(empty.map(call => call.value())).toEqual([[{ kind: 'accepted', receipts: [] }], []])
    expect(await codeOf(committer.idle())).toBe('none')
  })

  it('submits the tasks of a loose batch parents first, in whatever order they are listed', async () => {
    const node = await startNode({ isStarted: false })
    const outcomes = await node.engine.submitEach([
      draft('grandchild', { dependencies: ['child'] }),
      draft('child', { dependencies: ['parent'] }),
      draft('parent'),
      draft('orphan', { dependencies: ['ghost'] }),
      draft('of-orphan', { dependencies: ['orphan'] }),
    ])
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['created', 'created', 'created', 'refused', 'refused'])
    expect(await node.store.counts()).toMatchObject({ pending: 1, blocked: 2 })
  })

  it('refuses a cycle of a loose batch by its name, and what hangs below it, and nothing else', async () => {
    const node = await startNode({ isStarted: false })
    const outcomes = await node.engine.submitEach([
      draft('a', { dependencies: ['b'] }),
      draft('b', { dependencies: ['a'] }),
      draft('below', { dependencies: ['a'] }),
      draft('apart'),
    ])
    expect(outcomes).toMatchObject([
      { outcome: 'refused', code: 'dependency_cycle', detail: expect.stringMatching(/a → b → a|b → a → b/) },
      { outcome: 'refused', code: 'dependency_cycle' },
      { outcome: 'refused', code: 'dependency_cycle' },
      { outcome: 'created' },
    ])
  })

  it('cuts a crowd into commits that keep nobody waiting for long', async () => {
    const node = await startNode({ isStarted: false })
    const batches = Array.from({ length: 12 }, (_, at) => names(`b${at}`, 1_000).map(id => draft(id)))
    await Promise.all(batches.map(drafts => node.engine.submit(drafts)))
    expect(node.exchanges.map(batch => batch.submits.length)).toEqual([3, 3, 3, 3])
  })

  it('keeps room for heartbeats and claims, however much is submitted', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1')
    const batches = Array.from({ length: 9 }, (_, at) => names(`b${at}`, 1_000).map(id => draft(id)))
    const submits = Promise.all(batches.map(drafts => node.engine.submit(drafts)))
    const claim = watch(node.claim('w1', { waitMs: 0 }))
    await submits
    expect(claim.value()).toHaveLength(10)
    expect(node.exchanges[0]?.claims).toHaveLength(1)
  })

  it('refuses what is beyond its bound, and takes it again when the crowd has gone', async () => {
    const node = await startNode({ isStarted: false })
    // The same drafts again and again: only their number weighs.
    const drafts = names('t', 1_000).map(id => draft(id))
    const crowd = Array.from({ length: 201 }, () => node.engine.submit(drafts))
    const codes = await Promise.all(crowd.map(codeOf))
    expect([codes.slice(0, 200).every(code => code === 'none'), codes[200]]).toEqual([true, 'overloaded'])
    expect(await codeOf(node.engine.submit([draft('later')]))).toBe('none')
  })

  it('tells every caller of an exchange that the store refused, and goes on with the next', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1')
    const parked = node.claim('w1', { waitMs: 30_000 })
    await node.clock.rest()
    node.outage = new Problem('store_unavailable')
    const calls = [node.engine.submit([draft('a')]), node.engine.submit([draft('b')]), node.beat('w1'), parked]
    expect(await Promise.all(calls.map(codeOf))).toEqual(Array(4).fill('store_unavailable'))
    node.outage = null
    expect(await codeOf(node.engine.submit([draft('a')]))).toBe('none')
    expect(idsOf(await node.claim('w1'))).toEqual(['a'])
  })
})

describe('stopping', () => {
  it('ends waits with nothing, commits what is queued, and then is quiet', async () => {
    const node = await startNode()
    await node.register('w1')
    await node.engine.submit([draft('waited-for', { type: 'other', delayMs: 60_000 })])
    const claim = watch(node.claim('w1', { waitMs: 30_000 }))
    const result = watch(node.engine.waitForResult(taskId('waited-for'), 30_000, new AbortController().signal))
    await node.clock.rest()
    const submit = watch(node.engine.submit([draft('queued', { type: 'other', delayMs: 1 })]))
    await node.engine.stop()
    await node.clock.rest()
    expect(claim.value()).toEqual([])
    expect(result.value()).toMatchObject({ id: 'waited-for', state: 'scheduled' })
    expect(submit.isSettled()).toBe(true)
    expect(await node.store.task(taskId('queued'))).toMatchObject({ state: 'scheduled' })
    expect(node.clock.timers()).toBe(0)
  })

  it('is told by the readiness, before calls are refused', async () => {
    const node = await startNode()
    await node.register('w1')
    expect(await codeOf(node.engine.checkReady())).toBe('none')
    node.engine.beginStop()
    expect(await codeOf(node.engine.checkReady())).toBe('stopping')
    expect(await codeOf(node.engine.submit([draft('a')]))).toBe('none')
    expect(idsOf(await node.claim('w1', { waitMs: 30_000 }))).toEqual(['a'])
    expect(await node.claim('w1', { waitMs: 30_000 })).toEqual([])
  })

  it('is not ready while the store is away', async () => {
    const node = await startNode()
    node.outage = new Problem('store_unavailable')
    expect(await codeOf(node.engine.checkReady())).toBe('store_unavailable')
  })
})

const ask: ClaimAsk = Object.freeze({
  workerId: workerId('w'),
  queues: null,
  types: null,
  limit: 10,
  leaseMs: 30_000,
  requestId: null,
})

/** After a claim that found nothing in a lane that is known. */
async function startHungry(parked: ParkedClaim[] = []) {
  const gated = startGated({ exchangesAtOnce: 2, parked })
  const { committer, clock, kinds, letGo } = gated
  let serial = 0
  const submit = (count: number): void => {
    const ids = names(`batch-${++serial}`, count)
    void committer.submit([{ drafts: ids.map(id => draft(id)) }])
  }
  const step = async (): Promise<void> => {
    clock.runSoon()
    await letGo()
  }
  void committer.submit([{ drafts: [draft('seen')] }])
  await step()
  for (const what of ['the one', 'nothing']) {
    void committer.claim({ ...ask, requestId: what })
    await step()
  }
  kinds.splice(0)
  return { ...gated, submit, step }
}

interface Gated {
  readonly committer: Committer
  readonly clock: VirtualClock
  /** What each exchange brought, in the order in which they began. */
  readonly kinds: string[]
  /** Lets the exchanges under way end. */
  letGo(): Promise<void>
}

/** A committer over the model, whose exchanges end when they are let go. */
function startGated({
  exchangesAtOnce = 1,
  parked = [],
}: {
  exchangesAtOnce?: number
  parked?: ParkedClaim[]
} = {}): Gated {
  const clock = createVirtualClock({ soon: 'by hand' })
  const model = createMemoryStore({ clock })
  const kinds: string[] = []
  let gates: (() => void)[] = []
  const exchange: typeof model.exchange = async batch => {
    kinds.push(`${batch.submits.length} submits, ${batch.claims.length} claims`)
    await new Promise<void>(resolve => {
      gates.push(resolve)
    })
    return model.exchange(batch)
  }
  const committer = createCommitter({
    store: { ...model, exchangesAtOnce, exchange },
    clock,
    takeParked: lanes => (lanes.length === 0 ? [] : parked.splice(0)),
    takeHopeful: () => [],
    onCommit: () => {},
    onFailure: () => {},
    onFault: () => {},
  })
  return {
    committer,
    clock,
    kinds,
    letGo: async () => {
      for (const open of gates) open()
      gates = []
      await clock.rest()
    },
  }
}
