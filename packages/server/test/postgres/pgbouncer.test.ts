import { describe, expect, it, onTestFinished } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import { draft, names } from '../support/drafts.ts'
import { hasPostgres } from '../support/postgres-stores.ts'
import { broken } from './invariants.ts'
import { type Node, openNode, openNodes } from './nodes.ts'
import { findPgbouncer, startPgbouncer } from './pgbouncer.ts'
import { raiseStorm } from './storm.ts'

const program = (await hasPostgres()) ? await findPgbouncer() : null

describe.skipIf(program === null)('behind a pooler in transaction mode', () => {
  it('several nodes migrate, submit, claim, settle and read', async () => {
    const { nodes, cluster } = await pooled(4, true)
    const [one] = nodes
    if (one === undefined) throw new Error('There are four.')
    await Promise.all(nodes.map(({ store }) => store.migrate()))
    await Promise.all(nodes.map((node, at) => node.register(`w${at}`)))
    const parents = names('p', 20)
    await one.submit(...parents.map(id => draft(id)), draft('child', { type: 'child', dependencies: parents }))
    await Promise.all(
      nodes.map(async (node, at) => {
        for (;;) {
          const [task] = await node.claim({ worker: `w${at}`, limit: 1, types: ['noop'], requestId: null })
          if (task === undefined) return
          expect((await node.beat(`w${at}`)).isKnown).toBe(true)
          expect((await node.complete(task)).verdict).toBe('applied')
        }
      }),
    )
    expect((await one.claimOne({ worker: 'w0' })).parents).toHaveLength(20)
    expect(await one.store.cancel([taskId('child')], null)).toMatchObject({ verdicts: ['requested'] })
    expect(await one.store.counts()).toMatchObject({ completed: 20, running: 1 })
    expect(await one.store.graph(taskId('child'), 100, 100)).toMatchObject({ isTruncated: false })
    expect(await one.store.workers()).toHaveLength(4)
    expect(await broken(cluster)).toEqual([])
  })

  it('a storm of calls leaves nothing broken', async () => {
    const { nodes, cluster } = await pooled(3, false)
    const storm = await raiseStorm(nodes, { seed: 1, callersOfNode: 2, callsOfCaller: 40 })
    expect(storm.failures).toEqual([])
    expect(await broken(cluster)).toEqual([])
  })
})

async function pooled(count: number, isEmpty: boolean) {
  if (program === null) throw new Error('Its tests were to be skipped.')
  const cluster = await openNodes(0, { isEmpty })
  const pooler = await startPgbouncer(program, cluster.url)
  const nodes: readonly Node[] = Array.from({ length: count }, () => openNode(pooler.url))
  onTestFinished(async () => {
    for (const { store } of nodes) await store.close()
    await pooler.close()
  })
  return { nodes, cluster }
}
