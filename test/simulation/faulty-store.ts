import { Problem } from '../../packages/server/src/core/problem.ts'
import { everyTask } from '../../packages/server/src/engine/every-task.ts'
import type { Store } from '../../packages/server/src/ports/store.ts'
import type { Answer, Referee } from './referee.ts'
import type { StoreWeather } from './scenario.ts'
import type { Actor, Chance, Timeline } from './timeline.ts'

/** What one node sees of the store: every call takes its time, and in bad weather it is refused or its answer is lost. */
export interface FaultyStoreParts {
  readonly store: Store
  readonly timeline: Timeline
  readonly chance: Chance
  readonly referee: Referee
  readonly node: Actor
  /** Whose call it is once it was sent: the node’s own where the store lives in its process, else the wire’s. */
  readonly wire: Actor
  readonly weather: () => StoreWeather
  /** The store's own clock. */
  readonly nowMs: () => number
}

/** Calls that leave the tasks as they are. */
const reads: ReadonlySet<keyof Store> = new Set<keyof Store>([
  'check',
  'failures',
  'waiting',
  'expired',
  'task',
  'tasks',
  'taskIds',
  'countTasks',
  'leases',
  'leasesOf',
  'attempts',
  'logs',
  'parents',
  'graph',
  'standing',
  'queues',
  'counts',
  'workers',
  'worker',
])
/** Where these fail, a node knows that workers could not be heard. */
const ears: ReadonlySet<keyof Store> = new Set<keyof Store>(['exchange', 'promote', 'unblock', 'expired', 'prune'])

type Call = (...args: readonly unknown[]) => Promise<unknown>

export function createFaultyStore(parts: FaultyStoreParts): Store {
  const { store, referee, node } = parts
  const wrapped = Object.entries(store).map(([name, member]: [string, unknown]) => {
    if (typeof member !== 'function' || name === 'migrate' || name === 'close') return [name, member]
    const method = name as keyof Store // The names of a store's own members.
    const call: Call = (...args) => perform(parts, method, () => (member as Call)(...args), args) // Every method is one.
    if (!ears.has(method)) return [name, call]
    const told: Call = async (...args) => {
      if (method === 'expired') referee.reaps(node.name)
      try {
        return await call(...args)
      } catch (error) {
        referee.storeFailed(node.name)
        throw error
      }
    }
    return [name, told]
  })
  return Object.freeze(Object.fromEntries(wrapped)) as Store // The same names with calls of the same shapes.
}

/** The event at which the transaction happens, and the one at which its answer arrives. */
function perform(
  parts: FaultyStoreParts,
  name: keyof Store,
  run: () => Promise<unknown>,
  args: readonly unknown[],
): Promise<unknown> {
  const { timeline, chance, node, wire, weather } = parts
  return new Promise((resolve, reject) => {
    const answer = (how: () => void): void => {
      // Between reading what ran out and taking it away a node is often held up: the moment of the late heartbeat.
      const heldUpMs = name === 'expired' && chance.isTrue(0.4) ? chance.between(0, 2_000) : 0
      timeline.after(heldUpMs + chance.between(0, weather().slowMs), node, how)
    }
    timeline.after(chance.between(0, weather().slowMs), wire, () => {
      if (chance.isTrue(weather().busy)) {
        answer(() =>
          reject(new Problem('store_unavailable', `The store is busy at '${name}'. Nothing was changed; try again.`)),
        )
        return
      }
      const isAnswerLost = chance.isTrue(weather().unknown)
      void transact(parts, name, run, args).then(done => {
        if (isAnswerLost)
          answer(() => reject(new Problem('outcome_unknown', `Whether '${name}' took effect is not known.`)))
        else if ('error' in done) answer(() => reject(done.error))
        else answer(() => resolve(done.value))
      })
    })
  })
}

/** Nothing comes between the call and the look at what it did: both belong to one step. */
async function transact(
  { store, referee, node, nowMs }: FaultyStoreParts,
  name: keyof Store,
  run: () => Promise<unknown>,
  args: readonly unknown[],
): Promise<Answer> {
  const call = { node: node.name, name, args, nowMs: nowMs() }
  const answer = await run().then(
    (value): Answer => ({ value }),
    (error: unknown): Answer => ({ error }),
  )
  if (!reads.has(name) || 'error' in answer) referee.saw(call, answer, await store.tasks(everyTask, page))
  return answer
}

const page = { limit: 10_000, before: null, offset: 0 }
