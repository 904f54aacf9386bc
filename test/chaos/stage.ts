import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { createApi } from './api.ts'
import { readLines } from './evidence.ts'
import { createFleet } from './fleet.ts'
import type { Ground } from './ground.ts'
import { createJournal } from './journal.ts'
import type { ClientLine, Evidence, TaskSeen, VerdictSeen, WorkerLine } from './model.ts'
import { heartbeatMs as heartbeatMsUsual } from './plan.ts'
import type { Children } from './processes.ts'
import type { Scene } from './scene.ts'
import { createSubmitter } from './submitter.ts'
import { createSettleTap } from './tap.ts'

export interface SceneParts {
  readonly folder: string
  readonly ground: Ground
  readonly seed: number
  readonly children: Children
  readonly signal: AbortSignal
  /** Faults that are counted, from 0. */
  readonly faultKinds: readonly string[]
  readonly workerNames?: readonly string[]
  readonly heartbeatMs?: number
  readonly pendingMax?: number
}

export interface OpenScene {
  readonly scene: Scene
  /** What was seen from outside until now. @param tasks as the API tells of them at the end */
  evidence(tasks: readonly TaskSeen[]): Evidence
}

/** Reaps follow a lease by a sweep's interval at most. */
const sweepMs = 1_000

/** Everybody is made, with links, taps and pens; nobody is started. */
export async function openScene(parts: SceneParts): Promise<OpenScene> {
  const { folder, ground, children, signal } = parts
  const journal = createJournal(folder, parts.faultKinds)
  const verdicts: VerdictSeen[] = []
  const fleet = await createFleet({
    ...{ folder, places: ground.nodes, seed: parts.seed, children, signal },
    ...(parts.workerNames === undefined ? {} : { workerNames: parts.workerNames }),
    ...(parts.pendingMax === undefined ? {} : { pendingMax: parts.pendingMax }),
    ...(parts.heartbeatMs === undefined ? {} : { heartbeatMs: parts.heartbeatMs }),
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
  const api = createApi(() => fleet.nodes.map(node => node.port()))
  let number = 0
  const nextNumber = (): number => {
    number += 1
    return number
  }
  const submitter = createSubmitter(folder, api, signal)
  return {
    scene: { fleet, journal, submitter, api, ground, signal, nextNumber },
    evidence: tasks => ({
      nodes: ground.nodes.length,
      workerLines: readLines<WorkerLine>(folder, '.worker.jsonl'),
      clientLines: readLines<ClientLine>(folder, '.client.jsonl'),
      ...{ verdicts, tasks },
      lingerMs: 3 * (parts.heartbeatMs ?? heartbeatMsUsual) + sweepMs,
      disturbances: journal.disturbances(),
      fullDisks: journal.fullDisks(),
    }),
  }
}
