import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Json, Task } from '@tasklane/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { planDemo } from '../src/demo/plan.ts'
import { compareCounts } from '../src/demo/report.ts'
import { type Survey, surveyFiles } from '../src/demo/survey.ts'
import { mergeTotals, totalsOf } from '../src/demo/totals.ts'
import { sampleTask } from './sample-task.ts'

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tasklane-report-'))
  await writeFile(join(root, 'a.ts'), 'one two\n')
  await writeFile(join(root, 'b.ts'), 'three\n')
  await writeFile(join(root, 'c.md'), '')
  await writeFile(join(root, 'd.bin'), Buffer.from([0]))
})
afterEach(() => rm(root, { recursive: true }))

const files = () => ['a.ts', 'b.ts', 'c.md', 'd.bin'].map(name => join(root, name))

/** What a faultless scheduler would bring back, counted from the files as they are now. */
async function runPlan(survey: Survey) {
  const plan = planDemo([...survey.counts.keys()].sort())
  const now = await surveyFiles([...survey.counts.keys()])
  const tasks = new Map<string, Task>()
  const totals = new Map<string, ReturnType<typeof mergeTotals>>()
  for (const { task_id, dependencies } of plan.tasks) {
    const path = plan.files.get(task_id)
    const count = path === undefined ? undefined : now.counts.get(path)
    const merged = path === undefined ? mergeTotals(dependencies.flatMap(id => totals.get(id) ?? [])) : null
    if (count !== undefined) totals.set(task_id, totalsOf(count))
    if (merged !== null) totals.set(task_id, merged)
    const result = count ?? merged
    const status = result === null ? 'failed' : 'completed'
    // To JSON and back, as it would have come.
    tasks.set(
      task_id,
      sampleTask({ task_id, dependencies, status, result: JSON.parse(JSON.stringify(result)) as Json }),
    )
  }
  return { plan, tasks }
}

async function compare(
  change: () => Promise<void> = async () => {},
  spoil: (tasks: Map<string, Task>) => void = () => {},
) {
  const survey = await surveyFiles(files())
  await change()
  const { plan, tasks } = await runPlan(survey)
  spoil(tasks)
  return compareCounts({ plan, survey, leftOut: 7, tasks, workerIds: ['w1', 'w2'] })
}

describe('the report of the demo', () => {
  it('has exact sums, and is verified', async () => {
    const { report, changed, vanished } = await compare()
    const hash = (text: string) => createHash('sha256').update(text).digest('hex')
    const lines = [hash('one two\n'), hash('three\n'), hash('')].sort().map(line => `${line}\n`)
    expect(report).toEqual({
      files: 3,
      skipped: 8,
      bytes: 14,
      lines: 2,
      words: 3,
      by_extension: {
        '.md': { files: 1, bytes: 0, lines: 0, words: 0 },
        '.ts': { files: 2, bytes: 14, lines: 2, words: 3 },
      },
      digest: hash(lines.join('')),
      tasks: 6,
      workers: { w1: 6, w2: 0 },
      wait_ms: { p50: 0, p95: 1_000 },
      run_ms: { p50: 2_500, p95: 2_500 },
      verified: true,
    })
    expect([changed, vanished]).toEqual([[], []])
  })

  it('compares the same content where a file has changed meanwhile, and names it', async () => {
    const { report, changed } = await compare(() => writeFile(join(root, 'a.ts'), 'four five six\n'))
    expect(changed).toEqual([join(root, 'a.ts')])
    expect(report).toMatchObject({ words: 4, verified: true })
  })

  it.each([
    ['is gone', () => rm(join(root, 'a.ts'))],
    ['is binary now', () => writeFile(join(root, 'a.ts'), Buffer.from([0]))],
  ])('leaves out a file that %s, and counts it as skipped', async (_what, change) => {
    const { report, vanished } = await compare(change)
    expect(vanished).toEqual([join(root, 'a.ts')])
    expect(report).toMatchObject({ files: 2, skipped: 9, words: 1, verified: true })
  })

  it.each([
    ['a count that is wrong', 'count-00001', { bytes: 8, lines: 1, words: 3, sha256: 'x', top: [] }],
    ['an extension that is wrong', 'merge-2', { files: 2, bytes: 14, lines: 2, words: 4, top: [] }],
    ['a root that is wrong', 'merge-all', { files: 3, bytes: 15, lines: 2, words: 3, top: [] }],
  ])('is not verified with %s', async (_what, id, result) => {
    const { report, disagreements } = await compare(undefined, tasks => {
      tasks.set(id, { ...sampleTask({ task_id: id }), result })
    })
    expect(report.verified).toBe(false)
    expect(disagreements).not.toEqual([])
  })

  it('is not verified where a task has failed, though its file is a text', async () => {
    const { report } = await compare(undefined, tasks => {
      tasks.set('count-00001', sampleTask({ task_id: 'count-00001', status: 'failed', result: null }))
    })
    expect(report.verified).toBe(false)
  })

  it('is not verified where the last merge is missing', async () => {
    const { report, disagreements } = await compare(undefined, tasks => void tasks.delete('merge-all'))
    expect(report.verified).toBe(false)
    expect(disagreements).toContain('The task merge-all has no result.')
  })
})
