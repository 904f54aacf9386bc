import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createStage, type Running, root, type Stage, until } from '../support/processes.ts'
import { countPlanned, planFaults } from './plan.ts'
import type { Report } from './report.ts'

let stage: Stage
let temporary: string
beforeEach(() => {
  stage = createStage()
  temporary = stage.folder()
})
afterEach(() => stage.close())

function chaos(args: readonly string[], env: Record<string, string> = {}): Running {
  return stage.run(process.execPath, [join(root, 'scripts/chaos.mjs'), ...args], { env: { TMPDIR: temporary, ...env } })
}

function mountsBelow(folder: string): readonly string[] {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter(line => line.includes(folder))
}

/** Bounded by the run itself, which ends a minute after its faults at the latest. */
const runMs = 120_000

describe('npm run chaos', () => {
  it(
    'keeps every promise under every fault of a seed',
    async () => {
      const [seed, minutes] = [7, 0.45]
      const run = chaos(['--seed', String(seed), '--minutes', String(minutes), '--json'])
      const { code } = await run.exited
      expect(run.stdout().trim().split('\n'), run.stderr()).toHaveLength(1)
      const report = JSON.parse(run.stdout()) as Report // What the command prints with --json.
      expect(report.violations, run.stderr()).toEqual([])
      expect(report).toMatchObject({ seed, ok: true, lost: 0, accepted_twice: 0, logs: null })
      expect(report.submitted).toBeGreaterThan(200)
      expect(report.finished).toBe(report.submitted)
      for (const kind of countPlanned(planFaults(seed, minutes * 60_000)).keys()) {
        if (report.faults[kind] === 'skipped') process.stderr.write(`\nSKIPPED: ${kind}. ${run.stderr()}\n`)
        else expect(report.faults[kind], kind).toBeGreaterThan(0)
      }
      // Where a skip is a failure, the command has said so by its exit code.
      expect(code, run.stderr()).toBe(0)
      expect(readdirSync(temporary).filter(name => name.startsWith('tasklane-chaos-'))).toEqual([])
      expect(mountsBelow(temporary)).toEqual([])
    },
    runMs,
  )

  it('leaves nothing behind when it is interrupted', async () => {
    const run = chaos(['--seed', '1', '--minutes', '1'])
    await until(
      () => run.stderr(),
      text => / [1-9]\d* submitted/.test(text),
      () => 'the run to submit',
    )
    run.kill('SIGINT')
    expect(await run.exited).toEqual({ code: 130, signal: null })
    expect(readdirSync(temporary).filter(name => name.startsWith('tasklane-chaos-'))).toEqual([])
    expect(mountsBelow(temporary)).toEqual([])
  })

  it(
    'says loudly what it skips where no disk can be mounted, and fails by it where nothing may be skipped',
    async () => {
      // A machine without `mount`.
      const run = chaos(['--seed', '1', '--minutes', '0.1', '--json'], { PATH: temporary, REQUIRE_ALL: '1' })
      expect((await run.exited).code, run.stderr()).toBe(1)
      expect(JSON.parse(run.stdout())).toMatchObject({ ok: true, faults: { disk_full: 'skipped' } })
      expect(run.stderr()).toMatch(/^SKIPPED: disk_full\./m)
      expect(run.stderr()).toMatch(/^REQUIRE_ALL=1: /m)
    },
    runMs,
  )

  it.each([
    [['--seed=-1'], "--seed is '-1'; it takes a whole number from 0 up."],
    [['--seed', '1.5'], "--seed is '1.5'; it takes a whole number from 0 up."],
    [['--minutes', 'ten'], "--minutes is 'ten'; it takes a number from 0.1 to 1440"],
    [['--minutes', '0'], "--minutes is '0'; it takes a number from 0.1 to 1440"],
    [['--seeds', '1'], "Unknown option '--seeds'"],
  ])('refuses %j with a sentence', async (args, sentence) => {
    const run = chaos(args)
    expect((await run.exited).code).toBe(2)
    expect(run.stderr()).toContain(sentence)
    expect(run.stdout()).toBe('')
  })

  it('tells how it is used', async () => {
    const run = chaos(['--help'])
    expect((await run.exited).code).toBe(0)
    expect(run.stdout()).toContain('--minutes M')
  })
})
