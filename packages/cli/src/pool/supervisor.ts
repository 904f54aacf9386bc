import type { SchedulerClient } from '../connection.ts'
import { rotateLog } from './log-rotation.ts'
import { findWorkers, type Member, type MemberReport, removeStaleFiles, startMember } from './member.ts'
import { tryPort } from './ports.ts'
import { decideSize, noMemory, type ScalingLook, type ScalingMemory } from './scaling.ts'
import { isOwner, own, ownerOf, type StateFolder } from './state-folder.ts'
import { isScaled, numberOf, type PoolWish, parseWish, workerIdOf } from './wish.ts'
import { askHealth } from './worker-health.ts'

/**
 * The process that keeps a pool as it is wanted. It looks at `pool.json` twice a second, starts what is missing, sends away
 * what is too much, and writes what it sees into `status.json`. It may be killed at any moment: its workers run on, and
 * the next supervisor takes them over by their files.
 */
export interface SupervisorParts {
  readonly folder: StateFolder
  readonly env: Readonly<Record<string, string | undefined>>
  readonly nowMs: () => number
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly log: (text: string) => void
  /** Aborted when the pool is to end. */
  readonly stopping: AbortSignal
  readonly connect: (urls: readonly string[]) => Pick<SchedulerClient, 'queues' | 'close'>
}

export interface Supervisor {
  /** Resolves when it has ended, and its workers with it unless another supervisor has them. */
  readonly done: Promise<void>
  killAll(): void
}

export interface PoolStatusFile {
  readonly revision: number
  readonly workers: readonly MemberReport[]
  readonly scaling: { readonly at: string; readonly reason: string } | null
}

export function parseStatus(value: unknown): PoolStatusFile | null {
  if (typeof value !== 'object' || value === null || !('workers' in value) || !Array.isArray(value.workers)) return null
  return value as PoolStatusFile // Written by the supervisor of this program.
}

const lookEveryMs = 500
const scaleEveryMs = 2_000
export const supervisorFile = 'supervisor.json'
export const supervisorLog = 'supervisor'

/** @returns null where another supervisor has the folder */
export function startSupervisor(parts: SupervisorParts): Supervisor | null {
  const { folder } = parts
  if (own(folder, supervisorFile) !== null) return null
  removeStaleFiles(folder)
  const members = new Map<number, Member>()
  const done = run(parts, members)
  return {
    done,
    killAll: () => {
      for (const member of members.values()) member.kill()
    },
  }
}

async function run(parts: SupervisorParts, members: Map<number, Member>): Promise<void> {
  const { folder, log, stopping } = parts
  const crew = createCrew(parts, members)
  const scaler = createScaler(parts)
  let wish: PoolWish | null = null
  while (!stopping.aborted) {
    if (!isOwner(folder, supervisorFile)) break
    const wanted = folder.read('pool.json', parseWish)
    if (wanted === null) break
    if (wish?.revision !== wanted.revision) await crew.adopt(wanted)
    wish = wanted
    await crew.fit(wish, await scaler.size(wish, members))
    for (const name of [supervisorLog, ...[...members.values()].map(member => member.report().worker_id)]) {
      tell(log, () => rotateLog(folder.logOf(name)))
    }
    tell(log, () => folder.write('status.json', statusOf(wanted, members, scaler.reason())))
    await parts.sleep(lookEveryMs, stopping).catch(() => undefined)
  }
  await scaler.close()
  if (ownerOf(folder, supervisorFile) !== null && !isOwner(folder, supervisorFile)) {
    log('Another supervisor has taken over; this one leaves.')
    return
  }
  log(stopping.aborted ? 'The pool is stopped.' : `${folder.path} was taken away; the pool ends with it.`)
  await crew.end()
  for (const name of ['pool.json', 'status.json', supervisorFile]) folder.remove(name)
}

/** A disk that is full ends no pool. */
function tell(log: (text: string) => void, work: () => unknown): void {
  try {
    work()
  } catch (error) {
    log(error instanceof Error ? error.message : String(error))
  }
}

function statusOf(wish: PoolWish, members: ReadonlyMap<number, Member>, scaling: PoolStatusFile['scaling']) {
  const workers = [...members.values()].sort((a, b) => a.number - b.number).map(member => member.report())
  return { revision: wish.revision, workers, scaling } satisfies PoolStatusFile
}

