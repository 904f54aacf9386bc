import { join } from 'node:path'
import type { NodePlace } from './ground.ts'
import {
  blockedWorker,
  clients,
  heartbeatMs as heartbeatMsUsual,
  poisonWorker,
  politeWorker,
  roughWorkers,
} from './plan.ts'
import { type Child, type Children, type Exit, fixtures, tasklane } from './processes.ts'
import { type Link, openLink, type Tap } from './proxy.ts'
import { createSchedulerLives, type SchedulerLives } from './scheduler.ts'
import { pause } from './waiting.ts'

/** The nodes, the workers and the clients of a run: all of them processes, workers and clients behind links. */
export interface Fleet {
  /** One at least. */
  readonly nodes: readonly SchedulerLives[]
  /** Of each worker and client, one to each node. */
  readonly links: ReadonlyMap<string, readonly Link[]>
  startWorkers(): void
  worker(name: string): Child | null
  /** From here on a worker that ends is not started again. */
  letWorkersEnd(): void
  startClients(): void
  clients(): readonly Child[]
  closeLinks(): Promise<void>
}

export interface FleetParts {
  readonly folder: string
  readonly places: readonly NodePlace[]
  readonly workerNames?: readonly string[]
  readonly heartbeatMs?: number
  readonly pendingMax?: number
  readonly seed: number
  readonly children: Children
  readonly signal: AbortSignal
  readonly createTap: () => Tap
  /** A process ended that nobody ended. */
  readonly onUnexpectedEnd: (name: string, exit: Exit, logFile: string) => void
}

const everyWorker = [...roughWorkers, politeWorker, poisonWorker, blockedWorker]
/** Of a heartbeat. A gap in a worker's timers above this may cost it a lease: heartbeats of two intervals would be missed. */
const stallShare = 0.8
/** Between two calls of a client, about: a few dozen tasks a second. */
const paceMs = 90
/** Above it clients rest, so that all has soon ended when they stop. */
const pendingMaxUsual = 150

export async function createFleet(parts: FleetParts): Promise<Fleet> {
  const { folder, children, signal, onUnexpectedEnd } = parts
  const { workerNames = everyWorker, heartbeatMs = heartbeatMsUsual } = parts
  const lives = new Map<string, number>()
  const nextLife = (name: string): string => {
    // Each life of a process has files of its own, so that a line torn by a kill is the last of its file.
    const life = (lives.get(name) ?? 0) + 1
    lives.set(name, life)
    return join(folder, `${name}.${life}`)
  }
  const nodes = parts.places.map(place =>
    createSchedulerLives({ place, heartbeatMs, children, signal, nextLife, onUnexpectedEnd }),
  )
  const links = new Map<string, readonly Link[]>()
  for (const name of [...workerNames, ...clients]) {
    links.set(name, await Promise.all(nodes.map(node => openLink(node.port, parts.createTap))))
  }
  const urlOf = (name: string): string => (links.get(name) ?? []).map(link => link.url).join(',')
  const workers = createWorkerLives({ ...parts, heartbeatMs, nextLife, urlOf })
  const clientChildren: Child[] = []
  return Object.freeze<Fleet>({
    nodes,
    links,
    startWorkers: () => {
      for (const name of workerNames) workers.start(name)
    },
    worker: workers.current,
    letWorkersEnd: workers.letEnd,
    startClients: () => {
      for (const [at, name] of clients.entries()) {
        const file = nextLife(name)
        const script = join(fixtures, 'client.mjs')
        const args = [script, urlOf(name), name, String(parts.seed * 2 + at), String(paceMs)]
        const pendingMax = String(parts.pendingMax ?? pendingMaxUsual)
        const env = { CHAOS_RECORD: `${file}.client.jsonl`, CHAOS_PENDING_MAX: pendingMax }
        clientChildren.push(children.spawn({ args, logFile: `${file}.log`, env }))
      }
    },
    clients: () => clientChildren,
    closeLinks: async () => {
      await Promise.all([...links.values()].flat().map(link => link.close()))
    },
  })
}

interface WorkerParts extends Pick<FleetParts, 'children' | 'signal' | 'onUnexpectedEnd'> {
  readonly heartbeatMs: number
  readonly nextLife: (name: string) => string
  readonly urlOf: (name: string) => string
}

/** Workers that are started again whenever they end. */
function createWorkerLives({ heartbeatMs, children, signal, onUnexpectedEnd, nextLife, urlOf }: WorkerParts) {
  const stallMs = heartbeatMs * stallShare
  const workers = new Map<string, Child>()
  let areKept = true

  function start(name: string): void {
    const file = nextLife(name)
    const env = { CHAOS_RECORD: `${file}.worker.jsonl`, CHAOS_WORKER: name, CHAOS_STALL_MS: String(stallMs) }
    const child = children.spawn({ args: workerArgs(name, urlOf(name)), logFile: `${file}.log`, env })
    const startedMs = performance.now()
    workers.set(name, child)
    void child.exited.then(async exit => {
      if (!areKept || signal.aborted) return
      const wasMeant = exit.signal === 'SIGKILL' || (name === politeWorker && exit.signal === null)
      if (!wasMeant) onUnexpectedEnd(name, exit, child.logFile)
      // One that cannot live at all is not started as fast as the machine can.
      await pause(performance.now() - startedMs < 300 ? 1_000 : 100, signal)
      if (areKept && !signal.aborted) start(name)
    })
  }

  return {
    start,
    current: (name: string): Child | null => workers.get(name) ?? null,
    letEnd: (): void => {
      areKept = false
    },
  }
}

function workerArgs(name: string, url: string): readonly string[] {
  if (name === 'raw-1') return [join(fixtures, 'raw-worker.mjs'), url, name]
  const isAlone = name === poisonWorker || name === blockedWorker
  const queue = isAlone ? name : 'main'
  // The grace is shorter than many tasks, so that a SIGTERM gives some back.
  return tasklane(
    ...['worker', join(fixtures, 'tasks.mjs'), '--url', url, '--worker-id', name, '--queues', queue],
    ...['--concurrency', isAlone ? '1' : '4', '--grace', '0.2', '--json'],
  )
}
