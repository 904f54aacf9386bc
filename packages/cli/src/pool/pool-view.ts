import { findWorkers, type MemberReport, type WorkerFile } from './member.ts'
import { ownerOf, type StateFolder } from './state-folder.ts'
import { type PoolStatusFile, parseStatus, supervisorFile } from './supervisor.ts'
import { isScaled, type PoolWish, parseWish } from './wish.ts'
import { askHealth, type WorkerHealth } from './worker-health.ts'

/**
 * up            registered, and its scheduler answers
 * starting      not registered yet
 * disconnected  its scheduler does not answer
 * silent        the process runs and does not answer
 * waiting       it died, and is started again in a moment
 * given_up      it died too often in a row
 * drained       the scheduler sent it away
 * stopping      it finishes what it runs
 * down          it is gone, and nobody is there who would start it again
 */
export type WorkerViewState =
  | 'up'
  | 'starting'
  | 'disconnected'
  | 'silent'
  | 'waiting'
  | 'given_up'
  | 'drained'
  | 'stopping'
  | 'down'

export interface WorkerView {
  readonly worker_id: string
  readonly state: WorkerViewState
  readonly pid: number | null
  readonly port: number
  readonly started_at: string | null
  readonly restarts: number
  readonly restart_at: string | null
  /** From its own /health; null where it does not answer. */
  readonly running_tasks: number | null
  readonly slots: number | null
  readonly last_exit: MemberReport['last_exit']
}

export interface PoolView {
  readonly state_dir: string
  readonly supervisor: { readonly state: 'running' | 'gone'; readonly pid: number | null } | null
  readonly wanted: { readonly min: number; readonly max: number } | null
  /** What the supervisor has last looked at; of a `start` it has not seen yet it is an earlier one. */
  readonly revision: number | null
  readonly workers: readonly WorkerView[]
  readonly scaling: PoolStatusFile['scaling']
}

/** What there is, from the files of the folder, the processes themselves, and what each of these answers. */
export async function viewPool(folder: StateFolder): Promise<PoolView> {
  const wish = folder.read('pool.json', parseWish)
  const status = folder.read('status.json', parseStatus)
  const owner = ownerOf(folder, supervisorFile)
  const running = new Map(findWorkers(folder).map(worker => [worker.worker_id, worker]))
  const reports = new Map((status?.workers ?? []).map(report => [report.worker_id, report]))
  const ids = [...new Set([...reports.keys(), ...running.keys()])].sort(byNumber)
  const workers = await Promise.all(
    ids.map(id => viewWorker({ id, wish, report: reports.get(id), file: running.get(id), isWatched: owner !== null })),
  )
  const isThere = owner !== null || running.size > 0
  return {
    state_dir: folder.path,
    supervisor: isThere ? { state: owner === null ? 'gone' : 'running', pid: owner?.pid ?? null } : null,
    wanted: wish === null ? null : { min: wish.min, max: wish.max },
    revision: owner === null ? null : (status?.revision ?? null),
    workers: isThere ? workers : [],
    scaling: wish !== null && isScaled(wish) ? (status?.scaling ?? null) : null,
  }
}

export function emptyView(path: string): PoolView {
  return { state_dir: path, supervisor: null, wanted: null, revision: null, workers: [], scaling: null }
}

async function viewWorker(parts: {
  readonly id: string
  readonly wish: PoolWish | null
  readonly report: MemberReport | undefined
  readonly file: WorkerFile | undefined
  readonly isWatched: boolean
}): Promise<WorkerView> {
  const { id, wish, report, file, isWatched } = parts
  const health = file === undefined ? null : await askHealth(wish?.httpHost ?? '127.0.0.1', file.port, id)
  return {
    worker_id: id,
    state: stateOf({ report, file, isWatched }, health),
    pid: file?.pid ?? null,
    port: file?.port ?? report?.port ?? 0,
    started_at: file?.started_at ?? null,
    restarts: file?.restarts ?? report?.restarts ?? 0,
    restart_at: isWatched && file === undefined ? (report?.restart_at ?? null) : null,
    running_tasks: health?.slotsUsed ?? null,
    slots: health?.slots ?? null,
    last_exit: report?.last_exit ?? null,
  }
}

/** What is seen of the process stands above what the supervisor last wrote. */
export function stateOf(
  seen: {
    readonly report: Pick<MemberReport, 'state' | 'started_at'> | undefined
    readonly file: Pick<WorkerFile, 'pid' | 'started_at'> | undefined
    readonly isWatched: boolean
  },
  health: WorkerHealth | null,
): WorkerViewState {
  const { report, file, isWatched } = seen
  if (file === undefined) {
    if (!isWatched) return 'down'
    if (report === undefined || report.state === 'running') return 'starting'
    return report.state
  }
  if (report?.state === 'stopping') return 'stopping'
  if (health !== null) return health.status === 'ok' ? 'up' : health.status
  return Date.now() - Date.parse(file.started_at) < startingMs ? 'starting' : 'silent'
}

/** Until a process has loaded its modules it cannot answer. */
const startingMs = 10_000

/** 0 all up, 1 some are not, 3 nothing runs: as `systemctl status` has it. */
export function exitCodeOfView(view: PoolView): 0 | 1 | 3 {
  if (view.supervisor === null) return 3
  const staying = view.workers.filter(worker => worker.state !== 'stopping')
  const isWhole = staying.length >= (view.wanted?.min ?? 0) && staying.every(worker => worker.state === 'up')
  return view.supervisor.state === 'running' && isWhole ? 0 : 1
}

function byNumber(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}
