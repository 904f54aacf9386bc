import type { ClientOptions, SchedulerClient } from '../src/connection.ts'
import { type Host, Interruption, type SignalName } from '../src/host.ts'
import { runCommandLine } from '../src/program.ts'

export interface FakeHost extends Host {
  readonly out: () => string
  readonly err: () => string
  readonly titles: readonly string[]
  readonly connections: readonly ClientOptions[]
  readonly isConnectionClosed: () => boolean
  /** Ctrl-C, or SIGTERM. */
  interrupt(name: SignalName): void
  /** Resolves when a command listens for signals. */
  readonly listening: Promise<void>
}

export interface FakeHostOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  readonly cwd?: string
  readonly isTTY?: boolean
  readonly client?: Partial<SchedulerClient>
}

/** A host whose streams are strings and whose scheduler is a few functions. */
export function createFakeHost(options: FakeHostOptions = {}): FakeHost {
  let out = ''
  let err = ''
  let isClosed = false
  const titles: string[] = []
  const connections: ClientOptions[] = []
  const interruption = new AbortController()
  let tellListening = () => {}
  const listening = new Promise<void>(resolve => {
    tellListening = resolve
  })
  const isTTY = options.isTTY ?? false
  return {
    stdout: { isTTY, columns: 120, write: text => (out += text) },
    stderr: { isTTY, columns: 120, write: text => (err += text) },
    stdin: Object.assign(readable(options.stdin ?? ''), { isTTY }),
    env: options.env ?? {},
    cwd: options.cwd ?? process.cwd(),
    pid: 1234,
    interrupts: {
      listen: () => {
        tellListening()
        return { signal: interruption.signal, release: () => {} }
      },
    },
    nowMs: () => Date.parse('2030-01-01T00:00:10Z'),
    // Ends with the signal alone: what a command would do after a while is not looked at here.
    sleep: (_ms, signal) =>
      new Promise((_resolve, reject) => {
        if (signal?.aborted === true) reject(signal.reason)
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
      }),
    setTitle: title => void titles.push(title),
    connect: connection => {
      connections.push(connection)
      const client = {
        ...options.client,
        close: async () => {
          isClosed = true
        },
      }
      // A call the test did not foresee is a TypeError, which is what it should be.
      return client as unknown as SchedulerClient
    },
    exit: () => {},
    out: () => out,
    err: () => err,
    titles,
    connections,
    isConnectionClosed: () => isClosed,
    interrupt: name => interruption.abort(new Interruption(name)),
    listening,
  }
}

/** Runs one command line against a host made of the options. */
export async function run(words: readonly string[], options: FakeHostOptions = {}) {
  const host = createFakeHost(options)
  const exitCode = await runCommandLine(words, host)
  return { exitCode, out: host.out(), err: host.err(), host }
}

async function* readable(text: string): AsyncGenerator<Buffer> {
  if (text !== '') yield Buffer.from(text)
}
