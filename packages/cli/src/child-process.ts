import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The committed entry of the command, from src/ and from dist/ alike. */
export const commandEntry = fileURLToPath(new URL('../bin/tasklane.js', import.meta.url))

export interface ChildExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Of a process that another one had started: only that it is gone is known. */
  readonly isUnseen?: true
}

/** One process of this command that another one started. */
export interface Child {
  readonly name: string
  readonly pid: number
  /** Resolves when the process is gone; never rejects. */
  readonly exited: Promise<ChildExit>
  isAlive(): boolean
  kill(signal: NodeJS.Signals): void
  /** Asks it to end, and makes it end when it has not after `patienceMs`. */
  stop(patienceMs: number): Promise<ChildExit>
}

export interface ChildOptions {
  readonly name: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void
  readonly onMessage?: (message: unknown) => void
}

/**
 * Starts `tasklane …` as a process of its own.
 *
 * It gets a process group of its own, so that Ctrl-C reaches the parent alone and the parent stops its children in
 * order; and a channel to the parent, whose end stops the child, so that a parent that was killed leaves nobody behind.
 */
export function startChild(options: ChildOptions): Child {
  const process = spawn(globalThis.process.execPath, [commandEntry, ...options.args], {
    env: options.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const exited = new Promise<ChildExit>(resolve => {
    process.once('error', () => resolve({ code: null, signal: null }))
    // Not 'exit': the last lines may still be on their way.
    process.once('close', (code, signal) => resolve({ code, signal }))
  })
  pipeLines(process, options.onLine)
  if (options.onMessage !== undefined) process.on('message', options.onMessage)
  const isAlive = () => process.exitCode === null && process.signalCode === null
  return {
    name: options.name,
    pid: process.pid ?? -1,
    exited,
    isAlive,
    kill: signal => void process.kill(signal),
    async stop(patienceMs) {
      if (!isAlive()) return exited
      process.kill('SIGTERM')
      const timer = setTimeout(() => process.kill('SIGKILL'), patienceMs)
      try {
        return await exited
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

/** `ended with code 1`, `was ended by SIGKILL`. */
export function describeExit(exit: ChildExit): string {
  if (exit.isUnseen === true) return 'ended unseen'
  if (exit.signal !== null) return `was ended by ${exit.signal}`
  return exit.code === null ? 'could not be started' : `ended with code ${exit.code}`
}

function pipeLines(process: ChildProcess, onLine: ChildOptions['onLine']): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = process[name]
    if (stream !== null) createInterface({ input: stream }).on('line', line => onLine(name, line))
  }
}
