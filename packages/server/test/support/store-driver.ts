import type { TaskState } from '@tasklane/protocol'
import { type JsonText, type TaskDraft, type TaskRecord, taskId, type WorkerId, workerId } from '../../src/core/task.ts'
import type {
  AttemptRecord,
  BeatVerdict,
  Changes,
  ClaimAsk,
  ClaimedTask,
  ExchangeBatch,
  ExchangeOutcome,
  HeldLease,
  Lease,
  Outcome,
  Settlement,
  SettleResult,
  Store,
  SubmitReceipt,
  SubmitVerdict,
  WorkerSettings,
} from '../../src/ports/store.ts'
import { errorJson } from './drafts.ts'

export const leaseMsDefault = 15_000

/** Short sentences over a store, for tests: one thing at a time, with defaults for what a test does not care about. */
export interface StoreDriver {
  exchange(batch: Partial<ExchangeBatch>): Promise<ExchangeOutcome>
  /** One group; throws where it is refused. */
  submit(...drafts: readonly TaskDraft[]): Promise<readonly SubmitReceipt[]>
  /** One exchange, a verdict for each group. */
  submitGroups(...groups: readonly (readonly TaskDraft[])[]): Promise<readonly SubmitVerdict[]>
  claim(ask?: ClaimOptions): Promise<readonly ClaimedTask[]>
  /** Throws where there is nothing to claim. */
  claimOne(ask?: ClaimOptions): Promise<ClaimedTask>
  /** Submits these, claims them all for one worker, and returns the last. */
  submitAndClaim(drafts: TaskDraft | readonly TaskDraft[], ask?: ClaimOptions): Promise<ClaimedTask>
  settle(lease: Lease, outcome: Outcome, guard?: Settlement['guard']): Promise<SettleResult>
  complete(task: Held, result?: JsonText | null): Promise<SettleResult>
  /** Failed for good, or back after `retryInMs`. */
  fail(task: Held, retryInMs?: number | null, error?: JsonText): Promise<SettleResult>
  release(task: Held): Promise<SettleResult>
  beat(worker: string, options?: BeatOptions): Promise<BeatVerdict>
  /** Ends every attempt whose lease has run out as a crash, back to pending. Tells whose. */
  reap(): Promise<readonly string[]>
  /** Calls `unblock` until it is done. Tells what each call changed. */
  unblockAll(limit?: number): Promise<readonly Changes[]>
  task(id: string): Promise<TaskRecord>
  state(id: string): Promise<TaskState | null>
  states(...ids: readonly string[]): Promise<readonly (TaskState | null)[]>
  attempts(id: string): Promise<readonly AttemptRecord[]>
  register(id: string, settings?: Partial<Omit<WorkerSettings, 'id'>>): ReturnType<Store['registerWorker']>
}

/** A claimed task, as far as a settle needs it: a record of a running task will do, too. */
export type Held = Pick<TaskRecord, 'id' | 'epoch' | 'workerId'>

export interface ClaimOptions extends Partial<Omit<ClaimAsk, 'workerId'>> {
  readonly worker?: string
}

export interface BeatOptions {
  readonly held?: 'all' | readonly (string | Held | HeldLease)[]
  readonly leaseMs?: number
  readonly systemInfo?: JsonText | null
}

export function leaseOf(task: Held, worker?: string): Lease {
  return { taskId: task.id, epoch: task.epoch, workerId: worker === undefined ? holder(task) : workerId(worker) }
}

function holder(task: Held): WorkerId {
  if (task.workerId === null) throw new Error(`Task ${task.id} is held by nobody; a test needs a claimed task here.`)
  return task.workerId
}

