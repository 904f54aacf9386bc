// The pages in a real Chromium: a graph of 2,000 tasks, and pages that are open while tasks stream through the scheduler.
// Browser, scheduler, worker and producer share this machine, as they do for nobody in earnest: read the figures so.
import { writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { createNode } from './cases.mjs'
import { openEye } from './pages/eye.mjs'
import { graphCase } from './pages/graph-case.mjs'
import { shapes } from './pages/graphs.mjs'
import { streamCase, watched } from './pages/stream-case.mjs'

const help = `Usage: npm run bench:pages -- [options]

  --only TEXT     cases whose name holds this text
  --tasks N       tasks of each graph (2,000: what one graph shows at most)
  --rate N        tasks a second of the even stream (5,000)
  --seconds N     of each stream (8)
  --json FILE     figures for programs
  --profile DIR   a profile of the page in each case, for the DevTools
`

const options = readOptions()
const [tasks, rate, seconds] = ['tasks', 'rate', 'seconds'].map(wholeNumber)
const eye = await openEye(options)
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, chromium: eye.version }
console.error(`${machine.cores} × ${machine.cpu}, Node ${machine.node}, Chromium ${machine.chromium}`)

const cases = [
  ...Object.keys(shapes).map(shape => [`graph: ${shape}`, node => graphCase(node, eye, { tasks, shape })]),
  ...Object.keys(watched).map(page => [`even stream: ${page}`, node => streamCase(node, eye, { page, rate, seconds })]),
  ...Object.keys(watched).map(page => [
    `full load: ${page}`,
    node => streamCase(node, eye, { page, rate: null, seconds }),
  ]),
]
const results = {}
try {
  for (const [name, measure] of cases) {
    if (options.only !== undefined && !name.includes(options.only)) continue
    // Each case has a scheduler, a worker and a database of its own.
    const node = await createNode({})
    try {
      await node.worker()
      const [loadBefore] = loadavg()
      results[name] = { ...(await measure(node)), loadBefore }
      tell(name, results[name])
    } finally {
      await node.close()
    }
  }
} finally {
  await eye.close()
}
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ machine, results }, null, 2)}\n`)

function tell(name, figures) {
  console.log(`\n${name}`)
  for (const [figure, value] of Object.entries(figures)) {
    const words = figure.replaceAll(/[A-Z][a-z]+|[A-Z]{2,}(?![a-z])/g, word => ` ${word.toLowerCase()}`)
    const shown = value === null ? '–' : value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US')
    console.log(`  ${words.padEnd(44)} ${shown}`)
  }
}

function readOptions() {
  const text = { type: 'string' }
  const { values } = parseArgs({
    options: {
      ...{ only: text, json: text, profile: text, help: { type: 'boolean' } },
      ...{
        tasks: { ...text, default: '2000' },
        rate: { ...text, default: '5000' },
        seconds: { ...text, default: '8' },
      },
    },
  })
  if (values.help === true) {
    console.log(help)
    process.exit(0)
  }
  return values
}

function wholeNumber(name) {
  const value = Number(options[name])
  if (Number.isInteger(value) && value > 0) return value
  console.error(`--${name} takes a whole number above 0, not '${options[name]}'.`)
  process.exit(2)
}
