import { type TaskDraft, type TaskId, taskId, workerId } from '../../packages/server/src/core/task.ts'
import type { Engine, SubmitRefusal, Submitted } from '../../packages/server/src/engine/engine.ts'
import { draft } from '../../packages/server/test/support/drafts.ts'
import type { Network } from './network.ts'
import type { Referee } from './referee.ts'
import { type ClientHappening, queues, type TaskSpec } from './scenario.ts'
import { type Chance, createActor, createChance, type Timeline } from './timeline.ts'

/** People and programs that submit, and that change their minds. Each repeats its call until it is answered. */
export interface Clients {
  perform(happening: ClientHappening, number: number): void
  resumeQueues(): void
  /** Calls that are not answered yet. */
  underWay(): number
}

export interface ClientParts {
  readonly seed: number
  readonly nodes: number
  readonly timeline: Timeline
  readonly network: Network
  readonly referee: Referee
  /** The ids that this run submits: a parent whose submit was left out of the run is no parent. */
  readonly submitted: ReadonlySet<string>
}

/** A parent that was not accepted by then never will be. */
const refusalsMax = 25

export function createClients(parts: ClientParts): Clients {
  const { timeline, network, referee } = parts
  let underWay = 0

  /** Null where the call is refused for good. */
  async function insist<T>(chance: Chance, perform: (engine: Engine, tries: number) => Promise<T>): Promise<T | null> {
    const actor = createActor('client')
    let refusals = 0
    for (let tries = 0; ; tries += 1) {
      const reply = await network.call(actor, chance.between(0, parts.nodes - 1), {
        timeoutMs: 3_000,
        perform: engine => perform(engine, tries),
      })
      if (reply.kind === 'answer') return reply.value
      if (reply.kind === 'refused' && reply.code !== 'store_unavailable' && reply.code !== 'outcome_unknown') {
        refusals += 1
        if (reply.code !== 'dependency_unknown' || refusals > refusalsMax) return null
      }
      await timeline.sleep(chance.between(100, 1_000), actor)
    }
  }

  async function submit(happening: Extract<ClientHappening, { kind: 'submit' }>, chance: Chance): Promise<void> {
    const { tasks, isTogether } = happening
    const drafts = (tries: number): TaskDraft[] => tasks.map(spec => toDraft(spec, tries, parts.submitted))
    if (isTogether) {
      const accepted = await insist(chance, (engine, tries) => engine.submit(drafts(tries)))
      for (const [at, one] of (accepted ?? []).entries()) acknowledge(one, tasks[at])
      return
    }
    // Alone, every task may be refused for itself; those that are go their own way.
    const outcomes = await insist(chance, (engine, tries) => engine.submitEach(drafts(tries)))
    await Promise.all(
      (outcomes ?? []).map(async (outcome, at) => {
        if (outcome.outcome !== 'refused') return acknowledge(outcome, tasks[at])
        const spec = tasks[at]
        if (outcome.code !== 'dependency_unknown' || spec === undefined) return
        const alone = await insist(chance, (engine, tries) => engine.submit([toDraft(spec, tries, parts.submitted)]))
        for (const one of alone ?? []) acknowledge(one, spec)
      }),
    )
  }

  function acknowledge(one: Submitted | SubmitRefusal, spec: TaskSpec | undefined): void {
    if (one.outcome !== 'refused') referee.submitAcknowledged(one.record.id, spec?.key ?? null)
  }

  function act(happening: ClientHappening, chance: Chance): Promise<unknown> {
    switch (happening.kind) {
      case 'submit':
        return submit(happening, chance)
      case 'cancel':
        return insist(chance, engine => engine.cancel(taskId(happening.task), 'Not needed.'))
      case 'retry':
        return insist(chance, engine => engine.retry(taskId(happening.task), happening.withDependents))
      case 'reprioritise':
        return insist(chance, engine => engine.reprioritise(taskId(happening.task), happening.priority))
      case 'by_hand':
        return insist(chance, engine => engine.completeByHand(taskId(happening.task), null))
      case 'remove':
        return insist(chance, engine => engine.remove(taskId(happening.task)).then(() => true))
      case 'worker_drain':
        return insist(chance, engine => engine.drain(workerId(`worker ${happening.worker}`)))
      case 'pause_queue': {
        const { queue, forMs } = happening
        return insist(chance, engine => engine.setQueue(queue, { isPaused: true }))
          .then(() => timeline.sleep(forMs, createActor('client')))
          .then(() => insist(chance, engine => engine.setQueue(queue, { isPaused: false })))
      }
    }
  }

  function follow(acting: Promise<unknown>): void {
    underWay += 1
    acting.then(
      () => {
        underWay -= 1
      },
      (error: unknown) => referee.fail('no fault of our own', `A client stumbled: ${String(error)}`),
    )
  }

  return Object.freeze<Clients>({
    perform: (happening, number) => follow(act(happening, createChance(parts.seed, `client ${number}`))),
    resumeQueues: () => {
      const chance = createChance(parts.seed, 'operator')
      for (const queue of queues) follow(insist(chance, engine => engine.setQueue(queue, { isPaused: false })))
    },
    underWay: () => underWay,
  })
}

function toDraft(spec: TaskSpec, tries: number, submitted: ReadonlySet<string>): TaskDraft {
  const { type, queue, priority, timeoutMs, maxRetries, delayMs, key } = spec
  const id: TaskId = taskId(key === null ? spec.id : `${spec.id} try ${tries}`)
  return draft(id, {
    type,
    queue,
    timeoutMs,
    maxRetries,
    delayMs,
    idempotencyKey: key,
    dependencies: spec.dependencies.filter(parent => submitted.has(parent)),
    onDependencyFailure: spec.proceeds ? 'proceed' : 'cancel',
    payload: { is_poison: spec.isPoison },
    ...(priority === null ? {} : { priority }),
  })
}
