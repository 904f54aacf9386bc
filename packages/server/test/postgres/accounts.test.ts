import { describe, expect, it } from 'vitest'
import { until } from '../../../../test/support/processes.ts'
import { ensureFirstAdmin, isAsMade } from '../../src/http/auth/first-admin.ts'
import { systemClock } from '../../src/system-clock.ts'
import { tokenDraft, userDraft } from '../conformance/accounts.ts'
import { hasPostgres } from '../support/postgres-stores.ts'
import { type Nodes, openNodes } from './nodes.ts'

/** The row that every change of accounts waits for, as long as another transaction is about to make it. */
const firstChange = `INSERT INTO tasklane.meta (name, value) VALUES ('accounts_version', 0)`
const laterChange = `SELECT 1 FROM tasklane.meta WHERE name = 'accounts_version' FOR UPDATE`

const nobody = { name: 'nobody', version: 0 }

describe.skipIf(!(await hasPostgres()))('accounts that several nodes change at once', () => {
  it('have one first user, however many nodes start on an empty database', async () => {
    const cluster = await openNodes(5)
    const made = await atOnce(cluster, firstChange, ({ store }, at) =>
      store.createUser(userDraft(`root-${at}`, 'admin'), { onlyAsFirst: true }),
    )
    expect(made.filter(each => each !== null)).toHaveLength(1)
    expect(await cluster.nodes[0]?.store.users()).toEqual(made.filter(each => each !== null))
  })

  it('know the first admin as it was made, at each node, until one of them changes it', async () => {
    const cluster = await openNodes(3)
    const stores = cluster.nodes.map(({ store }) => store)
    const told = await Promise.all(stores.map(store => ensureFirstAdmin(store, null, systemClock)))
    expect(told.filter(({ password }) => password !== null)).toHaveLength(1)
    const asMade = () => Promise.all(stores.map(async store => isAsMade((await store.user('admin')) ?? nobody)))
    expect(await asMade()).toEqual([true, true, true])
    await stores[1]?.changeUser('admin', { passwordHash: 'another' })
    expect(await asMade()).toEqual([false, false, false])
  })

  it('give a name once, and the number of a user, too', async () => {
    const cluster = await openNodes(4)
    const same = await atOnce(cluster, firstChange, ({ store }) => store.createUser(userDraft('ada', 'viewer')))
    expect(same.filter(each => each !== null)).toHaveLength(1)
    const others = await atOnce(cluster, laterChange, ({ store }, at) =>
      store.createUser(userDraft(`u${at}`, 'viewer')),
    )
    expect(others.map(each => each?.number).sort()).toEqual([2, 3, 4, 5])
  })

  it('keep an admin, though each of the last two is taken away by another node', async () => {
    const cluster = await openNodes(2)
    const [one] = cluster.nodes
    await one?.store.createUser(userDraft('a0', 'admin'))
    await one?.store.createUser(userDraft('a1', 'admin'))
    const verdicts = await atOnce(cluster, laterChange, ({ store }, at) =>
      store.changeUser(`a${at}`, at === 0 ? { role: 'viewer' } : { isDisabled: true }),
    )
    expect(verdicts.filter(each => each === 'last_admin')).toHaveLength(1)
    const left = await one?.store.users()
    expect(left?.filter(each => each.role === 'admin' && !each.isDisabled)).toHaveLength(1)
  })

  it('give the name of a living token once', async () => {
    const cluster = await openNodes(4)
    const given = await atOnce(cluster, firstChange, ({ store }, at) =>
      store.createToken(tokenDraft('ci', { id: `${at}` })),
    )
    expect(given.filter(each => each !== null)).toHaveLength(1)
  })

  it('tell every node that they changed, by one version for all', async () => {
    const cluster = await openNodes(3)
    await atOnce(cluster, firstChange, ({ store }, at) => store.createUser(userDraft(`u${at}`, 'admin')))
    const versions = await Promise.all(cluster.nodes.map(({ store }) => store.accountsVersion()))
    expect(new Set(versions).size).toBe(1)
    expect(versions[0]).toBeGreaterThanOrEqual(3)
  })

  it('note the use of the same tokens in any order, and prune the audit log side by side', async () => {
    const cluster = await openNodes(4)
    const [one] = cluster.nodes
    const ids = Array.from({ length: 20 }, (_, at) => `t${at}`)
    for (const id of ids) await one?.store.createToken(tokenDraft(id))
    const entry = { actor: 'ada', action: 'x', subject: null, address: null, outcome: 'ok', requestId: null }
    await one?.store.appendAudit(Array.from({ length: 100 }, () => entry))
    await until(
      () => cluster.ask('SELECT 1 FROM tasklane.audit WHERE at < extract(epoch FROM now()) * 1000 - 1 LIMIT 1'),
      rows => rows.length > 0,
      () => 'the entries to be a moment old',
    )
    const pruned = await Promise.all(
      cluster.nodes.map(async ({ store }, at) => {
        await store.touchTokens(at % 2 === 0 ? ids : [...ids].reverse())
        return store.pruneAudit(0, 60)
      }),
    )
    const page = await one?.store.audit({ actor: null, action: null, subject: null }, { limit: 200, before: null })
    expect(pruned.reduce((sum, each) => sum + each, 0)).toBe(100 - (page?.length ?? 0))
    expect(await cluster.deadlocks()).toBe(0)
  })
})

/** Lets every node do its work at the same moment: all of them wait for what another transaction holds, and then for each other. */
async function atOnce<Value>(
  cluster: Nodes,
  held: string,
  work: (node: Nodes['nodes'][number], at: number) => Promise<Value>,
): Promise<readonly Value[]> {
  const other = await cluster.hold(held)
  const working = Promise.all(cluster.nodes.map(work))
  await until(
    () =>
      cluster.ask(`SELECT pid FROM pg_stat_activity WHERE datname = current_database()
      AND wait_event_type = 'Lock' AND application_name LIKE 'tasklane%'`),
    waiting => waiting.length === cluster.nodes.length,
    () => 'every node to wait',
  )
  await other.letGo()
  return working
}
