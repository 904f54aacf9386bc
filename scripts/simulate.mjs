// Runs the deterministic simulation over many seeds, and shrinks the first story in which a promise is broken.
// Usage: npm run simulate -- [--seeds 1000] [--from 0] [--store memory|sqlite|both] [--seed N [--only 3,t0.1]]
import { spawn } from 'node:child_process'
import { tsImport } from 'tsx/esm/api'

const { createSandbox, nightCommand } = await tsImport('../test/simulation/sandbox.ts', import.meta.url)

const sandbox = createSandbox()
const night = spawn(process.execPath, nightCommand(sandbox.folder, process.argv.slice(2)), { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => night.kill(signal))
night.on('exit', (code, signal) => {
  sandbox.remove()
  process.exitCode = signal === null ? code : 1
})
