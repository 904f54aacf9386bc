// How fast claims are on PostgreSQL, by what the table has been through: the depth of the queue, the tasks that have passed,
// and a transaction somewhere that keeps an old snapshot, so that vacuum may remove nothing. Through the store itself, one
// exchange at a time, 500 tasks each. Usage: node bench/claims-postgres.mjs [tasks to pass (5,000,000)] [with the snapshot (150,000)]
import { createUuidV7 } from '@tasklane/protocol'
import pg from 'pg'
import { createPostgresStore } from '../packages/server/dist/stores/postgres/postgres-store.js'
import { systemClock } from '../packages/server/dist/system-clock.js'
import { startBenchServer } from './postgres-server.mjs'

const passed = Number(process.argv[2] ?? 5_000_000)
const withSnapshot = Number(process.argv[3] ?? 150_000)
const batch = 500
const nextId = createUuidV7(
  () => Date.now(),
  bytes => crypto.getRandomValues(bytes),
)
const draft = {
  ...{ type: 'noop', queue: 'default', name: null, description: null, payload: '{"n":1}', priority: 5 },
  ...{ prioritySource: 'default', dependencies: [], onDependencyFailure: 'cancel', timeoutMs: 300_000, maxRetries: 5 },
  ...{
    runAtMs: null,
    delayMs: null,
    labels: null,
    idempotencyKey: null,
    submittedBy: null,
    isOwnOnly: false,
    trace: null,
  },
}

const server = await startBenchServer()
const { url } = await server.database()
const store = createPostgresStore({ url, clock: systemClock, headStartMs: 3_600_000, timeoutMs: 60_000 })
await store.migrate()
console.log(`${server.version}, claims of ${batch}, claims and ends of 20,000 tasks each time\n`)

let queued = 0
for (const depth of [10_000, 100_000, 1_000_000]) {
  await submit(depth + 20_000 - queued)
  queued = depth + 20_000
  await measure(`${depth.toLocaleString('en')} queued`, 20_000)
  queued -= 20_000
}
await pass(queued, () => {}, false)
await pass(passed, done => process.stderr.write(`\r${done.toLocaleString('en')} passed `))
process.stderr.write('\n')
await submit(30_000)
await measure(`after ${(passed + 1_070_000).toLocaleString('en')} tasks, 10,000 queued`, 20_000)
await pass(10_000, () => {}, false)

const holder = new pg.Client(url)
await holder.connect()
await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
await holder.query('SELECT count(*) FROM tasklane.workers')
await pass(withSnapshot, () => {})
await submit(30_000)
await measure(`with a snapshot ${withSnapshot.toLocaleString('en')} tasks old, 10,000 queued`, 20_000)
await holder.query('ROLLBACK')
await holder.end()
await measure('the same, the snapshot gone', 10_000)
await store.close()
await server.close()

function exchange(more) {
  return store.exchange({ settles: [], submits: [], beats: [], claims: [], ...more })
}

async function submit(count) {
  for (let left = count; left > 0; left -= batch) {
    await exchange({
      submits: [{ drafts: Array.from({ length: Math.min(batch, left) }, () => ({ ...draft, id: nextId() })) }],
    })
  }
}

async function claim() {
  const ask = { workerId: 'w', queues: null, types: null, limit: batch, leaseMs: 60_000, requestId: null }
  return (await exchange({ claims: [ask] })).claims[0]
}

async function end(tasks) {
  const settles = tasks.map(({ id, epoch }) => ({
    lease: { taskId: id, epoch, workerId: 'w' },
    outcome: { kind: 'completed', result: null },
    guard: 'held',
  }))
  await exchange({ settles })
}

/** Tasks that come, run and end; without `withSubmits` those that are queued. */
async function pass(count, onProgress, withSubmits = true) {
  for (let done = 0; done < count; done += batch) {
    if (withSubmits) await submit(batch)
    await end(await claim())
    if (done % 100_000 === 0) onProgress(done)
  }
  await store.prune({ keepMs: 1e12, workerKeepMs: 1e12, limit: 1 })
}

async function measure(what, count) {
  let claimMs = 0
  const began = performance.now()
  for (let done = 0; done < count; done += batch) {
    const from = performance.now()
    const tasks = await claim()
    claimMs += performance.now() - from
    if (tasks.length !== batch) throw new Error(`A claim got ${tasks.length} tasks of ${batch}.`)
    await end(tasks)
  }
  const rate = Math.round(count / ((performance.now() - began) / 1_000))
  const claims = Math.round(count / (claimMs / 1_000))
  console.log(
    `${what.padEnd(58)} ${claims.toLocaleString('en').padStart(8)} claims/s ${rate.toLocaleString('en').padStart(8)} claims and ends/s`,
  )
}
