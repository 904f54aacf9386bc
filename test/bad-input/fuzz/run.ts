import { parseArgs } from 'node:util'
import { readDocument } from '../support/document.ts'
import { startNode } from '../support/node.ts'
import { findInconsistency } from './consistency.ts'
import { fuzz, tell } from './fuzz.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
    seconds: { type: 'string', default: '60' },
    requests: { type: 'string', default: String(Number.MAX_SAFE_INTEGER) },
  },
})
const [seed, seconds, requestsMax] = [values.seed, values.seconds, values.requests].map(Number)
if (![seed, seconds, requestsMax].every(Number.isFinite))
  throw new Error('--seed, --seconds and --requests take numbers.')

const node = await startNode()
const report = await fuzz({
  url: `http://127.0.0.1:${node.port}`,
  client: node,
  document: await readDocument(node),
  seed: seed ?? 0,
  seconds: seconds ?? 0,
  requestsMax: requestsMax ?? 0,
  now: () => performance.now(),
})
const inconsistency = await findInconsistency(node)
await node.close()
const { findings, ...rest } = report
process.stdout.write(`${JSON.stringify(rest)}\n`)
if (findings.length > 0 || inconsistency !== null) {
  process.stdout.write(`${tell(report)}\n${inconsistency ?? ''}\n`)
  process.exitCode = 1
} else {
  process.stdout.write('Every answer is one that the document names, and the accounts of the node agree.\n')
}
