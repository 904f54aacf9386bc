import { limits } from '@tasklane/protocol'
import { Problem } from '../../src/core/problem.ts'
import { type TaskId, taskId, workerId } from '../../src/core/task.ts'
import type { ClaimAsk, ClaimedTask, Outcome, Settlement } from '../../src/ports/store.ts'
import { draft, errorJson } from '../support/drafts.ts'
import { createRandom } from '../support/virtual-clock.ts'
import type { Node } from './nodes.ts'

/** Many callers at several nodes, each with its own chance, at a few tasks that they all know of. */
export interface Storm {
  /** Every (task, epoch) that was handed out, and to whom: each request for itself, but a repeated one. */
  readonly handedOut: ReadonlyMap<string, ReadonlySet<string>>
  /** What was said of the calls that failed. */
  readonly failures: readonly string[]
  readonly calls: number
  /** Tasks that somebody asked to start anew. */
  readonly startedAnew: readonly string[]
}

export interface StormOptions {
  readonly seed: number
  readonly callersOfNode: number
  readonly callsOfCaller: number
}

export async function raiseStorm(nodes: readonly Node[], options: StormOptions): Promise<Storm> {
  const world: World = { next: 0, leases: [], handedOut: new Map(), failures: [], startedAnew: [], calls: 0, asks: 0 }
  const callers = nodes.flatMap((node, at) =>
    Array.from({ length: options.callersOfNode }, (_, turn) =>
      runCaller(node, world, { ...options, seed: options.seed * 1_000 + at * 10 + turn }),
    ),
  )
  await Promise.all(callers)
  return world
}

interface World {
  /** Ids count up; all callers name the latest. */
  next: number
  readonly leases: ClaimedTask[]
  readonly handedOut: Map<string, Set<string>>
  readonly failures: string[]
  readonly startedAnew: string[]
  calls: number
  /** Claims without a name of their own, counted. */
  asks: number
}

/** Calls meet at so many of the latest tasks. */
const knownMax = 30

interface Chance {
  below(count: number): number
  /** Up to `most` known ids, in any order. */
  ids(most: number): readonly TaskId[]
}

