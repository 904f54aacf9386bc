import type { SchedulerClient } from '../connection.ts'
import type { Cluster, DemoWorker } from './cluster.ts'

export interface Killing {
  readonly worker: string
  readonly pid: number
  /** Tasks it held under a lease when it died. */
  readonly held: readonly string[]
}

export interface KillOptions {
  /** Tasks of the whole job. */
  readonly total: number
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Aborts when the job is over. */
  readonly signal: AbortSignal
}

/** What is on its way when a process is stopped arrives well within this. */
const inFlightMs = 50
const betweenTriesMs = 20
/** Share of the tasks that have to be done before somebody is killed: the middle, with most of the work still to come. */
const doneShare = 0.25
/** How long workers that are all stopped are waited for to be handed the first tasks. */
const handOutMsMax = 2_000

/**
 * Kills one worker with SIGKILL while it holds tasks, in the middle of the job.
 *
 * To be sure that it holds some, it is first stopped (SIGSTOP) when it tells of a running handler; a stopped process
 * settles nothing, so what the scheduler says it holds is what it takes into its grave. If that is nothing, it goes on
 * and is tried again.
 *
 * @returns null when the job was over before anybody could be caught at work
 */
export async function killInTheMiddle(
  cluster: Cluster,
  client: SchedulerClient,
  options: KillOptions,
): Promise<Killing | null> {
  while (!options.signal.aborted) {
    const victim = await untilBusy(cluster, options)
    if (victim === null) return null
    victim.child.kill('SIGSTOP')
    try {
      const before = await heldBy(client, victim)
      if (before.length > 0) {
        await options.sleep(inFlightMs)
        const held = await heldBy(client, victim)
        if (held.length > 0) return kill(victim, held)
      }
    } finally {
      // To a process that was killed this says nothing any more.
      victim.child.kill('SIGCONT')
    }
    await options.sleep(betweenTriesMs)
  }
  return null
}

/**
 * The same for a job so small that nobody could be caught: all workers are stopped, then the job is submitted, and the
 * first of them that is handed tasks through its open claim is killed with them in its hands.
 */
export async function killWithHandedTasks(
  cluster: Cluster,
  client: SchedulerClient,
  options: KillOptions,
  submit: () => Promise<void>,
): Promise<Killing | null> {
  const workers = cluster.workers()
  for (const worker of workers) worker.child.kill('SIGSTOP')
  try {
    await submit()
    for (let waitedMs = 0; waitedMs < handOutMsMax; waitedMs += inFlightMs) {
      for (const worker of workers) {
        const held = await heldBy(client, worker)
        if (held.length > 0) return kill(worker, held)
      }
      await options.sleep(inFlightMs, options.signal)
    }
    return null
  } finally {
    for (const worker of workers) worker.child.kill('SIGCONT')
  }
}

function kill(victim: DemoWorker, held: readonly string[]): Killing {
  victim.child.kill('SIGKILL')
  return { worker: victim.id, pid: victim.child.pid, held }
}

async function heldBy(client: SchedulerClient, worker: DemoWorker): Promise<readonly string[]> {
  const page = await client.list({ status: 'running', workerId: worker.id, limit: 500 })
  return page.tasks.map(task => task.task_id)
}

/** The last worker that is at work once the middle is reached; null when the job is over first. */
function untilBusy(cluster: Cluster, options: KillOptions): Promise<DemoWorker | null> {
  const find = (): DemoWorker | null => {
    const done = cluster.workers().reduce((sum, worker) => sum + worker.tally.ended, 0)
    if (done < options.total * doneShare) return null
    return cluster.workers().findLast(worker => worker.tally.running > 0) ?? null
  }
  return new Promise(resolve => {
    const first = find()
    if (first !== null) return resolve(first)
    if (options.signal.aborted) return resolve(null)
    options.signal.addEventListener('abort', () => resolve(null), { once: true })
    const forget = cluster.onTally(() => {
      const busy = find()
      if (busy === null) return
      forget()
      resolve(busy)
    })
  })
}
