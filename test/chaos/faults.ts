import { killScheduler, startSecond, stopScheduler, termScheduler } from './node-faults.ts'
import { blockedWorker, type FaultKind, leaseMs, type PlannedFault, poisonWorker } from './plan.ts'
import type { LinkMode } from './proxy.ts'
import { ownTask, type Scene } from './scene.ts'
import { crowdDatabase, cutHints, fillDisk, onStoreLink, restartDatabase } from './store-faults.ts'
import { holds, pause } from './waiting.ts'

/** Does the fault, and resolves when it is over and healed. What it finds broken by itself goes to the journal. */
export function injectFault(scene: Scene, fault: PlannedFault): Promise<void> {
  return injections[fault.kind](scene, fault)
}

type Injection = (scene: Scene, fault: PlannedFault) => Promise<void>

const injections: Readonly<Record<FaultKind, Injection>> = Object.freeze({
  worker_kill: killWorker,
  worker_stop: stopWorker,
  worker_term: termWorker,
  scheduler_kill: killScheduler,
  scheduler_stop: stopScheduler,
  net_cut: onLinks('cut'),
  net_stall: onLinks('stall'),
  net_requests_only: onLinks('requests_only'),
  net_replies_only: onLinks('replies_only'),
  net_drop_reply: onLinks('drop_reply'),
  disk_full: fillDisk,
  scheduler_term: termScheduler,
  database_restart: restartDatabase,
  database_cut: onStoreLink('cut'),
  database_stall: onStoreLink('stall'),
  database_crowded: crowdDatabase,
  hints_cut: cutHints,
  second_scheduler: startSecond,
  late_handler: submitStubborn,
  poison_task: submitPoison,
  blocked_loop: submitBlocking,
})

async function killWorker({ fleet, journal, signal }: Scene, { target }: PlannedFault): Promise<void> {
  const child = fleet.worker(target ?? '')
  if (!child?.isRunning()) return
  const over = journal.begin('worker_kill', target, true)
  child.signal('SIGKILL')
  await holds(() => !child.isRunning(), 5_000, signal)
  over()
}

/**
 * It holds a long task when it is stopped. Somebody else is in the middle of the same task when it comes back, and what it
 * says then must not count.
 */
async function stopWorker(scene: Scene, { target, lastsMs }: PlannedFault): Promise<void> {
  const { fleet, journal, signal } = scene
  const child = fleet.worker(target ?? '')
  if (!child?.isRunning()) return
  await giveLongTask(scene, target ?? '')
  const over = journal.begin('worker_stop', target, true)
  child.signal('SIGSTOP')
  await pause(lastsMs, signal)
  child.signal('SIGCONT')
  over()
}

const longMs = leaseMs * 2
const longTasks = 5
const takenWithinMs = 700
const roundsMax = 4

/** Submits tasks of two leases until this worker has one of them. */
export async function giveLongTask(scene: Scene, worker: string): Promise<void> {
  const ids = new Set<string>()
  for (let round = 0; round < roundsMax && !scene.signal.aborted; round += 1) {
    const tasks = Array.from({ length: longTasks }, () => ownTask(scene, 'work', { ms: longMs, failures: 0 }))
    for (const task of tasks) ids.add(task.id)
    await Promise.all(tasks.map(task => scene.submitter.insist(task)))
    const isTaken = async (): Promise<boolean> => (await tasksOf(scene, worker)).some(id => ids.has(id))
    if (await holds(isTaken, takenWithinMs, scene.signal)) return
  }
}

/** More than it has slots for, so that it is claiming and running when the signal comes. */
const burst = 12
const busyWithinMs = 3_000
const leaveWithinMs = 15_000

/** No disturbance: what it held must be given back uncharged, and it must leave by itself. */
async function termWorker(scene: Scene, { target }: PlannedFault): Promise<void> {
  const { fleet, journal, submitter, signal } = scene
  const child = fleet.worker(target ?? '')
  if (!child?.isRunning()) return
  const tasks = Array.from({ length: burst }, () => ownTask(scene, 'work', { ms: 600, failures: 0 }))
  const submitting = Promise.all(tasks.map(task => submitter.insist(task)))
  await holds(async () => (await tasksOf(scene, target ?? '')).length > 0, busyWithinMs, signal)
  const over = journal.begin('worker_term', target, false)
  child.signal('SIGTERM')
  if (!(await holds(() => !child.isRunning(), leaveWithinMs, signal)) && !signal.aborted) {
    journal.violated('stops in order', `${target} was sent SIGTERM and had not left ${leaveWithinMs / 1_000} s later.`)
    child.signal('SIGKILL')
  }
  over()
  await submitting
}

async function tasksOf({ api }: Scene, worker: string): Promise<readonly string[]> {
  const reply = await api.get(`/api/workers/${worker}`)
  if (reply?.status !== 200) return []
  const { current_tasks } = reply.body as { current_tasks: readonly string[] } // The protocol's Worker.
  return current_tasks
}

/** What happens to these two must be by their tasks alone. */
const spared: ReadonlySet<string> = new Set([poisonWorker, blockedWorker])

function onLinks(mode: LinkMode): Injection {
  return async ({ fleet, journal, signal }, { kind, target, lastsMs }) => {
    const isMeant = (name: string): boolean => (target === null ? !spared.has(name) : name === target)
    const links = [...fleet.links].filter(([name]) => isMeant(name)).flatMap(([, some]) => some)
    const over = journal.begin(kind, target, true)
    for (const link of links) link.setMode(mode)
    await pause(lastsMs, signal)
    for (const link of links) link.setMode('pass')
    over()
  }
}

async function submitStubborn(scene: Scene): Promise<void> {
  const timeout = 1
  const payload = { ms: 2_500, limitMs: timeout * 1_000 }
  scene.journal.begin('late_handler', null, false)()
  await scene.submitter.insist({ ...ownTask(scene, 'stubborn', payload), type: 'stubborn', timeout })
}

/** One poison task among innocent ones, which one worker with one slot takes in turn. */
async function submitPoison(scene: Scene): Promise<void> {
  scene.journal.begin('poison_task', poisonWorker, false)()
  const kinds = ['neighbour', 'neighbour', 'poison', 'neighbour', 'neighbour', 'neighbour'] as const
  for (const kind of kinds) {
    const task = ownTask(scene, kind, { ms: 30, failures: 0 })
    await scene.submitter.insist({ ...task, type: kind === 'poison' ? 'poison' : 'work', queue: poisonWorker })
  }
}

/** Two leases and a half without a turn for anything else in that thread. */
const blockMs = leaseMs * 2.5

async function submitBlocking(scene: Scene): Promise<void> {
  scene.journal.begin('blocked_loop', blockedWorker, false)()
  const task = ownTask(scene, 'blocking', { ms: blockMs })
  await scene.submitter.insist({ ...task, type: 'blocking', queue: blockedWorker })
}