export function driveStore(store: Store): StoreDriver {
  const exchange = (batch: Partial<ExchangeBatch>): Promise<ExchangeOutcome> =>
    store.exchange({ settles: [], submits: [], beats: [], claims: [], ...batch })

  const submitGroups = async (...groups: readonly (readonly TaskDraft[])[]): Promise<readonly SubmitVerdict[]> =>
    (await exchange({ submits: groups.map(drafts => ({ drafts })) })).submits

  const submit = async (...drafts: readonly TaskDraft[]): Promise<readonly SubmitReceipt[]> => {
    const verdict = only(await submitGroups(drafts))
    if (verdict.kind === 'refused') throw new Error(`Refused: ${verdict.code}: ${verdict.detail}`)
    return verdict.receipts
  }

  const claim = async ({ worker = 'w1', ...rest }: ClaimOptions = {}): Promise<readonly ClaimedTask[]> => {
    const ask = { queues: null, types: null, limit: 500, leaseMs: leaseMsDefault, requestId: null, ...rest }
    return only((await exchange({ claims: [{ ...ask, workerId: workerId(worker) }] })).claims)
  }

  const settle = async (lease: Lease, outcome: Outcome, guard: Settlement['guard'] = 'held'): Promise<SettleResult> =>
    only((await exchange({ settles: [{ lease, outcome, guard }] })).settles)

  const task = async (id: string): Promise<TaskRecord> => {
    const record = await store.task(taskId(id))
    if (record === null) throw new Error(`The store knows no task '${id}'.`)
    return record
  }

  const state = async (id: string): Promise<TaskState | null> => (await store.task(taskId(id)))?.state ?? null

  return Object.freeze<StoreDriver>({
    exchange,
    submit,
    submitGroups,
    claim,
    claimOne: async ask => only(await claim({ limit: 1, ...ask })),
    submitAndClaim: async (drafts, ask) => {
      await submit(...('id' in drafts ? [drafts] : drafts))
      return last(await claim(ask))
    },
    settle,
    complete: (held, result = null) => settle(leaseOf(held), { kind: 'completed', result }),
    fail: (held, retryInMs = null, error = errorJson('boom')) =>
      settle(
        leaseOf(held),
        retryInMs === null
          ? { kind: 'failed', error, as: 'failed' }
          : { kind: 'retry', delayMs: retryInMs, error, as: 'failed' },
      ),
    release: held => settle(leaseOf(held), { kind: 'released' }),
    beat: async (worker, { held = 'all', leaseMs = leaseMsDefault, systemInfo = null } = {}) => {
      const leases = held === 'all' ? held : held.map(toHeldLease)
      return only(
        (await exchange({ beats: [{ workerId: workerId(worker), systemInfo, leaseMs, held: leases }] })).beats,
      )
    },
    reap: async () => {
      const over = await store.expired(1_000)
      const outcome = { kind: 'retry', delayMs: 0, error: errorJson('worker_lost'), as: 'crashed' } as const
      await exchange({ settles: over.map(lease => ({ lease, outcome, guard: 'expired' })) })
      return over.map(lease => lease.taskId)
    },
    unblockAll: async (limit = 1_000) => {
      const all: Changes[] = []
      for (;;) {
        const { changes, isDone } = await store.unblock(limit)
        all.push(changes)
        if (isDone) return all
        if (all.length > 1_000) throw new Error('Unblock is not done after 1,000 calls.')
      }
    },
    task,
    state,
    states: (...ids) => Promise.all(ids.map(state)),
    attempts: async id => {
      const attempts = await store.attempts(taskId(id))
      if (attempts === null) throw new Error(`The store knows no task '${id}'.`)
      return attempts
    },
    register: (id, settings) =>
      store.registerWorker(
        {
          id: workerId(id),
          instance: 'first',
          capabilities: null,
          queues: null,
          slots: 10,
          labels: null,
          types: null,
          ...settings,
        },
        workerLeaseMs,
      ),
  })
}

/** What the workers of these tests are told. */
export const workerLeaseMs = 15_000

function toHeldLease(held: string | Held | HeldLease): HeldLease {
  if (typeof held === 'string') return { taskId: taskId(held), epoch: null, progress: null }
  return 'taskId' in held ? held : { taskId: held.id, epoch: held.epoch, progress: null }
}

export function only<T>(list: readonly T[]): T {
  const [first] = list
  if (first === undefined || list.length !== 1) throw new Error(`Expected one, got ${list.length}.`)
  return first
}

export function last<T>(list: readonly T[]): T {
  const end = list.at(-1)
  if (end === undefined) throw new Error('Expected at least one, got none.')
  return end
}
