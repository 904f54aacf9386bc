import { anyName, type Worker } from '@tasklane/protocol'
import { Problem } from '../core/problem.ts'
import { areWithin, isWithin, type Names, narrowed } from '../core/scope.ts'
import type { TaskDraft, TaskId, WorkerId } from '../core/task.ts'
import type { Clock } from '../ports/clock.ts'
import type { TaskFilter, WorkerSettings } from '../ports/store.ts'
import type { BulkAsk, Engine, SubmitRefusal } from './engine.ts'
import { unknownTask, unknownWorker } from './unknown.ts'

export interface Limits {
  readonly queues: Names
  readonly types: Names
  /** Reads of tasks nothing but the parents of what runs. */
  readonly isWorker: boolean
}

/** For so long it is believed that a worker is still registered as it was; the fence of its tasks does not depend on it. */
const believedMs = 1_000
const workersMax = 1_000

/**
 * The engine as a token sees it that is for some queues and types only. It submits to them, changes what is in them, and
 * acts only for workers that are registered for nothing else; other workers are unknown to it.
 */
export function limitedTo(engine: Engine, limits: Limits, clock: Clock): Engine {
  const refuseDraft = ({ queue, type }: Pick<TaskDraft, 'queue' | 'type'>): Problem | null =>
    refusalOf('queue', queue, limits.queues) ?? refusalOf('type', type, limits.types)

  /** Refuses unless the task is within the limits; neither its queue nor its type ever changes. */
  async function within<Result>(id: TaskId, act: () => Promise<Result>): Promise<Result> {
    if (limits.queues !== null || limits.types !== null) {
      const refusal = refuseDraft(await engine.task(id))
      if (refusal !== null) throw refusal
    }
    return act()
  }

  const narrow = (filter: TaskFilter): TaskFilter => ({
    ...filter,
    queues: narrowed(filter.queues, limits.queues),
    types: narrowed(filter.types, limits.types),
  })

  return Object.freeze<Engine>({
    ...engine,
    submit: async drafts => {
      for (const draft of drafts) {
        const refusal = refuseDraft(draft)
        if (refusal !== null) throw refusal
      }
      return engine.submit(drafts)
    },
    submitEach: async drafts => {
      const sound = drafts.filter(draft => refuseDraft(draft) === null)
      const outcomes = sound.length === 0 ? [] : await engine.submitEach(sound)
      const bySound = new Map(sound.map((draft, at) => [draft, outcomes[at]]))
      return drafts.map(draft => bySound.get(draft) ?? refused(refuseDraft(draft)))
    },
    cancel: (id, reason) => within(id, () => engine.cancel(id, reason)),
    retry: (id, withDependents) => within(id, () => engine.retry(id, withDependents)),
    reprioritise: (id, priority) => within(id, () => engine.reprioritise(id, priority)),
    remove: id => within(id, () => engine.remove(id)),
    completeByHand: (id, result) => within(id, () => engine.completeByHand(id, result)),
    bulk: async ask => engine.bulk({ ...ask, target: await targetWithin(ask.target) }),
    types: async () => {
      const types = (await engine.types()).filter(type => isWithin(type.task_type, limits.types))
      return types.map(type => ({ ...type, queues: narrowed(type.queues, limits.queues) }))
    },
    setQueue: async (name, settings) => {
      const refusal = refusalOf('queue', name, limits.queues)
      if (refusal !== null) throw refusal
      return engine.setQueue(name, settings)
    },
    alerts: {
      ...engine.alerts,
      silence: async (id, silence) => {
        const { queue, task_type: type } = await engine.alerts.one(id)
        const isOurs =
          (limits.queues === null || (queue !== null && isWithin(queue, limits.queues))) &&
          (limits.types === null || (type !== null && isWithin(type, limits.types)))
        if (!isOurs) throw new Problem('forbidden', `Alert ${id} is about more than this token is for.`)
        return engine.alerts.silence(id, silence)
      },
    },
    ...(limits.isWorker ? readsOfWorker(engine, limits) : {}),
    ...servesWithin(engine, limits, clock),
  })

  async function targetWithin(target: BulkAsk['target']): Promise<BulkAsk['target']> {
    if ('filter' in target) return { filter: narrow(target.filter) }
    if (limits.queues === null && limits.types === null) return target
    throw new Problem(
      'forbidden',
      'A token that is limited to queues or types names the tasks of a bulk call by filter.',
    )
  }
}

