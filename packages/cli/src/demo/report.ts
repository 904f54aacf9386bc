import { createHash } from 'node:crypto'
import type { Task } from '@tasklane/protocol'
import { readTotals } from '../builtins/count-files.ts'
import { percentile } from '../output/quantities.ts'
import { showPath } from './path-text.ts'
import { extensionOf, type Plan } from './plan.ts'
import { type Survey, surveyFile } from './survey.ts'
import type { TermCounts, TextCount } from './text-counter.ts'
import { mergeTotals, sameTotals, type Totals, totalsOf } from './totals.ts'

type Sums = Omit<Totals, 'top' | 'files'>

/** What `demo --json` prints, field for field. */
export interface DemoReport extends Sums {
  /** Text files counted. */
  readonly files: number
  /** Entries that are neither folders nor counted: binary files, anything below .git or node_modules, links, unreadable. */
  readonly skipped: number
  readonly by_extension: Readonly<Record<string, { readonly files: number } & Sums>>
  /** SHA-256, in hex, over the sorted SHA-256s of the files in hex, a line (with its line feed) each. */
  readonly digest: string
  readonly tasks: number
  /** Tasks each worker completed. */
  readonly workers: Readonly<Record<string, number>>
  /** Milliseconds from when a task could run (submitted, and its parents ended) to the start of its last attempt. */
  readonly wait_ms: { readonly p50: number; readonly p95: number }
  /** Milliseconds from the start of a task's last attempt to its end, both as the scheduler saw them. */
  readonly run_ms: { readonly p50: number; readonly p95: number }
  /** Whether the tasks' totals, by extension and overall, and the digest are those of the direct count. */
  readonly verified: boolean
}

export interface Findings {
  readonly report: DemoReport
  readonly top: TermCounts
  /** Files whose content changed between the direct count and the task; counted anew. */
  readonly changed: readonly string[]
  /** Files that were no text any more, or gone, when their task ran; left out of both counts. */
  readonly vanished: readonly string[]
  /** What does not agree; empty where verified. */
  readonly disagreements: readonly string[]
}

/** Compares what the tasks counted with the direct count, and puts the report together. */
export async function compareCounts(facts: {
  readonly plan: Plan
  readonly survey: Survey
  /** Entries left out by the walk. */
  readonly leftOut: number
  /** Every task of the demo as the scheduler has it. */
  readonly tasks: ReadonlyMap<string, Task>
  /** Ids of the workers that ever ran, those without a task too. */
  readonly workerIds: readonly string[]
}): Promise<Findings> {
  const { plan, survey, tasks } = facts
  const files = await compareFiles(plan, survey, tasks)
  const disagreements = [...files.disagreements]
  const direct = [...files.direct]
  const root = totalsOfTask(tasks.get(plan.root))
  const directTotals = mergeTotals(direct.map(([, count]) => totalsOf(count)))
  if (root === null) disagreements.push(`The task ${plan.root} has no result.`)
  else if (!sameTotals(root, directTotals))
    disagreements.push(`The totals of ${plan.root} differ from the direct count.`)
  const byExtension: Record<string, { files: number } & Sums> = {}
  for (const [extension, id] of plan.extensions) {
    const merged = totalsOfTask(tasks.get(id))
    const counted = mergeTotals(direct.filter(([path]) => extensionOf(path) === extension).map(([, c]) => totalsOf(c)))
    if (merged === null || !sameTotals(merged, counted)) disagreements.push(`The totals of ${extension} differ.`)
    const { top: _top, ...sums } = merged ?? counted
    if (sums.files > 0) byExtension[extension] = sums
  }
  const digest = digestOf(files.taskHashes)
  if (digest !== digestOf(direct.map(([, count]) => count.sha256))) disagreements.push('The digests differ.')
  const { top, ...totals } = root ?? directTotals
  return {
    report: {
      ...totals,
      skipped: facts.leftOut + survey.binary.length + survey.unreadable.length + files.vanished.length,
      by_extension: byExtension,
      digest,
      tasks: plan.tasks.length,
      workers: countByWorker(tasks.values(), facts.workerIds),
      ...measureTimes(plan, tasks),
      verified: disagreements.length === 0,
    },
    top,
    changed: files.changed,
    vanished: files.vanished,
    disagreements,
  }
}

/** SHA-256 over sorted lines: `… | sort | sha256sum` gives the same. */
export function digestOf(hashes: readonly string[]): string {
  const hash = createHash('sha256')
  for (const each of [...hashes].sort()) hash.update(`${each}\n`)
  return hash.digest('hex')
}

async function compareFiles(plan: Plan, survey: Survey, tasks: ReadonlyMap<string, Task>) {
  const direct = new Map(survey.counts)
  const taskHashes: string[] = []
  const changed: string[] = []
  const vanished: string[] = []
  const disagreements: string[] = []
  for (const [id, path] of plan.files) {
    const counted = countOfTask(tasks.get(id))
    if (counted !== null) taskHashes.push(counted.sha256)
    if (counted !== null && counted.sha256 === survey.counts.get(path)?.sha256) continue
    // The content is not what it was: the direct count has to be of the same one.
    const now = await surveyFile(path)
    if (counted === null && now.kind !== 'text') {
      direct.delete(path)
      vanished.push(path)
    } else if (counted !== null && now.kind === 'text' && now.count.sha256 === counted.sha256) {
      direct.set(path, now.count)
      changed.push(path)
    } else {
      disagreements.push(
        `${showPath(path)} changed more than once while the demo ran, or its task failed; see the task ${id}.`,
      )
    }
  }
  return { direct, taskHashes, changed, vanished, disagreements }
}

function countOfTask(task: Task | undefined): TextCount | null {
  // A result of our own type.
  return task?.status === 'completed' ? (task.result as unknown as TextCount) : null
}

function totalsOfTask(task: Task | undefined): Totals | null {
  return task?.status === 'completed' ? readTotals(task.result) : null
}

function countByWorker(tasks: Iterable<Task>, workerIds: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = Object.fromEntries(workerIds.map(id => [id, 0]))
  for (const task of tasks) {
    if (task.status === 'completed' && task.worker_id !== null) {
      counts[task.worker_id] = (counts[task.worker_id] ?? 0) + 1
    }
  }
  return counts
}

function measureTimes(plan: Plan, tasks: ReadonlyMap<string, Task>): Pick<DemoReport, 'wait_ms' | 'run_ms'> {
  const waits: number[] = []
  const runs: number[] = []
  for (const { task_id: id } of plan.tasks) {
    const task = tasks.get(id)
    if (task === undefined || task.started_at === null || task.completed_at === null) continue
    let readyMs = Date.parse(task.created_at)
    for (const parent of task.dependencies) {
      const ended = tasks.get(parent)?.completed_at
      if (typeof ended === 'string') readyMs = Math.max(readyMs, Date.parse(ended))
    }
    waits.push(Math.max(0, Date.parse(task.started_at) - readyMs))
    runs.push(Math.max(0, Date.parse(task.completed_at) - Date.parse(task.started_at)))
  }
  const both = (values: readonly number[]) => ({ p50: percentile(values, 50), p95: percentile(values, 95) })
  return { wait_ms: both(waits), run_ms: both(runs) }
}
