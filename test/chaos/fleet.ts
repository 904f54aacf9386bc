import { join } from 'node:path'
import { blockedWorker, clients, heartbeatMs, leaseMs, poisonWorker, politeWorker, roughWorkers } from './plan.ts'
import { type Child, type Children, type Exit, fixtures, readText, tasklane } from './processes.ts'
import { type Link, openLink, type Tap } from './proxy.ts'
import { holds, pause } from './waiting.ts'

/** The scheduler, the workers and the clients of a run: all of them processes, each behind a link of its own. */
export interface Fleet {
  readonly links: ReadonlyMap<string, Link>
  port(): number
  startScheduler(): Promise<void>
  scheduler(): Child
  /** Takes the scheduler's end as meant. */
  killScheduler(): Promise<void>
  /** @returns how it left, or null where it did not within the time */
  stopScheduler(withinMs: number): Promise<Exit | null>
  startSecondScheduler(): Child
  startWorkers(): void
  worker(name: string): Child | null
  /** From here on a worker that ends is not started again. */
  stopWorkers(): void
  startClients(): void
  clients(): readonly Child[]
  closeLinks(): Promise<void>
}

export interface FleetParts {
  readonly folder: string
  readonly data: string
  readonly seed: number
  readonly paceMs: number
  readonly children: Children
  readonly signal: AbortSignal
  readonly createTap: () => Tap
  /** A process ended that nobody ended. */
  readonly onUnexpectedEnd: (name: string, exit: Exit, logFile: string) => void
}

const workerNames = [...roughWorkers, politeWorker, poisonWorker, blockedWorker]
/** A gap in a worker's timers above this may cost it a lease: heartbeats of two intervals would be missed. */
const stallMs = heartbeatMs * 0.8
const startWithinMs = 20_000
const schedulerEnv = {
  HEARTBEAT_INTERVAL: String(heartbeatMs / 1_000),
  TASKLANE_RETRY_BASE: '0.2',
  TASKLANE_RETRY_CAP: '2',
  LOG_LEVEL: 'info',
}

export async function createFleet(parts: FleetParts): Promise<Fleet> {
  const { folder, data, children, signal } = parts
  const links = new Map<string, Link>()
  const workers = new Map<string, Child>()
  const clientChildren: Child[] = []
  const lives = new Map<string, number>()
  let port = 0
  let scheduler: Child | null = null
  let isSchedulersEndMeant = false
  let areWorkersKept = true
  for (const name of [...workerNames, ...clients]) links.set(name, await openLink(() => port, parts.createTap))

  /** Each life of a process has files of its own, so that a line torn by a kill is the last of its file. */
  function nextLife(name: string): string {
    const life = (lives.get(name) ?? 0) + 1
    lives.set(name, life)
    return join(folder, `${name}.${life}`)
  }

  async function startScheduler(): Promise<void> {
    const file = nextLife('scheduler')
    const args = tasklane('serve', '--port', String(port), '--data', data, '--json')
    const child = children.spawn({ args, logFile: `${file}.log`, env: schedulerEnv })
    scheduler = child
    isSchedulersEndMeant = false
    void child.exited.then(exit => {
      if (!isSchedulersEndMeant && !signal.aborted) parts.onUnexpectedEnd('scheduler', exit, child.logFile)
    })
    const isUp = await holds(() => readUrl(child.logFile) !== null || !child.isRunning(), startWithinMs, signal)
    const url = readUrl(child.logFile)
    if (signal.aborted) return
    if (!isUp || url === null) throw new Error(`The scheduler did not start: ${readText(child.logFile).trim()}`)
    port = Number(new URL(url).port)
  }

  function startWorker(name: string): void {
    const file = nextLife(name)
    const env = { CHAOS_RECORD: `${file}.worker.jsonl`, CHAOS_WORKER: name, CHAOS_STALL_MS: String(stallMs) }
    const child = children.spawn({ args: workerArgs(name, urlOf(name)), logFile: `${file}.log`, env })
    const startedMs = performance.now()
    workers.set(name, child)
    void child.exited.then(async exit => {
      if (!areWorkersKept || signal.aborted) return
      const wasMeant = exit.signal === 'SIGKILL' || (name === politeWorker && exit.signal === null)
      if (!wasMeant) parts.onUnexpectedEnd(name, exit, child.logFile)
      // One that cannot live at all is not started as fast as the machine can.
      await pause(performance.now() - startedMs < 300 ? 1_000 : 100, signal)
      if (areWorkersKept && !signal.aborted) startWorker(name)
    })
  }

  function urlOf(name: string): string {
    const link = links.get(name)
    if (link === undefined) throw new Error(`${name} has no link.`)
    return link.url
  }

  function current(): Child {
    if (scheduler === null) throw new Error('The scheduler was never started.')
    return scheduler
  }

  return Object.freeze<Fleet>({
    links,
    port: () => port,
    startScheduler,
    scheduler: current,
    killScheduler: async () => {
      isSchedulersEndMeant = true
      current().signal('SIGKILL')
      await current().exited
    },
    stopScheduler: async withinMs => {
      isSchedulersEndMeant = true
      current().signal('SIGTERM')
      const hasEnded = await holds(() => !current().isRunning(), withinMs, signal)
      return hasEnded ? current().exited : null
    },
    startSecondScheduler: () =>
      children.spawn({
        args: tasklane('serve', '--port', '0', '--data', data, '--json'),
        logFile: `${nextLife('second-scheduler')}.log`,
        env: schedulerEnv,
      }),
    startWorkers: () => {
      for (const name of workerNames) startWorker(name)
    },
    worker: name => workers.get(name) ?? null,
    stopWorkers: () => {
      areWorkersKept = false
    },
    startClients: () => {
      for (const [at, name] of clients.entries()) {
        const file = nextLife(name)
        const args = [
          join(fixtures, 'client.mjs'),
          urlOf(name),
          name,
          String(parts.seed * 2 + at),
          String(parts.paceMs),
        ]
        clientChildren.push(
          children.spawn({ args, logFile: `${file}.log`, env: { CHAOS_RECORD: `${file}.client.jsonl` } }),
        )
      }
    },
    clients: () => clientChildren,
    closeLinks: async () => {
      await Promise.all([...links.values()].map(link => link.close()))
    },
  })
}

/** The first line on stdout, which shares its file with the log. */
function readUrl(logFile: string): string | null {
  return /^\{"url":"([^"]+)"\}$/m.exec(readText(logFile))?.[1] ?? null
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

/** What a lost worker's tasks wait for at most, before somebody else may have them. */
export const recoveryMs = leaseMs + 1_000
