import { onTestFinished } from 'vitest'
import { createLocalBroker } from '../../src/brokers/local/local-broker.ts'
import { Problem } from '../../src/core/problem.ts'
import { type TaskDraft, type TaskId, taskId, type WorkerId, workerId } from '../../src/core/task.ts'
import { createEngine, type EngineSettings, engineSettingsDefault } from '../../src/engine/create-engine.ts'
import type { Engine, EngineEvent, WorkerResult } from '../../src/engine/engine.ts'
import type { Broker } from '../../src/ports/broker.ts'
import type { Courier } from '../../src/ports/courier.ts'
import type { Log } from '../../src/ports/log.ts'
import type { ClaimedTask, ExchangeBatch, Store, WorkerSettings } from '../../src/ports/store.ts'
import { createMemoryStore } from '../../src/stores/memory/memory-store.ts'
import { createVirtualClock, type VirtualClock, type VirtualClockOptions } from '../support/virtual-clock.ts'

export const heartbeatMs = 5_000
export const leaseMs = 15_000

/** One node over the model, in virtual time. */
export interface TestNode {
  readonly engine: Engine
  readonly store: Store
  readonly clock: VirtualClock
  /** What the engine asked of the store's hot path, in order. */
  readonly exchanges: ExchangeBatch[]
  readonly events: EngineEvent[]
  readonly log: { readonly level: string; readonly message: string }[]
  /** While set, every call of the store rejects with it. */
  outage: Error | null
  /** Calls of the store go on when this does. */
  silence: Promise<void>
  register(id: string, settings?: Partial<WorkerSettings>): Promise<void>
  /** Waits as long as asked; with no wait, an empty list tells that there is nothing. */
  claim(id: string, options?: ClaimOptions): Promise<readonly ClaimedTask[]>
  claimOne(id: string, options?: ClaimOptions): Promise<ClaimedTask>
  settle(task: ClaimedTask, result: Partial<WorkerResult> & Pick<WorkerResult, 'outcome'>): Promise<string>
  beat(id: string): Promise<{ readonly cancel: readonly string[]; readonly lost: readonly string[] }>
}

export interface ClaimOptions {
  readonly limit?: number
  readonly waitMs?: number
  readonly requestId?: string
  readonly signal?: AbortSignal
}

export interface NodeOptions {
  readonly settings?: Partial<EngineSettings>
  readonly clock?: VirtualClockOptions
  readonly broker?: Broker
  readonly courier?: Courier
  /** False leaves the engine unstarted: no sweeps. */
  readonly isStarted?: boolean
  /** Another node over the same store and clock. */
  readonly beside?: TestNode
  readonly exchangesAtOnce?: number
  /** Holds back an exchange on its way to the store. */
  readonly beforeExchange?: (batch: ExchangeBatch) => Promise<void>
  /** Holds back the answer to an exchange that the store has made. */
  readonly afterExchange?: (batch: ExchangeBatch) => Promise<void>
  /** As if other nodes could move tasks, too. */
  readonly isShared?: boolean
  /** Calls of the store that meet a fault of our own, now. */
  readonly isBroken?: (call: keyof Store) => boolean
}

