import { describe, expect, it, onTestFinished } from 'vitest'
import { openLink } from '../../../../test/chaos/proxy.ts'
import { until } from '../../../../test/support/processes.ts'
import { taskId } from '../../src/core/task.ts'
import { createPostgresStore } from '../../src/stores/postgres/postgres-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { draft, names } from '../support/drafts.ts'
import { hasPostgres } from '../support/postgres-stores.ts'
import { driveStore } from '../support/store-driver.ts'
import { connectionsTo, type Node, type Nodes, nodeAt, openNode, openNodes } from './nodes.ts'

const patient = { timeoutMs: 60_000 }

function unavailable(sentence: string) {
  return { code: 'store_unavailable', message: expect.stringContaining(sentence) }
}

describe.skipIf(!(await hasPostgres()))('a store whose server', () => {
  it('has no connection left says so, and goes on with those it gets', async () => {
    const cluster = await openNodes(1)
    const user = await cluster.role('CONNECTION LIMIT 2')
    await cluster.ask(`GRANT USAGE ON SCHEMA tasklane TO ${user.name}`)
    await cluster.ask(`GRANT ALL ON ALL TABLES IN SCHEMA tasklane TO ${user.name}`)
    const node = opened(openNode(user.url, { connections: 6 }))
    await node.submit(draft('first'))
    const held = await cluster.hold('LOCK TABLE tasklane.tasks')
    const calls = Promise.allSettled(names('t', 6).map(id => node.submit(draft(id))))
    await cluster.untilSomebodyWaits()
    await held.letGo()
    const refused = (await calls).flatMap(each => (each.status === 'rejected' ? [each.reason] : []))
    expect(refused.length).toBeGreaterThan(0)
    for (const reason of refused) expect(reason).toMatchObject(unavailable('the server has no connection left'))
    await Promise.all([node.submit(draft('again-1')), node.submit(draft('again-2'))])
    expect((await connectionsTo(cluster.ask)).length).toBeLessThanOrEqual(2)
  })

  it('ends the connection in the middle of an exchange says so, and has it done by a repeat', async () => {
    const cluster = await openNodes(1)
    const node = nodeAt(cluster, 0)
    const task = await node.submitAndClaim(draft('a'))
    const held = await cluster.hold(`SELECT FROM tasklane.tasks WHERE id = 'a' FOR UPDATE`)
    const settle = expect(node.complete(task)).rejects.toMatchObject(unavailable('the server cannot be reached'))
    await cluster.untilSomebodyWaits()
    await cluster.ask(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`)
    await settle
    await held.letGo()
    expect(await node.complete(task)).toEqual({ verdict: 'applied', state: 'completed' })
    expect((await connectionsTo(cluster.ask)).length).toBeLessThanOrEqual(4)
  })

  it('is silent says so in time, and goes on when it is heard again', async () => {
    const cluster = await openNodes(0)
    const { node, link } = await nodeBehindLink(cluster, 400)
    await node.submit(draft('before'))
    link.setMode('stall')
    const silent = Promise.allSettled(names('t', 8).map(id => node.submit(draft(id))))
    for (const each of await silent) expect(each).toMatchObject({ reason: unavailable('the server cannot be reached') })
    link.setMode('pass')
    await untilItWorks(() => node.submit(draft('after')))
    await until(
      async () => (await connectionsTo(cluster.ask)).length,
      count => count <= 4,
      () => 'the connections of the silence to go',
    )
  })

  it('is silent from the beginning lets no node wait for minutes', async () => {
    const cluster = await openNodes(0)
    const { node, link } = await nodeBehindLink(cluster, 400)
    link.setMode('stall')
    await expect(node.store.migrate()).rejects.toMatchObject(unavailable('the server cannot be reached'))
    link.setMode('pass')
    await untilItWorks(node.store.migrate)
  })

  it('does not hear any more of a node in the middle of a transaction, takes its locks back', async () => {
    const cluster = await openNodes(1, patient)
    const other = nodeAt(cluster, 0)
    await other.submit(draft('a'), draft('b'))
    const { node, link } = await nodeBehindLink(cluster, 700)
    await node.store.check()
    const held = await cluster.hold(`SELECT FROM tasklane.tasks WHERE id = 'b' FOR UPDATE`)
    const lost = Promise.allSettled([node.store.cancel([taskId('a'), taskId('b')], null)])
    await cluster.untilSomebodyWaits()
    link.setMode('stall')
    await held.letGo()
    // It has both rows now, and nobody who could tell it to go on.
    expect(await other.store.cancel([taskId('a')], null)).toMatchObject({ verdicts: ['cancelled'] })
    expect(await other.state('b')).toBe('pending')
    expect(await lost).toMatchObject([{ reason: { code: 'store_unavailable' } }])
  })

  it('is waited for by a statement for so long, and not longer', async () => {
    const cluster = await openNodes(1, { timeoutMs: 500 })
    const node = nodeAt(cluster, 0)
    await node.submit(draft('a'))
    const held = await cluster.hold(`SELECT FROM tasklane.tasks WHERE id = 'a' FOR UPDATE`)
    await expect(node.store.cancel([taskId('a')], null)).rejects.toMatchObject(
      unavailable('the server did not answer in time. Nothing was changed'),
    )
    await held.letGo()
    expect(await node.store.cancel([taskId('a')], null)).toMatchObject({ verdicts: ['cancelled'] })
  })

  it('only reads says so, and is written to when it takes writes again', async () => {
    const cluster = await openNodes(0)
    const set = (value: string) =>
      cluster.ask(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = ${value}',
        current_database()); END $$`)
    await set('on')
    const node = opened(openNode(cluster.url))
    await expect(node.store.check()).rejects.toMatchObject(unavailable('the server only reads'))
    await expect(node.submit(draft('a'))).rejects.toMatchObject(unavailable('the server only reads'))
    expect(await node.state('a')).toBe(null)
    // Whoever only reads by default may not change the default without saying that it writes.
    await cluster.ask(`BEGIN READ WRITE; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I
      RESET default_transaction_read_only', current_database()); END $$; COMMIT`)
    await untilItWorks(node.store.check)
    await node.submit(draft('a'))
  })

  it.each([
    { what: 'a wrong password', with: { password: 'guess' }, sentence: 'the server refuses this user' },
    {
      what: 'a database that is not there',
      with: { pathname: '/nowhere' },
      sentence: 'there is no such database; make it with createdb, or check the name in the address',
    },
    { what: 'a port where nobody is', with: { port: '1' }, sentence: 'the server cannot be reached' },
  ])('is asked with $what says so', async ({ with: change, sentence }) => {
    const cluster = await openNodes(0)
    const url = new URL(cluster.url)
    Object.assign(url, change)
    const node = opened(openNode(url.href))
    await expect(node.store.migrate()).rejects.toMatchObject(unavailable(sentence))
    await expect(node.submit(draft('a'))).rejects.toMatchObject(unavailable(sentence))
  })

  it('has room for a row it has, but for no new one, is not ready until something was written again', async () => {
    const cluster = await openNodes(1)
    const node = nodeAt(cluster, 0)
    await node.store.check()
    await cluster.ask(`CREATE FUNCTION tasklane.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$`)
    await cluster.ask(`CREATE TRIGGER full_disk BEFORE INSERT ON tasklane.tasks EXECUTE FUNCTION tasklane.refuse()`)
    await expect(node.submit(draft('a'))).rejects.toMatchObject(unavailable('the server has no room left'))
    await expect(node.store.check()).rejects.toMatchObject(unavailable('the server has no room left'))
    await cluster.ask('DROP TRIGGER full_disk ON tasklane.tasks')
    await node.submit(draft('a'))
    await node.store.check()
  })

  it('swallows what is written tells a fault that may be repeated, after so many runs', async () => {
    const cluster = await openNodes(1)
    const node = nodeAt(cluster, 0)
    await node.submit(draft('parent'))
    await cluster.ask(`CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`)
    await cluster.ask('CREATE TRIGGER swallow BEFORE INSERT ON tasklane.tasks FOR EACH ROW EXECUTE FUNCTION swallow()')
    await expect(node.submit(draft('child', { dependencies: ['parent'] }))).rejects.toMatchObject(
      unavailable('other transactions were in the way again and again'),
    )
    await cluster.ask('DROP TRIGGER swallow ON tasklane.tasks')
    await node.submit(draft('child', { dependencies: ['parent'] }))
  })
})

function opened(node: Node): Node {
  onTestFinished(() => node.store.close())
  return node
}

async function nodeBehindLink(cluster: Nodes, timeoutMs: number) {
  const url = new URL(cluster.url)
  const port = Number(url.port === '' ? 5432 : url.port)
  const link = await openLink(
    () => port,
    () => ({ request: () => {}, reply: () => {} }),
  )
  url.hostname = '127.0.0.1'
  url.port = new URL(link.url).port
  const store = createPostgresStore({ url: url.href, clock: systemClock, headStartMs: 0, connections: 4, timeoutMs })
  onTestFinished(async () => {
    link.setMode('cut')
    await store.close()
    await link.close()
  })
  return { node: { store, ...driveStore(store) }, link }
}

/** The first calls may still meet what the fault left behind. */
async function untilItWorks(call: () => Promise<unknown>): Promise<void> {
  await until(
    () =>
      call().then(
        () => 'works',
        (error: unknown) => String(error),
      ),
    told => told === 'works',
    () => 'the store to go on',
  )
}
