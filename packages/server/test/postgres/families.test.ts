import { limits } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import { draft, names } from '../support/drafts.ts'
import { hasPostgres } from '../support/postgres-stores.ts'
import { leaseOf } from '../support/store-driver.ts'
import { broken } from './invariants.ts'
import { nodeAt, openNodes } from './nodes.ts'

const rounds = 20

describe.skipIf(!(await hasPostgres()))('a child that is submitted at one node', () => {
  it('while its parent is completed at another is released exactly once', async () => {
    const cluster = await openNodes(2)
    const [one, other] = [nodeAt(cluster, 0), nodeAt(cluster, 1)]
    for (let round = 0; round < rounds; round += 1) {
      const parent = await one.submitAndClaim(draft(`p${round}`))
      const submit = () => other.submit(draft(`c${round}`, { dependencies: [parent.id] }))
      const complete = () => one.complete(parent)
      // Both orders of sending, and many of meeting.
      await Promise.all(round % 2 === 0 ? [submit(), complete()] : [complete(), submit()])
      const child = await other.claimOne()
      expect(child.id).toBe(`c${round}`)
      expect(child.parents?.map(({ state }) => state)).toEqual(['completed'])
      await other.complete(child)
    }
    expect(await one.store.counts()).toMatchObject({ completed: 2 * rounds, blocked: 0, pending: 0 })
    expect(await broken(cluster)).toEqual([])
  })

  it.each([
    { by: 'cancel', policy: 'cancel', state: 'cancelled' },
    { by: 'cancel', policy: 'proceed', state: 'pending' },
    { by: 'fail', policy: 'cancel', state: 'cancelled' },
    { by: 'fail', policy: 'proceed', state: 'pending' },
    { by: 'hand', policy: 'cancel', state: 'pending' },
  ] as const)('while its parent ends by $by is $state where its policy is $policy', async ({ by, policy, state }) => {
    const cluster = await openNodes(2)
    const [one, other] = [nodeAt(cluster, 0), nodeAt(cluster, 1)]
    for (let round = 0; round < rounds; round += 1) {
      const id = `p${round}`
      const end = async (): Promise<unknown> => {
        if (by === 'cancel') return one.store.cancel([taskId(id)], null)
        if (by === 'hand') return one.store.completeByHand([{ id: taskId(id), result: null }])
        return one.fail(parent)
      }
      const parent = await one.submitAndClaim(draft(id), { types: ['noop'] })
      if (by === 'cancel') await one.release(parent)
      const child = draft(`c${round}`, { type: 'child', dependencies: [id], onDependencyFailure: policy })
      const submit = () => other.submit(child)
      await Promise.all(round % 2 === 0 ? [submit(), end()] : [end(), submit()])
      expect(await one.state(`c${round}`)).toBe(state)
    }
    expect(await broken(cluster)).toEqual([])
  })

  it('finds its parent or is refused, and keeps what it found, while the parent is removed', async () => {
    const cluster = await openNodes(2)
    const [one, other] = [nodeAt(cluster, 0), nodeAt(cluster, 1)]
    for (let round = 0; round < rounds; round += 1) {
      const parent = await one.submitAndClaim(draft(`p${round}`), { types: ['noop'] })
      await one.complete(parent)
      const child = draft(`c${round}`, { type: 'child', dependencies: [parent.id] })
      const submit = () => other.submitGroups([child])
      const remove = () => one.store.remove([parent.id])
      const [[verdict], [removed]] =
        round % 2 === 0
          ? await Promise.all([submit(), remove()])
          : await Promise.all([remove(), submit()]).then(([last, first]) => [first, last] as const)
      expect([verdict?.kind, removed]).toEqual(removed === 'removed' ? ['refused', 'removed'] : ['accepted', 'needed'])
    }
    expect(await broken(cluster)).toEqual([])
  })

  it('keeps its parent while old tasks are pruned', async () => {
    const cluster = await openNodes(3)
    const [one, other, third] = [nodeAt(cluster, 0), nodeAt(cluster, 1), nodeAt(cluster, 2)]
    for (let round = 0; round < rounds * 2; round += 1) {
      const parent = await one.submitAndClaim(draft(`p${round}`), { types: ['noop'] })
      await one.complete(parent)
      await cluster.ask('UPDATE tasklane.tasks SET finished_at = finished_at - 10, created_at = created_at - 20')
      const prune = () => one.store.prune({ keepMs: 1, workerKeepMs: 1_000_000, limit: 500 })
      const pruneToo = () => third.store.prune({ keepMs: 1, workerKeepMs: 1_000_000, limit: 500 })
      const submit = () => other.submitGroups([draft(`c${round}`, { type: 'child', dependencies: [parent.id] })])
      const [verdicts] = await Promise.all([submit(), prune(), pruneToo()])
      const isThere = (await one.state(parent.id)) !== null
      expect(verdicts.map(({ kind }) => kind)).toEqual([isThere ? 'accepted' : 'refused'])
    }
    expect(await broken(cluster)).toEqual([])
  })
})

