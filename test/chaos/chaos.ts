import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Disk, mountDisk } from './disk.ts'
import { readTasks } from './evidence.ts'
import { injectFault } from './faults.ts'
import { createFileGround, type Ground } from './ground.ts'
import { heal, leave } from './liveness.ts'
import type { TaskSeen } from './model.ts'
import { judge } from './oracle.ts'
import { countPlanned, faultKindsOf, type Plan, type PlannedFault, planFaults, type Setup } from './plan.ts'
import { createPostgresGround } from './postgres-ground.ts'
import { createChildren } from './processes.ts'
import { type Report, writeReport } from './report.ts'
import type { Scene } from './scene.ts'
import { openScene } from './stage.ts'
import { pause } from './waiting.ts'
import { watchScheduler } from './watch.ts'

export interface ChaosOptions {
  readonly seed: number
  readonly minutes: number
  readonly setup: Setup
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

/** The store that was asked for cannot be had on this machine; its message says why. */
export class NoStoreError extends Error {}

/** After the faults: for everything to end and to be checked. With it, half a minute of faults ends within 90 s. */
const restMs = 55_000

/** Safety phase, liveness phase, judgement. Whatever happens, nothing that was started or mounted is left behind. */
export async function runChaos(options: ChaosOptions): Promise<Report> {
  const safetyMs = Math.round(options.minutes * 60_000)
  const plan = planFaults(options.seed, safetyMs, options.setup)
  options.onPlan(plan)
  const folder = mkdtempSync(join(tmpdir(), 'tasklane-chaos-'))
  const children = createChildren()
  const over = new AbortController()
  const { disk, why } = mountDisk(join(folder, 'disk'), countPlanned(plan).get('disk_full') ?? 0)
  if (disk === null) options.say(`SKIPPED: disk_full. A disk could not be mounted, which takes root: ${why}`)
  let ground: Ground | null = null
  let keepsFolder = true
  try {
    ground = await openGround(options.setup, folder, disk)
    const deadline = AbortSignal.timeout(safetyMs + restMs)
    const signal = AbortSignal.any([options.interrupt, deadline, over.signal])
    const report = await play({ options, plan, folder, ground, children, signal, deadline })
    keepsFolder = !report.ok
    return report
  } catch (error) {
    if (error instanceof NoStoreError) keepsFolder = false
    else options.say(`The run broke off; its logs are in ${folder}.`)
    throw error
  } finally {
    // From here on nobody is started again.
    over.abort()
    if (options.interrupt.aborted) keepsFolder = false
    await children.end()
    if (keepsFolder) ground?.keep(folder)
    await ground?.close()
    if (ground === null) disk?.unmount()
    if (!keepsFolder) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function openGround(setup: Setup, folder: string, disk: Disk | null): Promise<Ground> {
  if (setup.store === 'sqlite') return createFileGround(folder, disk)
  const ground = await createPostgresGround({ folder, nodes: setup.nodes, disk })
  if (ground === null) throw new NoStoreError('There are no programs of PostgreSQL here.')
  return ground
}

interface Stage {
  readonly options: ChaosOptions
  readonly plan: Plan
  readonly folder: string
  readonly ground: Ground
  readonly children: ReturnType<typeof createChildren>
  readonly signal: AbortSignal
  readonly deadline: AbortSignal
}

async function play(stage: Stage): Promise<Report> {
  const { plan, folder, ground, children, signal, deadline } = stage
  const faultKinds = faultKindsOf(plan.setup)
  const open = await openScene({ folder, ground, children, signal, seed: plan.seed, faultKinds, ...loadOf(plan) })
  const { scene } = open
  const { fleet, journal, api } = scene
  let tasks: readonly TaskSeen[] = []
  try {
    await Promise.all(fleet.nodes.map(node => node.start()))
    fleet.startWorkers()
    fleet.startClients()
    const watch = watchScheduler({ api, journal, signal, plan, onProgress: stage.options.onProgress })
    await beUnsafe(scene, plan)
    watch.enter('healing')
    await heal(scene)
    watch.enter('checking')
    if (!signal.aborted) tasks = await readTasks(api)
    watch.stop()
    if (!signal.aborted) await leave(scene)
  } finally {
    await fleet.closeLinks()
  }
  const evidence = open.evidence(tasks)
  if (deadline.aborted)
    journal.violated('everything ends', `The run was not over ${restMs / 1_000} s after its faults.`)
  if (evidence.verdicts.length === 0) journal.violated('the oracle sees', 'No settle was seen on any link.')
  const judgement = signal.aborted ? null : judge(evidence)
  return writeReport({ plan, folder, journal, evidence, judgement, isDiskThere: ground.disk !== null })
}

/** Three nodes and a server beside the workers: the machine has less to spare for tasks. */
function loadOf({ setup }: Plan): { readonly pendingMax?: number } {
  return setup.store === 'postgres' ? { pendingMax: 60 } : {}
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
