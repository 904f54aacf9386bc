// Tasks per second through one node, beside what SQLite alone does in the same run on the same machine.
// Usage: npm run bench -- [--quick] [--only NAME] [--json FILE] [--tasks N] [--runs N] [--profile FOLDER]
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { createNode, drain, endToEnd, median, singlePosts, submitOnly } from './cases.mjs'
import { idleLatency } from './latency.mjs'
import { rawSqlite } from './raw-sqlite.mjs'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'string' },
    tasks: { type: 'string' },
    runs: { type: 'string' },
    profile: { type: 'string' },
  },
})
const tasks = Number(options.tasks ?? (options.quick ? 10_000 : 50_000))
const runs = Number(options.runs ?? (options.quick ? 1 : 3))
const batch = 500

const cases = {
  raw_100: ['SQLite alone, 3 transitions, 100 a commit', 'tasks/s', () => rawSqlite({ tasks, batch: 100 }).lives],
  raw_500: ['SQLite alone, 3 transitions, 500 a commit', 'tasks/s', () => rawSqlite({ tasks, batch }).lives],
  raw_insert: ['SQLite alone, inserts, 100 a commit', 'tasks/s', () => rawSqlite({ tasks, batch: 100 }).insert],
  submit_batch: [
    'submit over HTTP, batches of 100',
    'tasks/s',
    node => submitOnly(node, { tasks, batch: 100, inFlight: 4 }),
  ],
  submit_single: [
    'submit over HTTP, one by one, 64 in flight',
    'tasks/s',
    node => singlePosts(node, { tasks: tasks / 2, inFlight: 64 }),
  ],
  end_to_end: [
    'end to end, batches of 500: producer, scheduler, one worker',
    'tasks/s',
    node => endToEnd(node, { tasks, batch }),
  ],
  drain: ['drain of a queue by one worker process', 'tasks/s', node => drain(node, { tasks, batch })],
  idle_latency: [
    'idle latency, submit call to handler start, p50',
    'ms',
    node => idleLatency(node, { submits: options.quick ? 100 : 500 }),
  ],
}

const chosen = Object.entries(cases).filter(([name]) => options.only === undefined || name === options.only)
if (chosen.length === 0) {
  console.error(`No case is named '${options.only}'; there are: ${Object.keys(cases).join(', ')}.`)
  process.exit(2)
}

const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  node: process.version,
  durability: 'WAL, synchronous=FULL',
  tasks,
  runs,
}
console.error(
  `${machine.cores} × ${machine.cpu}, Node ${machine.node}, ${machine.durability}, ${tasks} tasks, median of ${runs} (min–max)\n`,
)

const samples = Object.fromEntries(chosen.map(([name]) => [name, []]))
for (let run = 0; run < runs; run += 1) {
  // Every case once a round, so that a slow minute of the machine falls on all of them alike.
  for (const [name, [, , measure]] of chosen) {
    const node = measure.length === 0 ? null : await createNode(options.profile)
    try {
      samples[name].push(await measure(node))
    } finally {
      await node?.close()
    }
  }
}

const results = chosen.map(([name, [what, unit]]) => {
  const sorted = [...samples[name]].sort((one, other) => one - other)
  return { name, what, unit, median: median(sorted), min: sorted[0], max: sorted.at(-1) }
})
const value = name => results.find(result => result.name === name)?.median ?? null
const ratios = [
  ['end_to_end', 'raw_500'],
  ['drain', 'raw_500'],
  ['submit_batch', 'raw_insert'],
].flatMap(([one, limit]) =>
  value(one) && value(limit) ? [{ of: one, to: limit, ratio: value(one) / value(limit) }] : [],
)

const number = amount => (amount < 100 ? amount.toFixed(2) : Math.round(amount).toLocaleString('en-US'))
for (const { what, unit, median: middle, min, max } of results) {
  console.log(`${what.padEnd(62)} ${number(middle).padStart(9)} ${unit.padEnd(8)} (${number(min)}–${number(max)})`)
}
for (const { of, to, ratio } of ratios)
  console.log(`${`${of} to ${to}`.padEnd(62)} ${(ratio * 100).toFixed(0).padStart(9)} %`)
if (options.json !== undefined)
  writeFileSync(options.json, `${JSON.stringify({ machine, results, ratios }, null, 2)}\n`)
