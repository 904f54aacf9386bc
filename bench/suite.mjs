// What is measured, each beside its limit of the same run and its aim. A case measures one or several figures at once.
import { bareFastify } from './bare-fastify.mjs'
import { drain, endToEnd, endToEndSdk, endToEndSingle, endToEndWatched, singlePosts, submitOnly } from './cases.mjs'
import { depths } from './depth.mjs'
import { diskSync } from './disk.mjs'
import { independent, layeredGraph } from './graph.mjs'
import { idleLatency } from './latency.mjs'
import { rawSqlite } from './raw-sqlite.mjs'

const inFlight = 64
const batch = 500
const mega = 1_048_576

/** Name of a figure → what it is, and its unit. */
export const figures = {
  raw_100_each: ['SQLite alone, 3 transitions, 100 a commit, one statement a row', 'tasks/s'],
  raw_100: ['SQLite alone, 3 transitions, 100 a commit', 'tasks/s'],
  raw_500: ['SQLite alone, 3 transitions, 500 a commit', 'tasks/s'],
  raw_insert_100: ['SQLite alone, inserts, 100 a commit', 'tasks/s'],
  disk_sync: ['one sync of the disk, p50', 'ms'],
  bare_fastify: ['bare Fastify, same body and schema, 64 in flight', 'requests/s'],
  submit_batch: ['submit, batches of 100, 4 in flight', 'tasks/s'],
  submit_single: ['submit, one by one, 64 in flight', 'tasks/s'],
  drain: ['drain of a full queue, one worker', 'tasks/s'],
  end_to_end: ['end to end, batches of 500', 'tasks/s'],
  end_to_end_watched: ['the same, while 20 live streams are read', 'tasks/s'],
  end_to_end_single: ['end to end, single posts, 64 in flight', 'tasks/s'],
  end_to_end_sdk: ['end to end, single submits of the SDK, 64 in flight', 'tasks/s'],
  latency_p50: ['idle latency, submit call to handler start, p50', 'ms'],
  latency_p99: ['the same, p99', 'ms'],
  drain_shallow: ['drain through queues of 10,000', 'tasks/s'],
  drain_deep: ['drain at the head of a deep queue', 'tasks/s'],
  drain_history: ['drain with the deep queue kept as history', 'tasks/s'],
  memory_deep: ['memory of the scheduler with the deep queue', 'MiB'],
  independent: ['10,000 tasks without edges, submit to end', 'tasks/s'],
  graph: ['10,000 tasks in 100 layers, submit to end', 'tasks/s'],
}

/** What is aimed at: a figure alone, or its ratio to another of the same run. `atMost` where small is good. */
export const aims = [
  { of: 'submit_batch', to: 'raw_insert_100', atLeast: 0.6 },
  { of: 'submit_single', to: 'bare_fastify', atLeast: 0.4 },
  { of: 'drain', atLeast: 50_000 },
  { of: 'drain', to: 'raw_500' },
  { of: 'end_to_end', atLeast: 40_000 },
  { of: 'end_to_end', to: 'raw_500' },
  { of: 'end_to_end_watched', to: 'end_to_end', atLeast: 0.9 },
  { of: 'end_to_end_single', atLeast: 13_000 },
  { of: 'latency_p50', atMost: 1.5 },
  { of: 'latency_p50', to: 'disk_sync' },
  { of: 'drain_deep', to: 'drain_shallow', atLeast: 0.85 },
  { of: 'drain_history', to: 'drain_shallow', atLeast: 0.85 },
  { of: 'memory_deep', atMost: 250 },
  { of: 'graph', to: 'independent', atLeast: 0.5 },
]

const one =
  measure =>
  async (...args) => [await measure(...args)]

/**
 * @param tasks of the usual case @param deep of the deep queue @param submits of the latency
 * @returns cases: `{ name, gives: figure names, onNode, measure(node) → values in the order of gives }`
 */
export function suiteOf({ tasks, deep, submits }) {
  const alone = (name, gives, measure) => ({ name, gives, onNode: false, measure })
  return [
    alone(
      'raw_each',
      ['raw_100_each'],
      one(() => rawSqlite({ tasks, batch: 100, many: false }).lives),
    ),
    alone('raw_100', ['raw_100', 'raw_insert_100'], async () => {
      const { lives, insert } = rawSqlite({ tasks, batch: 100, many: true })
      return [lives, insert]
    }),
    alone(
      'raw_500',
      ['raw_500'],
      one(() => rawSqlite({ tasks, batch, many: true }).lives),
    ),
    alone(
      'bare_fastify',
      ['bare_fastify'],
      one(() => bareFastify({ tasks: tasks / 2, inFlight })),
    ),
    alone(
      'disk',
      ['disk_sync'],
      one(() => diskSync({ syncs: submits })),
    ),
    ...nodeCases({ tasks, deep, submits }),
  ]
}

/** The cases of a whole node, whatever its store. */
export function nodeCases({ tasks, deep, submits }) {
  const onNode = (name, gives, measure) => ({ name, gives, onNode: true, measure })
  return [
    onNode(
      'submit_batch',
      ['submit_batch'],
      one(node => submitOnly(node, { tasks, batch: 100, inFlight: 4 })),
    ),
    onNode(
      'submit_single',
      ['submit_single'],
      one(node => singlePosts(node, { tasks: tasks / 2, inFlight })),
    ),
    onNode(
      'drain',
      ['drain'],
      one(node => drain(node, { tasks, batch })),
    ),
    onNode(
      'end_to_end',
      ['end_to_end'],
      one(node => endToEnd(node, { tasks, batch })),
    ),
    onNode(
      'end_to_end_watched',
      ['end_to_end_watched'],
      one(node => endToEndWatched(node, { tasks, batch, streams: 20 })),
    ),
    onNode(
      'end_to_end_single',
      ['end_to_end_single'],
      one(node => endToEndSingle(node, { tasks: tasks / 2, inFlight })),
    ),
    onNode(
      'end_to_end_sdk',
      ['end_to_end_sdk'],
      one(node => endToEndSdk(node, { tasks, inFlight })),
    ),
    onNode('idle_latency', ['latency_p50', 'latency_p99'], async node => {
      const waits = await idleLatency(node, { submits })
      return [waits[Math.floor(waits.length / 2)], waits[Math.floor(waits.length * 0.99)]]
    }),
    onNode('depth', ['drain_shallow', 'drain_deep', 'drain_history', 'memory_deep'], async node => {
      const { atShallow, atDepth, afterHistory, memory } = await depths(node, { tasks, deep })
      return [atShallow, atDepth, afterHistory, memory / mega]
    }),
    onNode(
      'independent',
      ['independent'],
      one(node => independent(node, { tasks: tasks / 5 })),
    ),
    onNode(
      'graph',
      ['graph'],
      one(node => layeredGraph(node, { tasks: tasks / 5, layers: 100 })),
    ),
  ]
}
