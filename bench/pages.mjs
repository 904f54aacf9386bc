// The pages in a real Chromium: a graph of 2,000 tasks, and pages that are open while tasks stream through the scheduler.
// Browser, scheduler, workers and producer share this machine, as they do for nobody in earnest: read the figures so.
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { createNode } from './cases.mjs'
import { openEye } from './pages/eye.mjs'
import { graphCase } from './pages/graph-case.mjs'
import { shapes } from './pages/graphs.mjs'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    tasks: { type: 'string', default: '2000' },
    json: { type: 'string' },
    profile: { type: 'string' },
  },
})
const eye = await openEye(options)
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, chromium: eye.version }
console.error(`${machine.cores} × ${machine.cpu}, Node ${machine.node}, Chromium ${machine.chromium}\n`)
const results = {}
for (const shape of Object.keys(shapes)) {
  const name = `graph: ${shape}`
  if (options.only !== undefined && !name.includes(options.only)) continue
  const node = await createNode({})
  try {
    await node.worker()
    results[name] = await graphCase(node, eye, { tasks: Number(options.tasks), shape })
    tell(name, results[name])
  } finally {
    await node.close()
  }
}
await eye.close()
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ machine, results }, null, 2)}\n`)

function tell(name, figures) {
  console.log(`\n${name}`)
  for (const [figure, value] of Object.entries(figures)) {
    const words = figure.replaceAll(/[A-Z]+/g, letters => ` ${letters.toLowerCase()}`)
    console.log(`  ${words.padEnd(44)} ${value === null ? '–' : value.toFixed(value < 100 ? 1 : 0)}`)
  }
}
