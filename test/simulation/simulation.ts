import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClients } from './client.ts'
import { createCluster } from './cluster.ts'
import { isTerminal } from './ledger.ts'
import { createNetwork } from './network.ts'
import { createReferee, type Violation } from './referee.ts'
import { leaseMs, type NetworkWeather, type Planned, type Scenario, type StoreWeather } from './scenario.ts'
import { createActor, createChance, createTimeline } from './timeline.ts'
import { createWorker } from './worker.ts'

export interface Outcome {
  readonly scenario: Scenario
  /** The first promise that was broken; null where all held. */
  readonly violation: Violation | null
  readonly steps: number
  readonly tasks: number
  readonly elapsedMs: number
  /** A digest of every call of the store, its moment and its answer: equal for two runs that went the same way. */
  readonly trail: number
}

/**
 * After the healing everything must end within this much virtual time. The longest chain of forty tasks needs about two
 * minutes with every retry, lost lease and wall clock set back; four times that is no excuse.
 */
const livenessMs = 480_000
/** By then the last late message and the last paused node are back. */
const calmMs = 4 * leaseMs
/** Whoever comes back late must still be refused. */
const afterwardsMs = 2 * leaseMs

/** Runs one scenario to its end: first with faults, then healed, until every task has ended. */
export async function simulate(scenario: Scenario): Promise<Outcome> {
  const folder = scenario.store === 'sqlite' ? mkdtempSync(join(fastFolder(), 'tasklane-simulation-')) : null
  try {
    return await run(scenario, folder === null ? '' : join(folder, 'tasks.db'))
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true })
  }
}

/** Where there is a folder in memory, SQLite syncs at once: power loss is not what is simulated here. */
function fastFolder(): string {
  const shared = '/dev/shm'
  return statSync(shared, { throwIfNoEntry: false })?.isDirectory() === true ? shared : tmpdir()
}

async function run(scenario: Scenario, file: string): Promise<Outcome> {
  const { seed } = scenario
  const timeline = createTimeline()
  const director = createActor('director')
  const referee = createReferee({ elapsedMs: timeline.elapsedMs, headStartMs: scenario.headStartMs, leaseMs })
  const store = createWeather<StoreWeather>(scenario.fineStore)
  const network = createWeather<NetworkWeather>(scenario.fineNetwork)
  const cluster = createCluster({
    scenario,
    timeline,
    referee,
    storeWeather: store.now,
    networkWeather: network.now,
    file,
  })
  const wires = createNetwork({ timeline, cluster, referee, weather: network.now, chance: createChance(seed, 'wires') })
  const submitted = new Set(
    scenario.events.flatMap(event => (event.kind === 'submit' ? event.tasks.map(task => task.id) : [])),
  )
  const clients = createClients({ seed, nodes: scenario.nodes, timeline, network: wires, referee, submitted })
  let isHealed = false
  timeline.after(0, director, () => void cluster.start())
  const workers = Array.from({ length: scenario.workers }, (_, number) =>
    createWorker({ scenario, number, timeline, network: wires, referee, isHealed: () => isHealed }),
  )
  for (const event of scenario.events) timeline.after(event.atMs, director, () => perform(event))
  timeline.after(scenario.safetyMs, director, heal)
  // A late copy of a pause may come after its resume, as on any network; an operator looks again when all is calm.
  timeline.after(scenario.safetyMs + calmMs, director, clients.resumeQueues)

  function perform(event: Planned): void {
    switch (event.kind) {
      case 'node_crash':
        cluster.crash(event.node, event.forMs)
        break
      case 'node_pause':
        cluster.pause(event.node, event.forMs)
        break
      case 'worker_crash':
        workers[event.worker]?.crash(event.forMs)
        break
      case 'worker_pause':
        workers[event.worker]?.pause(event.forMs)
        break
      case 'worker_replace':
        workers[event.worker]?.replace()
        break
      case 'worker_leave':
        workers[event.worker]?.leave(event.forMs)
        break
      case 'store':
        changeWeather(store, event.weather, event.forMs)
        break
      case 'network':
        changeWeather(network, event.weather, event.forMs)
        break
      case 'wall_jump':
        timeline.jumpWall(event.ms)
        break
      case 'submit':
      case 'cancel':
      case 'by_hand':
      case 'remove':
      case 'retry':
      case 'reprioritise':
      case 'pause_queue':
      case 'worker_drain':
        clients.perform(event, event.number)
    }
  }

  function changeWeather<T>(weather: Weather<T>, to: T, forMs: number): void {
    if (isHealed) return
    timeline.after(forMs, director, weather.change(to))
  }

  function heal(): void {
    isHealed = true
    store.clear()
    network.clear()
    cluster.heal()
    for (const worker of workers) worker.heal()
  }

  const isOver = (): boolean =>
    isHealed &&
    clients.underWay() === 0 &&
    [...referee.ledger.entries.values()].every(({ record }) => isTerminal(record.state))

  let steps = 0
  let untilMs = scenario.safetyMs + livenessMs
  let isEnded = false
  while (referee.violation() === null && timeline.elapsedMs() < untilMs && (await timeline.step())) {
    steps += 1
    if (isEnded || steps % 16 !== 0 || !isOver()) continue
    isEnded = true
    untilMs = timeline.elapsedMs() + afterwardsMs
  }
  referee.checkAcknowledged()
  if (!isEnded && referee.violation() === null) referee.fail('everything ends', tellUnfinished())
  await cluster.close()

  function tellUnfinished(): string {
    const open = [...referee.ledger.entries.values()].filter(({ record }) => !isTerminal(record.state))
    const told = open.map(({ record }) => `${record.id} is ${record.state} (epoch ${record.epoch})`).join(', ')
    return `Healed for ${livenessMs / 1_000} s, and ${clients.underWay()} calls are unanswered; unfinished: [${told}].`
  }

  return {
    scenario,
    violation: referee.violation(),
    steps,
    tasks: referee.ledger.entries.size + referee.ledger.gone.size,
    elapsedMs: timeline.elapsedMs(),
    trail: referee.trail(),
  }
}

interface Weather<T> {
  now(): T
  /** Returns how it ends. */
  change(to: T): () => void
  clear(): void
}

/** The latest change that has not ended is in force. */
function createWeather<T>(fine: T): Weather<T> {
  let changes: { readonly weather: T }[] = []
  return {
    now: () => changes.at(-1)?.weather ?? fine,
    change: weather => {
      const change = { weather }
      changes.push(change)
      return () => {
        changes = changes.filter(other => other !== change)
      }
    },
    clear: () => {
      changes = []
    },
  }
}
