import { limits, type StateCounts, type Task } from '@tasklane/protocol'
import type { SchedulerClient } from '../connection.ts'
import { exitCodes } from '../exit-codes.ts'
import { CommandFailure } from '../faults.ts'
import type { Cluster } from './cluster.ts'
import { type Killing, killInTheMiddle } from './kill.ts'
import type { Plan } from './plan.ts'

export interface DemoProgress {
  readonly counts: StateCounts
  readonly total: number
}

export interface JobOptions {
  readonly isKilling: boolean
  readonly signal: AbortSignal
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly onProgress: (progress: DemoProgress) => void
  readonly onKilled: (killing: Killing) => void
}

export interface JobOutcome {
  /** Every task of the plan, as it ended. */
  readonly tasks: ReadonlyMap<string, Task>
  /** Who was killed; null where nobody was asked to be, or nobody could be caught at work. */
  readonly killing: Killing | null
}

/** Edges of one batch: a merge of 5,000 parents is 60 kB of ids, and a body holds 16 MiB. */
const batchEdgesMax = 50_000
const pollEveryMs = 100
/** Many times what a lease and a large file take. */
const stallMsMax = 60_000

/** Submits the plan, watches it, kills a worker if that is wanted, and returns how every task ended. */
export async function runJob(
  cluster: Cluster,
  client: SchedulerClient,
  plan: Plan,
  options: JobOptions,
): Promise<JobOutcome> {
  const over = new AbortController()
  const signal = AbortSignal.any([options.signal, over.signal])
  const killing = options.isKilling ? killOne(cluster, client, { ...options, signal }) : Promise.resolve(null)
  try {
    await submitPlan(client, plan, options.signal)
    await watchJob(client, plan, options)
  } finally {
    over.abort()
    // Its fault is the job's, but the job's own comes first.
    await killing.catch(() => null)
  }
  const tasks = new Map<string, Task>()
  for await (const task of client.listAll()) tasks.set(task.task_id, task)
  return { tasks, killing: await killing }
}

async function killOne(cluster: Cluster, client: SchedulerClient, options: JobOptions): Promise<Killing | null> {
  const victim = cluster.workers().at(-1)
  if (victim === undefined) return null
  const killing = await killInTheMiddle(cluster, client, victim, options)
  if (killing === null) return null
  options.onKilled(killing)
  cluster.addWorker()
  return killing
}

/** Parents before children, all of it up front: what may run when is the scheduler's business from then on. */
async function submitPlan(client: SchedulerClient, plan: Plan, signal: AbortSignal): Promise<void> {
  for (const batch of cutIntoBatches(plan)) {
    await client.submitMany(
      batch.map(task => ({
        task: task.task_type,
        taskId: task.task_id,
        name: task.name,
        payload: task.payload,
        dependsOn: task.dependencies,
        // A file that vanishes fails its count; the merge goes on without it and the demo says so.
        onDependencyFailure: 'proceed' as const,
      })),
      { signal },
    )
  }
}

function* cutIntoBatches(plan: Plan): Generator<Plan['tasks']> {
  let batch: Plan['tasks'][number][] = []
  let edges = 0
  for (const task of plan.tasks) {
    const isFull = batch.length >= limits.batchTasksMax || edges + task.dependencies.length > batchEdgesMax
    if (isFull && batch.length > 0) {
      yield batch
      batch = []
      edges = 0
    }
    batch.push(task)
    edges += task.dependencies.length
  }
  if (batch.length > 0) yield batch
}

async function watchJob(client: SchedulerClient, plan: Plan, options: JobOptions): Promise<void> {
  let last = ''
  let polledInVain = 0
  for (;;) {
    const { tasks: counts } = await client.stats()
    options.onProgress({ counts, total: plan.tasks.length })
    if (finishedOf(counts) >= plan.tasks.length) return
    const now = JSON.stringify(counts)
    polledInVain = now === last ? polledInVain + 1 : 0
    last = now
    if (polledInVain * pollEveryMs > stallMsMax) {
      const text = `Nothing has moved for ${stallMsMax / 1_000} s; the messages above may say why.`
      throw new CommandFailure(exitCodes.failed, 'demo_stalled', text)
    }
    await options.sleep(pollEveryMs, options.signal)
  }
}

export function finishedOf(counts: StateCounts): number {
  return counts.completed + counts.failed + counts.cancelled
}
