import type { Api } from './api.ts'
import type { Disk } from './disk.ts'
import type { Fleet } from './fleet.ts'
import type { Journal } from './journal.ts'
import { blockedWorker, type FaultKind, leaseMs, type PlannedFault, poisonWorker } from './plan.ts'
import { readText } from './processes.ts'
import type { LinkMode } from './proxy.ts'
import type { OwnTask, Submitter } from './submitter.ts'
import { holds, pause } from './waiting.ts'

/** What a fault needs to happen. */
export interface Scene {
  readonly fleet: Fleet
  readonly journal: Journal
  readonly submitter: Submitter
  readonly api: Api
  /** Null where this machine does not let a disk be mounted. */
  readonly disk: Disk | null
  readonly signal: AbortSignal
  /** Numbers what a fault submits. */
  nextNumber(): number
}

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

async function killScheduler({ fleet, journal, signal }: Scene, { lastsMs }: PlannedFault): Promise<void> {
  const over = journal.begin('scheduler_kill', null, true)
  await fleet.scheduler.kill()
  await pause(lastsMs, signal)
  await fleet.scheduler.start()
  over()
}

async function stopScheduler({ fleet, journal, signal }: Scene, { lastsMs }: PlannedFault): Promise<void> {
  const over = journal.begin('scheduler_stop', null, true)
  fleet.scheduler.current().signal('SIGSTOP')
  await pause(lastsMs, signal)
  fleet.scheduler.current().signal('SIGCONT')
  over()
}

/** What happens to these two must be by their tasks alone. */
const spared: ReadonlySet<string> = new Set([poisonWorker, blockedWorker])

function onLinks(mode: LinkMode): Injection {
  return async ({ fleet, journal, signal }, { kind, target, lastsMs }) => {
    const isMeant = (name: string): boolean => (target === null ? !spared.has(name) : name === target)
    const links = [...fleet.links].filter(([name]) => isMeant(name)).map(([, link]) => link)
    const over = journal.begin(kind, target, true)
    for (const link of links) link.setMode(mode)
    await pause(lastsMs, signal)
    for (const link of links) link.setMode('pass')
    over()
  }
}

/** From large to small: SQLite's log has room of its own, which it uses again, and which must be used up too. */
const gorgeBytes = [900_000, 200_000, 40_000, 8_000, 500, 0]
const gorgesMax = 150
const backWithinMs = 10_000

async function fillDisk(scene: Scene, { lastsMs }: PlannedFault): Promise<void> {
  const { journal, disk, api, signal, fleet } = scene
  if (disk === null) return
  const over = journal.begin('disk_full', null, true)
  const before = fleet.scheduler.current().pid
  disk.fill()
  const isFull = await gorge(scene, disk)
  const fullFromMs = Date.now()
  if (!isFull && !signal.aborted) {
    journal.violated('full disk', 'The disk had no room left, and submits were accepted all the same.')
  }
  const endsAt = performance.now() + lastsMs
  while (performance.now() < endsAt && !signal.aborted) {
    disk.fill()
    await scene.submitter.once(ownTask(scene, 'gorge', { ms: 0, failures: 0, padding: '' }))
    await pause(100, signal)
  }
  if (isFull) journal.diskWasFull(fullFromMs)
  disk.free()
  const isBack = await holds(
    async () => (await scene.submitter.once(ownTask(scene, 'gorge', { ms: 0, failures: 0, padding: '' }))) === 'ok',
    backWithinMs,
    signal,
  )
  if (!isBack && !signal.aborted) {
    const said = await api.get('/readyz')
    const sentence = `Room was made, and ${backWithinMs / 1_000} s later no submit was accepted; /readyz says ${JSON.stringify(said)}.`
    journal.violated('full disk', sentence)
  }
  if (fleet.scheduler.current().pid !== before)
    journal.violated('full disk', 'The scheduler did not outlive the full disk.')
  over()
}

/**
 * /readyz writes one row: where there is no room for that, there is none for a task. (A small submit that is refused says
 * less: it may have shared its commit with a large one.)
 * @returns whether that was reached
 */
async function gorge(scene: Scene, disk: Disk): Promise<boolean> {
  let at = 0
  for (let tries = 0; tries < gorgesMax && !scene.signal.aborted; tries += 1) {
    disk.fill()
    const bytes = gorgeBytes[at] ?? 0
    const task = ownTask(scene, 'gorge', { ms: 0, failures: 0, padding: 'x'.repeat(bytes) })
    if ((await scene.submitter.once(task)) !== 'ok') at += 1
    if (at < gorgeBytes.length) continue
    if ((await scene.api.get('/readyz'))?.status === 503) return true
    await pause(50, scene.signal)
  }
  return false
}

const refuseWithinMs = 20_000

async function startSecond({ fleet, journal, signal }: Scene, { lastsMs }: PlannedFault): Promise<void> {
  const startedMs = performance.now()
  const over = journal.begin('second_scheduler', null, false)
  const second = fleet.scheduler.startSecond()
  const hasEnded = await holds(() => !second.isRunning(), refuseWithinMs, signal)
  const said = readText(second.logFile)
  if (signal.aborted) return
  if (!hasEnded) {
    journal.violated(
      'one owner',
      `A second scheduler on the same file was not refused; its output is in ${second.logFile}.`,
    )
    second.signal('SIGKILL')
    await second.exited
  } else if ((await second.exited).code === 0 || !/already uses/.test(said)) {
    journal.violated(
      'one owner',
      `A second scheduler on the same file was not refused clearly; its output is in ${second.logFile}.`,
    )
  }
  over()
  await pause(lastsMs - (performance.now() - startedMs), signal)
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

function ownTask(scene: Scene, kind: OwnTask['kind'], payload: OwnTask['payload']): OwnTask {
  return { id: `run-${kind}-${scene.nextNumber()}`, kind, type: 'work', queue: 'main', payload, maxRetries: 5 }
}
