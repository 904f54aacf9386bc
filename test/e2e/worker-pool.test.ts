import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createProcessHost, runCommandLine } from '@tasklane/cli'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { call, createStage, type Stage, until } from '../support/processes.ts'

interface Status {
  readonly supervisor: { readonly state: string; readonly pid: number | null } | null
  readonly workers: readonly {
    readonly worker_id: string
    readonly state: string
    readonly pid: number | null
    readonly port: number
    readonly restarts: number
    readonly last_exit: { readonly how: string } | null
  }[]
}

let stage: Stage
let folder: string
let url: string
let token: string
beforeEach(async () => {
  stage = createStage()
  folder = stage.folder()
  const env = { TASKLANE_ADMIN_PASSWORD: 'a password for a while' }
  url = (await stage.scheduler({ env })).url
  const body = new URLSearchParams({ username: 'admin', password: env.TASKLANE_ADMIN_PASSWORD })
  const reply: { access_token?: string } = JSON.parse(
    await (await fetch(`${url}/token`, { method: 'POST', body })).text(),
  )
  token = reply.access_token ?? ''
})
afterEach(async () => {
  // The pool outlives whoever started it; that is what is tested.
  await pool('stop')
  await stage.close()
})

/** The command as it is, but in this process: what it starts are processes enough. */
async function pool(...words: string[]) {
  let out = ''
  let err = ''
  const { PATH, HOME } = process.env
  const code = await runCommandLine(['workers', ...words], {
    ...createProcessHost(),
    stdout: { write: text => (out += text) },
    stderr: { write: text => (err += text) },
    env: { PATH, HOME, TASKLANE_URL: url, TASKLANE_TOKEN: token },
    cwd: folder,
  })
  return { code, out, err }
}

async function status(): Promise<Status & { code: number | null }> {
  const { code, out } = await pool('status', '--json')
  return { ...JSON.parse(out), code }
}

function untilStatus(isSo: (now: Status & { code: number | null }) => boolean, what: string) {
  return until(status, isSo, () => what)
}

function pidsOf({ workers }: Status): readonly (number | null)[] {
  return workers.map(worker => worker.pid)
}

