// Runs the suite on the other Node lines this project supports, with the binaries that the npm package `node` installs.
// Usage: npm run test:nodes [-- 22 24]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

const lines = process.argv.length > 2 ? process.argv.slice(2) : ['22', '24']
const folder = mkdtempSync(join(tmpdir(), 'tasklane-nodes-'))
let failed = 0
try {
  for (const line of lines) {
    const home = join(folder, line)
    const binary = install(line, home)
    const version = spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout.trim()
    console.log(`\n── Node ${version} ──`)
    const env = { ...process.env, PATH: `${dirname(binary)}${delimiter}${process.env.PATH}` }
    const { status } = spawnSync(binary, ['node_modules/vitest/vitest.mjs', 'run'], { stdio: 'inherit', env })
    if (status !== 0) failed += 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(
  failed === 0
    ? `\nThe suite passes on Node ${lines.join(' and ')}.`
    : `\nThe suite failed on ${failed} of ${lines.length}.`,
)
process.exit(failed === 0 ? 0 : 1)

/** The package `node` brings its binary in an optional package and links it in an install script, so that must run. */
function install(line, home) {
  spawnSync('mkdir', ['-p', home])
  writeFileSync(join(home, 'package.json'), '{"private":true}\n')
  const args = ['install', '--no-audit', '--no-fund', `node@${line}`]
  const done = spawnSync('npm', args, { cwd: home, encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`npm could not install node@${line}:\n${done.stderr}`)
  return join(home, 'node_modules', 'node', 'bin', 'node')
}
