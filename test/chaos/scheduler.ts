import type { NodePlace } from './ground.ts'
import { type Child, type Children, type Exit, readText, tasklane } from './processes.ts'
import { holds } from './waiting.ts'

/** A node's process, through all its lives on one store and one port. */
export interface SchedulerLives {
  readonly name: string
  /** 0 before the first start. */
  port(): number
  current(): Child
  start(): Promise<void>
  kill(): Promise<void>
  /** @returns how it left, or null where it did not within the time */
  stop(withinMs: number): Promise<Exit | null>
  /** Another process, on the same store. */
  startSecond(): Child
}

export interface SchedulerParts {
  readonly place: NodePlace
  readonly heartbeatMs: number
  readonly children: Children
  readonly signal: AbortSignal
  /** @returns the path of this life's files, without an ending */
  readonly nextLife: (name: string) => string
  readonly onUnexpectedEnd: (name: string, exit: Exit, logFile: string) => void
}

const startWithinMs = 20_000

export function createSchedulerLives(parts: SchedulerParts): SchedulerLives {
  const { place, children, signal } = parts
  const env = {
    HEARTBEAT_INTERVAL: String(parts.heartbeatMs / 1_000),
    TASKLANE_RETRY_BASE: '0.2',
    TASKLANE_RETRY_CAP: '2',
    LOG_LEVEL: 'info',
    ...place.env,
  }
  let port = 0
  let scheduler: Child | null = null
  let isEndMeant = false

  function current(): Child {
    if (scheduler === null) throw new Error('The scheduler was never started.')
    return scheduler
  }

  async function start(): Promise<void> {
    const args = tasklane('serve', '--port', String(port), ...place.args, '--json')
    const child = children.spawn({ args, logFile: `${parts.nextLife(place.name)}.log`, env })
    scheduler = child
    isEndMeant = false
    void child.exited.then(exit => {
      if (!isEndMeant && scheduler === child && !signal.aborted) parts.onUnexpectedEnd(place.name, exit, child.logFile)
    })
    await holds(() => readUrl(child.logFile) !== null || !child.isRunning(), startWithinMs, signal)
    const url = readUrl(child.logFile)
    if (signal.aborted) return
    if (url === null) throw new Error(`${place.name} did not start: ${readText(child.logFile).trim()}`)
    port = Number(new URL(url).port)
  }

  return Object.freeze<SchedulerLives>({
    name: place.name,
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
        args: tasklane('serve', '--port', '0', ...place.args, '--json'),
        logFile: `${parts.nextLife('second-scheduler')}.log`,
        env,
      }),
  })
}

/** The first line on stdout, which shares its file with the log. */
function readUrl(logFile: string): string | null {
  return /^\{"url":"([^"]+)"\}$/m.exec(readText(logFile))?.[1] ?? null
}