export async function startNode(options: NodeOptions = {}): Promise<TestNode> {
  const clock = options.beside?.clock ?? createVirtualClock(options.clock)
  const model = options.beside?.store ?? createMemoryStore({ clock })
  const exchanges: ExchangeBatch[] = []
  const events: EngineEvent[] = []
  const lines: { readonly level: string; readonly message: string }[] = []
  const shared = options.isShared === undefined ? model : { ...model, isShared: options.isShared }
  const store = watched(shared, options, async batch => {
    if (batch !== null) exchanges.push(batch)
    if (node.outage !== null) throw node.outage
    await node.silence
    if (batch !== null) await options.beforeExchange?.(batch)
  })
  const engine = createEngine({
    store,
    broker: options.broker ?? createLocalBroker(),
    clock,
    log: createTestLog(lines),
    settings: { ...engineSettingsDefault, heartbeatMs, ...options.settings },
    ...(options.courier === undefined ? {} : { courier: options.courier }),
  })
  engine.observe(event => events.push(event))
  const node: TestNode = {
    engine,
    store: model,
    clock,
    exchanges,
    events,
    log: lines,
    outage: null,
    silence: Promise.resolve(),
    register: async (id, settings) => {
      const rest = { instance: 'one', capabilities: null, queues: null, slots: 10, labels: null, types: null }
      await engine.register({ id: workerId(id), ...rest, ...settings })
    },
    claim: (id, { limit = 10, waitMs = 0, requestId = null, signal = new AbortController().signal } = {}) =>
      engine.claim({ workerId: workerId(id), limit, waitMs, requestId, signal }),
    claimOne: async (id, claimOptions) => {
      const [task] = await node.claim(id, { limit: 1, ...claimOptions })
      if (task === undefined) throw new Error(`Worker ${id} found nothing to claim.`)
      return task
    },
    settle: async (task, result) => {
      const rest = { result: null, error: null, isRetryable: true, retryAfterMs: null, resultFault: null }
      const settled = { taskId: task.id, epoch: task.epoch, ...rest, ...result }
      const [verdict] = await engine.settle(heldBy(task), [settled])
      return verdict?.verdict ?? 'none'
    },
    beat: id => engine.heartbeat({ workerId: workerId(id), systemInfo: null, currentTasks: null }),
  }
  if (options.isStarted !== false) await engine.start()
  await clock.rest()
  onTestFinished(() => {
    node.outage = null
    return engine.stop()
  })
  return node
}

/** Sees every call before it reaches the store; a batch where it is an exchange. */
function watched(
  store: Store,
  { exchangesAtOnce = store.exchangesAtOnce, afterExchange, isBroken = () => false }: NodeOptions,
  before: (batch: ExchangeBatch | null) => Promise<void>,
): Store {
  return new Proxy(
    { ...store },
    {
      get: (target, name: keyof Store) => {
        const member = target[name]
        if (name === 'exchangesAtOnce') return exchangesAtOnce
        if (typeof member !== 'function' || name === 'close' || name === 'migrate') return member
        return async (...args: readonly unknown[]) => {
          if (isBroken(name)) throw new TypeError(`${name} is broken`)
          const batch = name === 'exchange' ? (args[0] as ExchangeBatch) : null // An exchange takes one batch.
          await before(batch)
          const answer = await (member as (...args: readonly unknown[]) => unknown)(...args) // The caller's arguments.
          if (batch !== null) await afterExchange?.(batch)
          return answer
        }
      },
    },
  )
}

function createTestLog(lines: { readonly level: string; readonly message: string }[]): Log {
  const write = (level: string) => (_: unknown, message: string) => {
    lines.push({ level, message })
  }
  const log: Log = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: () => log,
  }
  return log
}

function heldBy(task: ClaimedTask): WorkerId {
  if (task.workerId === null) throw new Error('A claimed task is held by its worker.')
  return task.workerId
}

/** The code of the problem that a call is refused with; `none` where it is not. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: unknown) => (error instanceof Problem ? error.code : String(error)),
  )
}

/** Tells whether a promise has settled, without waiting for it. */
export function watch<T>(promise: Promise<T>): {
  readonly value: () => T | undefined
  readonly isSettled: () => boolean
} {
  let value: T | undefined
  let isSettled = false
  promise.then(
    result => {
      value = result
      isSettled = true
    },
    () => {
      isSettled = true
    },
  )
  return { value: () => value, isSettled: () => isSettled }
}

export const idsOf = (tasks: readonly { readonly id: TaskId }[] | undefined): readonly string[] | undefined =>
  tasks?.map(task => task.id)

export async function stateOf(node: TestNode, id: string): Promise<string> {
  return (await node.engine.task(taskId(id))).state
}

export function manyDrafts(drafts: readonly TaskDraft[], size: number): readonly (readonly TaskDraft[])[] {
  const pages: (readonly TaskDraft[])[] = []
  for (let at = 0; at < drafts.length; at += size) pages.push(drafts.slice(at, at + size))
  return pages
}
