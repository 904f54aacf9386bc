// Sends requests made by chance from the OpenAPI document to a node of its own, and holds every answer against it.
// Usage: npm run fuzz -- [--seed N] [--seconds 60] [--requests N]
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
// The sources are run as they are, as in the tests.
const conditions = ['--conditions=@tasklane/source', '--import', 'tsx']
const args = [...conditions, 'test/bad-input/fuzz/run.ts', ...process.argv.slice(2)]
const run = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => run.kill(signal))
run.on('exit', code => {
  process.exitCode = code ?? 1
})
