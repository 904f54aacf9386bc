import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../..')
export const command = join(root, 'packages/cli/bin/tasklane.js')

/** A real process of this test, its output, and its end. */
export interface Running {
  readonly process: ChildProcess
  readonly pid: number
  stdout(): string
  stderr(): string
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  kill(signal: NodeJS.Signals): void
  /** SIGKILL to the process and all it started. */
  killGroup(): void
}

/** What a test started; everything is stopped by its own pid and every folder is removed, whatever the test did. */
export interface Stage {
  folder(): string
  run(
    file: string,
    args: readonly string[],
    options?: { env?: Record<string, string>; cwd?: string; input?: string },
  ): Running
  scheduler(options?: {
    data?: string
    env?: Record<string, string>
    port?: number
  }): Promise<{ url: string; data: string; running: Running }>
  worker(url: string, args?: readonly string[], env?: Record<string, string>): Running
  close(): Promise<void>
}

export function createStage(): Stage {
  const folders: string[] = []
  const processes: Running[] = []
  const stage: Stage = {
    folder: () => {
      const folder = mkdtempSync(join(tmpdir(), 'tasklane-test-'))
      folders.push(folder)
      return folder
    },
    run: (file, args, options = {}) => {
      const child = spawn(file, args, {
        cwd: options.cwd ?? root,
        env: { ...cleanEnv(), ...options.env },
        // A group of its own, so that what a shell or npx starts is stopped with it.
        detached: true,
        stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      })
      if (options.input !== undefined) child.stdin?.end(options.input)
      const running = watch(child)
      processes.push(running)
      return running
    },
    scheduler: async (options = {}) => {
      const data = options.data ?? join(stage.folder(), 'tasklane.db')
      const args = [command, 'serve', '--port', String(options.port ?? 0), '--data', data, '--json']
      const running = stage.run(process.execPath, args, { env: { LOG_LEVEL: 'warn', ...options.env } })
      const line = await until(
        () => running.stdout().split('\n')[0] || (running.process.exitCode !== null ? 'exited' : ''),
        first => first !== '',
        () => `the scheduler to listen; it said: ${running.stderr()}`,
      )
      if (line === 'exited') throw new Error(`The scheduler exited: ${running.stderr()}`)
      return { url: String(JSON.parse(line).url), data, running }
    },
    worker: (url, args = [], env = {}) =>
      stage.run(process.execPath, [command, 'worker', '--url', url, ...args], { env }),
    close: async () => {
      for (const running of processes) {
        if (running.process.exitCode === null && running.process.signalCode === null) {
          running.kill('SIGCONT')
          running.killGroup()
        }
      }
      await Promise.all(processes.map(running => running.exited))
      for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
  return stage
}

/** The environment without what a developer's shell may have set for Tasklane. */
function cleanEnv(): NodeJS.ProcessEnv {
  const env = { ...process.env }
  for (const name of Object.keys(env)) {
    if (
      /^(TASKLANE_|API_|DATABASE_URL|SECRET_KEY|ALGORITHM$|ACCESS_TOKEN_|TRUST_PROXY|HEARTBEAT_INTERVAL|TASK_TIMEOUT|LOG_LEVEL|WORKER_ID|MAX_WORKERS|METRICS_ENABLED|DEBUG$)/.test(
        name,
      )
    ) {
      delete env[name]
    }
  }
  return env
}

function watch(child: ChildProcess): Running {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolveExit, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolveExit({ code, signal }))
  })
  // A test that never looks at the end must not fail by it.
  exited.catch(() => {})
  return {
    process: child,
    pid: child.pid ?? -1,
    stdout: () => stdout,
    stderr: () => stderr,
    exited,
    kill: signal => {
      child.kill(signal)
    },
    killGroup: () => {
      try {
        process.kill(-(child.pid ?? Number.NaN), 'SIGKILL')
      } catch {
        // It is gone already.
      }
    },
  }
}

/** Looks until the condition holds; a deadline that only a hang reaches. */
export async function until<T>(
  look: () => T | Promise<T>,
  isGood: (value: T) => boolean,
  what: () => string,
  deadlineMs = 40_000,
): Promise<T> {
  const endsAt = performance.now() + deadlineMs
  for (;;) {
    const value = await look()
    if (isGood(value)) return value
    if (performance.now() > endsAt)
      throw new Error(`Waited ${deadlineMs} ms for ${what()}; last seen: ${JSON.stringify(value)}`)
    await new Promise(resolveWait => setTimeout(resolveWait, 20))
  }
}

/** A bare call, as a client of any language would make it. */
export async function call<Body = Record<string, unknown>>(
  url: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Body; headers: Headers }> {
  const reply = await fetch(url + path, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const text = await reply.text()
  return { status: reply.status, body: (text === '' ? null : JSON.parse(text)) as Body, headers: reply.headers } // The test names what it expects.
}