/** The worker protocol, within the limits. */
function servesWithin(engine: Engine, limits: Limits, clock: Clock): Partial<Engine> {
  if (limits.queues === null && limits.types === null) return {}
  const believed = new Map<WorkerId, number>()

  /** What a worker is registered for; null where it is not registered. */
  async function isOurs(id: WorkerId): Promise<boolean | null> {
    if ((believed.get(id) ?? Number.NEGATIVE_INFINITY) > clock.monotonic()) return true
    believed.delete(id)
    const worker = await engine.worker(id).catch((error: unknown) => {
      if (error instanceof Problem && error.code === 'worker_unknown') return null
      throw error
    })
    if (worker === null) return null
    if (!servesOnly(worker, limits)) return false
    believed.set(id, clock.monotonic() + believedMs)
    const oldest = believed.size > workersMax ? believed.keys().next().value : undefined
    if (oldest !== undefined) believed.delete(oldest)
    return true
  }

  /** One that is not registered is told so by the engine itself. */
  async function asOurs<Result>(id: WorkerId, act: () => Promise<Result>): Promise<Result> {
    if ((await isOurs(id)) === false) throw unknownWorker(id)
    return act()
  }

  return {
    register: async (settings, options) => {
      // A worker that is replaced loses its tasks: nothing is believed of it.
      believed.delete(settings.id)
      if ((await isOurs(settings.id)) === false) {
        throw new Problem(
          'forbidden',
          `Worker '${settings.id}' is registered for more than this token is for; choose another id.`,
        )
      }
      return engine.register(narrowedSettings(settings, limits), options)
    },
    claim: ask => asOurs(ask.workerId, () => engine.claim({ ...ask, within: limits })),
    heartbeat: beat => asOurs(beat.workerId, () => engine.heartbeat(beat)),
    leasesOf: id => asOurs(id, () => engine.leasesOf(id)),
    settle: async (id, results) => {
      if ((await isOurs(id)) !== false) return engine.settle(id, results)
      return results.map(result => ({ task_id: result.taskId, verdict: 'unknown' }))
    },
    appendLogs: async (id, lines) => ((await isOurs(id)) === false ? 0 : engine.appendLogs(id, lines)),
    worker: id => asOurs(id, () => engine.worker(id)),
    drain: id => asOurs(id, () => engine.drain(id)),
    deregister: id => {
      believed.delete(id)
      return asOurs(id, () => engine.deregister(id))
    },
  }
}

/** What a worker may know of tasks beside those that it is handed: the parents of one that runs. */
function readsOfWorker(engine: Engine, limits: Limits): Pick<Engine, 'task' | 'taskByNumber' | 'parents'> {
  async function running(id: TaskId): ReturnType<Engine['task']> {
    const task = await engine.task(id)
    const isAllowed =
      task.state === 'running' && isWithin(task.queue, limits.queues) && isWithin(task.type, limits.types)
    if (!isAllowed) throw unknownTask(id)
    return task
  }
  return {
    task: running,
    taskByNumber: async number => running((await engine.taskByNumber(number)).id),
    parents: async (id, from) => {
      await running(id)
      return engine.parents(id, from)
    },
  }
}

function servesOnly({ queues, capabilities }: Pick<Worker, 'queues' | 'capabilities'>, limits: Limits): boolean {
  const named = (names: readonly string[]): Names => (names.includes(anyName) ? null : names)
  return areWithin(named(queues), limits.queues) && areWithin(named(capabilities), limits.types)
}

/** Who names nothing gets all that the token is for; who names more is refused. */
function narrowedSettings(settings: WorkerSettings, limits: Limits): WorkerSettings {
  for (const queue of settings.queues ?? []) {
    const refusal = refusalOf('queue', queue, limits.queues)
    if (refusal !== null) throw refusal
  }
  for (const type of settings.capabilities ?? []) {
    const refusal = refusalOf('type', type, limits.types)
    if (refusal !== null) throw refusal
  }
  return {
    ...settings,
    queues: settings.queues ?? limits.queues,
    capabilities: settings.capabilities ?? limits.types,
  }
}

function refusalOf(what: 'queue' | 'type', name: string, names: Names): Problem | null {
  if (isWithin(name, names)) return null
  const detail =
    names?.length === 0
      ? 'This caller may do nothing here.'
      : `This token is for the ${what}s ${(names ?? [])
          .slice(0, 20)
          .map(one => `'${one}'`)
          .join(', ')}; '${name}' is not among them.`
  return new Problem('forbidden', detail)
}

function refused(problem: Problem | null): SubmitRefusal {
  if (problem === null) throw new Error('Assertion failed: what was not submitted was refused')
  return { outcome: 'refused', code: problem.code, detail: problem.message }
}
