import { randomBytes } from 'node:crypto'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { type PrivatePostgres, privatePostgres } from '../support/servers/postgres.ts'
import type { Disk } from './disk.ts'
import type { Ground, NodePlace } from './ground.ts'
import { type Link, openLink } from './proxy.ts'

/** A PostgreSQL server of one run's own; each node reaches it over links of its own. */
export interface PostgresGround {
  readonly server: PrivatePostgres
  /** Of each node, in their order: what it asks and is answered. */
  readonly storeLinks: readonly Link[]
  /** Of each node: where it hears the others and is heard. */
  readonly hintLinks: readonly Link[]
  /** As the superuser, past all links. */
  query(sql: string): Promise<readonly Record<string, unknown>[]>
  /** How many connections all nodes together may open from now on; those they have are ended. -1 is no limit. */
  limitConnections(most: number): Promise<void>
}

export interface PostgresGroundOptions {
  readonly folder: string
  readonly nodes: number
  readonly disk: Disk | null
}

/**
 * Small files of log, so that a full disk is soon felt; what the nodes do is as durable as it is by default. Nothing is
 * kept ready that a run of minutes does not need.
 */
const settings = {
  max_wal_size: '48MB',
  min_wal_size: '8MB',
  shared_buffers: '32MB',
  max_connections: '80',
  // A server that crashed is up again at once, as a supervisor would have it.
  restart_after_crash: 'on',
}
const initdb = ['--no-locale', '--wal-segsize=4']
const role = 'nodes'
const databaseName = 'tasklane'

/** @returns null where there are no programs of PostgreSQL; `privatePostgres` has said so */
export async function createPostgresGround(options: PostgresGroundOptions): Promise<Ground | null> {
  const { disk, folder } = options
  // The server is another user than root: it must get through to its disk.
  if (disk !== null) chmodSync(folder, 0o711)
  const where = disk === null ? {} : { dataFolder: disk.folder }
  const server = await privatePostgres({ settings, initdb, ...where })
  if (server === null) return null
  const password = randomBytes(9).toString('hex')
  const links: Link[] = []
  const close = async (): Promise<void> => {
    await Promise.all(links.map(link => link.close()))
    await server.close()
    disk?.unmount()
  }
  try {
    // No superuser: limits and room kept for administrators hold for nodes.
    await ask(server.url, `CREATE ROLE ${role} LOGIN PASSWORD '${password}'`)
    await ask(server.url, `CREATE DATABASE ${databaseName} OWNER ${role}`)
    const open = async (): Promise<Link> => {
      const link = await openLink(() => server.port, noTap)
      links.push(link)
      return link
    }
    const storeLinks: Link[] = []
    const hintLinks: Link[] = []
    for (let at = 0; at < options.nodes; at += 1) {
      storeLinks.push(await open())
      hintLinks.push(await open())
    }
    const urlOver = (link: Link | undefined): string =>
      `postgresql://${role}:${password}@127.0.0.1:${new URL(link?.url ?? '').port}/${databaseName}`
    const own = new URL(server.url)
    own.pathname = `/${databaseName}`
    const postgres: PostgresGround = Object.freeze({
      ...{ server, storeLinks, hintLinks },
      query: (sql: string) => ask(own.href, sql),
      limitConnections: async (most: number) => {
        await ask(server.url, `ALTER ROLE ${role} CONNECTION LIMIT ${most}`)
        await ask(server.url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`)
      },
    })
    return Object.freeze<Ground>({
      nodes: storeLinks.map((link, at): NodePlace => {
        const env = { DATABASE_URL: urlOver(link), TASKLANE_HINTS_URL: urlOver(hintLinks[at]) }
        return { name: `node-${at + 1}`, args: [], env }
      }),
      postgres,
      disk,
      check: () => checkDatabase(postgres),
      keep: to => {
        if (to === folder) writeFileSync(join(to, 'postgres.log'), server.log())
      },
      close,
    })
  } catch (error) {
    await close()
    throw error
  }
}

const noTap = () => ({ request: () => {}, reply: () => {} })

async function ask(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

/** What must hold between the tables, whatever happened to whoever wrote them. */
const contradictions: Readonly<Record<string, string>> = {
  'counters differ from the tasks they count': `
    WITH told AS (
      SELECT lane, state, sum(n) AS n FROM
        (SELECT lane, state, n FROM tasklane.counters UNION ALL SELECT lane, state, n FROM tasklane.counter_changes) AS every
      GROUP BY lane, state HAVING sum(n) <> 0),
    seen AS (SELECT lane, state, count(*) AS n FROM tasklane.tasks GROUP BY lane, state)
    SELECT lane, state, told.n AS told, seen.n AS seen FROM told FULL JOIN seen USING (lane, state)
    WHERE told.n IS DISTINCT FROM seen.n`,
  'a child waits for edges that it does not have': `
    SELECT id, waiting_count FROM tasklane.tasks AS task WHERE state = 'blocked' AND waiting_count <>
      (SELECT count(*) FROM tasklane.edges WHERE child = task.number AND NOT resolved AND NOT is_repeat)`,
  'a task that does not run is leased': `
    SELECT id, state FROM tasklane.tasks WHERE state IN ('pending', 'scheduled', 'blocked') AND lease_until IS NOT NULL`,
}

async function checkDatabase({ query }: PostgresGround): Promise<readonly string[]> {
  const faults: string[] = []
  for (const [what, sql] of Object.entries(contradictions)) {
    const rows = await query(sql)
    if (rows.length > 0) faults.push(`${what}: ${JSON.stringify(rows.slice(0, 3))}`)
  }
  // Not every packager ships it.
  const [amcheck] = await query(`SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'`)
  if (amcheck === undefined) return faults
  await query('CREATE EXTENSION IF NOT EXISTS amcheck')
  const indexes = `SELECT i.indexrelid, true FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relnamespace = 'tasklane'::regnamespace AND i.indisvalid`
  await query(
    `SELECT bt_index_parent_check(index, heapallindexed) FROM (${indexes}) AS every (index, heapallindexed)`,
  ).catch((error: unknown) =>
    faults.push(`an index is damaged: ${error instanceof Error ? error.message : String(error)}`),
  )
  return faults
}
