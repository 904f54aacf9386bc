import { limits, type StateCounts, type Task } from '@tasklane/protocol'
import { describeExit } from '../child-process.ts'
import type { SchedulerClient } from '../connection.ts'
import { exitCodes } from '../exit-codes.ts'
import { CommandFailure } from '../faults.ts'
import type { Cluster } from './cluster.ts'
import { type Killing, killInTheMiddle, killWithHandedTasks } from './kill.ts'
import type { Plan } from './plan.ts'

export interface DemoProgress {
  readonly counts: StateCounts
  readonly total: number
}

export interface JobOptions {
  readonly isKilling: boolean
  /** Of all workers together. */
  readonly slots: number
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
const registrationMsMax = 30_000
const registrationPollMs = 25
/** Many times what a lease and a large file take. */
const stallMsMax = 60_000

/** Submits the plan, watches it, kills a worker if that is wanted, and returns how every task ended. */
export async function runJob(
  cluster: Cluster,
  client: SchedulerClient,
  plan: Plan,
  options: JobOptions,
): Promise<JobOutcome> {
  await untilRegistered(cluster, client, options)
  const over = new AbortController()
  const signal = AbortSignal.any([options.signal, over.signal])
  const killOptions = { total: plan.tasks.length, sleep: options.sleep, signal }
  const submit = () => submitPlan(client, plan, options.signal)
  let killing: Promise<Killing | null> = Promise.resolve(null)
  try {
    if (options.isKilling && plan.tasks.length <= options.slots) {
      killing = replace(cluster, options, await killWithHandedTasks(cluster, client, killOptions, submit))
    } else {
      await submit()
      if (options.isKilling) {
        killing = killInTheMiddle(cluster, client, killOptions).then(killed => replace(cluster, options, killed))
        // Met below; the job's own fault comes first.
        killing.catch(() => null)
      }
    }
    await watchJob(client, plan, options)
  } finally {
    over.abort()
  }
  const tasks = new Map<string, Task>()
  for await (const task of client.listAll()) tasks.set(task.task_id, task)
  return { tasks, killing: await killing }
}

async function replace(cluster: Cluster, options: JobOptions, killing: Killing | null): Promise<Killing | null> {
  if (killing === null) return null
  options.onKilled(killing)
  cluster.addWorker()
  return killing
}

/** Work begins when everybody is there: what is measured is then the job, not the start of processes. */
async function untilRegistered(cluster: Cluster, client: SchedulerClient, options: JobOptions): Promise<void> {
  for (let waitedMs = 0; waitedMs < registrationMsMax; waitedMs += registrationPollMs) {
    const known = new Set((await client.workers()).map(worker => worker.worker_id))
    const missing = cluster.workers().filter(worker => !known.has(worker.id))
    const dead = missing.find(worker => !worker.child.isAlive())
    if (dead !== undefined) {
      const exit = describeExit(await dead.child.exited)
      throw new CommandFailure(exitCodes.failed, 'worker_not_started', `The worker ${dead.id} ${exit}.`)
    }
    if (missing.length === 0) return
    await options.sleep(registrationPollMs, options.signal)
  }
  throw new CommandFailure(exitCodes.failed, 'worker_not_started', 'The workers did not register within 30 s.')
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
