import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { commandEntry } from '../child-process.ts'
import { exitCodes } from '../exit-codes.ts'
import { CommandFailure } from '../faults.ts'
import { findWorkers, removeStaleFiles, stopPatienceMs } from './member.ts'
import { type PoolView, viewPool } from './pool-view.ts'
import { tryPort } from './ports.ts'
import { isAlive, type ProcessMark, signalProcess } from './process-mark.ts'
import { isOwner, own, ownerOf, type StateFolder } from './state-folder.ts'
import { supervisorFile, supervisorLog } from './supervisor.ts'
import { type PoolWish, parseWish, workerIdOf } from './wish.ts'

/** What the commands `start`, `restart` and `stop` do to a pool. Only one of them at a time may. */
export interface ControlParts {
  readonly folder: StateFolder
  readonly env: Readonly<Record<string, string | undefined>>
  readonly nowMs: () => number
  readonly sleep: (ms: number) => Promise<void>
}

const lookEveryMs = 100
const controlFile = 'control.json'
/** Another command is at it; a stop may take as long as its tasks. */
const controlPatienceMs = 60_000
const supervisorPatienceMs = 15_000
/** Processes that load modules of their own need a while on a busy machine. */
const startPatienceMs = 30_000
/** Workers that run and do not find their scheduler are waited for a little: both may have been started together. */
const reachPatienceMs = 4_000

export async function withControl<Value>(parts: ControlParts, work: () => Promise<Value>): Promise<Value> {
  const { folder } = parts
  let owner: ProcessMark | null = null
  const isMine = await waitUntil(parts, controlPatienceMs, () => {
    owner = own(folder, controlFile)
    return owner === null
  })
  if (!isMine) {
    const { pid } = owner ?? { pid: 0 }
    const sentence = `Another \`tasklane workers\` command (process ${pid}) is at work on ${folder.path}. Try again when it is done.`
    throw new CommandFailure(exitCodes.conflict, 'pool_busy', sentence)
  }
  try {
    return await work()
  } finally {
    if (isOwner(folder, controlFile)) folder.remove(controlFile)
  }
}

/** Makes the pool as it is wanted, with a supervisor if there is none; it does not wait for the workers. */
export async function startPool(parts: ControlParts, wish: PoolWish): Promise<{ readonly hasSupervisor: boolean }> {
  const { folder } = parts
  await refuseTakenPorts(folder, wish)
  folder.write('pool.json', wish)
  if (ownerOf(folder, supervisorFile) !== null) return { hasSupervisor: true }
  const log = openSync(folder.logOf(supervisorLog), 'a', 0o600)
  const args = [commandEntry, 'workers', 'supervise', '--state-dir', folder.path]
  const process = spawn(globalThis.process.execPath, args, {
    cwd: folder.path,
    env: parts.env,
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  process.unref()
  const isThere = () => ownerOf(folder, supervisorFile) !== null
  const isOver = () => process.exitCode !== null || process.signalCode !== null
  await waitUntil(parts, supervisorPatienceMs, () => isThere() || isOver())
  if (isThere()) return { hasSupervisor: false }
  const sentence = `The supervisor did not start. It said why in ${folder.logOf(supervisorLog)}.`
  throw new CommandFailure(exitCodes.failed, 'supervisor_not_started', sentence)
}

/** Waits until the workers are up, or until it is plain that one is not going to be. */
export async function waitForPool(parts: ControlParts, wish: PoolWish): Promise<PoolView> {
  let view = await viewPool(parts.folder)
  let answeringSinceMs: number | null = null
  await waitUntil(parts, startPatienceMs, async () => {
    view = await viewPool(parts.folder)
    if (view.revision !== wish.revision) return view.supervisor?.state !== 'running'
    const staying = view.workers.filter(worker => worker.state !== 'stopping')
    if (staying.some(worker => ['waiting', 'given_up', 'drained'].includes(worker.state))) return true
    if (staying.length < wish.min || staying.some(worker => worker.running_tasks === null)) return false
    if (staying.every(worker => worker.state === 'up')) return true
    answeringSinceMs ??= parts.nowMs()
    return parts.nowMs() - answeringSinceMs > reachPatienceMs
  })
  return view
}

/** Ends supervisor and workers, politely at first. @returns the workers that ran */
export async function stopPool(parts: ControlParts): Promise<readonly string[]> {
  const { folder } = parts
  const wish = folder.read('pool.json', parseWish)
  const patienceMs = wish === null ? 30_000 : stopPatienceMs(wish)
  const workers = findWorkers(folder)
  const supervisor = ownerOf(folder, supervisorFile)
  if (supervisor !== null && signalProcess(supervisor, 'SIGTERM')) {
    // It gives its workers that time itself; beyond it, it is the supervisor that hangs.
    const isGone = await waitUntil(parts, patienceMs + 5_000, () => !isAlive(supervisor))
    if (!isGone) signalProcess(supervisor, 'SIGKILL')
  }
  const left = findWorkers(folder)
  for (const worker of left) signalProcess(worker, 'SIGTERM')
  if (!(await waitUntil(parts, patienceMs, () => left.every(worker => !isAlive(worker))))) {
    for (const worker of left) signalProcess(worker, 'SIGKILL')
    await waitUntil(parts, 5_000, () => left.every(worker => !isAlive(worker)))
  }
  const remaining = findWorkers(folder)
  if (remaining.length > 0) {
    const names = remaining.map(({ worker_id, pid }) => `${worker_id} (process ${pid})`).join(', ')
    throw new CommandFailure(exitCodes.failed, 'workers_remain', `${names} cannot be ended.`)
  }
  removeStaleFiles(folder)
  for (const name of ['pool.json', 'status.json', supervisorFile]) folder.remove(name)
  return workers.map(worker => worker.worker_id)
}

/** Told before anything is started: a worker whose port is taken could only die over and over. */
async function refuseTakenPorts(folder: StateFolder, wish: PoolWish): Promise<void> {
  if (wish.httpPort === 0) return
  const running = new Set(findWorkers(folder).map(worker => worker.worker_id))
  const taken: string[] = []
  for (let number = 1; number <= wish.max; number += 1) {
    const [id, port] = [workerIdOf(wish, number), wish.httpPort + number - 1]
    if (running.has(id)) continue
    const got = await tryPort(wish.httpHost, port)
    if ('fault' in got) taken.push(`Port ${port}, for ${id}, cannot be had: ${got.fault}.`)
  }
  if (taken.length === 0) return
  const way = 'Choose another first port with --http-port, or 0 for any free ones.'
  throw new CommandFailure(exitCodes.conflict, 'port_taken', [...taken, way].join('\n'))
}

async function waitUntil(
  parts: Pick<ControlParts, 'nowMs' | 'sleep'>,
  patienceMs: number,
  isSo: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const endsMs = parts.nowMs() + patienceMs
  for (;;) {
    if (await isSo()) return true
    if (parts.nowMs() >= endsMs) return false
    await parts.sleep(lookEveryMs)
  }
}
