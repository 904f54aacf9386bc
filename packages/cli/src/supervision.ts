import { type Child, type ChildExit, type ChildOptions, startChild } from './child-process.ts'

const backOffFirstMs = 500
const backOffMaxMs = 15_000
/** A process that lived this long was well; its next death starts the back-off anew. */
const wellAfterMs = 30_000

export interface Supervised {
  readonly name: string
  /** The process that runs now, or null between two of them. */
  current(): Child | null
  /** Ends it for good; resolves when it is gone. */
  stop(patienceMs: number): Promise<void>
}

export type SupervisionEvent =
  | { readonly event: 'started'; readonly process: string; readonly pid: number }
  | { readonly event: 'ended'; readonly process: string; readonly exit: ChildExit; readonly restartInMs: number }
  | { readonly event: 'stopped'; readonly process: string; readonly exit: ChildExit }
  /** It ended for good, though nobody here stopped it: it died too often in a row, or its end was a farewell. */
  | { readonly event: 'gave_up' | 'left'; readonly process: string; readonly exit: ChildExit }

export interface SupervisionOptions extends ChildOptions {
  readonly onEvent: (event: SupervisionEvent) => void
  readonly nowMs: () => number
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Starts the process; a test's double may. */
  readonly start?: (options: ChildOptions) => Child
  /** Takes over a process that runs already. */
  readonly first?: Child
  /** Deaths in a row, each of a young process, after which no other is started; absent is never. */
  readonly deathsMax?: number
  /** An end after which no other is started. */
  readonly isFarewell?: (exit: ChildExit) => boolean
}

/**
 * Keeps one process running: when it ends, another is started, later each time it dies young; for ever, unless the options
 * say when not.
 */
export function supervise(options: SupervisionOptions): Supervised {
  const stopping = new AbortController()
  let child: Child | null = null
  const run = async () => {
    let deaths = 0
    let next = options.first
    while (!stopping.signal.aborted) {
      const startedMs = options.nowMs()
      child = next ?? (options.start ?? startChild)(options)
      next = undefined
      options.onEvent({ event: 'started', process: options.name, pid: child.pid })
      const exit = await child.exited
      child = null
      if (stopping.signal.aborted) {
        options.onEvent({ event: 'stopped', process: options.name, exit })
        return
      }
      deaths = options.nowMs() - startedMs >= wellAfterMs ? 1 : deaths + 1
      const isFarewell = options.isFarewell?.(exit) === true
      if (isFarewell || deaths >= (options.deathsMax ?? Number.POSITIVE_INFINITY)) {
        options.onEvent({ event: isFarewell ? 'left' : 'gave_up', process: options.name, exit })
        return
      }
      const restartInMs = backOffMs(deaths)
      options.onEvent({ event: 'ended', process: options.name, exit, restartInMs })
      await options.sleep(restartInMs, stopping.signal).catch(() => undefined)
    }
  }
  const done = run()
  return {
    name: options.name,
    current: () => child,
    async stop(patienceMs) {
      stopping.abort()
      await child?.stop(patienceMs)
      await done
    },
  }
}

/** Half a second after the first death, then twice as long each time, a quarter of a minute at most. */
export function backOffMs(deaths: number): number {
  return Math.min(backOffMaxMs, backOffFirstMs * 2 ** Math.min(20, Math.max(0, deaths - 1)))
}
