import { heartbeatMs } from './plan.ts'
import { type Child, type Children, type Exit, readText, tasklane } from './processes.ts'
import { holds } from './waiting.ts'

/** The scheduler's process, through all its lives on one file and one port. */
export interface SchedulerLives {
  /** 0 before the first start. */
  port(): number
  current(): Child
  start(): Promise<void>
  kill(): Promise<void>
  /** @returns how it left, or null where it did not within the time */
  stop(withinMs: number): Promise<Exit | null>
  /** Another process, on the same file. */
  startSecond(): Child
}

export interface SchedulerParts {
  readonly data: string
  readonly children: Children
  readonly signal: AbortSignal
  /** @returns the path of this life's files, without an ending */
  readonly nextLife: (name: string) => string
  readonly onUnexpectedEnd: (name: string, exit: Exit, logFile: string) => void
}

const startWithinMs = 20_000
const env = {
  HEARTBEAT_INTERVAL: String(heartbeatMs / 1_000),
  TASKLANE_RETRY_BASE: '0.2',
  TASKLANE_RETRY_CAP: '2',
  LOG_LEVEL: 'info',
}

export function createSchedulerLives(parts: SchedulerParts): SchedulerLives {
  const { data, children, signal } = parts
  let port = 0
  let scheduler: Child | null = null
  let isEndMeant = false

  function current(): Child {
    if (scheduler === null) throw new Error('The scheduler was never started.')
    return scheduler
  }

  async function start(): Promise<void> {
    const args = tasklane('serve', '--port', String(port), '--data', data, '--json')
    const child = children.spawn({ args, logFile: `${parts.nextLife('scheduler')}.log`, env })
    scheduler = child
    isEndMeant = false
    void child.exited.then(exit => {
      if (!isEndMeant && !signal.aborted) parts.onUnexpectedEnd('scheduler', exit, child.logFile)
    })
    await holds(() => readUrl(child.logFile) !== null || !child.isRunning(), startWithinMs, signal)
    const url = readUrl(child.logFile)
    if (signal.aborted) return
    if (url === null) throw new Error(`The scheduler did not start: ${readText(child.logFile).trim()}`)
    port = Number(new URL(url).port)
  }

  return Object.freeze<SchedulerLives>({
    port: () => port,
    current,
    start,
    kill: async () => {
      isEndMeant = true
      current().signal('SIGKILL')
      await current().exited
    },
    stop: async withinMs => {
      isEndMeant = true
      current().signal('SIGTERM')
      const hasEnded = await holds(() => !current().isRunning(), withinMs, signal)
      return hasEnded ? current().exited : null
    },
    startSecond: () =>
      children.spawn({
        args: tasklane('serve', '--port', '0', '--data', data, '--json'),
        logFile: `${parts.nextLife('second-scheduler')}.log`,
        env,
      }),
  })
}

/** The first line on stdout, which shares its file with the log. */
function readUrl(logFile: string): string | null {
  return /^\{"url":"([^"]+)"\}$/m.exec(readText(logFile))?.[1] ?? null
}
