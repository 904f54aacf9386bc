import { anyName, limits, type RegistrationReply, type Worker } from '@tasklane/protocol'
import type { Principal } from '../../core/access.ts'
import { Problem } from '../../core/problem.ts'
import { jsonText, type TaskId, type TaskRecord, type WorkerId, workerId } from '../../core/task.ts'
import type { Engine, WorkerResult } from '../../engine/engine.ts'
import type { LeaseFacts, WorkerSettings } from '../../ports/store.ts'
import { pullQueue } from './pull-tasks.ts'

/**
 * Workers of the pull scheduler: loops that ask for one task at a time, say that they live every five seconds, and know
 * neither epochs nor leases. Their fence is the claim last handed to their id: a word of theirs about a task is taken for
 * a word under the epoch of their last attempt at it, and the store decides, as for everybody, whether that still counts.
 *
 * A worker that asks while it holds a task is handed the same one again, under the same epoch: its reply was lost, or it
 * was started anew. Nothing it could say would tell one epoch from the other (docs/decisions/0012).
 */

/** They beat so often, whatever the scheduler's interval: they cannot be told another. */
const heartbeatMs = 5_000

/** Repeated, a claim returns what it has handed out: two that meet get one task. */
const claimName = 'pull'

/** On the worker: which types it gets. */
const reachLabel = 'pull'
/** On the worker: what it held when it registered again. */
const heldLabel = 'pull_held'

/** `submitted`: those that were ever submitted in this dialect; `named` and `all`: as it said when it registered. */
type Reach = 'submitted' | 'named' | 'all'

/** @param capabilities null is what was submitted in this dialect */
export async function registerPullWorker(
  engine: Engine,
  principal: Principal,
  id: WorkerId,
  capabilities: readonly string[] | null,
): Promise<RegistrationReply> {
  const reach: Reach = capabilities === null ? 'submitted' : capabilities.includes(anyName) ? 'all' : 'named'
  const known = await find(engine, id)
  const [held] = known === null ? [] : await engine.leasesOf(id)
  const labels = { [reachLabel]: reach, ...(held === undefined ? {} : { [heldLabel]: keyOf(held) }) }
  return register(engine, principal, { id, labels, instance: known?.instance ?? claimName, named: capabilities ?? [] })
}

/** Runs a call that needs a worker to be registered; where it is not, it is by now. */
export async function asKnown<Reply>(
  engine: Engine,
  principal: Principal,
  id: WorkerId,
  call: () => Promise<Reply>,
): Promise<Reply> {
  try {
    return await call()
  } catch (error) {
    if (!isUnknownWorker(error)) throw error
    // Its own registration may have come meanwhile, and says more than this one.
    if ((await find(engine, id)) === null) {
      const labels = { [reachLabel]: 'submitted' }
      await register(engine, principal, { id, labels, instance: claimName, named: [] })
    }
    return call()
  }
}

/** The task it holds, or a new one; null where there is none for it. */
export async function handOut(engine: Engine, principal: Principal, id: WorkerId): Promise<TaskRecord | null> {
  const worker = await asKnown(engine, principal, id, () => engine.worker(id))
  const held = await engine.leasesOf(id)
  if (held.some(lease => keyOf(lease) === worker.labels[heldLabel])) {
    await replaceProcess(engine, principal, worker)
    return claim(engine, id)
  }
  for (const lease of held) {
    const again = await handAgain(engine, lease)
    if (again !== null) return again
  }
  await learnTypes(engine, principal, worker)
  return claim(engine, id)
}

/**
 * A reply that is lost is asked for again, and may meanwhile have reached a second process of this id: what was handed
 * out is taken back by its lease and by nothing else.
 */
async function claim(engine: Engine, id: WorkerId): Promise<TaskRecord | null> {
  const { signal } = new AbortController()
  try {
    const [task] = await engine.claim({ workerId: id, limit: 1, waitMs: 0, requestId: claimName, signal })
    return task ?? null
  } catch (error) {
    if (error instanceof Problem && error.code === 'worker_draining') return null
    throw error
  }
}

/** Whoever registers, and then asks for work, has begun anew: what the process before it held went down with it. */
async function replaceProcess(engine: Engine, principal: Principal, worker: Worker): Promise<void> {
  const { [heldLabel]: _, ...labels } = worker.labels
  await register(engine, principal, { ...settingsOf(worker), labels, instance: engine.newTaskId() })
}

