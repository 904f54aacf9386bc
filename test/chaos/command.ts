import { parseArgs } from 'node:util'
import { NoStoreError, type Progress, runChaos } from './chaos.ts'
import { type Plan, type Setup, setupUsual } from './plan.ts'
import { renderReport } from './report.ts'

const help = `Usage: npm run chaos -- [--seed N] [--minutes M] [--store postgres [--nodes N]] [--json]

Runs a real scheduler, workers and clients as processes on loopback, does faults to them that the seed chooses, heals
them, and proves from logs outside the system that every promise was kept.

  --store S     sqlite: one node on a file (default); postgres: several on a PostgreSQL server of this run's own
  --nodes N     how many, 1 to 9, with --store postgres (default 3)
  --seed N      chooses the faults; any whole number from 0 (default: chance, and printed)
  --minutes M   how long faults happen, fractions too, 0.1 to 1440 (default 1); it ends a minute later at most
  --json        one JSON object on stdout
  --help        this

Disk full takes root, to mount a small tmpfs; otherwise it is skipped, and REQUIRE_ALL=1 makes that a failure.
Exit: 0 every promise was kept, 1 one was broken, 2 the command cannot be understood.`

export interface CommandHost {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  readonly isTerminal: boolean
  readonly interrupt: AbortSignal
  readonly chance: () => number
}

/** @returns the exit code */
export async function runCommand(host: CommandHost): Promise<number> {
  const given = readArguments(host)
  if (typeof given === 'string') {
    host.stderr(`${given}\nTry npm run chaos -- --help.\n`)
    return 2
  }
  if (given.isHelp) {
    host.stdout(`${help}\n`)
    return 0
  }
  const { seed, minutes, setup, isJson } = given
  const progress = createProgress(host)
  const report = await runChaos({
    ...{ seed, minutes, setup, interrupt: host.interrupt },
    onPlan: plan => host.stderr(`${renderPlan(plan)}\n`),
    onProgress: progress.show,
    say: line => progress.say(line),
  }).catch((error: unknown) => {
    if (error instanceof NoStoreError) return error
    throw error
  })
  progress.end()
  if (report instanceof NoStoreError) {
    host.stderr(`SKIPPED: ${report.message}\n`)
    return host.env.REQUIRE_ALL === '1' ? 1 : 0
  }
  if (host.interrupt.aborted) {
    host.stderr('Interrupted: everything was stopped and removed; nothing was judged.\n')
    return 130
  }
  host.stdout(`${isJson ? JSON.stringify(report) : renderReport(report, minutes)}\n`)
  if (isJson && !report.ok) host.stderr(`${renderReport(report, minutes)}\n`)
  const isSkipped = Object.values(report.faults).includes('skipped')
  if (isSkipped && host.env.REQUIRE_ALL === '1') {
    host.stderr('REQUIRE_ALL=1: a fault was skipped, and that is a failure.\n')
    return 1
  }
  return report.ok ? 0 : 1
}

interface Given {
  readonly seed: number
  readonly minutes: number
  readonly setup: Setup
  readonly isJson: boolean
  readonly isHelp: boolean
}

/** A sentence where they cannot be understood. */
function readArguments({ args, chance }: CommandHost): Given | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string' },
        minutes: { type: 'string', default: '1' },
        store: { type: 'string', default: setupUsual.store },
        nodes: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const seed = values.seed === undefined ? Math.floor(chance() * 1_000_000) : Number(values.seed)
    if (values.seed?.trim() === '' || !Number.isSafeInteger(seed) || seed < 0) {
      return `--seed is '${values.seed}'; it takes a whole number from 0 up.`
    }
    const minutes = Number(values.minutes)
    if (values.minutes.trim() === '' || !(minutes >= 0.1 && minutes <= 1_440)) {
      return `--minutes is '${values.minutes}'; it takes a number from 0.1 to 1440, such as 0.5.`
    }
    const setup = readSetup(values.store, values.nodes)
    if (typeof setup === 'string') return setup
    return { seed, minutes, setup, isJson: values.json, isHelp: values.help }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const nodesUsual = 3

/** A sentence where it cannot be understood. */
function readSetup(store: string, nodes: string | undefined): Setup | string {
  if (store !== 'sqlite' && store !== 'postgres') return `--store is '${store}'; it takes sqlite or postgres.`
  if (store === 'sqlite') {
    return nodes === undefined ? setupUsual : '--nodes is for --store postgres; on a file there is one.'
  }
  const count = nodes === undefined ? nodesUsual : Number(nodes)
  if (nodes?.trim() === '' || !Number.isInteger(count) || count < 1 || count > 9) {
    return `--nodes is '${nodes}'; it takes a whole number from 1 to 9.`
  }
  return { store, nodes: count }
}

function renderPlan({ seed, safetyMs, tracks }: Plan): string {
  const faults = tracks.flat().toSorted((one, other) => one.atMs - other.atMs)
  const lines = faults.map(({ atMs, lastsMs, kind, target }) => {
    const lasts = lastsMs === 0 ? '' : ` for ${(lastsMs / 1_000).toFixed(1)} s`
    return `  ${(atMs / 1_000).toFixed(1).padStart(6)} s  ${kind}${target === null ? '' : ` ${target}`}${lasts}`
  })
  return [`Seed ${seed}: ${faults.length} faults in ${safetyMs / 1_000} s.`, ...lines].join('\n')
}

const plainEveryMs = 5_000

/** One live line on a terminal; elsewhere a plain line now and then. */
function createProgress({ stderr, isTerminal }: CommandHost) {
  let shownMs = Number.NEGATIVE_INFINITY
  let isLineOpen = false
  const closeLine = (): void => {
    if (isLineOpen) stderr('\r\u001b[2K')
    isLineOpen = false
  }
  return {
    show: ({ phase, leftMs, faults, submitted, finished }: Progress): void => {
      const what = phase === 'faults' ? `${Math.ceil(leftMs / 1_000)} s of faults left` : phase
      const line = `${what}; ${faults} faults, ${submitted} submitted, ${finished} finished`
      if (isTerminal) stderr(`\r\u001b[2K${line}`)
      else if (performance.now() - shownMs > plainEveryMs) stderr(`${line}\n`)
      else return
      isLineOpen = isTerminal
      shownMs = performance.now()
    },
    say: (line: string): void => {
      closeLine()
      stderr(`${line}\n`)
    },
    end: closeLine,
  }
}
