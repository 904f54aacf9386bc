import { appendFileSync, copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Api, createApi } from './api.ts'
import { type Disk, mountDisk } from './disk.ts'
import { readLines, readTasks } from './evidence.ts'
import { giveLongTask, injectFault, type Scene } from './faults.ts'
import { createFleet } from './fleet.ts'
import { checkFile } from './integrity.ts'
import { createJournal, lingerMs } from './journal.ts'
import type { ClientLine, Evidence, TaskSeen, VerdictSeen, WorkerLine } from './model.ts'
import { judge } from './oracle.ts'
import { clients, countPlanned, faultKinds, leaseMs, type Plan, type PlannedFault, planFaults } from './plan.ts'
import { createChildren } from './processes.ts'
import { type Report, writeReport } from './report.ts'
import { createSubmitter } from './submitter.ts'
import { createSettleTap } from './tap.ts'
import { holds, pause } from './waiting.ts'
import { watchScheduler } from './watch.ts'

export interface ChaosOptions {
  readonly seed: number
  readonly minutes: number
  readonly onPlan: (plan: Plan) => void
  readonly onProgress: (progress: Progress) => void
  readonly say: (line: string) => void
  /** Aborts when somebody wants the run to end now. */
  readonly interrupt: AbortSignal
}

export interface Progress {
  readonly phase: 'faults' | 'healing' | 'checking'
  readonly leftMs: number
  readonly faults: number
  readonly submitted: number
  readonly finished: number
}

/** After the faults: for everything to end and to be checked. With it, half a minute of faults ends within 90 s. */
const restMs = 55_000
const databaseName = 'tasklane.db'

