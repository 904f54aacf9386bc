// Proves that the simulation bites: breaks the sources on purpose, one place at a time, in a copy of them, and runs
// seeds until a promise is seen broken. Prints which one and by which seed; exits with 1 if a mutant survives.
// Usage: npm run simulate:mutants -- [--seeds 1000] [--only TEXT]
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { tsImport } from 'tsx/esm/api'

const { mutants } = await tsImport('../test/simulation/mutants.ts', import.meta.url)
const { createSandbox, nightCommand } = await tsImport('../test/simulation/sandbox.ts', import.meta.url)

const { values: flags } = parseArgs({
  options: { seeds: { type: 'string', default: '1000' }, only: { type: 'string', default: '' } },
})

/** A mutant that loops for ever inside one step is caught too: nothing ends. */
const hangMs = 300_000

const chosen = mutants.filter(({ name, store }) => `${name} (${store})`.includes(flags.only))
const width = Math.max(...chosen.map(({ name, store }) => `${name} (${store})`.length))
console.log(`${'Mutant'.padEnd(width)}  Seed  Broken promise`)
const survivors = chosen.filter(mutant => !isCaught(mutant))
console.log(
  survivors.length === 0
    ? `\nAll ${chosen.length} mutants were caught.`
    : `\n${survivors.length} of ${chosen.length} mutants survived ${flags.seeds} seeds.`,
)
process.exitCode = survivors.length === 0 ? 0 : 1

function isCaught(mutant) {
  const title = `${mutant.name} (${mutant.store})`.padEnd(width)
  const sandbox = createSandbox([mutant])
  try {
    const args = ['--json', '--seeds', flags.seeds, '--store', mutant.store]
    const night = spawnSync(process.execPath, nightCommand(sandbox.folder, args), { encoding: 'utf8', timeout: hangMs })
    if (night.error?.code === 'ETIMEDOUT') return tell(title, '-', 'everything ends (it never came back)')
    const result = readResult(night.stdout)
    // A mutant that does not even start proves nothing.
    if (result === null) throw new Error(`The mutant '${mutant.name}' does not run:\n${night.stderr}`)
    if (result.ok) return !tell(title, '-', 'SURVIVED')
    return tell(title, result.seed, result.invariant)
  } finally {
    sandbox.remove()
  }
}

function tell(title, seed, promise) {
  console.log(`${title}  ${String(seed).padStart(4)}  ${promise}`)
  return true
}

function readResult(stdout) {
  const line = stdout.trim().split('\n').at(-1) ?? ''
  return line.startsWith('{') ? JSON.parse(line) : null
}
