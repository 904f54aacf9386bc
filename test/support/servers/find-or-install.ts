import { spawn, spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Something that some tests need and the machine may lack. */
export interface Need<Found> {
  /** As it stands in a sentence. */
  readonly name: string
  /** Debian's packages of it. */
  readonly packages: readonly string[]
  /** Another way out, if there is one, as an order: 'set …'. */
  readonly otherwise?: string
  find(): Found | null
  /** Runs before the packages are installed; says what else it changes on the machine, if anything. */
  readonly beforeInstall?: () => string | null
}

export type Sought<Found> = { readonly found: Found } | { readonly why: string }

/** What the search needs to know of the machine and may do to it. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Root on Debian or Ubuntu. */
  mayInstall(): boolean
  /** @returns null, or what apt-get complained of */
  aptGet(...args: readonly string[]): Promise<string | null>
  say(line: string): void
}

/**
 * What is needed; as root on Debian or Ubuntu it is installed, after saying so. Null means that the tests must be
 * skipped, which was said in one sentence; with REQUIRE_ALL=1 there is no null, it throws.
 */
export async function findOrInstall<Found>(need: Need<Found>, machine: Machine = thisMachine): Promise<Found | null> {
  const sought = await seek(need, machine)
  return 'found' in sought ? sought.found : skip(sought.why, machine)
}

/** As `findOrInstall`, without the verdict on the tests. */
export async function seek<Found>(need: Need<Found>, machine: Machine = thisMachine): Promise<Sought<Found>> {
  const found = need.find()
  if (found !== null) return { found }
  const packages = need.packages.join(' ')
  let failure = ''
  if (machine.mayInstall()) {
    const also = need.beforeInstall?.() ?? null
    machine.say(
      `${need.name} is not on this machine: installing ${packages} with apt-get. No service is started.${also === null ? '' : ` ${also}`}`,
    )
    const complaint = await install(need.packages, machine)
    const installed = need.find()
    if (installed !== null) return { found: installed }
    failure = ` apt-get did not help: ${complaint ?? 'it said nothing'}.`
  }
  const otherwise = need.otherwise === undefined ? '' : `, or ${need.otherwise}`
  return {
    why: `Some tests need ${need.name}; install it (Debian: apt-get install ${packages})${otherwise}.${failure}`,
  }
}

/** @throws with REQUIRE_ALL=1, which turns every skip into a failure */
export function skip(why: string, machine: Machine = thisMachine): null {
  if (machine.env.REQUIRE_ALL === '1') throw new Error(`REQUIRE_ALL=1 and something is missing. ${why}`)
  machine.say(`SKIPPED: ${why}`)
  return null
}

/** How programs are asked for their version. */
const versionWords = ['--version', '-v']

/** The first of the names that is in the path and starts. */
export function programOnPath(...names: readonly string[]): string | null {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const file = join(folder, name)
      // A shim may stand in the path without the program behind it: only what starts is there.
      if (isProgram(file) && versionWords.some(word => spawnSync(file, [word]).status === 0)) return file
    }
  }
  return null
}

export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function install(packages: readonly string[], machine: Machine): Promise<string | null> {
  const complaint = await machine.aptGet('install', ...packages)
  if (complaint === null) return null
  // The lists of packages may be missing, as in a fresh container, or out of date.
  return (await machine.aptGet('update')) ?? (await machine.aptGet('install', ...packages))
}

const thisMachine: Machine = {
  env: process.env,
  mayInstall: () => process.getuid?.() === 0 && existsSync('/etc/debian_version') && programOnPath('apt-get') !== null,
  aptGet: async (...args) => {
    const allowServices = denyServices()
    try {
      return await runAptGet(args)
    } finally {
      allowServices()
    }
  },
  say: line => process.stderr.write(`\n${line}\n`),
}

/** Not synchronous: whoever waits for other answers of this process gets them meanwhile. */
function runAptGet(args: readonly string[]): Promise<string | null> {
  const flags = ['-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120']
  const child = spawn('apt-get', [...flags, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A configuration file that is there already stays as it is, and nobody is asked.
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', UCF_FORCE_CONFFOLD: '1' },
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2_000)
  })
  return new Promise(resolve => {
    child.on('error', error => resolve(error.message))
    child.on('close', code => resolve(code === 0 ? null : said.trim() || `it ended with ${code}`))
  })
}

const policy = '/usr/sbin/policy-rc.d'
const policyMark = 'Here only while a test run of Tasklane installs a package; if it is still here, remove it.'

/** Debian asks this program before a package starts its service; 101 forbids it. A policy of the machine's own stays. */
function denyServices(): () => void {
  const isForeign = existsSync(policy) && !readFileSync(policy, 'utf8').includes(policyMark)
  if (isForeign) return () => {}
  writeFileSync(policy, `#!/bin/sh\n# ${policyMark}\nexit 101\n`, { mode: 0o755 })
  return () => rmSync(policy, { force: true })
}
