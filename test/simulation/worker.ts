import { workerId } from '../../packages/server/src/core/task.ts'
import type { WorkerResult } from '../../packages/server/src/engine/engine.ts'
import type { ClaimedTask } from '../../packages/server/src/ports/store.ts'
import { json } from '../../packages/server/test/support/drafts.ts'
import type { Ask, Network, Reply } from './network.ts'
import type { Referee } from './referee.ts'
import { heartbeatMs, leaseMs, type Scenario, types } from './scenario.ts'
import { type Actor, type Chance, createActor, createChance, kill, type Timeline } from './timeline.ts'

/** One worker id, and the processes that have it one after another, or at once. */
export interface SimulatedWorker {
  /** The process dies; another one comes later. */
  crash(downMs: number): void
  pause(forMs: number): void
  /** Another process under the same id, while the old one goes on. */
  replace(): void
  /** Gives back what it holds, deregisters, and comes again later. */
  leave(downMs: number): void
  /** From here on everybody behaves. */
  heal(): void
}

export interface WorkerParts {
  readonly scenario: Scenario
  readonly number: number
  readonly timeline: Timeline
  readonly network: Network
  readonly referee: Referee
  readonly isHealed: () => boolean
}

export function createWorker(parts: WorkerParts): SimulatedWorker {
  const { scenario, number, timeline } = parts
  const chance = createChance(scenario.seed, `worker ${number}`)
  const shop = createActor(`shop of worker ${number}`)
  const processes: Process[] = []
  let started = 0

  function start(): void {
    started += 1
    const luck = createChance(scenario.seed, `worker ${number} process ${started}`)
    const end = (downMs: number): void => {
      processes.splice(processes.indexOf(process), 1)
      if (processes.length === 0) timeline.after(downMs, shop, startIfNone)
    }
    const process: Process = startProcess({ ...parts, chance: luck, instance: `process ${started}`, onEnd: end })
    processes.push(process)
  }

  function startIfNone(): void {
    if (processes.length === 0) start()
  }

  start()
  return Object.freeze<SimulatedWorker>({
    crash: downMs => processes.at(-1)?.crash(downMs),
    pause: forMs => processes.at(-1)?.pause(forMs),
    replace: start,
    leave: downMs => processes.at(-1)?.leave(downMs),
    heal: () => {
      for (const process of [...processes]) process.pause(0)
      // Of several processes under one id the newest is the right one.
      for (const process of processes.slice(0, -1)) process.crash(chance.between(10, 1_000))
    },
  })
}

// ─── One process ─────────────────────────────────────────────────────────────────────────────────────────────────────

interface Process {
  crash(downMs: number): void
  pause(forMs: number): void
  leave(downMs: number): void
}

interface ProcessParts extends WorkerParts {
  readonly chance: Chance
  readonly instance: string
  readonly onEnd: (downMs: number) => void
}

/** A task in the process's hands. */
interface Job {
  readonly task: ClaimedTask
  readonly isSilent: boolean
  readonly isHanging: boolean
}

const callTimeoutMs = 4_000