describe.skipIf(!(await hasPostgres()))('parents of one child', () => {
  it.each([2, 10])('%i of them that end at the same moment at as many nodes release it once', async count => {
    const cluster = await openNodes(count)
    const first = nodeAt(cluster, 0)
    for (let round = 0; round < rounds / 2; round += 1) {
      const parents = names(`p${round}`, count)
      await first.submit(...parents.map(id => draft(id)), draft(`c${round}`, { type: 'child', dependencies: parents }))
      const held = await first.claim({ types: ['noop'] })
      const outcomes = await Promise.all(
        held.map((task, at) =>
          nodeAt(cluster, at).exchange({
            settles: [
              {
                lease: { taskId: task.id, epoch: task.epoch, workerId: task.workerId ?? raise() },
                outcome: { kind: 'completed', result: null },
                guard: 'held',
              },
            ],
          }),
        ),
      )
      const released = outcomes.flatMap(({ changes }) => changes.ready)
      expect(released).toEqual([{ queue: 'default', type: 'child', count: 1 }])
      expect(await first.state(`c${round}`)).toBe('pending')
    }
    expect(await broken(cluster)).toEqual([])
  })

  it('are started anew at one node while a cascade from them runs at another', async () => {
    const cluster = await openNodes(2)
    const [one, other] = [nodeAt(cluster, 0), nodeAt(cluster, 1)]
    for (let round = 0; round < rounds; round += 1) {
      const [parent, second] = [`p${round}`, `q${round}`]
      const children = names(`c${round}`, 5)
      await one.submit(
        draft(parent),
        draft(second),
        ...children.map(id => draft(id, { dependencies: [parent, second] })),
        draft(`g${round}`, { dependencies: children }),
      )
      await one.store.cancel([taskId(parent)], null)
      const requeue = () => one.store.requeue([taskId(parent)], true)
      const end = () => other.store.cancel([taskId(second)], null)
      await Promise.all(round % 2 === 0 ? [requeue(), end()] : [end(), requeue()])
      // Whoever came last: the second parent has ended badly, so that nobody waits for the first.
      expect(await one.states(parent, second, ...children, `g${round}`)).toEqual([
        'pending',
        'cancelled',
        ...children.map(() => 'cancelled'),
        'cancelled',
      ])
    }
    expect(await broken(cluster)).toEqual([])
    expect(await cluster.deadlocks()).toBe(0)
  })
})

describe.skipIf(!(await hasPostgres()))('children of one parent, more than a transaction releases,', () => {
  it('are all released where some of them go while the parent ends', async () => {
    const cluster = await openNodes(1)
    const node = nodeAt(cluster, 0)
    const children = names('c', limits.releasedInTransactionMax + 3)
    const parent = await node.submitAndClaim(draft('p'))
    await node.submit(...children.map(id => draft(id, { dependencies: ['p'] })))
    const gone = children.slice(0, 4).map(taskId)
    await node.store.cancel(gone, null)
    const list = gone.map(id => `'${id}'`).join(', ')
    // What a remove at another node does.
    const removal = await cluster.hold(`
      DELETE FROM tasklane.edges WHERE child IN (SELECT number FROM tasklane.tasks WHERE id IN (${list}));
      INSERT INTO tasklane.counter_changes (lane, state, n) SELECT lane, state, -1 FROM tasklane.tasks WHERE id IN (${list});
      DELETE FROM tasklane.tasks WHERE id IN (${list})`)
    const ended = node.complete(parent)
    await cluster.untilSomebodyWaits()
    await removal.letGo()
    await ended
    await node.unblockAll()
    expect(await node.store.counts()).toMatchObject({ blocked: 0, pending: children.length - gone.length })
    expect(await broken(cluster)).toEqual([])
  })
})

