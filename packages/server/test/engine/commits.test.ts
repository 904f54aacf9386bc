import { describe, expect, it } from 'vitest'
import { Problem } from '../../src/core/problem.ts'
import { taskId, workerId } from '../../src/core/task.ts'
import { createCommitter } from '../../src/engine/committer.ts'
import { createMemoryStore } from '../../src/stores/memory/memory-store.ts'
import { draft, names } from '../support/drafts.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
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
    const clock = createVirtualClock({ soon: 'by hand' })
    const gate = createGate()
    const model = createMemoryStore({ clock })
    const sizes: number[] = []
    const store = {
      ...model,
      exchange: async (batch: Parameters<typeof model.exchange>[0]) => {
        sizes.push(batch.submits.length)
        await gate.passed
        return model.exchange(batch)
      },
    }
    const committer = createCommitter({
      onFailure: () => {},
      store,
      clock,
      takeParked: () => [],
      takeHopeful: () => [],
      onCommit: () => {},
    })
    const first = committer.submit([{ drafts: [draft('a')] }])
    expect(clock.runSoon()).toBe(1)
    const others = names('t', 5).map(id => committer.submit([{ drafts: [draft(id)] }]))
    expect([clock.runSoon(), sizes]).toEqual([0, [1]])
    gate.open()
    await first
    await clock.rest()
    clock.runSoon()
    await Promise.all(others)
    expect(sizes).toEqual([1, 5])
  })

  it('keeps submits for the exchange that can hand them over, where a store takes two at once', async () => {
    const clock = createVirtualClock({ soon: 'by hand' })
    const model = createMemoryStore({ clock })
    const gates: Gate[] = []
    const kinds: string[] = []
    const store = {
      ...model,
      exchangesAtOnce: 2,
      exchange: async (batch: Parameters<typeof model.exchange>[0]) => {
        kinds.push(`${batch.submits.length} submits, ${batch.claims.length} claims`)
        const gate = createGate()
        gates.push(gate)
        await gate.passed
        return model.exchange(batch)
      },
    }
    const committer = createCommitter({
      onFailure: () => {},
      store,
      clock,
      takeParked: () => [],
      takeHopeful: () => [],
      onCommit: () => {},
    })
    const ask = { workerId: workerId('w'), queues: null, types: null, limit: 10, leaseMs: 30_000, requestId: null }
    const submit = (id: string): void => void committer.submit([{ drafts: [draft(id)] }])

    submit('beside submits')
    clock.runSoon()
    submit('and another')
    clock.runSoon()
    expect(kinds).toEqual(['1 submits, 0 claims', '1 submits, 0 claims'])
    for (const gate of gates.splice(0)) gate.open()
    await clock.rest()

    void committer.claim(ask)
    clock.runSoon()
    submit('beside a claim')
    clock.runSoon()
    expect(kinds.slice(2)).toEqual(['0 submits, 1 claims'])
    void committer.claim(ask)
    clock.runSoon()
    expect(kinds.slice(3)).toEqual(['1 submits, 1 claims'])
    submit('beside two')
    for (const gate of gates.splice(0)) gate.open()
    await clock.rest()
    clock.runSoon()
    expect(kinds.slice(4)).toEqual(['1 submits, 0 claims'])
    for (const gate of gates.splice(0)) gate.open()
    await committer.idle()
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

  it('answers a call without items, too, while another commit is under way', async () => {
    const clock = createVirtualClock({ soon: 'by hand' })
    const gate = createGate()
    const model = createMemoryStore({ clock })
    const exchange: typeof model.exchange = async batch => {
      await gate.passed
      return model.exchange(batch)
    }
    const committer = createCommitter({
      onFailure: () => {},
      store: { ...model, exchange },
      clock,
      takeParked: () => [],
      takeHopeful: () => [],
      onCommit: () => {},
    })
    const full = committer.submit([{ drafts: [draft('a')] }])
    clock.runSoon()
    const empty = [watch(committer.submit([{ drafts: [] }])), watch(committer.settle([]))]
    gate.open()
    await full
    await clock.rest()
    clock.runSoon()
    await clock.rest()
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

interface Gate {
  readonly passed: Promise<void>
  open(): void
}

function createGate(): Gate {
  let open = (): void => {}
  const passed = new Promise<void>(resolve => {
    open = resolve
  })
  return { passed, open: () => open() }
}
