import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { followLogs, lastLines } from '../../src/pool/log-reading.ts'
import { rotateLog } from '../../src/pool/log-rotation.ts'
import { findWorkers, removeStaleFiles } from '../../src/pool/member.ts'
import { markOf } from '../../src/pool/process-mark.ts'
import { findStateFolder, isOwner, makeStateFolder, own } from '../../src/pool/state-folder.ts'

let path: string
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'tasklane-pool-files-'))
})
afterEach(() => rmSync(path, { recursive: true, force: true }))

/** A process that is gone for sure. */
function deadMark() {
  return { pid: spawnSync(process.execPath, ['-e', '']).pid, began: 'long ago' }
}

describe('the folder of a pool', () => {
  it('is for its user alone, keeps out of repositories, and is found again', () => {
    const folder = makeStateFolder(join(path, 'a/b'))
    for (const each of ['', 'logs', 'workers']) expect(statSync(join(folder.path, each)).mode & 0o777).toBe(0o700)
    folder.write('pool.json', { a: 1 })
    expect(statSync(join(folder.path, 'pool.json')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(folder.path, '.gitignore'), 'utf8')).toContain('\n*\n')
    expect(findStateFolder(folder.path)?.read('pool.json', value => value)).toEqual({ a: 1 })
    expect(readdirSync(folder.path).filter(name => name.includes('new'))).toEqual([])
  })

  it('is no folder that holds something else, whose rights are left as they are', () => {
    mkdirSync(join(path, 'home'), { mode: 0o755 })
    writeFileSync(join(path, 'home/letter'), '')
    expect(() => makeStateFolder(join(path, 'home'))).toThrow(/holds something else.*--state-dir/)
    expect(statSync(join(path, 'home')).mode & 0o777).toBe(0o755)
    expect(findStateFolder(join(path, 'home'))).toBeNull()
  })

  it('has one owner: a living one is told, a dead one is followed', () => {
    const folder = makeStateFolder(join(path, 'pool'))
    folder.write('owner.json', markOf(process.ppid))
    expect(own(folder, 'owner.json')).toMatchObject({ pid: process.ppid })
    folder.write('owner.json', deadMark())
    expect(own(folder, 'owner.json')).toBeNull()
    expect(isOwner(folder, 'owner.json')).toBe(true)
    expect(readdirSync(folder.path).toSorted()).toEqual(['.gitignore', 'logs', 'owner.json', 'workers'])
  })

  it('believes no file of a process that is gone or whose number is another one now', () => {
    const folder = makeStateFolder(join(path, 'pool'))
    const facts = { port: 8001, started_at: '2030-01-01T00:00:00Z', restarts: 2 }
    const self = markOf(process.pid)
    folder.write('workers/w-1.json', { ...self, ...facts, worker_id: 'w-1' })
    folder.write('workers/w-2.json', { ...self, ...facts, worker_id: 'w-2', began: 'before the reboot' })
    folder.write('workers/w-3.json', { ...deadMark(), ...facts, worker_id: 'w-3' })
    writeFileSync(join(folder.path, 'workers/w-4.json'), '{"pid": 4')
    expect(findWorkers(folder).map(worker => worker.worker_id)).toEqual(['w-1'])
    removeStaleFiles(folder)
    expect(readdirSync(join(folder.path, 'workers'))).toEqual(['w-1.json'])
  })
})

describe('a log', () => {
  it('is turned when it is full, and no more files are kept than are allowed', () => {
    const file = join(path, 'w.log')
    const bounds = { bytesMax: 10, oldFiles: 2 }
    expect(rotateLog(file, bounds)).toBe(false)
    for (const round of ['first', 'second', 'third']) {
      appendFileSync(file, `${round}\n`)
      expect(rotateLog(file, bounds)).toBe(false)
      appendFileSync(file, `${round} again\n`)
      expect(rotateLog(file, bounds)).toBe(true)
      expect(readFileSync(file, 'utf8')).toBe('')
    }
    expect(readFileSync(`${file}.1`, 'utf8')).toBe('third\nthird again\n')
    expect(readFileSync(`${file}.2`, 'utf8')).toBe('second\nsecond again\n')
    expect(existsSync(`${file}.3`)).toBe(false)
  })

  it('is read from its end, however long it is', () => {
    const file = join(path, 'w.log')
    expect(lastLines(file, 5)).toEqual([])
    const lines = Array.from({ length: 20_000 }, (_, at) => `line ${at}`)
    writeFileSync(file, `${lines.join('\n')}\n`)
    expect(lastLines(file, 3)).toEqual(lines.slice(-3))
    expect(lastLines(file, 15_000)).toEqual(lines.slice(-15_000))
    expect(lastLines(file, 50_000)).toEqual(lines)
    expect(lastLines(file, 0)).toEqual([])
  })

  it('is followed, through a turn, line by line', async () => {
    const file = join(path, 'w.log')
    writeFileSync(file, 'before\n')
    const said: string[] = []
    const writes = [
      () => appendFileSync(file, 'one\ntw'),
      () => appendFileSync(file, 'o\n'),
      () => writeFileSync(file, 'new\n'),
    ]
    const stopped = new Error('enough')
    const following = followLogs([{ name: 'w', file }], {
      print: (name, line) => void said.push(`${name}: ${line}`),
      sleep: async () => {
        const write = writes.shift()
        if (write === undefined) throw stopped
        write()
      },
      signal: new AbortController().signal,
    })
    await expect(following).rejects.toBe(stopped)
    expect(said).toEqual(['w: one', 'w: two', 'w: new'])
  })
})