describe.skipIf(!(await hasPostgres()))('one task that is submitted at several nodes', () => {
  it('is one task, told to all, by its id and by its key', async () => {
    const cluster = await openNodes(4)
    for (let round = 0; round < rounds; round += 1) {
      const key = round % 2 === 0 ? null : `key-${round}`
      const answers = await Promise.all(
        cluster.nodes.map((node, at) =>
          // Known by its key, each node may have made up another id.
          node.submit(draft(key === null ? `t${round}` : `t${round}-${at}`, { idempotencyKey: key, payload: round })),
        ),
      )
      const receipts = answers.flat()
      expect(new Set(receipts.map(({ taskId: id }) => id)).size).toBe(1)
      expect(receipts.filter(({ existing }) => existing === null)).toHaveLength(1)
    }
    expect(await nodeAt(cluster, 0).store.counts()).toMatchObject({ pending: rounds })
    expect(await broken(cluster)).toEqual([])
  })

  it('is a new one where the first is removed while it is compared with it', async () => {
    const cluster = await openNodes(1)
    const node = nodeAt(cluster, 0)
    const task = await node.submitAndClaim(draft('running'))
    const [first] = await node.submit(draft('a'))
    // To find the first takes the tasks alone; to read it takes the edges, too.
    const running = await cluster.hold(`SELECT FROM tasklane.tasks WHERE id = 'running' FOR UPDATE`)
    const outcome = node.exchange({
      settles: [{ lease: leaseOf(task), outcome: { kind: 'completed', result: null }, guard: 'held' }],
      submits: [{ drafts: [draft('a')] }],
    })
    await cluster.untilSomebodyWaits()
    const edges = await cluster.hold('LOCK TABLE tasklane.edges')
    await running.letGo()
    await cluster.untilSomebodyWaits('tasklane.edges')
    await cluster.ask(`WITH gone AS (DELETE FROM tasklane.tasks WHERE id = 'a' RETURNING lane, state)
      INSERT INTO tasklane.counter_changes (lane, state, n) SELECT lane, state, -1 FROM gone`)
    await edges.letGo()
    const [verdict] = (await outcome).submits
    const [second] = verdict?.kind === 'accepted' ? verdict.receipts : []
    expect(second).toMatchObject({ taskId: 'a', state: 'pending', existing: null })
    expect(second?.number).toBeGreaterThan(first?.number ?? 0)
    expect(await broken(cluster)).toEqual([])
  })

  it('is refused everywhere but at one node where the contents differ, with its whole group', async () => {
    const cluster = await openNodes(4)
    for (let round = 0; round < rounds; round += 1) {
      const answers = await Promise.all(
        cluster.nodes.map((node, at) =>
          node.submitGroups([
            draft(`mate-${round}-${at}`),
            draft(`t${round}`, { payload: at }),
            draft(`child-${round}-${at}`, { dependencies: [`t${round}`] }),
          ]),
        ),
      )
      const verdicts = answers.flat()
      expect(verdicts.filter(({ kind }) => kind === 'accepted')).toHaveLength(1)
      expect(verdicts.flatMap(each => (each.kind === 'refused' ? [each.code] : []))).toEqual(
        Array.from({ length: 3 }, () => 'task_conflict'),
      )
    }
    expect(await nodeAt(cluster, 0).store.counts()).toMatchObject({ pending: 2 * rounds, blocked: rounds })
    expect(await broken(cluster)).toEqual([])
  })

  it('is one task in groups that name the same ones in other orders', async () => {
    const cluster = await openNodes(4)
    for (let round = 0; round < rounds / 2; round += 1) {
      const drafts = names(`t${round}`, 4).map(id => draft(id))
      await Promise.all(cluster.nodes.map((node, at) => node.submit(...drafts.slice(at), ...drafts.slice(0, at))))
    }
    expect(await nodeAt(cluster, 0).store.counts()).toMatchObject({ pending: 2 * rounds })
    expect(await broken(cluster)).toEqual([])
  })
})

function raise(): never {
  throw new Error('A claimed task is held by somebody.')
}
