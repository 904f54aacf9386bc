import { exitCodes } from '../exit-codes.ts'
import { CommandFailure } from '../faults.ts'
import { startPool, stopPool, waitForPool, withControl } from '../pool/pool-control.ts'
import { renderPool, sayStarted } from '../pool/pool-report.ts'
import { emptyView, exitCodeOfView, type PoolView, viewPool } from '../pool/pool-view.ts'
import { findStateFolder, makeStateFolder, type StateFolder } from '../pool/state-folder.ts'
import { differencesOf, type PoolWish, parseWish } from '../pool/wish.ts'
import { type CommandRun, createCommand, jsonOption, type Session } from './command.ts'
import { type PoolGiven, poolOptions, readPool, readStateDir, stateDirOption, wishOf } from './pool-flags.ts'

export function createStartCommand(session: Session) {
  return createCommand(session, {
    usage: 'start [n]',
    summary: 'start a pool of workers on this machine, or change how many there are',
    options: poolOptions,
    notes: [
      'The workers stay when the terminal is closed; one that dies is started again. While a pool is there, `start` with a larger',
      'number adds workers, with a smaller one lets some finish and go, and what is not said stays as it is. A token is',
      'taken from TASKLANE_TOKEN. With --min and --max the pool looks at the queues and changes its size by itself; where',
      'callers log in, it needs a token of a viewer for that, in TASKLANE_SCALING_TOKEN.',
    ].join('\n'),
    examples: [
      ['tasklane workers start', 'worker-1 to worker-3, or what was there before'],
      ['tasklane workers start 5 --prefix mail --queues mail', 'five for one queue'],
      ['tasklane workers start --min 1 --max 8 --module tasks.ts', 'as many as the queues need'],
    ],
    readsEnvFile: true,
    run: async run => {
      const given = await run.read(input => readPool(input, run.host))
      const folder = makeStateFolder(given.stateDir)
      return withControl(partsOf(run, folder), () => start(run, folder, given))
    },
  })
}

export function createRestartCommand(session: Session) {
  return createCommand(session, {
    usage: 'restart [n]',
    summary: 'stop the pool in order and start it again, with this environment',
    options: poolOptions,
    notes: 'What is not said stays as it was. Also for another token, new code, or other options.',
    examples: [
      ['tasklane workers restart', 'the same again'],
      ['tasklane workers restart --concurrency 20', 'with another option'],
    ],
    readsEnvFile: true,
    run: async run => {
      const given = await run.read(input => readPool(input, run.host))
      const folder = makeStateFolder(given.stateDir)
      return withControl(partsOf(run, folder), async () => {
        const before = folder.read('pool.json', parseWish)
        await stopPool(partsOf(run, folder))
        return start(run, folder, given, before)
      })
    },
  })
}

export function createStopCommand(session: Session) {
  return createCommand(session, {
    usage: 'stop',
    summary: 'let the workers finish, and end the pool',
    options: [stateDirOption, jsonOption],
    notes: 'Tasks that are not done within the grace (--grace of `start`) are given back, and no attempt is counted.',
    examples: [['tasklane workers stop', 'fine when nothing runs, too']],
    run: async run => {
      const path = await run.read(input => readStateDir(input, run.host.cwd))
      const folder = findStateFolder(path)
      const stopped = folder === null ? [] : await withControl(partsOf(run, folder), () => stop(run, folder))
      run.output.document({ state_dir: path, stopped }, () =>
        stopped.length === 0 ? `No pool runs here (${path}).` : `Stopped ${stopped.join(', ')}.`,
      )
      return exitCodes.ok
    },
  })
}

export function createStatusCommand(session: Session) {
  return createCommand(session, {
    usage: 'status',
    summary: 'show the workers of the pool',
    options: [stateDirOption, jsonOption],
    notes: 'It ends with 0 when all are up, with 1 when some are not, and with 3 when nothing runs.',
    examples: [
      ['tasklane workers status', 'process, state, uptime, restarts, port, tasks'],
      ['watch tasklane workers status', 'to look on'],
    ],
    run: async run => {
      const path = await run.read(input => readStateDir(input, run.host.cwd))
      const folder = findStateFolder(path)
      const view = folder === null ? emptyView(path) : await viewPool(folder)
      run.output.document(documentOf(view, run.host.nowMs()), () => renderPool(view, run.output, run.host.nowMs()))
      return exitCodeOfView(view)
    },
  })
}

async function stop(run: CommandRun, folder: StateFolder): Promise<readonly string[]> {
  const wish = folder.read('pool.json', parseWish)
  if (wish !== null) run.output.note(`Stopping; tasks have ${wish.graceSeconds} s to finish.`)
  return stopPool(partsOf(run, folder))
}

async function start(run: CommandRun, folder: StateFolder, given: PoolGiven, of?: PoolWish | null) {
  const before = of === undefined ? folder.read('pool.json', parseWish) : of
  const now = await viewPool(folder)
  const { wish, note } = wishOf(given, before, run.host.env)
  if (note !== null) run.output.warn(note)
  if (before !== null && now.supervisor !== null) refuseOtherOptions(before, wish)
  const parts = partsOf(run, folder)
  await startPool(parts, wish)
  const view = await waitForPool(parts, wish)
  run.output.document(documentOf(view, run.host.nowMs()), () => sayStarted({ before: now, view, wish }))
  const dead = view.workers.filter(worker => ['waiting', 'given_up', 'drained', 'down'].includes(worker.state))
  if (view.supervisor?.state === 'running' && dead.length === 0) return exitCodes.ok
  const names = dead.map(({ worker_id, last_exit }) => `${worker_id}: ${last_exit?.how ?? 'it is gone'}.`)
  const sentence = `Not all of them stay up. ${names.join(' ')} \`tasklane workers logs\` shows what they said.`
  throw new CommandFailure(exitCodes.failed, 'workers_down', sentence)
}

function refuseOtherOptions(before: PoolWish, wish: PoolWish): void {
  const differences = differencesOf(before, wish)
  if (differences.length === 0) return
  const sentence = `The pool runs with other options: ${differences.join(', ')}. \`tasklane workers restart\` with these options applies them.`
  throw new CommandFailure(exitCodes.conflict, 'pool_differs', sentence)
}

function partsOf({ host }: CommandRun, folder: StateFolder) {
  return { folder, env: host.env, nowMs: host.nowMs, sleep: (ms: number) => host.sleep(ms) }
}

function documentOf({ revision: _revision, ...view }: PoolView, nowMs: number) {
  const workers = view.workers.map(worker => ({
    ...worker,
    uptime_seconds:
      worker.started_at === null ? null : Math.max(0, Math.round((nowMs - Date.parse(worker.started_at)) / 1_000)),
  }))
  return { ...view, workers }
}
