import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { until } from '../../../../test/support/processes.ts'
import { hasPrivatePostgres, privatePostgres } from '../../../../test/support/servers/postgres.ts'
import { draft } from '../support/drafts.ts'
import { hasPostgres } from '../support/postgres-stores.ts'
import { nodeAt, openNode, openNodes } from './nodes.ts'

describe.skipIf(!(await hasPrivatePostgres()))('nodes that live through a failover which lost commits', () => {
  it('forget the lanes that are gone, also where their numbers were given again', { timeout: 60_000 }, async () => {
    const server = await privatePostgres({ settings: { fsync: 'off' } })
    if (server === null) throw new Error('There was one a moment ago.')
    onTestFinished(server.close)
    const [one, two, three] = [openNode(server.url), openNode(server.url), openNode(server.url)]
    onTestFinished(async () => {
      await Promise.all([one, two, three].map(({ store }) => store.close()))
    })
    await one.store.migrate()
    await one.submit(draft('lost', { type: 'x' }), draft('lost too', { type: 'z' }))
    await three.claim({ limit: 1 })

    // The replica that becomes the primary does not have these commits.
    await run(server.url, 'TRUNCATE tasklane.lanes, tasklane.queues, tasklane.tasks, tasklane.counter_changes')
    await server.restart('immediate')
    const again = async (work: () => Promise<unknown>): Promise<void> => {
      const attempt = () =>
        work().then(
          () => 'done',
          (error: unknown) => String(error),
        )
      await until(
        attempt,
        outcome => outcome === 'done',
        () => 'the database to be there again',
      )
    }
    await again(() => two.submit(draft('b', { type: 'y' })))
    await again(() => one.submit(draft('c', { type: 'x' }), draft('d', { type: 'z', dependencies: ['c'] })))

    await again(() => three.store.check())
    const claimed = async (types: readonly string[]) => {
      const tasks = await three.claim({ types, limit: 5 })
      return tasks.map(({ id, type }) => [id, type])
    }
    expect(await claimed(['z'])).toEqual([])
    expect(await claimed(['y'])).toEqual([['b', 'y']])
    expect(await claimed(['x'])).toEqual([['c', 'x']])
    expect(await run(server.url, 'SELECT id, queue, type FROM tasklane.lanes ORDER BY id')).toEqual([
      { id: 1, queue: 'default', type: 'y' },
      { id: 2, queue: 'default', type: 'x' },
      { id: 3, queue: 'default', type: 'z' },
    ])
    expect((await one.store.queues()).map(({ name }) => name)).toEqual(['default'])
  })
})

describe.skipIf(!(await hasPostgres()))('nodes that live through a restore', () => {
  it('forget the lanes of the tables that are gone', async () => {
    const cluster = await openNodes(2)
    const [one, two] = [nodeAt(cluster, 0), nodeAt(cluster, 1)]
    await one.submit(draft('lost', { type: 'x' }), draft('lost too', { type: 'y' }))
    await cluster.ask('DROP SCHEMA tasklane CASCADE')
    await two.store.migrate()
    await two.submit(draft('b', { type: 'y' }))
    await one.submit(draft('c', { type: 'x' }))
    expect((await two.claim({ types: ['y'] })).map(({ id }) => id)).toEqual(['b'])
    expect((await one.claim({ types: ['x'] })).map(({ id }) => id)).toEqual(['c'])
  })
})

async function run(url: string, sql: string): Promise<readonly unknown[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}