function isRunning(pid: number | null | undefined): boolean {
  try {
    // In a container without an init a process that has ended may stay in the list.
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

async function registered(): Promise<readonly string[]> {
  const { body } = await call<{ workers: { worker_id: string }[] }>(url, 'GET', '/api/workers')
  return body.workers.map(worker => worker.worker_id).toSorted()
}

it('a pool stays, is changed in number, brings back what dies, and leaves nothing behind', async () => {
  const started = await pool('start', '2', '--http-port', '0', '--grace', '1s')
  expect(started).toMatchObject({ code: 0, out: expect.stringContaining('Started worker-1, worker-2.') })
  const first = await untilStatus(now => now.code === 0, 'both to be up')
  expect(first).toMatchObject({ supervisor: { state: 'running' } })
  expect(await registered()).toEqual(['worker-1', 'worker-2'])
  expect((await pool('start', '2')).out).toContain('2 workers run already.')
  expect(pidsOf(await status())).toEqual(pidsOf(first))
  const [port = 0] = first.workers.map(worker => worker.port)
  expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200)

  process.kill(first.workers[0]?.pid ?? -1, 'SIGKILL')
  const back = await untilStatus(
    now => now.code === 0 && now.workers[0]?.pid !== first.workers[0]?.pid,
    'it to be back',
  )
  expect(back.workers[0]).toMatchObject({ restarts: 1, last_exit: { how: 'was ended by SIGKILL' } })

  expect(await pool('start', '2', '--queues', 'other')).toMatchObject({
    code: 5,
    err: expect.stringContaining('restart'),
  })
  expect((await pool('start', '3')).out).toContain('Started worker-3.')
  expect((await pool('start', '1')).code).toBe(0)
  await untilStatus(now => now.workers.length === 1 && now.code === 0, 'the surplus to go')
  expect(await registered()).toEqual(['worker-1'])

  const files = readdirSync(join(folder, '.tasklane'), { recursive: true, withFileTypes: true }).filter(each =>
    each.isFile(),
  )
  for (const file of files) {
    expect(readFileSync(join(file.parentPath, file.name), 'utf8')).not.toContain(token)
    expect(statSync(join(file.parentPath, file.name)).mode & 0o077).toBe(0)
  }
  const last = await status()
  expect(readFileSync(`/proc/${last.workers[0]?.pid}/cmdline`, 'utf8')).not.toContain(token)
  expect((await pool('logs', 'supervisor')).out).toContain(
    'worker-1 was ended by SIGKILL; it is started again in 0.5 s.',
  )
  expect(await pool('stop')).toMatchObject({ code: 0, out: 'Stopped worker-1.\n' })
  for (const pid of [...pidsOf(last), last.supervisor?.pid]) expect(isRunning(pid)).toBe(false)
  expect(await registered()).toEqual([])
  expect(await pool('stop')).toMatchObject({ code: 0, out: expect.stringContaining('No pool runs here') })
  expect((await status()).code).toBe(3)
})

it('a supervisor that was killed is told of, and its workers go on under the next one', async () => {
  await pool('start', '2', '--http-port', '0', '--prefix', 'w')
  const before = await status()
  process.kill(before.supervisor?.pid ?? -1, 'SIGKILL')
  await until(
    () => isRunning(before.supervisor?.pid),
    running => !running,
    () => 'the supervisor to be gone',
  )
  process.kill(before.workers[1]?.pid ?? -1, 'SIGKILL')
  await until(
    () => isRunning(before.workers[1]?.pid),
    running => !running,
    () => 'the worker to be gone',
  )
  const orphaned = await untilStatus(now => now.workers[0]?.state === 'up', 'the other worker to answer')
  expect(orphaned).toMatchObject({ code: 1, supervisor: { state: 'gone' }, workers: [{}, { state: 'down' }] })

  expect((await pool('start')).out).toMatch(/taken over 1 worker\.\nStarted w-2\./)
  const after = await untilStatus(now => now.code === 0, 'both to be up')
  expect(after).toMatchObject({ supervisor: { state: 'running' } })
  expect(after.workers[0]?.pid).toBe(before.workers[0]?.pid)
  expect(await registered()).toEqual(['w-1', 'w-2'])

  // And once more, where nobody repairs it: a stop does without.
  process.kill(after.supervisor?.pid ?? -1, 'SIGKILL')
  expect((await pool('stop')).out).toBe('Stopped w-1, w-2.\n')
  for (const pid of pidsOf(after)) expect(isRunning(pid)).toBe(false)
})

it('nobody is ended whom the pool did not start, whatever its files say', async () => {
  await pool('start', '1', '--http-port', '0')
  const stranger: ChildProcess = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 120_000)'])
  const state = join(folder, '.tasklane')
  const worker = JSON.parse(readFileSync(join(state, 'workers/worker-1.json'), 'utf8'))
  const mine = await status()
  try {
    // As after a reboot, when the numbers are others'.
    writeFileSync(
      join(state, 'workers/worker-7.json'),
      JSON.stringify({ ...worker, worker_id: 'worker-7', pid: stranger.pid }),
    )
    process.kill(mine.supervisor?.pid ?? -1, 'SIGKILL')
    writeFileSync(join(state, 'supervisor.json'), JSON.stringify({ pid: stranger.pid, began: worker.began }))
    expect(await status()).toMatchObject({ supervisor: { state: 'gone' }, workers: [{ worker_id: 'worker-1' }] })
    expect((await pool('stop')).out).toBe('Stopped worker-1.\n')
    expect(existsSync(join(state, 'workers/worker-7.json'))).toBe(false)
    expect(isRunning(stranger.pid)).toBe(true)
    expect(isRunning(mine.workers[0]?.pid)).toBe(false)
  } finally {
    stranger.kill('SIGKILL')
  }
})

it('a port that is taken is told before anything is started, and a worker that cannot live is told of', async () => {
  const other = createServer()
  const port = await new Promise<number>(resolve =>
    other.listen(0, '127.0.0.1', () => {
      const address = other.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    }),
  )
  try {
    const refused = await pool('start', '1', '--http-port', String(port))
    expect(refused).toMatchObject({
      code: 5,
      out: '',
      err: expect.stringContaining(`Port ${port}, for worker-1, cannot be had`),
    })
    expect((await status()).code).toBe(3)
  } finally {
    other.close()
  }
  const broken = join(folder, 'broken.mjs')
  writeFileSync(broken, 'throw new Error("no such luck")')
  const dead = await pool('start', '1', '--http-port', '0', '--module', broken)
  expect(dead).toMatchObject({ code: 1, err: expect.stringContaining('worker-1: ended with code 2') })
  expect((await pool('logs', 'worker-1')).out).toContain('no such luck')
})
