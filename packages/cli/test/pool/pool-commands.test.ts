import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readPool, wishOf } from '../../src/commands/pool-flags.ts'
import { readArguments } from '../../src/input/arguments.ts'
import { emptyView, exitCodeOfView, type PoolView, stateOf, type WorkerViewState } from '../../src/pool/pool-view.ts'
import { differencesOf, numberOf, type PoolWish, workerArgs } from '../../src/pool/wish.ts'
import { run } from '../fake-host.ts'

let cwd: string
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'tasklane-pool-commands-'))
  writeFileSync(join(cwd, 'tasks.mjs'), '')
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

type Options = Readonly<Record<string, unknown>>

async function wish(
  operands: readonly string[],
  options: Options = {},
  env: Record<string, string> = {},
  before: PoolWish | null = null,
) {
  const raw = { operands, options, unknownFlags: [], knownFlags: [], operandsMax: 1, env }
  return wishOf(await readArguments(raw, input => readPool(input, { cwd, env, nowMs: () => 0 })), before, env)
}

describe('what a start asks for', () => {
  it('is three workers of the default names, at the scheduler of this machine', async () => {
    expect(await wish([])).toEqual({
      note: null,
      wish: {
        version: 1,
        revision: 1,
        prefix: 'worker',
        min: 3,
        max: 3,
        urls: ['http://127.0.0.1:8000'],
        httpHost: '127.0.0.1',
        httpPort: 8_001,
        slots: 10,
        graceSeconds: 8,
        queues: [],
        flags: {},
        module: null,
        cwd,
      },
    })
  })

  it('understands the variables that other systems have', async () => {
    const env = { WORKER_ID: 'node', API_HOST: '0.0.0.0', API_PORT: '9000', MAX_WORKERS: '4' }
    const { wish: wanted, note } = await wish(['6'], {}, env)
    expect(wanted).toMatchObject({ prefix: 'node', min: 4, max: 4, urls: ['http://127.0.0.1:9000'] })
    expect(note).toBe('MAX_WORKERS is 4: there will be 4 at most instead of 6.')
    expect((await wish([], {}, { MAX_WORKERS: '2' })).wish).toMatchObject({ min: 2, max: 2 })
    expect((await wish([], { min: '2' }, { MAX_WORKERS: '5' })).wish).toMatchObject({ min: 2, max: 5 })
    expect((await wish([], {}, { API_PORT: '9000', TASKLANE_URL: 'http://b:1' })).wish.urls).toEqual(['http://b:1'])
  })

  it('leaves a pool that is there as it is, but for what is said', async () => {
    const before = (
      await wish(['2'], { queues: ['a,b'], concurrency: '4', prefix: 'mail', module: 'tasks.mjs', url: 'http://b:1' })
    ).wish
    const after = (await wish(['5'], {}, {}, before)).wish
    expect(after).toEqual({ ...before, revision: 2, min: 5, max: 5 })
    expect(differencesOf(before, after)).toEqual([])
    const other = (await wish([], { queues: ['c'], min: '1', max: '9' }, {}, before)).wish
    expect(other).toMatchObject({ min: 1, max: 9, queues: ['c'], slots: 4 })
    expect(differencesOf(before, other)).toEqual(['--queues (a,b, now c)'])
  })

  it('becomes the command line of each worker, with no secret on it', async () => {
    const env = { TASKLANE_TOKEN: 'secret-canary', TASKLANE_SCALING_TOKEN: 'secret-canary' }
    const options = {
      queues: ['a', 'b'],
      grace: '1m',
      label: ['version=1.2', 'zone=a,b'],
      allowFiles: ['.'],
      allowPrivateAddresses: true,
      module: 'tasks.mjs',
    }
    const wanted = (await wish(['1'], options, env)).wish
    expect(JSON.stringify(wanted)).not.toContain('canary')
    expect(workerArgs(wanted, 2, 8_002).join(' ')).toBe(
      `worker ${cwd}/tasks.mjs --worker-id worker-2 --url http://127.0.0.1:8000 --http-host 127.0.0.1 --http-port 8002 ` +
        `--grace 1m --queues a,b --label version=1.2 --label zone=a,b --allow-files ${cwd} --allow-private-addresses --pooled --no-env-file`,
    )
    expect(wanted).toMatchObject({ graceSeconds: 60, queues: ['a', 'b'] })
    expect(numberOf(wanted, 'worker-12')).toBe(12)
    for (const id of ['worker-', 'worker-0', 'worker-1x', 'other-1']) expect(numberOf(wanted, id)).toBeNull()
  })

  it.each([
    ['start 0 --prefix a/b --http-port x', ['The number of workers takes', "no '/' and ':'", '--http-port takes']],
    ['start 3 --min 1 --max 2', ['A number of workers says how many there are always']],
    ['start --min 1', ['--min needs --max (or MAX_WORKERS) beside it.']],
    ['start --min 5 --max 2', ['--min 5 is more than --max 2.']],
    ['start --module gone.ts --grace x --zzz', ['no file', '--grace takes', 'no option --zzz']],
    ['start --capabilities ad', ["no type 'ad'. Did you mean 'add'?"]],
    ['start --url http://me:word@b:1', ['TASKLANE_TOKEN']],
    ['logs --lines -1', ['--lines takes']],
  ])('is refused with all that is wrong: %s', async (line, sentences) => {
    const { exitCode, out, err } = await run(['workers', ...line.split(' ')], { cwd })
    expect([exitCode, out]).toEqual([2, ''])
    for (const sentence of sentences) expect(err).toContain(sentence)
  })
})

