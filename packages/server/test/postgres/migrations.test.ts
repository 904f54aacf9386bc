import { describe, expect, it, onTestFinished } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import { migrations, planOf } from '../../src/stores/postgres/migrate.ts'
import { draft, names } from '../support/drafts.ts'
import { hasPostgres } from '../support/postgres-stores.ts'
import { nodeAt, openNode, openNodes } from './nodes.ts'

describe.skipIf(!(await hasPostgres()))('the schema', () => {
  it('is made once, however many nodes start on an empty database at once', async () => {
    const cluster = await openNodes(10, { isEmpty: true })
    await Promise.all(cluster.nodes.map(({ store }) => store.migrate()))
    expect(
      await cluster.ask('SELECT version, count(*)::int AS n FROM tasklane.migrations GROUP BY 1 ORDER BY 1'),
    ).toEqual(migrations.map(({ version }) => ({ version, n: 1 })))
    await Promise.all(cluster.nodes.map((node, at) => node.submit(draft(`t${at}`))))
    expect(await nodeAt(cluster, 0).store.counts()).toMatchObject({ pending: 10 })
  })

  it('of the first version is brought up to date by many nodes at once, and goes on serving what knows only that', async () => {
    const cluster = await openNodes(5, { isEmpty: true })
    await cluster.ask(planOf(migrations.slice(0, 1)))
    // Stands for a node of that version, which knows nothing of what came later.
    const old = nodeAt(cluster, 0)
    await old.submit(draft('before'))
    await Promise.all(cluster.nodes.slice(1).map(({ store }) => store.migrate()))
    expect(await cluster.ask('SELECT count(*)::int AS n FROM tasklane.migrations')).toEqual([{ n: migrations.length }])
    expect(await old.complete(await old.claimOne())).toMatchObject({ verdict: 'applied' })
    const { store, submit } = nodeAt(cluster, 1)
    await submit(draft('after', { submittedBy: 'ada' }))
    expect(await store.submittersOf(['before', 'after'].map(taskId))).toHaveLength(2)
    expect(await store.createUser({ name: 'ada', passwordHash: 'x', role: 'admin' })).toMatchObject({ number: 1 })
  })

  it('forgets why a queue was paused also where a node resumes it that knows nothing of reasons', async () => {
    const cluster = await openNodes(1)
    const { store } = nodeAt(cluster, 0)
    // As the version before this migration writes it.
    const write = (isPaused: boolean) =>
      cluster.ask(`INSERT INTO tasklane.queues (name, is_paused) VALUES ('mail', ${isPaused})
        ON CONFLICT (name) DO UPDATE SET is_paused = excluded.is_paused`)
    await store.setQueue('mail', { isPaused: true, by: 'anna', reason: 'Deploying' })
    await write(true)
    expect(await store.queues()).toMatchObject([{ pause: { by: 'anna', reason: 'Deploying' } }])
    await write(false)
    expect(await store.queues()).toMatchObject([{ pause: null }])
    await write(true)
    expect(await store.queues()).toMatchObject([{ pause: { atMs: null, by: null, reason: null } }])
    await store.setQueue('mail', { isPaused: true, by: 'ben', reason: 'The disk is full' })
    expect(await store.queues()).toMatchObject([{ pause: { by: 'ben', reason: 'The disk is full' } }])
  })

  it('of a newer version is used by this one only if that version says so', async () => {
    const cluster = await openNodes(1)
    const { store } = nodeAt(cluster, 0)
    const known = migrations.length
    await cluster.ask(
      `INSERT INTO tasklane.migrations (version, needs, name) VALUES (${known + 1}, 1, 'an index more')`,
    )
    await store.migrate()
    await cluster.ask(
      `INSERT INTO tasklane.migrations (version, needs, name) VALUES (${known + 2}, ${known + 2}, 'another shape')`,
    )
    await expect(store.migrate()).rejects.toThrow(
      `The schema was written by a newer Tasklane (version ${known + 2}, this one knows ${known}) and cannot be used by this one. ` +
        'Start that version or a later one.',
    )
  })

  it('is asked for where a node may not make it, and taken where it is there', async () => {
    const cluster = await openNodes(1, { isEmpty: true })
    const other = openNode(cluster.url, { mayMigrate: false })
    onTestFinished(() => other.store.close())
    await expect(other.store.migrate()).rejects.toThrow('The database has no Tasklane schema yet. Run')
    await nodeAt(cluster, 0).store.migrate()
    await other.store.migrate()
    await other.submit(draft('a'))
  })

  it('is not made by a user who may not, who is told what is missing', async () => {
    const cluster = await openNodes(0, { isEmpty: true })
    const user = await cluster.role()
    const node = openNode(user.url)
    onTestFinished(() => node.store.close())
    await expect(node.store.migrate()).rejects.toMatchObject({
      name: 'SchemaError',
      message: expect.stringMatching(
        /may not create its schema.*: permission denied for database .*\. Give .* the right \(GRANT CREATE ON DATABASE/,
      ),
    })
  })

  it('is filled by a user whom somebody gave an empty one', async () => {
    const cluster = await openNodes(0, { isEmpty: true })
    const user = await cluster.role()
    await cluster.ask(`CREATE SCHEMA tasklane AUTHORIZATION ${user.name}`)
    const node = openNode(user.url)
    onTestFinished(() => node.store.close())
    await node.store.migrate()
    await node.submit(draft('a'))
  })

  it('is refused to a database of another encoding', async () => {
    const cluster = await openNodes(0, { isEmpty: true })
    const name = `${new URL(cluster.url).pathname.slice(1)}_latin`
    await cluster.ask(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`)
    const url = new URL(cluster.url)
    url.pathname = `/${name}`
    const node = openNode(url.href)
    onTestFinished(async () => {
      await node.store.close()
      await cluster.ask(`DROP DATABASE ${name} WITH (FORCE)`)
    })
    await expect(node.store.migrate()).rejects.toMatchObject({
      name: 'SchemaError',
      message: `The database's encoding is LATIN1; Tasklane needs UTF8. Make one: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.`,
    })
  })

  it('is used as it should be, whatever the database makes of a transaction by default', async () => {
    const cluster = await openNodes(0)
    await cluster.ask(`DO $$ BEGIN
      EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''serializable''', current_database()); END $$`)
    const nodes = Array.from({ length: 6 }, () => openNode(cluster.url))
    onTestFinished(async () => {
      for (const { store } of nodes) await store.close()
    })
    await nodes[0]?.submit(...names('t', 120).map(id => draft(id)))
    await Promise.all(
      nodes.map(async (node, at) => {
        for (;;) {
          const [task] = await node.claim({ worker: `w${at}`, limit: 1 })
          if (task === undefined) return
          await node.complete(task)
        }
      }),
    )
    expect(await nodes[0]?.store.counts()).toMatchObject({ pending: 0, running: 0, completed: 120 })
  })
})
