import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * Finds a program that some tests need; as root on Debian or Ubuntu it is installed, after saying so. Null means that
 * the tests must be skipped, loudly: REQUIRE_ALL=1 turns that into a failure.
 */
export function findOrInstall(names: readonly string[], debianPackage: string): string | null {
  const found = find(names)
  if (found !== null) return found
  const isDebian = existsSync('/etc/debian_version') && find(['apt-get']) !== null
  if (isDebian && process.getuid?.() === 0) {
    say(`${names[0]} is not on this machine; installing the Debian package ${debianPackage}.`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    spawnSync('apt-get', ['update', '-qq'], { env })
    const { status, stderr } = spawnSync(
      'apt-get',
      ['install', '-y', '-qq', '--no-install-recommends', debianPackage],
      { env },
    )
    if (status !== 0) say(`apt-get could not install ${debianPackage}: ${String(stderr).trim()}`)
  }
  const installed = find(names)
  if (installed === null)
    say(`SKIPPED: some tests need ${names[0]}. Install it (Debian: apt-get install ${debianPackage}) and run again.`)
  return installed
}

function find(names: readonly string[]): string | null {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const file = join(folder, name)
      // A shim may stand in the path without the program behind it: only what starts is there.
      if (existsSync(file) && spawnSync(file, ['--version']).status === 0) return file
    }
  }
  return null
}

function say(line: string): void {
  process.stderr.write(`\n${line}\n`)
}