/** Null where it is this worker's no longer, or not worth running. */
async function handAgain(engine: Engine, lease: LeaseFacts): Promise<TaskRecord | null> {
  const { taskId, epoch, workerId: id } = lease
  // It asks for work, so it runs nothing: the scheduler need not wait for it any longer.
  if (lease.pastDeadline) {
    const error = { code: 'timeout', message: 'The worker asked for other work after the time limit had passed.' }
    await engine.settle(id, [{ ...silent, taskId, epoch, outcome: 'failed', error }])
    return null
  }
  const beat = { workerId: id, systemInfo: null, currentTasks: [{ taskId, epoch, progress: null }] }
  const { cancel, lost } = await engine.heartbeat(beat)
  if (lost.length > 0) return null
  if (cancel.length > 0) {
    await engine.settle(id, [{ ...silent, taskId, epoch, outcome: 'released' }])
    return null
  }
  const task = await engine.task(taskId)
  return task.state === 'running' && task.epoch === epoch && task.workerId === id ? task : null
}

const silent = { result: null, error: null, isRetryable: true, retryAfterMs: null, resultFault: null }

/**
 * Ends this worker's last attempt at a task. False where the attempt was over, by another word, or there never was one:
 * then nothing was changed. Throws `task_unknown`.
 */
export async function report(
  engine: Engine,
  id: WorkerId,
  taskId: TaskId,
  said: (epoch: number) => WorkerResult,
): Promise<boolean> {
  const attempts = await engine.attempts(taskId)
  const own = attempts.findLast(attempt => attempt.workerId === id)
  if (own === undefined) return false
  const [result] = await engine.settle(id, [said(own.epoch)])
  return result?.verdict === 'applied'
}

/** A type may have been submitted for the first time since the worker was heard last. */
async function learnTypes(engine: Engine, principal: Principal, worker: Worker): Promise<void> {
  if (worker.labels[reachLabel] !== 'submitted') return
  const { capabilities, queues } = reachOf(principal, 'submitted', await engine.typesIn(pullQueue))
  const isSame = isTold(capabilities, worker.capabilities) && isTold(queues, worker.queues)
  if (isSame) return
  const settings = settingsOf(worker)
  // To register would end a drain.
  const { drain } = await engine.heartbeat({ workerId: settings.id, systemInfo: null, currentTasks: [] })
  if (!drain) await register(engine, principal, settings)
}

function isTold(names: readonly string[] | null, told: readonly string[]): boolean {
  return (names ?? [anyName]).join() === told.join()
}

interface PullSettings {
  readonly id: WorkerId
  readonly labels: Readonly<Record<string, string>>
  readonly instance: string
  /** Where its reach is `named`. */
  readonly named: readonly string[]
}

function settingsOf({ worker_id, labels, instance, capabilities }: Worker): PullSettings {
  return { id: workerId(worker_id), labels, instance: instance ?? claimName, named: capabilities }
}

async function register(engine: Engine, principal: Principal, settings: PullSettings): Promise<RegistrationReply> {
  const { id, labels, instance, named } = settings
  const reach = labels[reachLabel] === 'all' || labels[reachLabel] === 'named' ? labels[reachLabel] : 'submitted'
  const types = reach === 'submitted' ? await engine.typesIn(pullQueue) : named
  const { capabilities, queues } = reachOf(principal, reach, types)
  return engine.register(
    { id, instance, capabilities, queues, slots: 1, labels: jsonText(labels), types: null },
    { heartbeatMs },
  )
}

/** Within what the caller's token is for. More types than a worker may name are all of this dialect's queue. */
function reachOf(
  principal: Principal,
  reach: Reach,
  types: readonly string[],
): Pick<WorkerSettings, 'capabilities' | 'queues'> {
  const { queues } = principal
  const wanted = reach === 'all' ? null : types
  if (principal.types !== null) {
    return {
      queues,
      capabilities: wanted === null ? principal.types : principal.types.filter(type => wanted.includes(type)),
    }
  }
  if (wanted === null || wanted.length <= limits.workerNamesMax) return { queues, capabilities: wanted }
  return { capabilities: null, queues: [pullQueue].filter(name => queues?.includes(name) ?? true) }
}

function keyOf({ taskId, epoch }: LeaseFacts): string {
  return `${taskId} ${epoch}`
}

async function find(engine: Engine, id: WorkerId): Promise<Worker | null> {
  try {
    return await engine.worker(id)
  } catch (error) {
    if (isUnknownWorker(error)) return null
    throw error
  }
}

function isUnknownWorker(error: unknown): boolean {
  return error instanceof Problem && error.code === 'worker_unknown'
}
