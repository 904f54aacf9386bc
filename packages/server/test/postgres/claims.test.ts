import { limits } from '@tasklane/protocol'
import { describe, expect, it, vi } from 'vitest'
import { workerId } from '../../src/core/task.ts'
import type { ClaimedTask } from '../../src/ports/store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { draft, json, names } from '../support/drafts.ts'
import { hasPostgres } from '../support/postgres-stores.ts'
import { broken } from './invariants.ts'
import { type Node, type Nodes, nodeAt, openNodes } from './nodes.ts'

vi.mock('@tasklane/protocol', async load => {
  const actual = await load<typeof import('@tasklane/protocol')>()
  // A reply has room for few large tasks.
  return { ...actual, limits: { ...actual.limits, replyBytesMax: 64_000 } }
})

describe.skipIf(!(await hasPostgres()))('nodes that claim at the same time', () => {
  it.each([2, 8])('%i of them share no task and leave none over', async count => {
    const cluster = await openNodes(count)
    await submitMany(cluster, 600, () => ({}))
    const claimed = await drain(cluster, 7)
    expect(claimed).toHaveLength(600)
    expect(new Set(claimed)).toHaveProperty('size', 600)
    expect(await broken(cluster)).toEqual([])
  })

  it('8 of them do the same where the lanes are many', async () => {
    const cluster = await openNodes(8)
    // More than are looked into one by one: those that have something are found by skipping.
    await submitMany(cluster, 600, at => ({ queue: `queue-${at % 15}`, type: `type-${at % 11}` }))
    const claimed = await drain(cluster, 25)
    expect(claimed).toHaveLength(600)
    expect(new Set(claimed)).toHaveProperty('size', 600)
    expect(await broken(cluster)).toEqual([])
  })

  it('each get something while there is enough for all', async () => {
    const cluster = await openNodes(8)
    for (let round = 1; round <= 20; round += 1) {
      await submitMany(cluster, 24, at => ({ type: `round-${round}`, priority: 1 + (at % 3) }))
      const shares = await Promise.all(
        cluster.nodes.map((node, at) => node.claim({ worker: `w${at}`, limit: 3, types: [`round-${round}`] })),
      )
      // Nobody goes away with nothing because the others were at what it had seen.
      expect(shares.map(share => share.length)).toEqual(Array.from(shares, () => 3))
    }
  })

  it('get what is free behind all that another is at, however large that is', async () => {
    const cluster = await openNodes(1)
    const node = nodeAt(cluster, 0)
    const parent = await node.submitAndClaim(draft('p'))
    await node.complete(parent, json('r'.repeat(limits.replyBytesMax / 32)))
    await node.submit(...names('c', 40).map(id => draft(id, { dependencies: ['p'] })))
    await cluster.hold(`SELECT FROM tasklane.tasks WHERE state = 'pending' ORDER BY number LIMIT 33 FOR UPDATE`)
    expect((await node.claim({ limit: 1 })).map(({ id }) => id)).toEqual(['c-33'])
  })

  it('and settle at the same time run every task exactly once', async () => {
    const cluster = await openNodes(4)
    await submitMany(cluster, 400, () => ({}))
    const epochs = new Map<string, number[]>()
    await Promise.all(
      cluster.nodes.map(async (node, at) => {
        for (;;) {
          const tasks = await node.claim({ worker: `w${at}`, limit: 10 })
          if (tasks.length === 0) return
          for (const { id, epoch } of tasks) epochs.set(id, [...(epochs.get(id) ?? []), epoch])
          await completeAll(node, tasks)
        }
      }),
    )
    expect([...epochs.values()].every(each => each.length === 1 && each[0] === 1)).toBe(true)
    expect(await cluster.nodes[0]?.store.counts()).toMatchObject({ pending: 0, running: 0, completed: 400 })
    expect(await broken(cluster)).toEqual([])
  })
})

