// What is measured on PostgreSQL, each beside its limit: the very statements of the store, run by a bare loop at the same
// batch sizes and number of connections.
import { bareFastify } from './bare-fastify.mjs'
import { diskSync } from './disk.mjs'
import { rawPostgres } from './raw-postgres.mjs'
import { figures as allFigures, nodeCases } from './suite.mjs'

const batch = 500
/** Exchanges of one node at once: see stores/postgres/postgres-store.ts. */
const connections = 2

export const figures = {
  ...allFigures,
  raw_1_500: ['PostgreSQL alone, 3 transitions, 500 a commit, 1 connection', 'tasks/s'],
  raw_500: ['PostgreSQL alone, 3 transitions, 500 a commit, 2 connections', 'tasks/s'],
  raw_100: ['PostgreSQL alone, 3 transitions, 100 a commit, 2 connections', 'tasks/s'],
  raw_insert_100: ['PostgreSQL alone, inserts, 100 a commit, 2 connections', 'tasks/s'],
}

/** The two aims in tasks/s are five times what the peers reach by single inserts, and what they reach end to end. */
export const aims = [
  { of: 'submit_batch', to: 'raw_insert_100', atLeast: 0.6 },
  { of: 'submit_single', atLeast: 7_000 },
  { of: 'drain', to: 'raw_500', atLeast: 0.6 },
  { of: 'end_to_end', to: 'raw_500', atLeast: 0.6 },
  { of: 'end_to_end', atLeast: 27_000 },
  { of: 'latency_p50', atMost: 3 },
  { of: 'latency_p50', to: 'disk_sync' },
  { of: 'drain_deep', to: 'drain_shallow', atLeast: 0.85 },
  { of: 'drain_history', to: 'drain_shallow', atLeast: 0.85 },
  { of: 'memory_deep', atMost: 250 },
  { of: 'graph', to: 'independent', atLeast: 0.5 },
]

/** @param sizes as in suite.mjs @param sizes.nodes several share the work, and only what can be shared is measured */
export function suiteOf(sizes) {
  const { tasks, submits, nodes } = sizes
  const raw = (name, gives, options, pick) => ({
    name,
    gives,
    onNode: false,
    measure: async ({ databaseUrl: url }) => pick(await rawPostgres({ url, tasks, ...options })),
  })
  const cases = [
    raw('raw_1_500', ['raw_1_500'], { batch, connections: 1 }, ({ lives }) => [lives]),
    raw('raw_500', ['raw_500'], { batch, connections }, ({ lives }) => [lives]),
    raw('raw_100', ['raw_100', 'raw_insert_100'], { batch: 100, connections }, ({ lives, insert }) => [lives, insert]),
    {
      name: 'bare_fastify',
      gives: ['bare_fastify'],
      onNode: false,
      measure: async () => [await bareFastify({ tasks: tasks / 2, inFlight: 64 })],
    },
    { name: 'disk', gives: ['disk_sync'], onNode: false, measure: async () => [await diskSync({ syncs: submits })] },
    ...nodeCases(sizes),
  ]
  const shared = ['raw_500', 'submit_batch', 'submit_single', 'drain', 'end_to_end', 'end_to_end_single']
  return nodes === 1 ? cases : cases.filter(each => shared.includes(each.name))
}
