import type {
  HeartbeatReply,
  Json,
  RegistrationReply,
  Stats,
  SystemInfo,
  TaskType,
  Worker,
  WorkerStatus,
} from '@tasklane/protocol'
import { anyName } from '@tasklane/protocol'
import { Problem } from '../core/problem.ts'
import { jsonText, type WorkerId } from '../core/task.ts'
import type { Clock } from '../ports/clock.ts'
import type { Store, WorkerPresence, WorkerRecord, WorkerSettings } from '../ports/store.ts'
import type { Committer } from './committer.ts'
import type { Heartbeat } from './engine.ts'
import type { Settling } from './settle.ts'
import { unknownWorker } from './unknown.ts'

/** Who works here. Presence is for people and for routing; the leases in the store are the truth. */
export interface Workers {
  /** @param ownHeartbeatMs of a worker that cannot be told of another interval; it is never held to a shorter one */
  register(settings: WorkerSettings, ownHeartbeatMs?: number): Promise<RegistrationReply>
  heartbeat(beat: Heartbeat): Promise<HeartbeatReply>
  drain(id: WorkerId): Promise<Worker>
  deregister(id: WorkerId): Promise<void>
  /** What a claim needs to know. Throws `worker_unknown`, `worker_draining`. */
  claimant(id: WorkerId): Promise<WorkerRecord>
  all(): Promise<readonly Worker[]>
  one(id: WorkerId): Promise<Worker>
  /** How many there are, and the slots of the active ones. */
  presence(): Promise<Stats['workers']>
  /** The longest lease that any worker was told: nobody can be called silent before. */
  longestLeaseMs(): Promise<number>
  /** What live workers take, in the order of the names. */
  types(): Promise<readonly TaskType[]>
  /** Workers that could run this type from this queue now. */
  capable(type: string, queue: string): Promise<{ workers: number; slots: number; freeSlots: number }>
}

export interface WorkersParts {
  readonly store: Store
  readonly committer: Committer
  readonly settling: Settling
  readonly clock: Clock
  readonly heartbeatMs: number
  readonly leaseMs: number
}

