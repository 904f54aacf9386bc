// Tasks per second through one node, beside its limits in the same run on the same machine.
import { writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { DatabaseSync } from '@photostructure/sqlite'
import { createNode } from './cases.mjs'
import { lines, summarise } from './report.mjs'

const help = `Usage: npm run bench -- [options]

  --store KIND    sqlite (the default), or postgres: a private server, durable, installed by apt where it is not there
  --nodes N       schedulers on that server, each with a worker of its own (1)
  --only NAME     one case, or several with commas; their limits are measured along
  --quick         a fifth of the tasks, once: to see that it runs, not to quote
  --runs N        runs of each case, in rounds; the median counts (3)
  --tasks N       tasks of the usual case (50,000)
  --deep N        tasks of the deep queue (1,000,000)
  --json FILE     figures, samples and ratios for programs
  --profile DIR   a CPU profile of each process
`

const options = readOptions()
const quick = options.quick ? 5 : 1
const sizes = {
  tasks: wholeNumber('tasks', 50_000 / quick),
  deep: wholeNumber('deep', options.quick ? 50_000 : 1_000_000),
  submits: 500 / quick,
}
const runs = wholeNumber('runs', options.quick ? 1 : 3)
const store = oneOf('store', ['sqlite', 'postgres'])
const nodes = wholeNumber('nodes', 1)
if (nodes > 1 && store === 'sqlite') fail('--nodes is for --store postgres: a SQLite file belongs to one node.')
const { figures, aims, suiteOf } = await import(store === 'sqlite' ? './suite.mjs' : './suite-postgres.mjs')
const suite = chosen(suiteOf({ ...sizes, nodes }))
const server = store === 'sqlite' ? null : await openServer()

const [{ version: sqlite }] = new DatabaseSync(':memory:').prepare('SELECT sqlite_version() AS version').all()
const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memory_gib: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  store: server === null ? `SQLite ${sqlite}` : server.version,
  durability:
    server === null
      ? `WAL, synchronous=${process.env.TASKLANE_SQLITE_SYNCHRONOUS ?? 'FULL'}`
      : 'fsync=on, synchronous_commit=on',
  nodes,
  ...sizes,
  runs,
}
console.error(
  `${machine.cores} × ${machine.cpu}, Node ${machine.node}, ${machine.store}, ${machine.durability}, ${nodes === 1 ? 'one node' : `${nodes} nodes`}, ${sizes.tasks} tasks, median of ${runs} (min–max)\n`,
)

const samples = {}
for (let run = 1; run <= runs; run += 1) {
  // Every case once a round, so that a slow minute of the machine falls on all of them alike.
  for (const one of suite) {
    console.error(`run ${run} of ${runs}: ${one.name}`)
    const values = await measure(one)
    for (const [at, name] of one.gives.entries()) {
      samples[name] ??= []
      samples[name].push(values[at])
    }
  }
}
const summary = summarise(samples, figures, aims)
console.error('')
console.log(lines(summary).join('\n'))
if (options.json !== undefined) {
  writeFileSync(options.json, `${JSON.stringify({ machine, ...summary }, null, 2)}\n`)
}

await server?.close()

async function measure(one) {
  // Every case has an empty database.
  const database = server === null ? null : await server.database()
  try {
    if (!one.onNode) return await one.measure({ databaseUrl: database?.url })
    const node = await createNode({ profile: options.profile, databaseUrl: database?.url, nodes })
    try {
      return await one.measure(node)
    } finally {
      await node.close()
    }
  } finally {
    await database?.drop()
  }
}

async function openServer() {
  const { startBenchServer } = await import('./postgres-server.mjs')
  return startBenchServer().catch(error => fail(error.message))
}

/** The cases named, and those that give what their aims are compared with. */
function chosen(all) {
  if (options.only === undefined) return all
  const names = options.only.split(',').map(name => name.trim())
  for (const name of names) {
    if (!all.some(one => one.name === name)) {
      fail(`No case is named '${name}'; there are: ${all.map(one => one.name).join(', ')}.`)
    }
  }
  const wanted = all.filter(one => names.includes(one.name)).flatMap(one => one.gives)
  const limits = aims.filter(aim => wanted.includes(aim.of)).map(aim => aim.to)
  return all.filter(one => one.gives.some(name => wanted.includes(name) || limits.includes(name)))
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        store: { type: 'string', default: 'sqlite' },
        nodes: { type: 'string' },
        only: { type: 'string' },
        json: { type: 'string' },
        tasks: { type: 'string' },
        deep: { type: 'string' },
        runs: { type: 'string' },
        profile: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(help)
      process.exit(0)
    }
    return values
  } catch (error) {
    return fail(error.message)
  }
}

function wholeNumber(name, otherwise) {
  const value = Number(options[name] ?? otherwise)
  if (Number.isInteger(value) && value > 0) return value
  return fail(`--${name} is '${options[name]}'; it takes a whole number above 0.`)
}

function oneOf(name, values) {
  return values.includes(options[name]) ? options[name] : fail(`--${name} takes ${values.join(' or ')}.`)
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n\n${help}`)
  process.exit(2)
}