/** Safety phase, liveness phase, judgement. Whatever happens, nothing that was started or mounted is left behind. */
export async function runChaos(options: ChaosOptions): Promise<Report> {
  const safetyMs = Math.round(options.minutes * 60_000)
  const plan = planFaults(options.seed, safetyMs)
  options.onPlan(plan)
  const folder = mkdtempSync(join(tmpdir(), 'tasklane-chaos-'))
  const children = createChildren()
  const deadline = AbortSignal.timeout(safetyMs + restMs)
  const over = new AbortController()
  const signal = AbortSignal.any([options.interrupt, deadline, over.signal])
  const { disk, why } = mountDisk(join(folder, 'disk'), countPlanned(plan).get('disk_full') ?? 0)
  if (disk === null) options.say(`SKIPPED: disk_full. A disk could not be mounted, which takes root: ${why}`)
  let keepsFolder = true
  try {
    const report = await play({ options, plan, folder, disk, children, signal, deadline })
    keepsFolder = !report.ok
    return report
  } catch (error) {
    options.say(`The run broke off; its logs are in ${folder}.`)
    throw error
  } finally {
    // From here on nobody is started again.
    over.abort()
    if (options.interrupt.aborted) keepsFolder = false
    await children.end()
    if (keepsFolder && disk !== null) keepDatabase(disk.folder, folder)
    disk?.unmount()
    if (!keepsFolder) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** The disk goes; what was on it is part of the story. */
function keepDatabase(from: string, to: string): void {
  for (const name of readdirSync(from).filter(file => file.startsWith(databaseName))) {
    copyFileSync(join(from, name), join(to, name))
  }
}

interface Stage {
  readonly options: ChaosOptions
  readonly plan: Plan
  readonly folder: string
  readonly disk: Disk | null
  readonly children: ReturnType<typeof createChildren>
  readonly signal: AbortSignal
  readonly deadline: AbortSignal
}

async function play(stage: Stage): Promise<Report> {
  const { plan, folder, disk, signal, deadline } = stage
  const { scene, verdicts } = await setScene(stage)
  const { fleet, journal, api } = scene
  let tasks: readonly TaskSeen[] = []
  try {
    await fleet.scheduler.start()
    fleet.startWorkers()
    fleet.startClients()
    const watch = watchScheduler({ api, journal, signal, plan, onProgress: stage.options.onProgress })
    await beUnsafe(scene, plan)
    watch.enter('healing')
    await heal(scene)
    watch.enter('checking')
    if (!signal.aborted) tasks = await readTasks(api)
    watch.stop()
    if (!signal.aborted) await leave(scene, databaseIn(stage))
  } finally {
    await fleet.closeLinks()
  }
  const evidence: Evidence = {
    workerLines: readLines<WorkerLine>(folder, '.worker.jsonl'),
    clientLines: readLines<ClientLine>(folder, '.client.jsonl'),
    ...{ verdicts, tasks, lingerMs },
    disturbances: journal.disturbances(),
    fullDisks: journal.fullDisks(),
  }
  if (deadline.aborted)
    journal.violated('everything ends', `The run was not over ${restMs / 1_000} s after its faults.`)
  if (verdicts.length === 0) journal.violated('the oracle sees', 'No settle was seen on any link.')
  const judgement = signal.aborted ? null : judge(evidence)
  return writeReport({ plan, folder, journal, evidence, judgement, isDiskThere: disk !== null })
}

function databaseIn({ disk, folder }: Stage): string {
  return join(disk?.folder ?? folder, databaseName)
}

async function setScene(stage: Stage): Promise<{ readonly scene: Scene; readonly verdicts: readonly VerdictSeen[] }> {
  const { plan, folder, disk, children, signal } = stage
  const journal = createJournal(folder, faultKinds)
  const verdicts: VerdictSeen[] = []
  const fleet = await createFleet({
    ...{ folder, data: databaseIn(stage), seed: plan.seed, children, signal },
    createTap: () =>
      createSettleTap({
        onVerdict: verdict => {
          verdicts.push(verdict)
          appendFileSync(join(folder, 'verdicts.jsonl'), `${JSON.stringify(verdict)}\n`)
        },
        onUnreadable: problem => journal.violated('the oracle sees', `A link carried what cannot be read: ${problem}`),
      }),
    onUnexpectedEnd: (name, exit, logFile) =>
      journal.violated('nobody dies alone', `${name} ended with ${JSON.stringify(exit)}; its output is in ${logFile}.`),
  })
  const api = createApi(fleet.scheduler.port)
  let number = 0
  const nextNumber = (): number => {
    number += 1
    return number
  }
  const submitter = createSubmitter(folder, api, signal)
  return { scene: { fleet, journal, submitter, api, disk, signal, nextNumber }, verdicts }
}

/** Each track does its faults one after the other, as planned, or as soon as the one before is over. */
async function beUnsafe(scene: Scene, plan: Plan): Promise<void> {
  const startedMs = performance.now()
  const until = (atMs: number): Promise<void> =>
    pause(Math.max(0, atMs - (performance.now() - startedMs)), scene.signal)
  const play = async (faults: readonly PlannedFault[]): Promise<void> => {
    for (const fault of faults) {
      await until(fault.atMs)
      if (scene.signal.aborted) return
      await injectFault(scene, fault).catch((error: unknown) => {
        scene.journal.violated(
          'recovers',
          `After ${fault.kind}: ${error instanceof Error ? error.message : String(error)}`,
        )
      })
    }
  }
  await Promise.all([...plan.tracks.map(play), until(plan.safetyMs)])
}

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
async function heal(scene: Scene): Promise<void> {
  const { fleet, journal, signal } = scene
  const endsAt = performance.now() + endWithinMs
  const leftMs = (): number => Math.max(0, endsAt - performance.now())
  for (const link of fleet.links.values()) link.setMode('pass')
  await giveLongTask(scene, zombieName)
  const zombie = fleet.worker(zombieName)
  const isDead = journal.begin('worker_stop', zombieName, true)
  zombie?.signal('SIGSTOP')
  for (const client of fleet.clients()) client.signal('SIGTERM')
  const haveLeft = await holds(() => fleet.clients().every(client => !client.isRunning()), leftMs(), signal)
  if (!haveLeft && !signal.aborted) {
    journal.violated('everything ends', `A client (${clients.join(', ')}) still waits for its replies.`)
  }
  // What has not ended by then is named by the oracle.
  await holds(() => hasEverythingEnded(scene.api), leftMs(), signal)
  zombie?.signal('SIGCONT')
  await pause(zombieMs, signal)
  isDead()
}

async function hasEverythingEnded(api: Api): Promise<boolean> {
  const reply = await api.get('/api/stats')
  if (reply?.status !== 200) return false
  const { tasks } = reply.body as { tasks: Readonly<Record<string, number>> } // The protocol's Stats.
  return ['blocked', 'scheduled', 'pending', 'running'].every(state => (tasks[state] ?? 0) === 0)
}

const leaveWithinMs = 15_000

/** All stop in order, and the file they leave is whole. */
async function leave({ fleet, journal }: Scene, data: string): Promise<void> {
  fleet.letWorkersEnd()
  const exit = await fleet.scheduler.stop(leaveWithinMs)
  if (exit === null || exit.code !== 0) {
    journal.violated('stops in order', `The scheduler was sent SIGTERM and ended with ${JSON.stringify(exit)}.`)
    return
  }
  for (const fault of checkFile(data)) journal.violated('the file is whole', fault)
}
