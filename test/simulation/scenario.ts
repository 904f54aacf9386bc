import type { Chance } from './timeline.ts'
import { createChance } from './timeline.ts'

export type StoreKind = 'memory' | 'sqlite'

/** What a seed stands for: who takes part, and what happens to them when. The list of events is what shrinks. */
export interface Scenario {
  readonly seed: number
  readonly store: StoreKind
  readonly nodes: number
  readonly workers: number
  /** Faults happen until then; after that the world is healed and everything must end. */
  readonly safetyMs: number
  readonly headStartMs: number
  /** Finished tasks are kept so long. */
  readonly retentionMs: number
  /** When nothing is wrong. */
  readonly fineStore: StoreWeather
  readonly fineNetwork: NetworkWeather
  readonly events: readonly Planned[]
}

export type Planned = { readonly number: number; readonly atMs: number } & Happening

export type Happening = ClientHappening | Fault

/** What people and programs ask for. */
export type ClientHappening =
  | { readonly kind: 'submit'; readonly tasks: readonly TaskSpec[]; readonly isTogether: boolean }
  | { readonly kind: 'cancel' | 'by_hand' | 'remove'; readonly task: string }
  | { readonly kind: 'retry'; readonly task: string; readonly withDependents: boolean }
  | { readonly kind: 'reprioritise'; readonly task: string; readonly priority: number }
  | { readonly kind: 'pause_queue'; readonly queue: string; readonly forMs: number }
  | { readonly kind: 'worker_drain'; readonly worker: number }

export type Fault =
  | { readonly kind: 'node_crash'; readonly node: number; readonly forMs: number }
  | { readonly kind: 'node_pause'; readonly node: number; readonly forMs: number }
  | { readonly kind: 'worker_crash'; readonly worker: number; readonly forMs: number }
  | { readonly kind: 'worker_pause'; readonly worker: number; readonly forMs: number }
  /** Another process under the same id, while the old one goes on. */
  | { readonly kind: 'worker_replace'; readonly worker: number }
  | { readonly kind: 'worker_leave'; readonly worker: number; readonly forMs: number }
  | { readonly kind: 'store'; readonly weather: StoreWeather; readonly forMs: number }
  | { readonly kind: 'network'; readonly weather: NetworkWeather; readonly forMs: number }
  | { readonly kind: 'wall_jump'; readonly ms: number }

export interface TaskSpec {
  readonly id: string
  readonly type: string
  readonly queue: string
  readonly priority: number | null
  readonly dependencies: readonly string[]
  readonly proceeds: boolean
  readonly timeoutMs: number | null
  readonly maxRetries: number
  readonly delayMs: number | null
  /** With a key, every repeat of the submit makes up another id. */
  readonly key: string | null
  /** Kills every worker process that runs it. */
  readonly isPoison: boolean
}

/** Shares of the calls, 0 to 1. */
export interface StoreWeather {
  /** Refused, and nothing was changed. */
  readonly busy: number
  /** Done, and the answer was lost. */
  readonly unknown: number
  readonly slowMs: number
}

export interface NetworkWeather {
  readonly loseRequest: number
  readonly loseReply: number
  readonly double: number
  readonly slowMs: number
}

export const heartbeatMs = 2_000
export const leaseMs = 3 * heartbeatMs
export const queues = ['mail', 'video'] as const
export const types = ['encode', 'send', 'report'] as const

export function createScenario(seed: number, store: StoreKind): Scenario {
  const chance = createChance(seed, 'scenario')
  const safetyMs = chance.between(15, 60) * 1_000
  const workers = chance.between(1, 4)
  const nodes = store === 'sqlite' ? 1 : chance.between(1, 3)
  const submits = planSubmits(chance, safetyMs)
  const ids = submits.flatMap(event => (event.kind === 'submit' ? event.tasks.map(task => task.id) : []))
  const faultiness = chance.pick([0, 0.5, 1, 2])
  const happenings = [
    ...submits,
    ...times(chance.between(0, 12), () => at(chance, safetyMs, planVerb(chance, ids))),
    ...times(Math.round(chance.between(2, 10) * faultiness), () =>
      at(chance, safetyMs, planFault(chance, nodes, workers)),
    ),
  ]
  const inOrder = happenings.sort((one, other) => one.atMs - other.atMs)
  return {
    seed,
    store,
    nodes,
    workers,
    safetyMs,
    headStartMs: chance.pick([0, 2_000, 3_600_000]),
    retentionMs: chance.isTrue(0.2) ? 12_000 : 86_400_000,
    fineStore: { busy: 0, unknown: 0, slowMs: chance.pick([2, 2, 40, 300]) },
    fineNetwork: { loseRequest: 0, loseReply: 0, double: 0, slowMs: chance.pick([3, 3, 150]) },
    events: inOrder.map((event, number) => ({ ...event, number })),
  }
}

type Timed = { readonly atMs: number } & Happening

function at(chance: Chance, untilMs: number, happening: Happening): Timed {
  return { atMs: chance.between(0, untilMs), ...happening }
}

