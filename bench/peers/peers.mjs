// Tasklane and its peers by the same measures, in the same run, on the same machine. README.md says how and how fair.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { npmVersion, prepareNpmPackages, prepareServers } from './at-hand.mjs'
import { describeMachine, foreignLoad } from './machine.mjs'
import { measures } from './measures.mjs'
import { closeAll, closeOnSignals, isEnding } from './processes.mjs'
import { amount, renderTable, summarize } from './table.mjs'

const help = `Usage: npm run bench:peers -- [options]

  --only NAMES   some of tasklane, tasklane-postgres, bullmq, graphile, pgboss, celery, separated by commas (default: all)
  --tasks N      tasks of a bulk measure; one by one takes a fifth, Celery three tenths (default: 50000)
  --runs N       rounds; every peer is measured once a round (default: 3)
  --cold         times a program from its first task on (default: after as many tasks that are not counted)
  --quick        5,000 tasks and one round, unless said otherwise
  --json FILE    writes all samples and medians there too
  --no-install   installs no system packages; what is missing is named in the table
  --help         prints this
`

const catalogue = {
  tasklane: { file: './tasklane.mjs', needs: [], packages: [] },
  'tasklane-postgres': { file: './tasklane-postgres.mjs', needs: ['postgres'], packages: [] },
  bullmq: { file: './bullmq.mjs', needs: ['redis'], packages: ['bullmq', 'ioredis'] },
  graphile: { file: './graphile.mjs', needs: ['postgres'], packages: ['graphile-worker', 'pg'] },
  pgboss: { file: './pg-boss.mjs', needs: ['postgres'], packages: ['pg-boss', 'pg'] },
  celery: { file: './celery.mjs', needs: ['rabbitmq', 'redis', 'celery'], packages: ['ioredis'] },
}

const options = readOptions()
closeOnSignals()
try {
  const isFine = await main()
  process.exitCode = isFine ? 0 : 1
} finally {
  await closeAll()
}

async function main() {
  const npmFault = options.peers.some(name => catalogue[name].packages.length > 0) ? prepareNpmPackages() : null
  const wanted = [...new Set(options.peers.flatMap(name => catalogue[name].needs))]
  const atHand = await prepareServers(wanted, options)
  const rows = []
  for (const name of options.peers) rows.push(...(await rowsOf(name, atHand, npmFault)))
  const machine = describe(atHand, npmFault)
  console.error(`${machine.line}\n`)

  for (let round = 1; round <= options.runs; round += 1) {
    // Every row once a round, so that a slow minute of the machine falls on all alike.
    for (const row of rows.filter(each => each.missing === null)) await sampleRow(row, round, atHand)
  }
  for (const row of rows) {
    for (const [name, cell] of Object.entries(row.cells))
      Object.assign(cell, summarize(row.missing ? [] : cell.samples), { name })
  }
  console.log(`${machine.line}\n\n${renderTable(rows, measures)}\n\n${loadLine(rows)}`)
  if (options.json !== undefined)
    writeFileSync(
      options.json,
      `${JSON.stringify({ machine, rows: rows.map(({ measures: _, ...row }) => row) }, null, 2)}\n`,
    )
  return rows.every(row => row.missing !== null || Object.values(row.cells).every(cell => cell.fault === undefined))
}

async function rowsOf(peer, atHand, npmFault) {
  const { file, needs, packages } = catalogue[peer]
  const absent = needs.map(name => atHand[name].why).find(why => why !== undefined) ?? null
  const { rows } = await import(file)
  return rows.map(row => ({
    peer,
    share: 1,
    ...row,
    missing: row.missing ?? (packages.length > 0 ? npmFault : null) ?? absent,
    cells: Object.fromEntries(
      Object.entries(measures).map(([name, { share, isWarmed = false }]) => {
        const tasks = tasksFor(row, share)
        return [name, { tasks, warm: isWarmed && !options.isCold ? tasks : 0, samples: [] }]
      }),
    ),
  }))
}

function tasksFor(row, share) {
  if (share === undefined) return options.submits
  return Math.max(64, Math.round(options.tasks * share * (row.share ?? 1)))
}

async function sampleRow(row, round, atHand) {
  for (const [name, cell] of Object.entries(row.cells)) {
    if (isEnding()) return
    const load = await foreignLoad()
    const began = performance.now()
    const sample = await row.measures[name](atHand, cell.tasks, cell.warm).then(
      result => (typeof result === 'number' ? { rate: result } : result),
      error => ({ fault: error.message }),
    )
    if (isEnding()) return
    cell.samples.push(sample)
    cell.loads = [...(cell.loads ?? []), load]
    const { unit } = measures[name]
    const result =
      sample.fault ??
      Object.values(sample)
        .map(value => amount(value, unit))
        .join(' / ')
    const seconds = ((performance.now() - began) / 1_000).toFixed(1)
    console.error(
      `round ${round}/${options.runs}  ${row.title}  ${name}  ${result} ${unit}  (${seconds} s with its servers)`,
    )
  }
}

function describe(atHand, npmFault) {
  const machine = describeMachine()
  const packages = npmFault === null ? [...new Set(options.peers.flatMap(name => catalogue[name].packages))] : []
  const versions = [
    ...Object.values(atHand).flatMap(found => found.version ?? []),
    ...packages.map(name => `${name} ${npmVersion(name)}`),
  ]
  const { tasks, runs } = options
  const line =
    `${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, Node ${machine.node}\n` +
    `${versions.length === 0 ? '' : `${versions.join(', ')}\n`}` +
    `${tasks.toLocaleString('en-US')} tasks, median of ${runs} (min–max), ${options.isCold ? 'cold' : 'after as many that are not counted'}; servers, producer and worker on this machine`
  return { ...machine, versions, tasks, runs, line }
}

function loadLine(rows) {
  const loads = rows
    .flatMap(row => Object.values(row.cells).flatMap(cell => cell.loads ?? []))
    .filter(load => load !== null)
  if (loads.length === 0) return 'What else the machine did is not known.'
  const disturbed = loads.filter(load => load > 10).length
  return (
    `Others used up to ${Math.round(Math.max(...loads))} % of a core just before a sample; ` +
    `more than 10 % before ${disturbed} of ${loads.length} samples.`
  )
}

function readOptions() {
  const refuse = message => {
    console.error(`${message}\n\n${help}`)
    process.exit(2)
  }
  let values = {}
  try {
    values = parseArgs({
      options: {
        only: { type: 'string' },
        tasks: { type: 'string' },
        runs: { type: 'string' },
        quick: { type: 'boolean', default: false },
        cold: { type: 'boolean', default: false },
        json: { type: 'string' },
        'no-install': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    refuse(error.message)
  }
  if (values.help) {
    console.log(help)
    process.exit(0)
  }
  const count = (name, otherwise) => {
    const value = Number(values[name] ?? otherwise)
    if (!Number.isInteger(value) || value < 1) refuse(`--${name} is '${values[name]}'; it takes a whole number from 1.`)
    return value
  }
  const names = values.only?.split(',').map(name => name.trim()) ?? Object.keys(catalogue)
  const unknown = names.find(name => catalogue[name] === undefined)
  if (unknown !== undefined) refuse(`No peer is named '${unknown}'.`)
  return {
    peers: Object.keys(catalogue).filter(name => names.includes(name)),
    tasks: count('tasks', values.quick ? 5_000 : 50_000),
    runs: count('runs', values.quick ? 1 : 3),
    submits: values.quick ? 100 : 500,
    isCold: values.cold,
    json: values.json,
    mayInstall: !values['no-install'],
  }
}