/** The workers there are, brought to what is wanted. */
function createCrew(parts: SupervisorParts, members: Map<number, Member>) {
  const { folder, log } = parts
  const leaving = new Set<Promise<void>>()

  async function start(wish: PoolWish, number: number): Promise<void> {
    const id = workerIdOf(wish, number)
    const found = findWorkers(folder).find(worker => worker.worker_id === id) ?? null
    const port = found?.port ?? (await choosePort(wish, number))
    if (port === null) return log(`No port is free for ${id}.`)
    const last = folder.read('status.json', parseStatus)?.workers.find(report => report.worker_id === id) ?? null
    members.set(number, startMember({ ...parts, env: envOf(parts.env), wish, number, port, found, last }))
  }

  function send(number: number): void {
    const member = members.get(number)
    if (member === undefined || member.report().state === 'stopping') return
    const going = member.stop().finally(() => {
      members.delete(number)
      leaving.delete(going)
    })
    leaving.add(going)
  }

  return {
    /** What runs already, and another chance for what was given up or sent away. */
    async adopt(wish: PoolWish): Promise<void> {
      for (const [number, member] of members) {
        if (['given_up', 'drained'].includes(member.report().state)) members.delete(number)
      }
      for (const worker of findWorkers(folder)) {
        const number = numberOf(wish, worker.worker_id)
        if (number !== null && !members.has(number)) await start(wish, number)
      }
    },
    /** @param size what is wanted, and which of them may go first */
    async fit(wish: PoolWish, size: { readonly workers: number; readonly first: readonly number[] }): Promise<void> {
      for (const member of members.values()) member.keepFile()
      const staying = [...members.values()].filter(member => member.report().state !== 'stopping')
      const surplus = staying.length - size.workers
      if (surplus > 0) {
        const byNumber = staying.map(member => member.number).sort((a, b) => b - a)
        const order = [...size.first, ...byNumber.filter(number => !size.first.includes(number))]
        for (const number of order.slice(0, surplus)) send(number)
      }
      for (let number = 1, missing = -surplus; missing > 0; number += 1) {
        // A number whose worker still drains is not given twice: the scheduler would take the two for one.
        if (members.has(number)) continue
        await start(wish, number)
        missing -= 1
      }
    },
    async end(): Promise<void> {
      for (const number of members.keys()) send(number)
      await Promise.all(leaving)
    },
  }
}

async function choosePort(wish: PoolWish, number: number): Promise<number | null> {
  if (wish.httpPort !== 0) return wish.httpPort + number - 1
  const got = await tryPort(wish.httpHost, null)
  return 'port' in got ? got.port : null
}

/** Settings that are the pool's own, or a scheduler's secrets, are no worker's business. */
const notForWorkers =
  /^(WORKER_ID|MAX_WORKERS|TASKLANE_URL|TASKLANE_SCALING_TOKEN|TASKLANE_WORKER_TOKEN.*|TASKLANE_ADMIN_PASSWORD.*|SECRET_KEY.*)$/

function envOf(env: SupervisorParts['env']): SupervisorParts['env'] {
  const kept = Object.entries(env).filter(([name]) => !notForWorkers.test(name))
  // The scheduler's own environment, or its .env: the token it knows from there is that of its workers.
  return Object.fromEntries([['TASKLANE_TOKEN', env.TASKLANE_WORKER_TOKEN], ...kept])
}

/** Looks at the scheduler's queues every few seconds and says how many workers there should be, and which may go. */
function createScaler(parts: SupervisorParts) {
  let memory: ScalingMemory = noMemory
  let size: number | null = null
  let lookedMs = Number.NEGATIVE_INFINITY
  let told: PoolStatusFile['scaling'] = null
  let client: ReturnType<SupervisorParts['connect']> | null = null

  async function look(wish: PoolWish, members: ReadonlyMap<number, Member>) {
    client ??= parts.connect(wish.urls)
    const [queues, health] = await Promise.all([
      client.queues().catch((error: unknown) => (error instanceof Error ? error.message : String(error))),
      Promise.all(
        [...members.values()].map(async ({ number, report }) => {
          const { port, worker_id, state } = report()
          const said = state === 'running' ? await askHealth(wish.httpHost, port, worker_id) : null
          return { number, used: said?.status === 'ok' ? said.slotsUsed : null }
        }),
      ),
    ])
    const served = Array.isArray(queues)
      ? queues.filter(queue => !queue.paused && (wish.queues.length === 0 || wish.queues.includes(queue.name)))
      : null
    return {
      fault: typeof queues === 'string' ? queues : null,
      idle: health.filter(({ used }) => used === 0).map(({ number }) => number),
      slotsUsed: health.reduce((sum, { used }) => sum + (used ?? 0), 0),
      queues:
        served === null
          ? null
          : {
              pending: served.reduce((sum, queue) => sum + queue.counts.pending, 0),
              finishedPerSecond: served.reduce((sum, queue) => sum + queue.finished_per_second, 0),
            },
    }
  }

  return {
    async size(wish: PoolWish, members: ReadonlyMap<number, Member>) {
      const before = size ?? Math.max(wish.min, [...members.values()].length)
      if (!isScaled(wish)) {
        told = null
        size = wish.min
        return { workers: wish.min, first: [] }
      }
      if (parts.nowMs() - lookedMs < scaleEveryMs && size !== null) return { workers: size, first: [] }
      lookedMs = parts.nowMs()
      const { fault, idle, slotsUsed, queues } = await look(wish, members)
      const seen: ScalingLook = { atMs: lookedMs, workers: before, idle: idle.length, slotsUsed, queues }
      const decision = decideSize(wish, seen, memory)
      const reason = fault === null ? decision.reason : `${decision.reason} ${fault}`
      if (decision.workers !== size || told === null || (fault !== null) !== told.reason.includes('does not tell')) {
        parts.log(`${decision.workers === 1 ? '1 worker' : `${decision.workers} workers`}. ${reason}`)
      }
      told = { at: new Date(lookedMs).toISOString(), reason }
      memory = decision.memory
      size = decision.workers
      return { workers: size, first: [...idle].sort((a, b) => b - a) }
    },
    reason: () => told,
    close: async () => client?.close(),
  }
}
