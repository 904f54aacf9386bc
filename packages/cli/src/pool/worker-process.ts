import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { type Child, type ChildExit, type ChildOptions, commandEntry } from '../child-process.ts'
import { isAlive, markOf, type ProcessMark, signalProcess } from './process-mark.ts'

const lookEveryMs = 250

/**
 * Starts a worker that outlives the one who starts it: it writes to its log itself, and nothing ties it to a parent.
 * So that it is found again, its mark is kept by `onStarted` before anything else happens.
 */
export function startWorkerProcess(
  options: ChildOptions,
  place: { readonly log: string; readonly cwd: string; readonly onStarted: (mark: ProcessMark | null) => void },
): Child {
  const log = openLog(place.log)
  const process = spawn(globalThis.process.execPath, [commandEntry, ...options.args], {
    cwd: place.cwd,
    env: options.env,
    detached: true,
    stdio: ['ignore', log ?? 'ignore', log ?? 'ignore'],
  })
  if (log !== null) closeSync(log)
  const exited = new Promise<ChildExit>(resolve => {
    process.once('error', () => resolve({ code: null, signal: null }))
    process.once('exit', (code, signal) => resolve({ code, signal }))
  })
  const pid = process.pid ?? -1
  place.onStarted(markOf(pid))
  const isRunning = () => pid !== -1 && process.exitCode === null && process.signalCode === null
  return {
    name: options.name,
    pid,
    exited,
    isAlive: isRunning,
    kill: signal => void process.kill(signal),
    stop: patienceMs => stopPolitely({ isRunning, exited, kill: signal => void process.kill(signal) }, patienceMs),
  }
}

/** A worker without a log is better than none. */
function openLog(file: string): number | null {
  try {
    return openSync(file, 'a', 0o600)
  } catch {
    return null
  }
}

/** A worker that another supervisor had started. Only that it is gone can be seen, not how it ended. */
export function adoptProcess(name: string, mark: ProcessMark): Child {
  const exited = new Promise<ChildExit>(resolve => {
    const timer = setInterval(() => {
      if (isAlive(mark)) return
      clearInterval(timer)
      resolve({ code: null, signal: null, isUnseen: true })
    }, lookEveryMs)
  })
  const kill = (signal: NodeJS.Signals) => void signalProcess(mark, signal)
  const isRunning = () => isAlive(mark)
  return {
    name,
    pid: mark.pid,
    exited,
    isAlive: isRunning,
    kill,
    stop: patienceMs => stopPolitely({ isRunning, exited, kill }, patienceMs),
  }
}

async function stopPolitely(
  process: { isRunning: () => boolean; exited: Promise<ChildExit>; kill: (signal: NodeJS.Signals) => void },
  patienceMs: number,
): Promise<ChildExit> {
  if (!process.isRunning()) return process.exited
  process.kill('SIGTERM')
  const timer = setTimeout(() => process.kill('SIGKILL'), patienceMs)
  try {
    return await process.exited
  } finally {
    clearTimeout(timer)
  }
}
