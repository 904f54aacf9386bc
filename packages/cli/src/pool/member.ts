import { describeExit } from '../child-process.ts'
import { exitCodes } from '../exit-codes.ts'
import { type Supervised, type SupervisionEvent, supervise } from '../supervision.ts'
import { isAlive, type ProcessMark } from './process-mark.ts'
import { parseMark, type StateFolder } from './state-folder.ts'
import { type PoolWish, workerArgs, workerIdOf } from './wish.ts'
import { adoptProcess, startWorkerProcess } from './worker-process.ts'

/** After so many deaths in a row, over a minute apart at the end, the cause is none that a further start would remove. */
const deathsMax = 10
/** Beyond the grace: handlers that are told to stop, the last results, the farewell. */
const beyondGraceMs = 8_000

export type MemberState = 'running' | 'waiting' | 'stopping' | 'drained' | 'given_up'

/** One worker of a pool, as the supervisor knows it. */
export interface MemberReport {
  readonly worker_id: string
  readonly state: MemberState
  readonly pid: number | null
  readonly port: number
  readonly started_at: string | null
  readonly restarts: number
  readonly last_exit: { readonly at: string; readonly how: string } | null
  /** Of a waiting one. */
  readonly restart_at: string | null
}

export interface Member {
  readonly number: number
  report(): MemberReport
  /** Waits until it is gone. */
  stop(): Promise<void>
  /** Writes its file if that failed before, on a disk that was full. */
  keepFile(): void
  kill(): void
}

/** What is kept of a running worker, for a supervisor that comes later and for whoever looks. */
export interface WorkerFile extends ProcessMark {
  readonly worker_id: string
  readonly port: number
  readonly started_at: string
  readonly restarts: number
}

export function parseWorkerFile(value: unknown): WorkerFile | null {
  const mark = parseMark(value)
  if (mark === null || typeof value !== 'object' || value === null) return null
  if (!('worker_id' in value && 'port' in value && 'started_at' in value && 'restarts' in value)) return null
  const { worker_id, port, started_at, restarts } = value
  if (typeof worker_id !== 'string' || typeof port !== 'number' || typeof started_at !== 'string') return null
  return { ...mark, worker_id, port, started_at, restarts: typeof restarts === 'number' ? restarts : 0 }
}

/** The workers that run, whoever started them. */
export function findWorkers(folder: StateFolder): readonly WorkerFile[] {
  return folder.workerFiles().flatMap(name => {
    const file = folder.read(name, parseWorkerFile)
    return file !== null && isAlive(file) ? [file] : []
  })
}

/**
 * Of processes that are gone: after a reboot, or of a supervisor that was killed. Only for who is alone with the folder, as
 * the file may be another's by the time it is removed.
 */
export function removeStaleFiles(folder: StateFolder): void {
  const alive = new Set(findWorkers(folder).map(worker => `workers/${worker.worker_id}.json`))
  for (const name of folder.workerFiles()) if (!alive.has(name)) folder.remove(name)
}

export function stopPatienceMs(wish: PoolWish): number {
  return wish.graceSeconds * 1_000 + beyondGraceMs
}

export interface MemberParts {
  readonly folder: StateFolder
  readonly wish: PoolWish
  readonly number: number
  readonly port: number
  readonly env: Readonly<Record<string, string | undefined>>
  readonly nowMs: () => number
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly log: (text: string) => void
  /** It runs already. */
  readonly found: WorkerFile | null
  /** What the supervisor before had written of it. */
  readonly last: MemberReport | null
}

export function startMember(parts: MemberParts): Member {
  const { folder, wish, number, port, found, last } = parts
  const id = workerIdOf(wish, number)
  const file = `workers/${id}.json`
  const iso = (ms: number) => new Date(ms).toISOString()
  let state: MemberState = 'running'
  let startedAt: string | null = found?.started_at ?? null
  let restartAt: string | null = null
  let restarts = found?.restarts ?? last?.restarts ?? 0
  let lastExit = last?.last_exit ?? null
  let hasStarted = found !== null || last !== null

  let unfiled: WorkerFile | null = null

  const keepFile = (): void => {
    if (unfiled === null) return
    try {
      folder.write(file, unfiled)
      unfiled = null
    } catch (error) {
      parts.log(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const onStarted = (mark: ProcessMark | null): void => {
    if (hasStarted) restarts += 1
    hasStarted = true
    startedAt = iso(parts.nowMs())
    if (mark === null) return
    unfiled = { ...mark, worker_id: id, port, started_at: startedAt, restarts }
    keepFile()
  }
  const onEvent = (event: SupervisionEvent): void => {
    if (event.event === 'started') {
      state = 'running'
      restartAt = null
      parts.log(`${id} ${found?.pid === event.pid ? 'is taken over' : 'is started'}, process ${event.pid}.`)
    } else {
      unfiled = null
      folder.remove(file)
      const how = event.event === 'left' ? 'was sent away' : describeExit(event.exit)
      lastExit = { at: iso(parts.nowMs()), how }
      startedAt = null
      if (event.event === 'ended') {
        state = 'waiting'
        restartAt = iso(parts.nowMs() + event.restartInMs)
        parts.log(`${id} ${how}; it is started again in ${event.restartInMs / 1_000} s.`)
      } else if (event.event === 'gave_up') {
        state = 'given_up'
        parts.log(`${id} ${how}, ${deathsMax} times in a row. It is given up until the next \`workers start\`.`)
      } else if (event.event === 'left') {
        state = 'drained'
        parts.log(`${id} was sent away by the scheduler. It stays away until the next \`workers start\`.`)
      } else parts.log(`${id} is stopped, it ${how}.`)
    }
  }
  const supervised: Supervised = supervise({
    name: id,
    args: workerArgs(wish, number, port),
    env: parts.env,
    onLine: () => undefined,
    onEvent,
    nowMs: parts.nowMs,
    sleep: parts.sleep,
    deathsMax,
    isFarewell: exit => exit.code === exitCodes.drained,
    start: options => startWorkerProcess(options, { log: folder.logOf(id), cwd: wish.cwd, onStarted }),
    ...(found === null ? {} : { first: adoptProcess(id, found) }),
  })
  return {
    number,
    report: () => ({
      worker_id: id,
      state,
      pid: supervised.current()?.pid ?? null,
      port,
      started_at: startedAt,
      restarts,
      last_exit: lastExit,
      restart_at: restartAt,
    }),
    async stop() {
      state = 'stopping'
      await supervised.stop(stopPatienceMs(wish))
    },
    keepFile,
    kill: () => supervised.current()?.kill('SIGKILL'),
  }
}
