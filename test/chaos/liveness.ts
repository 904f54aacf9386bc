import type { Api } from './api.ts'
import { giveLongTask } from './faults.ts'
import { clients, leaseMs } from './plan.ts'
import type { Scene } from './scene.ts'
import { holds, pause } from './waiting.ts'

/** Two leases: whoever comes back late must still be refused. */
const zombieMs = 2 * leaseMs
/** A lease, the reaper, the longest back-off and the longest run are a few seconds; the rest is for a busy machine. */
const endWithinMs = 40_000
/** It knows no better than to settle what was taken from it. */
const zombieName = 'raw-1'

/**
 * Everything passes again and everybody lives, but for one worker that stays stopped. Clients stop; everything must end.
 * Then the zombie is woken, to settle what was long taken from it.
 */
export async function heal(scene: Scene): Promise<void> {
  const { fleet, journal, signal } = scene
  const endsAt = performance.now() + endWithinMs
  for (const link of [...fleet.links.values()].flat()) link.setMode('pass')
  await giveLongTask(scene, zombieName)
  const zombie = fleet.worker(zombieName)
  const isDead = journal.begin('worker_stop', zombieName, true)
  zombie?.signal('SIGSTOP')
  await waitForEnds(scene, Math.max(0, endsAt - performance.now()))
  zombie?.signal('SIGCONT')
  await pause(zombieMs, signal)
  isDead()
}

/** Clients stop submitting, and all that was submitted ends. What has not ended by then is named by the oracle. */
export async function waitForEnds({ fleet, journal, signal, api }: Scene, withinMs: number): Promise<void> {
  const endsAt = performance.now() + withinMs
  const leftMs = (): number => Math.max(0, endsAt - performance.now())
  for (const client of fleet.clients()) client.signal('SIGTERM')
  const haveLeft = await holds(() => fleet.clients().every(client => !client.isRunning()), leftMs(), signal)
  if (!haveLeft && !signal.aborted) {
    journal.violated('everything ends', `A client (${clients.join(', ')}) still waits for its replies.`)
  }
  await holds(() => hasEverythingEnded(api), leftMs(), signal)
}

async function hasEverythingEnded(api: Api): Promise<boolean> {
  const reply = await api.get('/api/stats')
  if (reply?.status !== 200) return false
  const { tasks } = reply.body as { tasks: Readonly<Record<string, number>> } // The protocol's Stats.
  return ['blocked', 'scheduled', 'pending', 'running'].every(state => (tasks[state] ?? 0) === 0)
}

const leaveWithinMs = 15_000

/** All nodes stop in order, and the data they leave is whole. */
export async function leave({ fleet, journal, ground }: Scene): Promise<void> {
  fleet.letWorkersEnd()
  let areGone = true
  for (const node of fleet.nodes) {
    const exit = await node.stop(leaveWithinMs)
    if (exit?.code === 0) continue
    areGone = false
    journal.violated('stops in order', `${node.name} was sent SIGTERM and ended with ${JSON.stringify(exit)}.`)
  }
  if (areGone) for (const fault of await ground.check()) journal.violated('the data is whole', fault)
}
