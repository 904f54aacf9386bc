import { chmodSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createStage, type Running, root, type Stage } from '../support/processes.ts'
import { hasPrivatePostgres } from '../support/servers/postgres.ts'
import { countPlanned, planFaults, type Setup } from './plan.ts'
import type { Report } from './report.ts'

let stage: Stage
let temporary: string
beforeEach(() => {
  stage = createStage()
  temporary = stage.folder()
  // The server of the run may be another user than this one.
  chmodSync(temporary, 0o711)
})
afterEach(() => stage.close())

function chaos(args: readonly string[]): Running {
  return stage.run(process.execPath, [join(root, 'scripts/chaos.mjs'), ...args], { env: { TMPDIR: temporary } })
}

/** Bounded by the run itself, which ends a minute after its faults at the latest. */
const runMs = 150_000

describe.skipIf(!(await hasPrivatePostgres()))('npm run chaos -- --store postgres', () => {
  it(
    'keeps every promise with three nodes under every fault of a seed, of nodes and of the database too',
    async () => {
      const [seed, minutes, setup] = [22, 0.3, { store: 'postgres', nodes: 3 } satisfies Setup]
      const run = chaos([
        '--seed',
        `${seed}`,
        '--minutes',
        `${minutes}`,
        '--store',
        'postgres',
        '--nodes',
        '3',
        '--json',
      ])
      const { code } = await run.exited
      const report = JSON.parse(run.stdout()) as Report // What the command prints with --json.
      expect(report.violations, run.stderr()).toEqual([])
      expect(report).toMatchObject({ seed, ...setup, ok: true, lost: 0, accepted_twice: 0, logs: null })
      expect(report.submitted).toBeGreaterThan(200)
      expect(report.finished).toBe(report.submitted)
      for (const kind of countPlanned(planFaults(seed, minutes * 60_000, setup)).keys()) {
        if (report.faults[kind] === 'skipped') process.stderr.write(`\nSKIPPED: ${kind}. ${run.stderr()}\n`)
        else expect(report.faults[kind], kind).toBeGreaterThan(0)
      }
      // Where a skip is a failure, the command has said so by its exit code.
      expect(code, run.stderr()).toBe(0)
      expect(readdirSync(temporary).filter(name => name.startsWith('tasklane-'))).toEqual([])
    },
    runMs,
  )
})

describe('npm run chaos', () => {
  it.each([
    [['--store', 'mysql'], "--store is 'mysql'; it takes sqlite or postgres."],
    [['--nodes', '3'], '--nodes is for --store postgres; on a file there is one.'],
    [['--store', 'postgres', '--nodes', '10'], "--nodes is '10'; it takes a whole number from 1 to 9."],
  ])('refuses %j with a sentence', async (args, sentence) => {
    const run = chaos(args)
    expect((await run.exited).code).toBe(2)
    expect(run.stderr()).toContain(sentence)
  })
})