describe('where no pool is', () => {
  it('a status says so, with the exit code of `systemctl status`, and a stop is fine', async () => {
    const status = await run(['workers', 'status'], { cwd })
    expect(status).toMatchObject({
      exitCode: 3,
      out: `No pool runs here (${cwd}/.tasklane). Start one: tasklane workers start\n`,
    })
    const { exitCode, out } = await run(['workers', 'stop', '--json'], { cwd })
    expect([exitCode, JSON.parse(out)]).toEqual([0, { state_dir: `${cwd}/.tasklane`, stopped: [] }])
    expect((await run(['workers', 'logs'], { cwd })).exitCode).toBe(3)
  })
})

describe('the state of a worker', () => {
  const file = { pid: 7, started_at: '2030-01-01T00:00:00Z' }
  const long = { ...file, started_at: '2020-01-01T00:00:00Z' }
  const report = { state: 'running', started_at: file.started_at } as const
  const ok = { status: 'ok', slots: 10, slotsUsed: 0 } as const

  it.each([
    ['up', { report, file, isWatched: true }, ok],
    ['up', { report: undefined, file, isWatched: false }, ok],
    ['disconnected', { report, file, isWatched: true }, { ...ok, status: 'disconnected' }],
    ['starting', { report, file, isWatched: true }, null],
    ['silent', { report, file: long, isWatched: true }, null],
    ['stopping', { report: { ...report, state: 'stopping' }, file, isWatched: true }, ok],
    ['starting', { report, file: undefined, isWatched: true }, null],
    ['waiting', { report: { ...report, state: 'waiting' }, file: undefined, isWatched: true }, null],
    ['given_up', { report: { ...report, state: 'given_up' }, file: undefined, isWatched: true }, null],
    ['down', { report: { ...report, state: 'waiting' }, file: undefined, isWatched: false }, null],
  ] as const)('is %s', (state, seen, health) => expect(stateOf(seen, health)).toBe(state))

  it.each([
    [0, 'running', ['up', 'up']],
    [0, 'running', ['up', 'up', 'stopping']],
    [1, 'running', ['up']],
    [1, 'running', ['up', 'disconnected']],
    [1, 'running', ['up', 'given_up']],
    [1, 'gone', ['up', 'up']],
    [3, null, []],
  ] as const)('together decides that a status ends with %i: supervisor %s, workers %j', (code, supervisor, states) => {
    const worker = (state: WorkerViewState) => ({ worker_id: 'w', state }) as PoolView['workers'][number]
    const view: PoolView = {
      ...emptyView('/p'),
      wanted: { min: 2, max: 2 },
      supervisor: supervisor === null ? null : { state: supervisor, pid: 1 },
      workers: states.map(worker),
    }
    expect(exitCodeOfView(view)).toBe(code)
  })
})
