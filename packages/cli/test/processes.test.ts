import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { DemoReport } from '../src/demo/report.ts'

// The command as people start it; `npm test` has built it.
const entry = fileURLToPath(new URL('../bin/tasklane.js', import.meta.url))
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TASKLANE|API)_|_URL$/.test(name)))

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tasklane-processes-'))
})
afterAll(() => rm(folder, { recursive: true }))

const started: ChildProcess[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map(child => end(child, 'SIGKILL')))
})

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

function tasklane(...words: string[]): Promise<Ended> {
  return new Promise(resolve => {
    execFile(process.execPath, [entry, ...words], { env, cwd: folder, timeout: 50_000 }, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, out, err })
    })
  })
}

/** Starts a command that stays, and waits for its first line on stdout. */
async function start(...words: string[]): Promise<{ child: ChildProcess; firstLine: string }> {
  const child = spawn(process.execPath, [entry, ...words], { env, cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] })
  started.push(child)
  const firstLine = await new Promise<string>((resolve, reject) => {
    child.once('exit', code => reject(new Error(`It ended with code ${code} before it said anything.`)))
    if (child.stdout !== null) createInterface({ input: child.stdout }).once('line', resolve)
  })
  return { child, firstLine }
}

function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode)
  return new Promise(resolve => {
    child.once('exit', resolve)
    child.kill(signal)
  })
}

async function serve(name: string): Promise<{ child: ChildProcess; url: string }> {
  const { child, firstLine } = await start('serve', '--port', '0', '--data', join(folder, name), '--json')
  const { url }: { url: string } = JSON.parse(firstLine)
  return { child, url }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error('It did not come about within 20 s.')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

async function titleOf(pid: number | undefined): Promise<string> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim()
}

describe('serve', () => {
  it('says its address first, and stops in order at SIGTERM', async () => {
    const { child, firstLine } = await start('serve', '--port', '0', '--data', join(folder, 'a.db'))
    const url = /^http:\/\/127\.0\.0\.1:\d+$/.exec(firstLine)?.[0] ?? ''
    expect((await fetch(`${url}/health`)).status).toBe(200)
    expect(await end(child, 'SIGTERM')).toBe(0)
  })

  it('refuses a file that another scheduler has, with a sentence and without a stack', async () => {
    await serve('b.db')
    const { code, out, err } = await tasklane('serve', '--port', '0', '--data', join(folder, 'b.db'))
    expect(code).toBe(5)
    expect(out).toBe('')
    expect(err).toContain('b.db')
    expect(err).not.toContain('    at ')
  })

  it('refuses a port that is taken, and says how to choose another', async () => {
    const { url } = await serve('c.db')
    const { code, err } = await tasklane('serve', '--port', new URL(url).port, '--data', join(folder, 'd.db'))
    expect(code).toBe(1)
    expect(err).toContain('--port')
    expect(err).not.toContain('    at ')
  })

  it('tells all that is wrong with its configuration at once', async () => {
    const { code, err } = await tasklane('serve', '--port', 'x', '--host', 'a b')
    expect(code).toBe(2)
    expect(err).toContain('--port')
    expect(err).toContain('--host')
  })
})

describe('a worker process', () => {
  it('runs built-in types and those of a module, has a title, and leaves at SIGTERM', async () => {
    const { url } = await serve('e.db')
    const module = join(folder, 'tasks.mjs')
    await writeFile(
      module,
      "export const own = { type: 'own', input: null, run: async (_, ctx) => (ctx.log.info('hi'), 'mine'), defaults: {} }",
    )
    const { child } = await start('worker', module, '--url', url, '--worker-id', 'w9', '--json')
    expect(await tasklane('submit', 'add', '{"x":1,"y":2}', '--wait', '--url', url)).toMatchObject({
      code: 0,
      out: '3\n',
    })
    const own = await tasklane('submit', 'own', '--id', 'mine', '--wait', '--url', url)
    expect(own).toMatchObject({ code: 0, out: '"mine"\n' })
    expect((await tasklane('tasks', 'logs', 'mine', '--url', url)).out).toContain('hi')
    const failed = await tasklane('submit', 'add', '{"x":"a"}', '--wait', '--url', url)
    expect(failed).toMatchObject({ code: 1, out: '' })
    expect(failed.err).toContain('y: is missing')
    if (process.platform === 'linux') expect(await titleOf(child.pid)).toBe('tasklane worker w9')
    expect(await end(child, 'SIGTERM')).toBe(0)
    expect((await tasklane('workers', 'list', '--url', url)).out).toContain('No workers yet')
  })
})