export function createWorkers({ store, committer, settling, clock, heartbeatMs, leaseMs }: WorkersParts): Workers {
  /**
   * Settings of the workers that claim here, so that a claim reads nothing. Another node may register or drain the
   * worker meanwhile, so an entry is trusted for one heartbeat; the leases do not depend on it.
   */
  const known = new Map<WorkerId, { readonly record: WorkerRecord; readonly untilMs: number }>()

  async function recordOf(id: WorkerId): Promise<WorkerRecord> {
    const cached = known.get(id)
    if (cached !== undefined && clock.monotonic() < cached.untilMs) return cached.record
    const record = await store.worker(id)
    if (record === null) {
      known.delete(id)
      throw unknownWorker(id)
    }
    known.set(id, { record, untilMs: clock.monotonic() + heartbeatMs })
    const oldest = known.size > knownMax ? known.keys().next().value : undefined
    if (oldest !== undefined) known.delete(oldest)
    return record
  }

  async function one(id: WorkerId): Promise<Worker> {
    const record = await store.worker(id)
    if (record === null) throw unknownWorker(id)
    return toWorker(record)
  }

  function toWorker(record: WorkerRecord): Worker {
    return {
      worker_id: record.id,
      status: statusOf(record),
      capabilities: record.capabilities ?? [anyName],
      queues: record.queues ?? [anyName],
      max_concurrent_tasks: record.slots,
      current_tasks: record.holds,
      labels: parse<Readonly<Record<string, string>>>(record.labels, {}),
      instance: record.instance,
      types: parse<Readonly<Record<string, Json>>>(record.types, {}),
      system_info: parse<SystemInfo>(record.systemInfo, {}),
      registered_at: new Date(record.registeredAtMs).toISOString(),
      last_heartbeat: new Date(record.lastSeenAtMs).toISOString(),
    }
  }

  return Object.freeze<Workers>({
    register: async (settings, ownHeartbeatMs = heartbeatMs) => {
      const interval = Math.max(heartbeatMs, ownHeartbeatMs)
      const ownLeaseMs = Math.round((leaseMs * interval) / heartbeatMs)
      const { orphans } = await store.registerWorker(settings, ownLeaseMs)
      known.delete(settings.id)
      await settling.lose(orphans, {
        guard: 'replaced',
        detail: 'Its process was replaced by another of the same worker id.',
      })
      return {
        worker_id: settings.id,
        heartbeat_interval: interval / 1_000,
        lease_seconds: ownLeaseMs / 1_000,
      }
    },
    heartbeat: async ({ workerId, systemInfo, currentTasks }) => {
      const held = currentTasks?.map(task => ({ ...task, progress: jsonText(task.progress) })) ?? 'all'
      // Terms change with a registration only; a beat is not worth a read.
      const terms = known.get(workerId)?.record ?? (await recordOf(workerId))
      const verdict = await committer.beat({
        workerId,
        systemInfo: jsonText(systemInfo),
        leaseMs: terms.leaseMs,
        held,
      })
      if (!verdict.isKnown) {
        known.delete(workerId)
        throw unknownWorker(workerId)
      }
      return { cancel: verdict.cancel, lost: verdict.lost, drain: verdict.isDraining }
    },
    drain: async id => {
      if (!(await store.drainWorker(id))) throw unknownWorker(id)
      known.delete(id)
      return one(id)
    },
    deregister: async id => {
      // Releasing first: should the node die between the two, the worker is still there to be deregistered again.
      await settling.release(await store.leasesOf(id))
      known.delete(id)
      if (!(await store.removeWorker(id))) throw unknownWorker(id)
    },
    claimant: async id => {
      const record = await recordOf(id)
      if (record.isDraining) {
        throw new Problem(
          'worker_draining',
          `Worker '${id}' is draining and claims nothing; register it again to take work.`,
        )
      }
      return record
    },
    all: async () => (await store.workers()).map(toWorker),
    one,
    presence: async () => {
      const present = { active: 0, draining: 0, lost: 0, slots: 0 }
      for (const record of await store.presence()) {
        const status = statusOf(record)
        present[status] += 1
        if (status === 'active') present.slots += record.slots
      }
      return present
    },
    longestLeaseMs: async () =>
      (await store.presence()).reduce((most, { leaseMs: own }) => Math.max(most, own), leaseMs),
    types: async () => typesOf((await store.workers()).filter(record => statusOf(record) === 'active')),
    capable: async (type, queue) => {
      const records = (await store.workers()).filter(
        record =>
          statusOf(record) === 'active' &&
          (record.capabilities?.includes(type) ?? true) &&
          (record.queues?.includes(queue) ?? true),
      )
      const slots = records.reduce((sum, record) => sum + record.slots, 0)
      const freeSlots = records.reduce((sum, record) => sum + Math.max(0, record.slots - record.holds.length), 0)
      return { workers: records.length, slots, freeSlots }
    },
  })
}

/** Workers whose settings are kept at hand; another one costs a read. */
const knownMax = 10_000

function statusOf(record: WorkerPresence): WorkerStatus {
  if (record.lastSeenAtMs + record.leaseMs < record.nowMs) return 'lost'
  return record.isDraining ? 'draining' : 'active'
}

/** A worker that takes any type is asked for those that it published a schema of. */
function typesOf(records: readonly WorkerRecord[]): readonly TaskType[] {
  const types = new Map<string, { schema: Json; queues: Set<string> | null; workers: number }>()
  for (const record of records) {
    const schemas = parse<Readonly<Record<string, Json>>>(record.types, {})
    for (const type of new Set([...(record.capabilities ?? []), ...Object.keys(schemas)])) {
      const entry = types.get(type) ?? { schema: null, queues: new Set(), workers: 0 }
      types.set(type, entry)
      entry.workers += 1
      entry.schema ??= Object.hasOwn(schemas, type) ? (schemas[type] ?? null) : null
      if (record.queues === null) entry.queues = null
      else for (const queue of record.queues) entry.queues?.add(queue)
    }
  }
  return [...types]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([task_type, { schema, queues, workers }]) => ({
      task_type,
      schema,
      queues: queues === null ? null : [...queues].sort(),
      workers,
    }))
}

function parse<T>(text: string | null, otherwise: T): T {
  return text === null ? otherwise : (JSON.parse(text) as T) // We wrote the text from a value of this shape.
}
