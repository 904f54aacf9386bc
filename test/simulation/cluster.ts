import { Problem } from '../../packages/server/src/core/problem.ts'
import { createEngine, engineSettingsDefault } from '../../packages/server/src/engine/create-engine.ts'
import type { Engine } from '../../packages/server/src/engine/engine.ts'
import type { Broker, Hint } from '../../packages/server/src/ports/broker.ts'
import type { Log } from '../../packages/server/src/ports/log.ts'
import type { Store } from '../../packages/server/src/ports/store.ts'
import { createMemoryStore } from '../../packages/server/src/stores/memory/memory-store.ts'
import { createSqliteStore } from '../../packages/server/src/stores/sqlite/sqlite-store.ts'
import { createFaultyStore } from './faulty-store.ts'
import type { Referee } from './referee.ts'
import { heartbeatMs, type NetworkWeather, type Scenario, type StoreWeather } from './scenario.ts'
import { type Actor, type Chance, createActor, createChance, kill, type Timeline } from './timeline.ts'

/** The scheduler nodes and their store. */
export interface Cluster {
  /** Boots every node. */
  start(): Promise<void>
  /** The node of this number as it is now; null while it is down. */
  node(number: number): Node | null
  crash(number: number, downMs: number): void
  pause(number: number, forMs: number): void
  /** Everybody is up and awake from here on. */
  heal(): void
  close(): Promise<void>
}

export interface Node {
  readonly actor: Actor
  readonly engine: Engine
}

export interface ClusterParts {
  readonly scenario: Scenario
  readonly timeline: Timeline
  readonly referee: Referee
  readonly storeWeather: () => StoreWeather
  readonly networkWeather: () => NetworkWeather
  /** Where SQLite keeps its file. */
  readonly file: string
}

export function createCluster(parts: ClusterParts): Cluster {
  const { scenario, timeline, referee } = parts
  const machine = createActor('machine')
  const isShared = scenario.store === 'memory'
  const storeClock = timeline.clockOf(machine, createChance(scenario.seed, 'store').next)
  const nodes: (Node | null)[] = Array.from({ length: scenario.nodes }, () => null)
  const listeners = new Map<Actor, (hint: Hint) => void>()
  let store: Store | null = isShared
    ? createMemoryStore({ clock: storeClock, headStartMs: scenario.headStartMs })
    : null
  let boots = 0

  async function openStore(): Promise<Store> {
    store ??= await createSqliteStore({ file: parts.file, clock: storeClock, headStartMs: scenario.headStartMs })
    return store
  }

  async function boot(number: number): Promise<void> {
    if (nodes[number] !== null) return
    boots += 1
    const actor = createActor(`node ${number}`)
    const chance = createChance(scenario.seed, `node ${number} boot ${boots}`)
    // Nodes have clocks of their own; the store's is another where it is another machine.
    const skewMs = isShared ? createChance(scenario.seed, `skew ${number}`).between(-3_000, 3_000) : 0
    const faulty = createFaultyStore({
      store: await openStore(),
      timeline,
      chance,
      referee,
      node: actor,
      wire: isShared ? machine : actor,
      weather: parts.storeWeather,
      nowMs: storeClock.now,
    })
    const engine = createEngine({
      store: faulty,
      broker: createHints(actor, chance),
      clock: timeline.clockOf(actor, chance.next, skewMs),
      log: createWatchfulLog(referee),
      settings: {
        ...engineSettingsDefault,
        heartbeatMs,
        retentionMs: scenario.retentionMs,
        workerKeepMs: 60_000,
        retryPolicy: { baseMs: 300, capMs: 5_000, jitter: 0.2 },
      },
    })
    nodes[number] = { actor, engine }
    referee.nodeStarted(actor.name)
    // Without a store there is no start: the process ends, and its supervisor tries again.
    engine.start().catch((error: unknown) => {
      if (!(error instanceof Problem)) referee.fail('no fault of our own', String(error))
      if (nodes[number]?.actor === actor) crash(number, 500)
    })
  }

  function crash(number: number, downMs: number): void {
    const node = nodes[number] ?? null
    if (node === null) return
    nodes[number] = null
    kill(node.actor)
    const file = isShared ? null : store
    if (!isShared) store = null
    timeline.after(downMs, machine, () => {
      // The file is free as soon as the process is dead.
      void (file?.close() ?? Promise.resolve()).then(() => boot(number))
    })
  }

  /** Hints between the nodes may be lost, doubled and late at any time. */
  function createHints(own: Actor, chance: Chance): Broker {
    return {
      publish: hints => {
        const { loseRequest, double, slowMs } = parts.networkWeather()
        for (const [actor, listen] of listeners) {
          if (actor === own || !actor.isAlive) continue
          for (const hint of hints) {
            if (chance.isTrue(loseRequest)) continue
            const copies = chance.isTrue(double) ? 2 : 1
            for (let copy = 0; copy < copies; copy += 1) {
              timeline.after(chance.between(0, slowMs), actor, () => listen(hint))
            }
          }
        }
      },
      listen: onHint => {
        listeners.set(own, onHint)
        own.onDeath.add(() => listeners.delete(own))
        return () => listeners.delete(own)
      },
      status: () => 'connected',
      countNodes: async () => null,
      close: async () => {},
    }
  }

  return Object.freeze<Cluster>({
    start: async () => {
      for (const number of nodes.keys()) await boot(number)
    },
    node: number => nodes[number] ?? null,
    crash,
    pause: (number, forMs) => {
      const node = nodes[number] ?? null
      if (node !== null) node.actor.pausedUntilMs = timeline.elapsedMs() + forMs
    },
    heal: () => {
      for (const node of nodes) if (node !== null) node.actor.pausedUntilMs = 0
    },
    close: async () => {
      for (const node of nodes) if (node !== null) kill(node.actor)
      await store?.close()
    },
  })
}

/** The engine logs what it did not expect and goes on; here only the weather may be unexpected. */
function createWatchfulLog(referee: Referee): Log {
  const watch = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    if (fields.err !== undefined && !(fields.err instanceof Problem)) {
      referee.fail('no fault of our own', `${message} ${String(fields.err)}`)
    }
  }
  const log: Log = { debug: watch, info: watch, warn: watch, error: watch, child: () => log }
  return log
}
