import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { exitCodes } from '../exit-codes.ts'
import { CommandFailure } from '../faults.ts'
import { isAlive, markOf, type ProcessMark } from './process-mark.ts'

/**
 * Where a pool keeps what it knows, for nobody else to read:
 *
 *   pool.json            what is wanted; written by `start`, looked at by the supervisor
 *   status.json          what the supervisor sees and has decided
 *   supervisor.json      the mark of the supervisor: whoever owns this file is it
 *   workers/ID.json      the mark of each worker, written when it is started and removed when it has ended
 *   logs/                a log of each worker and one of the supervisor
 *
 * Files are replaced as a whole, so that a reader never meets half of one. No secret is in any of them.
 */
export interface StateFolder {
  readonly path: string
  readonly logs: string
  /** The value of a file, or null where there is none or it is not what it should be. */
  read<Value>(name: string, parse: (value: unknown) => Value | null): Value | null
  write(name: string, value: unknown): void
  /** Writes it if it is not there yet; false where it is. */
  claim(name: string, value: unknown): boolean
  remove(name: string): void
  /** Names of the files in `workers/`. */
  workerFiles(): readonly string[]
  logOf(name: string): string
}

const ownSign = '# State of a pool of Tasklane workers; nothing of it belongs into a repository.\n*\n'

/** The folder as it is; null where there is none. */
export function findStateFolder(path: string): StateFolder | null {
  return isOwn(path) ? openFolder(path) : null
}

/** @throws CommandFailure where something else is there */
export function makeStateFolder(path: string): StateFolder {
  if (existsSync(path) && !isOwn(path) && readdirSync(path).length > 0) {
    const sentence = `${path} holds something else. Name a new folder, or an empty one, with --state-dir.`
    throw new CommandFailure(exitCodes.usage, 'state_dir', sentence)
  }
  const folder = openFolder(path)
  mkdirSync(join(path, 'workers'), { recursive: true, mode: 0o700 })
  mkdirSync(folder.logs, { recursive: true, mode: 0o700 })
  for (const each of [path, join(path, 'workers'), folder.logs]) chmodSync(each, 0o700)
  writeFileSync(join(path, '.gitignore'), ownSign, { mode: 0o600 })
  return folder
}

function isOwn(path: string): boolean {
  try {
    return readFileSync(join(path, '.gitignore'), 'utf8') === ownSign
  } catch {
    return false
  }
}

function openFolder(path: string): StateFolder {
  const logs = join(path, 'logs')
  const draft = (name: string, value: unknown): string => {
    const file = join(path, `${name}.${process.pid}.new`)
    writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
    return file
  }
  return {
    path,
    logs,
    read(name, parse) {
      try {
        return parse(JSON.parse(readFileSync(join(path, name), 'utf8')))
      } catch {
        return null
      }
    },
    write: (name, value) => renameSync(draft(name, value), join(path, name)),
    claim(name, value) {
      const file = draft(name, value)
      try {
        linkSync(file, join(path, name))
        return true
      } catch {
        return false
      } finally {
        rmSync(file, { force: true })
      }
    },
    remove: name => rmSync(join(path, name), { force: true }),
    workerFiles() {
      try {
        return readdirSync(join(path, 'workers'))
          .filter(name => name.endsWith('.json'))
          .map(name => `workers/${name}`)
      } catch {
        return []
      }
    },
    logOf: name => join(logs, `${name}.log`),
  }
}

/** A process that may be gone by now. */
export function parseMark(value: unknown): ProcessMark | null {
  if (typeof value !== 'object' || value === null || !('pid' in value) || !('began' in value)) return null
  const { pid, began } = value
  return typeof pid === 'number' && typeof began === 'string' ? { pid, began } : null
}

/** The process that owns the file, if it still is. */
export function ownerOf(folder: StateFolder, name: string): ProcessMark | null {
  const mark = folder.read(name, parseMark)
  return mark !== null && isAlive(mark) ? mark : null
}

/**
 * Makes this process the owner of a file, in the place of an owner that has died. Null is success; else the owner.
 *
 * A dead owner's file is taken away by renaming, which only one of two contenders can do. Should the other have put its
 * own there in between, it is that one that was taken away, and it is put back.
 */
export function own(folder: StateFolder, name: string): ProcessMark | null {
  const self = markOf(process.pid)
  if (self === null) {
    const sentence = 'Processes cannot be told apart here: a pool needs /proc, as on Linux, or the program `ps`.'
    throw new CommandFailure(exitCodes.failed, 'no_processes', sentence)
  }
  for (let tries = 0; tries < 10; tries += 1) {
    if (folder.claim(name, self)) return null
    const owner = ownerOf(folder, name)
    if (owner !== null) return owner
    takeAway(folder, name)
  }
  throw new CommandFailure(exitCodes.conflict, 'pool_busy', `${join(folder.path, name)} is fought for. Try again.`)
}

function takeAway(folder: StateFolder, name: string): void {
  const aside = `${name}.${process.pid}.old`
  try {
    renameSync(join(folder.path, name), join(folder.path, aside))
  } catch {
    return
  }
  const taken = ownerOf(folder, aside)
  if (taken !== null) folder.claim(name, taken)
  folder.remove(aside)
}

export function isOwner(folder: StateFolder, name: string): boolean {
  return folder.read(name, parseMark)?.pid === process.pid
}
