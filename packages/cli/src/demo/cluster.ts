import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from '../child-process.ts'
import { startSchedulerChild } from '../scheduler-child.ts'

/** A worker of the demo as the parent sees it. */
export interface DemoWorker {
  readonly id: string
  readonly child: Child
  /** As the process itself last told: handlers that run, and handlers that have ended. */
  readonly tally: Tally
}

export interface Tally {
  readonly running: number
  readonly ended: number
}

/** A scheduler on SQLite in a temporary folder and worker processes, all on this machine, all gone after `stop`. */
export interface Cluster {
  readonly url: string
  /** Every worker that was started, those that died too. */
  readonly workers: () => readonly DemoWorker[]
  /** Starts one more; resolves at once. */
  addWorker(): DemoWorker
  /** Calls back whenever a worker tells how it is doing; returns how to end that. */
  onTally(listener: () => void): () => void
  stop(): Promise<void>
}

export interface ClusterOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly workers: number
  /** Tasks at once in each worker. */
  readonly slots: number
  /** Folder that `count_file` may read. */
  readonly readableFolder: string
  /** What the processes say that is not part of their work. */
  readonly onLine: (name: string, line: string) => void
}

/** A lease is three heartbeats: a worker killed in the middle is noticed in three seconds. */
const heartbeatSeconds = '1'
const workerPatienceMs = 5_000
const schedulerPatienceMs = 10_000

/** Settings of another scheduler in the caller's environment, which this one must not take over. */
const foreignVariables =
  /^(TASKLANE_.*|API_.*|DATABASE_URL.*|REDIS_URL|RABBITMQ_URL|SECRET_KEY.*|ALGORITHM|ACCESS_TOKEN_EXPIRE_MINUTES|TRUST_PROXY|DEBUG|LOG_LEVEL|WORKER_ID|MAX_WORKERS|METRICS_ENABLED|TASK_TIMEOUT|HEARTBEAT_INTERVAL)$/

export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const env = {
    ...Object.fromEntries(Object.entries(options.env).filter(([name]) => !foreignVariables.test(name))),
    HEARTBEAT_INTERVAL: heartbeatSeconds,
    LOG_LEVEL: 'error',
  }
  const folder = await mkdtemp(join(tmpdir(), 'tasklane-demo-'))
  const listeners = new Set<() => void>()
  const workers: DemoWorker[] = []
  let scheduler: Child | null = null
  const stop = async () => {
    await Promise.all(workers.map(worker => worker.child.stop(workerPatienceMs)))
    await scheduler?.stop(schedulerPatienceMs)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const started = await startSchedulerChild({
      name: 'scheduler',
      args: ['--host', '127.0.0.1', '--port', '0', '--data', join(folder, 'tasklane.db'), '--no-env-file'],
      env,
      onLine: (_stream, line) => options.onLine('scheduler', line),
    })
    scheduler = started.child
    const addWorker = () => {
      const worker = startWorker(options, env, started.url, `w${workers.length + 1}`, () => {
        for (const listener of listeners) listener()
      })
      workers.push(worker)
      return worker
    }
    for (let at = 0; at < options.workers; at += 1) addWorker()
    return {
      url: started.url,
      workers: () => workers,
      addWorker,
      onTally: listener => {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function startWorker(
  options: ClusterOptions,
  env: Readonly<Record<string, string | undefined>>,
  url: string,
  id: string,
  onTally: () => void,
): DemoWorker {
  // With --json what it says of itself is on stdout, and stderr is left for what goes wrong.
  const flags = [
    '--concurrency',
    String(options.slots),
    '--allow-files',
    options.readableFolder,
    '--tell-parent',
    '--no-env-file',
    '--json',
  ]
  const tally = { running: 0, ended: 0 }
  const child = startChild({
    name: id,
    args: ['worker', '--url', url, '--worker-id', id, ...flags],
    env,
    onLine: (stream, line) => {
      if (stream === 'stderr') options.onLine(id, line)
    },
    onMessage: message => {
      if (!isTally(message)) return
      Object.assign(tally, message)
      onTally()
    },
  })
  return { id, child, tally }
}

function isTally(message: unknown): message is Tally {
  if (typeof message !== 'object' || message === null) return false
  return 'running' in message && typeof message.running === 'number' && 'ended' in message
}