describe('a process whose parent is gone', () => {
  it('ends in order though the parent went before it listened for that', async () => {
    const { url } = await serve('orphan.db')
    const module = join(folder, 'slow-tasks.mjs')
    // Loads until the channel to the parent is closed.
    await writeFile(
      module,
      [
        "await new Promise(resolve => process.connected ? process.once('disconnect', resolve) : resolve())",
        "export const own = { type: 'own', input: null, run: () => 'mine', defaults: {} }",
      ].join('\n'),
    )
    const child = spawn(process.execPath, [entry, 'worker', module, '--url', url], {
      env,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    started.push(child)
    const exited = new Promise(resolve => child.once('exit', resolve))
    child.disconnect()
    expect(await exited).toBe(0)
  })
})

describe.runIf(process.platform === 'linux')('a full disk', () => {
  let full = -1
  beforeAll(() => {
    full = openSync('/dev/full', 'w')
  })
  afterAll(() => closeSync(full))

  it('under the messages of a worker does not end it', async () => {
    const { url } = await serve('full.db')
    const child = spawn(process.execPath, [entry, 'worker', '--url', url], {
      env,
      cwd: folder,
      stdio: ['ignore', 'ignore', full],
    })
    started.push(child)
    const words = ['submit', 'add', '{"x":1,"y":2}', '--wait-timeout', '20s', '--url', url]
    expect(await tasklane(...words)).toMatchObject({ code: 0, out: '3\n' })
    expect(await end(child, 'SIGTERM')).toBe(0)
  })

  it('under the log of a scheduler neither stops it nor keeps it from stopping', async () => {
    const child = spawn(process.execPath, [entry, 'serve', '--port', '0', '--data', join(folder, 'full-log.db')], {
      env,
      cwd: folder,
      stdio: ['ignore', 'pipe', full],
    })
    started.push(child)
    const line = await new Promise<string>(resolve => {
      if (child.stdout !== null) createInterface({ input: child.stdout }).once('line', resolve)
    })
    expect((await fetch(`${line.split(' ').at(-1)}/livez`)).status).toBe(200)
    expect(await end(child, 'SIGTERM')).toBe(0)
  })

  it.each([
    [[], /^tasklane: stdout cannot be written: .*ENOSPC.* Free some space/],
    [['--json'], /^\{"error":\{"code":"enospc","messages":\["stdout cannot be written/],
  ])('under the data of a command fails it with a sentence, %j', async (words, sentence) => {
    const child = spawn(process.execPath, [entry, 'worker', '--help', ...words], {
      env,
      stdio: ['ignore', full, 'pipe'],
    })
    started.push(child)
    let err = ''
    child.stderr?.on('data', chunk => (err += chunk))
    expect(await new Promise(resolve => child.once('close', resolve))).toBe(1)
    expect(err).toMatch(sentence)
    expect(err).not.toContain('    at ')
  })
})

describe('dev', () => {
  it('starts a scheduler and workers, restarts a worker that was killed, and takes everybody along at its end', async () => {
    const { child, firstLine } = await start(
      'dev',
      '--port',
      '0',
      '--workers',
      '2',
      '--data',
      join(folder, 'f.db'),
      '--json',
    )
    const pids = new Map<string, number>([['listening', 0]])
    const { url }: { url?: string } = firstLine.includes('listening') ? JSON.parse(firstLine) : {}
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', line => {
        const record: { event?: string; process?: string; pid?: number; url?: string } = JSON.parse(line)
        if (record.event === 'started' && record.process !== undefined) pids.set(record.process, record.pid ?? 0)
        if (record.event === 'listening') pids.set(record.url ?? '', 0)
      })
    }
    const address = () => url ?? [...pids.keys()].find(key => key.startsWith('http')) ?? ''
    await until(() => address() !== '' && pids.has('w2'))
    expect(await tasklane('submit', 'add', '{"x":20,"y":1}', '--wait', '--url', address())).toMatchObject({
      out: '21\n',
    })
    const before = pids.get('w2') ?? 0
    process.kill(before, 'SIGKILL')
    await until(() => pids.get('w2') !== before)
    expect(await end(child, 'SIGINT')).toBe(0)
    for (const pid of pids.values()) if (pid !== 0) expect(() => process.kill(pid, 0)).toThrow()
  })
})

describe('the demo', () => {
  let root = ''
  beforeAll(async () => {
    root = join(folder, 'input')
    await mkdir(join(root, 'node_modules'), { recursive: true })
    for (let at = 0; at < 120; at += 1)
      await writeFile(join(root, `f${at}${at % 3 === 0 ? '.md' : '.txt'}`), `word ${at}\n`.repeat(at))
    await writeFile(join(root, 'binary.txt'), Buffer.from([0, 1]))
    await writeFile(join(root, 'node_modules/left-out.txt'), 'left out\n')
  })

  const exact = {
    files: 120,
    skipped: 2,
    lines: 7_140,
    words: 14_280,
    by_extension: {
      '.md': { files: 40, lines: 2_340, words: 4_680 },
      '.txt': { files: 80, lines: 4_800, words: 9_600 },
    },
    tasks: 123,
    verified: true,
  }

  it('prints one object with exact totals, and nothing else on stdout', async () => {
    const { code, out } = await tasklane('demo', root, '--json')
    expect(code).toBe(0)
    const report: DemoReport = JSON.parse(out)
    expect(report).toMatchObject(exact)
    expect(Object.values(report.workers).reduce((sum, tasks) => sum + tasks, 0)).toBe(123)
  })

  it.each([
    ['in the middle of a job', 'input', exact],
    ['with the few tasks of a small one', 'small', { files: 2, words: 4, tasks: 4, verified: true }],
  ])('keeps its totals exact when a worker is killed %s', async (_what, name, expected) => {
    const path = join(folder, name)
    if (name === 'small') {
      await mkdir(path)
      for (const file of ['a.txt', 'b.txt']) await writeFile(join(path, file), 'two words\n')
    }
    const { code, out, err } = await tasklane('demo', path, '--kill', '--json')
    expect(code).toBe(0)
    expect(err).toMatch(/Killed w\d \(process \d+\) with SIGKILL while it held \d+ tasks?/)
    const report: DemoReport = JSON.parse(out)
    expect(report).toMatchObject(expected)
    expect(Object.keys(report.workers)).toEqual(['w1', 'w2', 'w3', 'w4'])
  })

  it('shows a table and ends with --once', async () => {
    const { code, out } = await tasklane('demo', root, '--once')
    expect(code).toBe(0)
    for (const part of ['120 text files', '14,280 words; 2 skipped', '.md', 'word', 'w3', 'Verified'])
      expect(out).toContain(part)
  })

  it('refuses a path that is no folder', async () => {
    const { code, err } = await tasklane('demo', join(folder, 'gone'))
    expect(code).toBe(2)
    expect(err).toContain('is not a folder')
  })
})