function planSubmits(chance: Chance, safetyMs: number): readonly Timed[] {
  const earlier: string[] = []
  const moments = times(chance.between(2, 9), () => chance.between(0, Math.round(safetyMs * 0.8)))
  return moments
    .sort((one, other) => one - other)
    .map((atMs, submit): Timed => {
      const count = chance.pick([1, 1, 2, 4, 8])
      const group = times(count, place => `t${submit}.${place}`)
      const tasks = group.map((id, place) => planTask(chance, id, [...earlier, ...group.slice(0, place)]))
      // A task with a key may have any id in the end, so that nothing can depend on it.
      earlier.push(...tasks.filter(task => task.key === null).map(task => task.id))
      return { kind: 'submit', atMs, tasks, isTogether: chance.isTrue(0.6) }
    })
}

function planTask(chance: Chance, id: string, possible: readonly string[]): TaskSpec {
  const key = chance.isTrue(0.15) ? `key ${id}` : null
  const fanIn = chance.isTrue(0.5) ? chance.between(1, 3) : 0
  const parents = possible.length === 0 ? [] : times(fanIn, () => chance.pick(possible.slice(-8)))
  return {
    id,
    type: chance.pick(types),
    queue: chance.pick(queues),
    priority: chance.isTrue(0.5) ? chance.between(1, 10) : null,
    dependencies: parents,
    proceeds: chance.isTrue(0.3),
    timeoutMs: chance.pick([null, 1_500, 4_000, 30_000]),
    maxRetries: chance.between(0, 3),
    delayMs: chance.isTrue(0.15) ? chance.between(1, 15_000) : null,
    key,
    isPoison: chance.isTrue(0.03),
  }
}

function planVerb(chance: Chance, ids: readonly string[]): Happening {
  const task = chance.pick(ids)
  const kind = chance.pick([
    'cancel',
    'cancel',
    'retry',
    'retry',
    'reprioritise',
    'by_hand',
    'remove',
    'pause',
  ] as const)
  if (kind === 'pause') return { kind: 'pause_queue', queue: chance.pick(queues), forMs: chance.between(500, 10_000) }
  if (kind === 'retry') return { kind, task, withDependents: chance.isTrue(0.6) }
  if (kind === 'reprioritise') return { kind, task, priority: chance.between(1, 10) }
  return { kind, task }
}

function planFault(chance: Chance, nodes: number, workers: number): Happening {
  const node = chance.between(0, nodes - 1)
  const worker = chance.between(0, workers - 1)
  const kind = chance.pick([
    'node_crash',
    'node_pause',
    'worker_crash',
    'worker_pause',
    'worker_pause',
    'worker_replace',
    'worker_leave',
    'worker_drain',
    'store',
    'network',
    'network',
    'wall_jump',
  ] as const)
  switch (kind) {
    case 'node_crash':
      return { kind, node, forMs: chance.between(10, 8_000) }
    case 'node_pause':
      return { kind, node, forMs: chance.between(500, 3 * leaseMs) }
    case 'worker_crash':
      return { kind, worker, forMs: chance.between(10, 2 * leaseMs) }
    case 'worker_pause':
      // Those that come back in the very moment of being reaped are the dangerous ones.
      return {
        kind,
        worker,
        forMs: chance.isTrue(0.5)
          ? chance.between(leaseMs - 1_000, leaseMs + 1_000)
          : chance.between(leaseMs / 2, 3 * leaseMs),
      }
    case 'worker_replace':
    case 'worker_drain':
      return { kind, worker }
    case 'worker_leave':
      return { kind, worker, forMs: chance.between(10, leaseMs) }
    case 'store': {
      const share = (): number => chance.pick([0, 0.1, 0.4, 1])
      const weather = { busy: share(), unknown: share(), slowMs: chance.pick([2, 50, 1_500]) }
      return { kind, weather, forMs: chance.between(100, 8_000) }
    }
    case 'network': {
      const share = (): number => chance.pick([0, 0.1, 0.3, 0.6])
      const weather = {
        loseRequest: share(),
        loseReply: share(),
        double: share(),
        slowMs: chance.pick([3, 200, 2_000, leaseMs]),
      }
      return { kind, weather, forMs: chance.between(500, 15_000) }
    }
    case 'wall_jump':
      return { kind, ms: chance.pick([-20_000, -5_000, -500, 500, 5_000, 2 * leaseMs, 30_000]) }
  }
}

function times<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, place) => make(place))
}

/** What can be left out of a story one by one: its tasks, by id, and its other events, by number. */
export function partsOf(scenario: Scenario): readonly string[] {
  return scenario.events.flatMap(event =>
    event.kind === 'submit' ? event.tasks.map(task => task.id) : [String(event.number)],
  )
}

/** The same story with some of its parts only. */
export function withParts(scenario: Scenario, kept: readonly string[]): Scenario {
  const wanted = new Set(kept)
  const events = scenario.events.flatMap((event): Planned[] => {
    if (event.kind !== 'submit') return wanted.has(String(event.number)) ? [event] : []
    const tasks = event.tasks.filter(task => wanted.has(task.id))
    return tasks.length === 0 ? [] : [{ ...event, tasks }]
  })
  return { ...scenario, events }
}
