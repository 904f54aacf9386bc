import type { SchedulerClient } from '../connection.ts'
import type { Cluster, DemoWorker } from './cluster.ts'

export interface Killing {
  readonly worker: string
  readonly pid: number
  /** Tasks it held under a lease when it died. */
  readonly held: readonly string[]
}

/** What is on its way when a process is stopped arrives well within this. */
const inFlightMs = 50
const betweenTriesMs = 20

/**
 * Kills one worker with SIGKILL while it holds tasks.
 *
 * To be sure that it does, it is first stopped (SIGSTOP) the moment it tells of a running handler; a stopped process
 * settles nothing, so what the scheduler says it holds is what it takes into its grave. If that is nothing, it goes on
 * and is tried again.
 *
 * @param signal aborts when the job is over
 * @returns null when the job was over before it could be caught at work
 */
export async function killInTheMiddle(
  cluster: Cluster,
  client: SchedulerClient,
  victim: DemoWorker,
  options: { readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>; readonly signal: AbortSignal },
): Promise<Killing | null> {
  while (!options.signal.aborted) {
    await untilBusy(cluster, victim, options.signal)
    if (options.signal.aborted) return null
    victim.child.kill('SIGSTOP')
    try {
      const before = await heldBy(client, victim.id)
      if (before.length > 0) {
        await options.sleep(inFlightMs)
        const held = await heldBy(client, victim.id)
        if (held.length > 0) {
          victim.child.kill('SIGKILL')
          return { worker: victim.id, pid: victim.child.pid, held }
        }
      }
    } finally {
      // To a process that was killed this says nothing any more.
      victim.child.kill('SIGCONT')
    }
    await options.sleep(betweenTriesMs)
  }
  return null
}

async function heldBy(client: SchedulerClient, workerId: string): Promise<readonly string[]> {
  const page = await client.list({ status: 'running', workerId, limit: 500 })
  return page.tasks.map(task => task.task_id)
}

function untilBusy(cluster: Cluster, victim: DemoWorker, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (victim.tally.running > 0 || signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
    cluster.onTally(worker => {
      if (worker === victim && worker.tally.running > 0) resolve()
    })
  })
}