describe.skipIf(!(await hasPostgres()))('one claim that is repeated at another node', () => {
  it('gets the same leases when both arrive at once', async () => {
    const cluster = await openNodes(4)
    for (let round = 1; round <= 25; round += 1) {
      await submitMany(cluster, 12, at => ({ type: `round-${round}`, name: `${at}` }))
      const ask = { worker: 'w1', limit: 3, types: [`round-${round}`], requestId: `request-${round}` }
      const answers = await Promise.all(cluster.nodes.map(node => node.claim(ask)))
      const told = answers.map(tasks => tasks.map(({ id, epoch }) => ({ id, epoch })))
      expect(told).toEqual(told.map(() => told[0]))
      expect(told[0]).toHaveLength(3)
      const later = await cluster.nodes[0]?.claim(ask)
      expect(later?.map(({ id, epoch }) => ({ id, epoch }))).toEqual(told[0])
    }
    expect(await cluster.nodes[0]?.store.counts()).toMatchObject({ running: 75, pending: 225 })
    expect(await broken(cluster)).toEqual([])
  })

  it('is run again where it was doubled on its way to one node and is just being answered by another', async () => {
    const cluster = await openNodes(1)
    const node = nodeAt(cluster, 0)
    await node.submit(draft('a'), draft('b'))
    const answered = await cluster.hold(`INSERT INTO tasklane.claim_requests (at, worker_id, request_id, leases)
      VALUES (0, 'w1', 'request', '[]')`)
    const ask = { workerId: workerId('w1'), queues: null, types: null, limit: 1, leaseMs: 60_000, requestId: 'request' }
    const doubled = node.exchange({ claims: [ask, { ...ask }] })
    await cluster.untilSomebodyWaits()
    await answered.letGo()
    const { claims } = await doubled
    expect(claims.map(tasks => tasks.map(({ id }) => id))).toEqual([['a'], ['a']])
    expect(await broken(cluster)).toEqual([])
  })

  it('sees again what its first run had taken, though it looks no further back than it has to', async () => {
    let stepMs = 1_000
    let nowMs = 0
    const monotonic = (): number => {
      nowMs += stepMs
      return nowMs
    }
    const cluster = await openNodes(1, { clock: { ...systemClock, monotonic } })
    const node = nodeAt(cluster, 0)
    const first = [9, 8, 7, 6].map(priority => draft(`first-${priority}`, { priority }))
    const last = names('last', 3).map(type => draft(type, { type, priority: 1 }))
    await node.complete(await node.submitAndClaim(draft('ended', { type: 'idle' })))
    await node.submit(...first, ...last)
    // Looks from the beginning are slow, and the next one is due in some twenty seconds.
    for (let look = 0; look < 3; look += 1) await node.claim({ types: ['idle'] })
    stepMs = 0
    const answered = await cluster.hold(`INSERT INTO tasklane.claim_requests (at, worker_id, request_id, leases)
      VALUES (0, 'w1', 'request', '[]')`)
    // Twice as many lanes as are wanted from one of them: it looks twice.
    const claimed = node.claim({ limit: 4, requestId: 'request' })
    await cluster.untilSomebodyWaits()
    await answered.letGo()
    expect((await claimed).map(({ id }) => id)).toEqual(first.map(({ id }) => id))
  })

  it('claims anew once, at whichever node, when what it had was given back', async () => {
    const cluster = await openNodes(4)
    const [node] = cluster.nodes
    if (node === undefined) throw new Error('There are four.')
    for (let round = 1; round <= 10; round += 1) {
      await submitMany(cluster, 8, () => ({ type: `round-${round}` }))
      const ask = { worker: 'w1', limit: 2, types: [`round-${round}`], requestId: `request-${round}` }
      for (const task of await node.claim(ask)) await node.release(task)
      const answers = await Promise.all(cluster.nodes.map(each => each.claim(ask)))
      const told = answers.map(tasks => tasks.map(({ id, epoch }) => ({ id, epoch })))
      expect(told).toEqual(told.map(() => told[0]))
      expect(told[0]).toHaveLength(2)
    }
  })
})

async function submitMany(
  { nodes }: Nodes,
  count: number,
  options: (at: number) => Parameters<typeof draft>[1],
): Promise<void> {
  const [first] = nodes
  const prefix = `t${Math.random().toString(36).slice(2)}`
  await first?.submit(...names(prefix, count).map((id, at) => draft(id, options(at))))
}

/** All nodes claim until each has been told twice that there is nothing. */
async function drain({ nodes }: Nodes, limit: number): Promise<readonly string[]> {
  const lists = await Promise.all(
    nodes.map(async (node, at) => {
      const own: string[] = []
      for (;;) {
        const tasks = await node.claim({ worker: `w${at}`, limit })
        if (tasks.length === 0) return own
        own.push(...tasks.map(task => task.id))
      }
    }),
  )
  return lists.flat()
}

async function completeAll(node: Node, tasks: readonly ClaimedTask[]): Promise<void> {
  const { settles } = await node.exchange({
    settles: tasks.map(({ id, epoch, workerId: worker }) => ({
      lease: { taskId: id, epoch, workerId: worker ?? workerId('nobody') },
      outcome: { kind: 'completed', result: null },
      guard: 'held',
    })),
  })
  expect(settles.every(({ verdict }) => verdict === 'applied')).toBe(true)
}
