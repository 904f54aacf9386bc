import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * A process beyond doubt. Numbers of processes are used again, after a reboot at the latest; the number together with
 * the moment it began is not. What is signalled is always a mark that was compared just before, never a bare number.
 */
export interface ProcessMark {
  readonly pid: number
  /** When it began, and on Linux in which run of the machine; only to be compared. */
  readonly began: string
}

/** The process of this number, or null where there is none; one that has ended and is not yet reaped is none. */
export function markOf(pid: number): ProcessMark | null {
  if (!Number.isSafeInteger(pid) || pid < 2) return null
  const began = process.platform === 'linux' ? beganOnLinux(pid) : beganByPs(pid)
  return began === null ? null : { pid, began }
}

export function isAlive(mark: ProcessMark): boolean {
  return markOf(mark.pid)?.began === mark.began
}

/** False where it is gone, or where its number is somebody else's by now. */
export function signalProcess(mark: ProcessMark, signal: NodeJS.Signals): boolean {
  if (!isAlive(mark)) return false
  try {
    return process.kill(mark.pid, signal)
  } catch {
    return false
  }
}

function beganOnLinux(pid: number): string | null {
  try {
    const began = readStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))
    return began === null ? null : `${bootId()}/${began}`
  } catch {
    return null
  }
}

/** Clock ticks from the boot to its start, of one line of /proc/PID/stat; null for one that has ended. */
export function readStat(line: string): string | null {
  // The name in parentheses may hold spaces and parentheses of its own.
  const [state, ...rest] = line.slice(line.lastIndexOf(')') + 2).split(' ')
  if (state === undefined || /^[ZXx]/.test(state)) return null
  return rest[18] ?? null
}

let bootIdKnown: string | null = null

function bootId(): string {
  bootIdKnown ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return bootIdKnown
}

function beganByPs(pid: number): string | null {
  try {
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
    return readPs(execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { env, encoding: 'utf8' }))
  } catch {
    return null
  }
}

/** `Ss   Thu Jan  1 10:00:00 2030`. */
export function readPs(line: string): string | null {
  const match = /^\s*(\S+)\s+(\S.*?)\s*$/.exec(line)
  const [, state = 'Z', began = ''] = match ?? []
  return state.startsWith('Z') || began === '' ? null : began.replace(/\s+/g, ' ')
}
