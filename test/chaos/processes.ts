import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

export const root = resolve(import.meta.dirname, '../..')
const command = join(root, 'packages/cli/bin/tasklane.js')
export const fixtures = join(import.meta.dirname, 'fixtures')

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** One child of this run. Its output goes to a file; signals go to its own pid alone. */
export interface Child {
  readonly pid: number
  readonly logFile: string
  isRunning(): boolean
  signal(name: NodeJS.Signals): void
  readonly exited: Promise<Exit>
}

export interface SpawnOptions {
  readonly args: readonly string[]
  readonly logFile: string
  readonly env?: Readonly<Record<string, string>>
}

/** Everything that was started, so that everything can be ended. */
export interface Children {
  spawn(options: SpawnOptions): Child
  /** SIGKILL to whatever still runs, and the wait for it. */
  end(): Promise<void>
}

export function createChildren(): Children {
  const all = new Set<Child>()
  return Object.freeze<Children>({
    spawn: options => {
      const child = start(options)
      all.add(child)
      void child.exited.then(() => all.delete(child))
      return child
    },
    end: async () => {
      for (const child of all) {
        child.signal('SIGKILL')
      }
      await Promise.all([...all].map(child => child.exited))
    },
  })
}

function start({ args, logFile, env }: SpawnOptions): Child {
  const output = openSync(logFile, 'a')
  const leash = pathToFileURL(join(fixtures, 'leash.mjs')).href
  const child: ChildProcess = spawn(process.execPath, ['--import', leash, ...args], {
    cwd: root,
    // Nothing of what the shell may have set for Tasklane.
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    // A Ctrl-C in the terminal is for this process, which ends its children in order.
    detached: true,
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  let isRunning = child.pid !== undefined
  const exited = new Promise<Exit>(resolveExit => {
    const end = (exit: Exit): void => {
      isRunning = false
      resolveExit(exit)
    }
    child.on('error', () => end({ code: null, signal: null }))
    child.on('exit', (code, signal) => end({ code, signal }))
  })
  return {
    pid: child.pid ?? -1,
    logFile,
    isRunning: () => isRunning,
    signal: name => {
      if (isRunning) child.kill(name)
    },
    exited,
  }
}

export function tasklane(...args: readonly string[]): readonly string[] {
  return [command, ...args]
}

export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
