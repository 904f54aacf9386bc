import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { callAt } from '../chaos/api.ts'
import { readTasks } from '../chaos/evidence.ts'
import type { Ground } from '../chaos/ground.ts'
import { leave, waitForEnds } from '../chaos/liveness.ts'
import { judge } from '../chaos/oracle.ts'
import { createPostgresGround, type PostgresGround } from '../chaos/postgres-ground.ts'
import { createChildren } from '../chaos/processes.ts'
import type { Scene } from '../chaos/scene.ts'
import type { SchedulerLives } from '../chaos/scheduler.ts'
import { openScene } from '../chaos/stage.ts'
import { until } from '../support/processes.ts'

/**
 * Three nodes on a PostgreSQL server of their own, with workers and clients that know all of them, in processes. Tasks come
 * and end all the while; the test does one thing to it, and at the end the oracle of the chaos runs judges. Unlike there,
 * nothing is excused: a lease that ran out under a worker that the test left alone is a breach.
 */
export interface Rehearsal {
  readonly scene: Scene
  readonly nodes: readonly SchedulerLives[]
  readonly urls: readonly string[]
  readonly postgres: PostgresGround
  node(at: number): SchedulerLives
  /** Waits until so many more tasks have finished, as a node tells that can. */
  progress(tasks: number): Promise<void>
  /** Waits until all nodes say that they are ready. */
  ready(): Promise<void>
  /** Clients stop, all ends, nodes leave; then the evidence is judged. */
  end(): Promise<Outcome>
  close(): Promise<void>
}

export interface Outcome {
  readonly submitted: number
  readonly finished: number
  readonly executedTwice: number
  readonly attemptsBy: Readonly<Record<string, number>>
  /** Sentences; empty where all is well. */
  readonly breaches: readonly string[]
}

export interface RehearsalOptions {
  readonly heartbeatMs: number
  readonly workerNames: readonly string[]
}

/** Of everything together; only a hang reaches it. */
const deadlineMs = 150_000
const endWithinMs = 40_000
/** All has soon ended when the clients stop. */
const pendingMax = 25

export async function rehearse(options: RehearsalOptions): Promise<Rehearsal> {
  const folder = mkdtempSync(join(tmpdir(), 'tasklane-rehearsal-'))
  const children = createChildren()
  const over = new AbortController()
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(deadlineMs)])
  let ground: Ground | null = null
  let closeLinks = async (): Promise<void> => {}
  const close = async (): Promise<void> => {
    over.abort()
    await children.end()
    await closeLinks()
    await ground?.close()
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  try {
    ground = await createPostgresGround({ folder, nodes: 3, disk: null })
    if (ground?.postgres === null || ground === null) throw new Error('Ask `hasPrivatePostgres` first, and skip.')
    const { postgres } = ground
    const open = await openScene({ folder, ground, children, signal, seed: 1, faultKinds: [], pendingMax, ...options })
    const { scene } = open
    const { fleet, api, journal } = scene
    closeLinks = fleet.closeLinks
    await Promise.all(fleet.nodes.map(node => node.start()))
    fleet.startWorkers()
    fleet.startClients()
    const rehearsal: Rehearsal = Object.freeze({
      ...{ scene, postgres, nodes: fleet.nodes, close },
      urls: fleet.nodes.map(node => `http://127.0.0.1:${node.port()}`),
      node: (at: number): SchedulerLives => {
        const node = fleet.nodes[at]
        if (node === undefined) throw new Error(`There is no node ${at}.`)
        return node
      },
      progress: async (tasks: number) => {
        const from = await until(
          () => countFinished(scene),
          isKnown,
          () => 'a node to tell its figures',
        )
        await until(
          () => countFinished(scene),
          count => isKnown(count) && count >= from + tasks,
          () => `${tasks} more tasks to finish after ${from}; ${journal.violations().map(each => each.sentence)}`,
        )
      },
      ready: async () => {
        for (const node of fleet.nodes)
          await until(
            () => isReady(node),
            Boolean,
            () => `${node.name} to be ready`,
          )
      },
      end: async () => {
        await waitForEnds(scene, endWithinMs)
        const tasks = await readTasks(api)
        await leave(scene)
        const { figures, violations } = judge(open.evidence(tasks))
        const attemptsBy: Record<string, number> = {}
        for (const { outcome } of tasks.flatMap(task => task.attempts)) {
          attemptsBy[outcome] = (attemptsBy[outcome] ?? 0) + 1
        }
        return {
          ...{
            submitted: figures.submitted,
            finished: figures.finished,
            executedTwice: figures.executed_twice,
            attemptsBy,
          },
          breaches: [...journal.violations(), ...violations].map(({ promise, sentence }) => `${promise}: ${sentence}`),
        }
      },
    })
    await rehearsal.progress(10)
    return rehearsal
  } catch (error) {
    await close()
    throw error
  }
}

export async function isReady(node: SchedulerLives): Promise<boolean> {
  return (await callAt(node.port(), 'GET', '/readyz'))?.status === 200
}

async function countFinished({ api }: Scene): Promise<number> {
  const reply = await api.get('/api/stats', 2_000)
  if (reply?.status !== 200) return Number.NaN
  const { tasks } = reply.body as { tasks: Readonly<Record<string, number>> } // The protocol's Stats.
  return (tasks.completed ?? 0) + (tasks.failed ?? 0) + (tasks.cancelled ?? 0)
}

function isKnown(count: number): boolean {
  return !Number.isNaN(count)
}
