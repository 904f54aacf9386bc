import pg from 'pg'
import { onTestFinished } from 'vitest'
import { until } from '../../../../test/support/processes.ts'
import { freshDatabase } from '../../../../test/support/servers/postgres.ts'
import type { Store } from '../../src/ports/store.ts'
import { createPostgresStore, type PostgresStoreParts } from '../../src/stores/postgres/postgres-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { schemaTemplate } from '../support/postgres-stores.ts'
import { driveStore, type StoreDriver } from '../support/store-driver.ts'

/** A node as a test sees it: its store, and short sentences over it. */
export interface Node extends StoreDriver {
  readonly store: Store
}

/** Several nodes on one fresh database. */
export interface Nodes {
  readonly url: string
  readonly nodes: readonly Node[]
  /** Asks the database itself, beside all stores. */
  ask(text: string, ...values: readonly unknown[]): Promise<readonly Record<string, unknown>[]>
  /** Opens a transaction beside all stores that locks what this query selects, until it is let go. */
  hold(query: string): Promise<{ letGo(): Promise<void> }>
  /** Makes a login without any right of its own, but to connect; it goes with the test. */
  role(options?: string): Promise<{ readonly name: string; readonly url: string }>
  /** So a test knows that two transactions have met, at this table where one is named. */
  untilSomebodyWaits(table?: string): Promise<void>
  /** Of this database since it was made; closes the stores, since a connection tells of its deadlocks when it goes. */
  deadlocks(): Promise<number>
}

/** Opens `count` stores on one database of the test's own; all goes when the test ends. */
export async function openNodes(
  count: number,
  parts: Partial<Omit<PostgresStoreParts, 'url'>> & { readonly isEmpty?: boolean } = {},
): Promise<Nodes> {
  const { isEmpty = false, ...rest } = parts
  const database = await freshDatabase(isEmpty ? undefined : schemaTemplate)
  const { url } = database
  const side = new pg.Pool({ connectionString: url, max: 2 })
  side.on('error', () => {})
  const ask: Nodes['ask'] = async (text, ...values) => (await side.query(text, [...values])).rows
  // A deadlock is noticed after a second; here at once, where the server lets us say so.
  await ask(`DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = %L', current_database(), '50ms');
    EXCEPTION WHEN insufficient_privilege THEN NULL; END $$`)
  const nodes = Array.from({ length: count }, () => openNode(url, rest))
  const closeAll = async (): Promise<void> => {
    await Promise.all(nodes.map(({ store }) => store.close()))
  }
  onTestFinished(async () => {
    await closeAll()
    await side.end()
    await database.drop()
  })
  return Object.freeze<Nodes>({
    url,
    nodes,
    ask,
    hold: async query => {
      const client = await side.connect()
      let isHeld = true
      const letGo = async (): Promise<void> => {
        if (!isHeld) return
        isHeld = false
        await client.query('COMMIT')
        client.release()
      }
      onTestFinished(letGo)
      await client.query(`BEGIN; ${query}`)
      return { letGo }
    },
    role: async (options = '') => {
      const own = new URL(url)
      const name = `user_${own.pathname.slice(-10)}`
      await ask(`CREATE ROLE ${name} LOGIN PASSWORD 'word' ${options}`)
      onTestFinished(async () => {
        await ask(`DROP OWNED BY ${name} CASCADE`)
        await ask(`DROP ROLE ${name}`)
      })
      own.username = name
      own.password = 'word'
      return { name, url: own.href }
    },
    untilSomebodyWaits: async table => {
      await until(
        () =>
          ask(
            `SELECT pid FROM pg_stat_activity AS a WHERE datname = current_database()
              AND wait_event_type = 'Lock' AND application_name LIKE 'tasklane%' AND ($1::text IS NULL OR EXISTS (
                SELECT FROM pg_locks AS l WHERE l.pid = a.pid AND NOT l.granted AND l.relation = $1::regclass))`,
            table ?? null,
          ),
        waiting => waiting.length > 0,
        () => 'a transaction to wait for a lock',
      )
    },
    deadlocks: async () => {
      await closeAll()
      await until(
        async () => (await connectionsTo(ask)).length,
        left => left === 0,
        () => 'the connections of closed stores to go',
      )
      const [row] = await ask('SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()')
      return Number(row?.deadlocks)
    },
  })
}

export function openNode(url: string, parts: Partial<Omit<PostgresStoreParts, 'url'>> = {}): Node {
  const store = createPostgresStore({ clock: systemClock, headStartMs: 3_600_000, connections: 4, ...parts, url })
  return Object.freeze<Node>({ store, ...driveStore(store) })
}

/** Connections of stores and brokers to this database. */
export function connectionsTo(ask: Nodes['ask']): Promise<readonly Record<string, unknown>[]> {
  return ask(
    `SELECT pid, application_name, state, query FROM pg_stat_activity
     WHERE datname = current_database() AND application_name LIKE 'tasklane%'`,
  )
}

/** The node at this place, counted around. */
export function nodeAt({ nodes }: Nodes, at: number): Node {
  const node = nodes[at % nodes.length]
  if (node === undefined) throw new Error('A test needs at least one node.')
  return node
}
