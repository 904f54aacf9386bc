import { setTimeout as wait } from 'node:timers/promises'
import { type ClientOptions, createSchedulerClient, type SchedulerClient } from './connection.ts'

/** Where text goes: a stream of the process, or a test's list of lines. */
export interface TextSink {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** Ctrl-C and SIGTERM, for a command that wants to end in its own way. */
export interface Interrupts {
  /**
   * From now on the process no longer ends by itself: `signal` is aborted with an `Interruption` at the first one, and
   * `onRepeat` is called at each later one. `release` gives the old behaviour back.
   */
  listen(onRepeat?: (name: SignalName) => void): { readonly signal: AbortSignal; release(): void }
}

export type SignalName = 'SIGINT' | 'SIGTERM'

export class Interruption extends Error {
  override readonly name = 'Interruption'
  readonly signalName: SignalName
  constructor(signalName: SignalName) {
    super(`Stopped by ${signalName}.`)
    this.signalName = signalName
  }
}

/** Everything a command touches of the world. */
export interface Host {
  readonly stdout: TextSink
  readonly stderr: TextSink
  readonly stdin: AsyncIterable<Buffer | string> & { readonly isTTY?: boolean; setRawMode?(isRaw: boolean): unknown }
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly pid: number
  readonly interrupts: Interrupts
  /** Milliseconds of the wall clock. */
  nowMs(): number
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  setTitle(title: string): void
  connect(options: ClientOptions): SchedulerClient
  /** Ends the process at once; for the second Ctrl-C. */
  exit(code: number): void
}

/** The host of a real process. */
export function createProcessHost(): Host {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    env: process.env,
    cwd: process.cwd(),
    pid: process.pid,
    interrupts: { listen: listenToSignals },
    nowMs: () => Date.now(),
    sleep: async (ms, signal) => {
      try {
        await wait(ms, undefined, signal === undefined ? {} : { signal })
      } catch (error) {
        // The timer reports an abort of its own; the reason is what the caller knows.
        signal?.throwIfAborted()
        throw error
      }
    },
    setTitle: title => {
      process.title = title
    },
    connect: createSchedulerClient,
    exit: code => process.exit(code),
  }
}

function listenToSignals(onRepeat?: (name: SignalName) => void): { signal: AbortSignal; release(): void } {
  const controller = new AbortController()
  const handle = (name: SignalName) => {
    if (controller.signal.aborted) onRepeat?.(name)
    else controller.abort(new Interruption(name))
  }
  const onInterrupt = () => handle('SIGINT')
  const onTerminate = () => handle('SIGTERM')
  process.on('SIGINT', onInterrupt)
  process.on('SIGTERM', onTerminate)
  // A closed terminal, and the end of the process that started this one and keeps a channel to it, mean the same.
  process.on('SIGHUP', onTerminate)
  process.on('disconnect', onTerminate)
  process.channel?.unref()
  // The parent may have gone while a task module was loading, and 'disconnect' comes once; undefined is no channel at all.
  if (process.connected === false) onTerminate()
  return {
    signal: controller.signal,
    release() {
      process.off('SIGINT', onInterrupt)
      process.off('SIGTERM', onTerminate)
      process.off('SIGHUP', onTerminate)
      process.off('disconnect', onTerminate)
    },
  }
}
