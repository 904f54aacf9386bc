import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** A server process that cannot outlive this process, however this process ends (`keeper.mjs`). One runs at a time. */
export interface KeptProcess {
  /** @returns its process id */
  start(args: readonly string[]): Promise<number>
  /** Goes to the server's own pid; nothing happens where none runs. */
  signal(name: NodeJS.Signals): void
  pid(): number | null
  /** Resolves with how the process ended that runs now, or at once. */
  ended(): Promise<string | number>
  /** Stops what runs, removes the folders. May be called again. */
  close(): Promise<void>
}

export interface KeptProcessOptions {
  readonly command: string
  readonly options: {
    readonly cwd: string
    readonly env: Readonly<Record<string, string | undefined>>
    readonly uid?: number
    readonly gid?: number
  }
  /** What the server says is appended here. */
  readonly logFile: string
  /** The polite one, of the end; SIGKILL follows after ten seconds. */
  readonly stopSignal: NodeJS.Signals
  /** Removed at the end. */
  readonly folders: readonly string[]
}

export function keepProcess(options: KeptProcessOptions): KeptProcess {
  const keeper = spawn(process.execPath, [join(import.meta.dirname, 'keeper.mjs'), JSON.stringify(options)], {
    // A session of its own: Ctrl-C in the terminal is for this process.
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let isClosed = false
  let running: Running | null = null
  let onStarted: (pid: number) => void = () => {}
  const gone = new Promise<void>(resolve => {
    keeper.on('error', () => resolve())
    keeper.on('exit', () => resolve())
  }).then(() => {
    isClosed = true
    running?.onEnd('the keeper has gone')
  })
  createInterface({ input: keeper.stdout }).on('line', line => {
    // Written by keeper.mjs.
    const told = JSON.parse(line) as { started?: number; ended?: string | number }
    if (told.started !== undefined) {
      if (running !== null) running.pid = told.started
      onStarted(told.started)
    }
    if (told.ended !== undefined) running?.onEnd(told.ended)
  })
  // The keeper may go just when an order is written.
  keeper.stdin.on('error', () => {})
  const waitFor = holdProcessFor(keeper)

  function start(args: readonly string[]): Promise<number> {
    if (isClosed) return Promise.reject(new Error('It was closed.'))
    if (running !== null) return Promise.reject(new Error('It runs already.'))
    const next = createRunning(() => {
      running = null
    })
    running = next
    const started = new Promise<number>((resolve, reject) => {
      onStarted = resolve
      void next.ended.then(how => reject(new Error(`${options.command} did not start: ${how}`)))
    })
    keeper.stdin.write(`${JSON.stringify({ start: args })}\n`)
    return waitFor(started)
  }

  return Object.freeze<KeptProcess>({
    start,
    signal: name => {
      if (running !== null) keeper.stdin.write(`${JSON.stringify({ signal: name })}\n`)
    },
    pid: () => running?.pid ?? null,
    ended: () => (running === null ? Promise.resolve('not running') : waitFor(running.ended)),
    close: () => {
      isClosed = true
      keeper.stdin.end()
      return waitFor(gone)
    },
  })
}

type Keeper = ChildProcessByStdio<Writable, Readable, null>

interface Running {
  pid: number | null
  readonly ended: Promise<string | number>
  readonly onEnd: (how: string | number) => void
}

function createRunning(forget: () => void): Running {
  let settle: (how: string | number) => void = () => {}
  const ended = new Promise<string | number>(resolve => {
    settle = resolve
  })
  return {
    pid: null,
    ended,
    onEnd: how => {
      forget()
      settle(how)
    },
  }
}

/**
 * A server that nobody closed keeps no process alive; one that somebody waits for does.
 * @returns a function that waits
 */
function holdProcessFor(keeper: Keeper): <T>(what: Promise<T>) => Promise<T> {
  let waiting = 0
  const refer = (isReferenced: boolean): void => {
    for (const handle of [keeper, keeper.stdin, keeper.stdout]) {
      // The pipes of a child are sockets, whatever their type says.
      const { ref, unref } = handle as Partial<Record<'ref' | 'unref', () => void>>
      ;(isReferenced ? ref : unref)?.call(handle)
    }
  }
  refer(false)
  return async what => {
    waiting += 1
    if (waiting === 1) refer(true)
    try {
      return await what
    } finally {
      waiting -= 1
      if (waiting === 0) refer(false)
    }
  }
}