function startProcess(parts: ProcessParts): Process {
  const { scenario, number, timeline, network, referee, chance, isHealed } = parts
  const own = workerId(`worker ${number}`)
  const actor: Actor = createActor(`${own}, ${parts.instance}`)
  const slots = chance.between(1, 4)
  const isPicky = number > 0 && chance.isTrue(0.3)
  const capabilities = isPicky ? [chance.pick(types), chance.pick(types)] : null
  const jobs = new Map<string, Job>()
  const outbox: WorkerResult[] = []
  let node = chance.between(0, scenario.nodes - 1)
  let isLeaving = false
  let isFlushing = false
  let nextRequest = 1

  /** A worker stays with its node until that one is silent. */
  async function call<T>(ask: Ask<T>): Promise<Reply<T>> {
    const reply = await network.call(actor, node, ask)
    if (reply.kind === 'silence') node = chance.between(0, scenario.nodes - 1)
    return reply
  }

  async function register(): Promise<void> {
    for (;;) {
      const settings = {
        capabilities,
        queues: null,
        slots,
        labels: null,
        types: null,
        instance: parts.instance,
        id: own,
      }
      const reply = await call({ timeoutMs: callTimeoutMs, perform: engine => engine.register(settings) })
      if (reply.kind === 'answer') return
      await timeline.sleep(chance.between(100, 800), actor)
    }
  }

  async function claimForEver(): Promise<void> {
    for (;;) {
      const free = slots - jobs.size
      if (isLeaving || free <= 0) {
        await timeline.sleep(chance.between(20, 200), actor)
        continue
      }
      const limit = chance.between(1, free)
      const waitMs = chance.pick([0, 500, 5_000])
      const requestId = chance.isTrue(0.7) ? `${parts.instance}, request ${nextRequest}` : null
      nextRequest += 1
      const claimed = await claimOnce(limit, waitMs, requestId)
      if (claimed !== null) for (const task of claimed) take(task)
      if (claimed === null || waitMs === 0) await timeline.sleep(chance.between(20, 500), actor)
    }
  }

  /** With a request id an unanswered claim is repeated; without one its tasks are left to their leases. */
  async function claimOnce(
    limit: number,
    waitMs: number,
    requestId: string | null,
  ): Promise<readonly ClaimedTask[] | null> {
    const tries = requestId === null ? 1 : 4
    for (let at = 0; at < tries; at += 1) {
      const reply = await call({
        timeoutMs: waitMs + callTimeoutMs,
        perform: (engine, signal) => engine.claim({ workerId: own, limit, waitMs, requestId, signal }),
        onUndelivered: (engine, tasks) => engine.releaseUndelivered(own, tasks, requestId),
      })
      if (reply.kind === 'answer') return reply.value
      if (reply.kind === 'refused' && reply.code === 'worker_unknown') await register()
      if (reply.kind === 'refused' && reply.code === 'worker_draining') {
        leave(chance.between(100, 3_000))
        return null
      }
      if (reply.kind === 'refused') await timeline.sleep(chance.between(100, 500), actor)
    }
    return null
  }

  function take(task: ClaimedTask): void {
    const name = `${task.id} ${task.epoch}`
    referee.claimAcknowledged(own, task)
    // A repeated claim brings the same lease again.
    if (jobs.has(name)) return
    const fate = fateOf(task)
    jobs.set(name, { task, isSilent: fate.kind === 'end' && fate.isSilent, isHanging: fate.kind === 'hang' })
    if (fate.kind === 'crash') crash(chance.between(300, 3_000))
    if (fate.kind !== 'end') return
    timeline.after(fate.ms, actor, () => {
      if (jobs.has(name)) finish(task, fate.result)
    })
  }

  function finish(task: ClaimedTask, result: Result): void {
    jobs.delete(`${task.id} ${task.epoch}`)
    const none = { result: null, error: null, isRetryable: true, retryAfterMs: null, resultFault: null }
    outbox.push({ taskId: task.id, epoch: task.epoch, ...none, ...result })
    void flush()
  }

  /** Settles are repeated until somebody answers: a lost reply must not lose the result. */
  async function flush(): Promise<void> {
    if (isFlushing) return
    isFlushing = true
    while (outbox.length > 0) {
      const results = outbox.slice(0, 10)
      const reply = await call({ timeoutMs: callTimeoutMs, perform: engine => engine.settle(own, results) })
      if (reply.kind !== 'answer') {
        await timeline.sleep(chance.between(50, 1_000), actor)
        continue
      }
      outbox.splice(0, results.length)
      for (const [at, result] of results.entries()) {
        if (reply.value[at]?.verdict !== 'applied') continue
        const kind = result.resultFault === null ? result.outcome : 'failed'
        referee.settleAcknowledged(own, result.taskId, result.epoch, kind)
      }
    }
    isFlushing = false
  }

  async function beatForEver(): Promise<void> {
    for (;;) {
      await timeline.sleep(heartbeatMs - chance.between(0, 400), actor)
      if (isHealed()) giveUpHanging()
      const named = [...jobs.values()].filter(job => !job.isSilent).map(job => job.task)
      // A beat for all it holds would keep leases alive whose claims were never answered.
      const isForAll = !isHealed() && chance.isTrue(0.1)
      const currentTasks = named.map(task => ({
        taskId: task.id,
        epoch: chance.isTrue(0.9) ? task.epoch : null,
        progress: chance.isTrue(0.3) ? { percent: chance.between(0, 100) } : null,
      }))
      const beat = { workerId: own, systemInfo: null, currentTasks: isForAll ? null : currentTasks }
      const reply = await call({ timeoutMs: heartbeatMs, perform: engine => engine.heartbeat(beat) })
      if (reply.kind === 'refused' && reply.code === 'worker_unknown') await register()
      if (reply.kind === 'answer') heed(reply.value)
      if (named.length > 0 && chance.isTrue(0.2)) await tell(named)
    }
  }

  /** Log lines; whoever has lost the lease has nothing to say any more. */
  async function tell(tasks: readonly ClaimedTask[]): Promise<void> {
    const lines = tasks.map(({ id, epoch }) => ({
      taskId: id,
      epoch,
      level: 'info' as const,
      message: 'Still at it.',
      atMs: null,
    }))
    await call({ timeoutMs: heartbeatMs, perform: engine => engine.appendLogs(own, lines) })
  }

  function giveUpHanging(): void {
    for (const { task, isHanging } of [...jobs.values()]) {
      if (isHanging) finish(task, { outcome: 'failed', error: { message: 'It hung.' } })
    }
  }

  /** Most do as they are told; some go on and settle late. */
  function heed({ cancel, lost, drain }: { cancel: readonly string[]; lost: readonly string[]; drain: boolean }): void {
    for (const [name, { task }] of [...jobs]) {
      if (lost.includes(task.id) && (isHealed() || chance.isTrue(0.6))) jobs.delete(name)
      else if (cancel.includes(task.id) && (isHealed() || chance.isTrue(0.6))) {
        finish(task, { outcome: 'failed', isRetryable: chance.isTrue(0.5), error: { message: 'Cancelled.' } })
      }
    }
    if (drain) leave(chance.between(100, 3_000))
  }

  function fateOf(task: ClaimedTask): Fate {
    const luck = createChance(scenario.seed, `${task.id} ${task.epoch}`)
    if ((task.payload ?? '').includes('true')) return { kind: 'crash' }
    const ms = luck.between(1, luck.pick([50, 1_000, 3_000]))
    const completed = json({ by: own, epoch: task.epoch })
    const good: Fate = { kind: 'end', isSilent: false, ms, result: { outcome: 'completed', result: completed } }
    if (isHealed() || luck.isTrue(0.6)) return good
    const failed = (extra: Partial<Result>): Fate => {
      const result: Result = { outcome: 'failed', error: { message: 'It went wrong.' }, ...extra }
      return { kind: 'end', isSilent: false, ms, result }
    }
    return luck.pick<Fate>([
      failed({}),
      failed({}),
      failed({ retryAfterMs: luck.between(0, 2_000) }),
      failed({ isRetryable: false }),
      failed({ error: { code: 'timeout', message: 'It took too long.' } }),
      failed({ outcome: 'completed', resultFault: 'The result cannot be kept.', error: null }),
      { kind: 'end', isSilent: false, ms, result: { outcome: 'released' } },
      { kind: 'crash' },
      { kind: 'hang' },
      { ...good, isSilent: true, ms: leaseMs + luck.between(0, leaseMs) },
      { ...good, ms: leaseMs + luck.between(0, leaseMs) },
    ])
  }

  function crash(downMs: number): void {
    if (!actor.isAlive) return
    kill(actor)
    parts.onEnd(downMs)
  }

  function leave(downMs: number): void {
    if (isLeaving) return
    isLeaving = true
    void depart(downMs)
  }

  async function depart(downMs: number): Promise<void> {
    for (const { task } of [...jobs.values()]) finish(task, { outcome: 'released' })
    for (let tries = 0; tries < 20; tries += 1) {
      const reply = await call({
        timeoutMs: callTimeoutMs,
        perform: engine => engine.deregister(own).then(() => true),
      })
      if (reply.kind === 'answer' || (reply.kind === 'refused' && reply.code === 'worker_unknown')) break
      await timeline.sleep(chance.between(100, 500), actor)
    }
    crash(downMs)
  }

  // The first step is an event of its own, like everything else that the process does.
  timeline.after(0, actor, () => {
    void register().then(() => {
      void claimForEver()
      void beatForEver()
    })
  })

  return {
    crash,
    leave,
    pause: forMs => {
      actor.pausedUntilMs = timeline.elapsedMs() + forMs
    },
  }
}

type Result = Partial<WorkerResult> & Pick<WorkerResult, 'outcome'>

type Fate =
  | {
      readonly kind: 'end'
      /** Its handler forgot to be counted: no beat names it, so that its lease runs out. */
      readonly isSilent: boolean
      readonly ms: number
      readonly result: Result
    }
  /** It takes its process with it. */
  | { readonly kind: 'crash' }
  | { readonly kind: 'hang' }
