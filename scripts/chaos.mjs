// Does faults, chosen by a seed, to real processes, and proves from outside that every promise was kept.
// Usage: npm run chaos -- [--seed N] [--minutes 0.5] [--json]; see docs/chaos.md.
import { tsImport } from 'tsx/esm/api'

const { runCommand } = await tsImport('../test/chaos/command.ts', import.meta.url)

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interrupt.abort())
process.exitCode = await runCommand({
  args: process.argv.slice(2),
  env: process.env,
  stdout: text => process.stdout.write(text),
  stderr: text => process.stderr.write(text),
  isTerminal: process.stderr.isTTY === true,
  interrupt: interrupt.signal,
  chance: Math.random,
})