async function runCaller(node: Node, world: World, { seed, callsOfCaller }: StormOptions): Promise<void> {
  const random = createRandom(seed)
  const below = (count: number): number => Math.floor(random() * count)
  const chance: Chance = {
    below,
    ids: most => [
      ...new Set(
        Array.from({ length: 1 + below(most) }, () => taskId(`t${Math.max(0, world.next - 1 - below(knownMax))}`)),
      ),
    ],
  }
  const names = Object.keys(deeds)
  for (let call = 0; call < callsOfCaller; call += 1) {
    const name = names[below(names.length)] ?? 'exchange'
    world.calls += 1
    try {
      await deeds[name]?.(node, world, chance)
    } catch (error) {
      const isToldAs = error instanceof Problem ? error.code : 'fault'
      world.failures.push(`${name}: ${isToldAs}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

type Deed = (node: Node, world: World, chance: Chance) => Promise<unknown>

async function exchange(node: Node, world: World, chance: Chance): Promise<void> {
  const settles = Array.from({ length: chance.below(4) }, () => settlement(world, chance)).filter(each => each !== null)
  const submits = Array.from({ length: chance.below(3) }, () => ({
    drafts: Array.from({ length: 1 + chance.below(3) }, () => {
      // Now and then one that exists: a repeat, or a conflict where it had other parents.
      const own = chance.below(8) === 0 ? Math.max(0, world.next - 1) : world.next++
      const dependencies = chance.below(2) === 0 ? [] : chance.ids(3).filter(id => id !== `t${own}`)
      return draft(`t${own}`, {
        dependencies,
        type: `type-${own % 3}`,
        onDependencyFailure: own % 3 === 0 ? 'proceed' : 'cancel',
        delayMs: own % 11 === 0 ? 5 : null,
        // Queues that are new at several nodes at once, and keys that others bring, too.
        queue: `queue-${chance.below(2) === 0 ? 0 : Math.floor(own / 20) + chance.below(3)}`,
        idempotencyKey: own % 9 === 0 ? `key-${Math.floor(own / 27)}` : null,
      })
    }),
  }))
  const worker = `w${chance.below(3)}`
  const beats = chance.below(3) === 0 ? [beat(worker, world, chance)] : []
  const claims = Array.from({ length: chance.below(3) }, () => claim(worker, chance))
  const outcome = await node.exchange({ settles, submits, beats, claims })
  for (const [at, { requestId }] of claims.entries()) {
    for (const task of outcome.claims[at] ?? []) {
      // By its number: one that was removed may have been submitted again under its id.
      const lease = `${task.id} ${task.number} ${task.epoch}`
      const askers = world.handedOut.get(lease) ?? new Set()
      world.handedOut.set(lease, askers.add(`${worker} ${requestId ?? `alone ${world.asks++}`}`))
      world.leases.push(task)
    }
  }
}

/** Now and then under a name that another node may be asked by at the same time. */
function claim(worker: string, { below }: Chance): ClaimAsk {
  const rest = { queues: null, types: null, limit: 4, leaseMs: 60_000 }
  return { workerId: workerId(worker), ...rest, requestId: below(3) === 0 ? `request-${below(2)}` : null }
}

function settlement(world: World, chance: Chance): Settlement | null {
  const task = world.leases[world.leases.length - 1 - chance.below(12)]
  if (task?.workerId == null) return null
  const outcomes: readonly Outcome[] = [
    { kind: 'completed', result: null },
    { kind: 'completed', result: null },
    { kind: 'completed', result: null },
    { kind: 'failed', error: errorJson('boom'), as: 'failed' },
    { kind: 'retry', delayMs: chance.below(2) * 5, error: errorJson('boom'), as: 'failed' },
    { kind: 'released' },
  ]
  const outcome = outcomes[chance.below(outcomes.length)] ?? { kind: 'released' }
  return { lease: { taskId: task.id, epoch: task.epoch, workerId: task.workerId }, outcome, guard: 'held' }
}

function beat(worker: string, world: World, chance: Chance) {
  const own = world.leases.slice(-12).filter(task => task.workerId === worker)
  const held = own
    .map(task => ({ taskId: task.id, epoch: task.epoch, progress: null }))
    .sort(() => chance.below(2) - 0.5)
  return {
    workerId: workerId(worker),
    systemInfo: null,
    leaseMs: 60_000,
    held: chance.below(2) === 0 ? 'all' : held,
  } as const
}

const deeds: Readonly<Record<string, Deed>> = {
  exchange,
  exchangeToo: exchange,
  exchangeMost: exchange,
  exchangeAgain: exchange,
  cancel: ({ store }, _, chance) => store.cancel(chance.ids(4), null),
  requeue: ({ store }, world, chance) => {
    const ids = chance.ids(4)
    world.startedAnew.push(...ids)
    return store.requeue(ids, chance.below(2) === 0)
  },
  reprioritise: ({ store }, _, chance) =>
    store.reprioritise(chance.ids(6).map(id => ({ id, priority: 1 + chance.below(10) }))),
  completeByHand: ({ store }, _, chance) => store.completeByHand(chance.ids(2).map(id => ({ id, result: null }))),
  remove: ({ store }, _, chance) => store.remove(chance.ids(4)),
  prune: ({ store }) => store.prune({ keepMs: 200, workerKeepMs: 60_000, limit: 100 }),
  promote: ({ store }) => store.promote(1_000),
  unblock: ({ store }, _, chance) => store.unblock(1 + chance.below(limits.releasedInTransactionMax)),
  register: ({ register }, _, chance) => register(`w${chance.below(3)}`),
}
