import type { StoreKind } from './ground.ts'

const everywhere = [
  'worker_kill',
  'worker_stop',
  'worker_term',
  'scheduler_kill',
  'scheduler_stop',
  'net_cut',
  'net_stall',
  'net_requests_only',
  'net_replies_only',
  'net_drop_reply',
  'disk_full',
  'late_handler',
  'poison_task',
  'blocked_loop',
] as const
const onFiles = ['second_scheduler'] as const
const onServers = [
  'scheduler_term',
  'database_restart',
  'database_cut',
  'database_stall',
  'database_crowded',
  'hints_cut',
] as const
export type FaultKind = (typeof everywhere)[number] | (typeof onFiles)[number] | (typeof onServers)[number]

/** What the run is made of. */
export interface Setup {
  readonly store: StoreKind
  /** One where the store is a file. */
  readonly nodes: number
}

export const setupUsual: Setup = Object.freeze({ store: 'sqlite', nodes: 1 })

/** What goes wrong, in the order of the table in docs/chaos.md. */
export function faultKindsOf({ store }: Setup): readonly FaultKind[] {
  return [...everywhere, ...(store === 'sqlite' ? onFiles : onServers)]
}

export interface PlannedFault {
  /** Milliseconds after the first submit; a fault waits for the one before it on its track. */
  readonly atMs: number
  readonly lastsMs: number
  readonly kind: FaultKind
  /** A worker, a client or a node; null where the fault is everybody's. */
  readonly target: string | null
}

/** The faults of a track never overlap; those of different tracks do. */
export interface Plan {
  readonly seed: number
  readonly safetyMs: number
  readonly setup: Setup
  readonly tracks: readonly (readonly PlannedFault[])[]
}

/** Those that are killed and stopped. The polite one is sent SIGTERM and nothing worse, so that what it owes is clear. */
export const roughWorkers = ['sdk-1', 'sdk-2', 'raw-1'] as const
export const politeWorker = 'sdk-3'
/** Serve a queue of their own, one task at a time: it is known what killed or blocked them. */
export const poisonWorker = 'lemming'
export const blockedWorker = 'blocker'
export const clients = ['client-1', 'client-2'] as const

/** Three heartbeats. Short, so that the reaper runs many times; long enough for a machine that is busy with tests. */
export const heartbeatMs = 500
export const leaseMs = 3 * heartbeatMs

type Timed = readonly [FaultKind, number, number]

/** Every kind comes once a round, in a new order: half a minute holds all of them. */
const roundsMs: Readonly<Record<StoreKind, number>> = { sqlite: 27_000, postgres: 29_000 }
/** [least, most] of what it lasts, for faults that happen to all; their starts share what is left of the round. */
const sharedOnFiles: readonly Timed[] = [
  ['worker_term', 900, 1_200],
  ['scheduler_kill', 100, 700],
  ['scheduler_stop', leaseMs * 1.1, leaseMs * 1.7],
  ['net_cut', 200, 800],
  ['net_stall', 800, leaseMs * 1.5],
  ['net_requests_only', 800, leaseMs * 1.5],
  ['net_replies_only', 800, leaseMs * 1.5],
  ['net_drop_reply', 800, 1_800],
  ['disk_full', 1_500, 2_200],
  ['second_scheduler', 1_000, 2_500],
]
/** One node's outage leaves the others, so that some of them last longer; what a crashed server takes to be back comes on top. */
const sharedOnServers: readonly Timed[] = [
  ['worker_term', 900, 1_200],
  ['scheduler_kill', 100, 1_500],
  ['scheduler_stop', leaseMs * 1.1, leaseMs * 1.7],
  ['scheduler_term', 100, 1_000],
  ['net_cut', 200, 600],
  ['net_stall', 800, leaseMs * 1.2],
  ['net_requests_only', 800, leaseMs * 1.2],
  ['net_replies_only', 800, leaseMs * 1.2],
  ['net_drop_reply', 800, 1_400],
  ['disk_full', 1_200, 1_800],
  ['database_restart', 100, 600],
  ['database_cut', 800, 2_000],
  ['database_stall', 800, 2_400],
  ['database_crowded', 600, 1_200],
  ['hints_cut', 600, 1_500],
]

/** What happens to one of several nodes. */
const oneNodes: ReadonlySet<FaultKind> = new Set<FaultKind>([
  ...(['scheduler_kill', 'scheduler_stop', 'scheduler_term'] as const),
  ...(['database_cut', 'database_stall', 'hints_cut'] as const),
])

/** Each full disk leaves some 40 MB of accepted tasks behind, and the disk is memory. */
const fullDisksMax = 10

/** The same seed, length and setup are the same plan. */
export function planFaults(seed: number, safetyMs: number, setup: Setup = setupUsual): Plan {
  const random = createRandom(seed)
  const roundMs = roundsMs[setup.store]
  const shared: PlannedFault[] = []
  const ofWorkers: PlannedFault[] = []
  const ofTasks: PlannedFault[] = []
  for (let from = 500; from < safetyMs; from += roundMs) {
    shared.push(...planShared(random, from, setup))
    ofWorkers.push(...planWorkers(random, from, roundMs))
    ofTasks.push(...planTasks(random, from, roundMs))
  }
  let fullDisks = 0
  const due = ({ kind, atMs, lastsMs }: PlannedFault): boolean => {
    if (atMs + lastsMs > safetyMs) return false
    if (kind === 'disk_full') fullDisks += 1
    return kind !== 'disk_full' || fullDisks <= fullDisksMax
  }
  return { seed, safetyMs, setup, tracks: [shared.filter(due), ofWorkers.filter(due), ofTasks.filter(due)] }
}

export function countPlanned(plan: Plan): ReadonlyMap<FaultKind, number> {
  const counts = new Map<FaultKind, number>()
  for (const { kind } of plan.tracks.flat()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

function planShared(random: () => number, from: number, setup: Setup): readonly PlannedFault[] {
  const deck = setup.store === 'sqlite' ? sharedOnFiles : sharedOnServers
  const faults = shuffle(random, deck).map(([kind, least, most]) => ({
    kind,
    lastsMs: between(random, least, most),
    target: targetOf(random, kind, setup),
  }))
  const busyMs = faults.reduce((sum, fault) => sum + fault.lastsMs, 0)
  const gapMs = (roundsMs[setup.store] - busyMs) / faults.length
  let atMs = from
  return faults.map(fault => {
    const planned = { atMs: Math.round(atMs + gapMs * random() * 0.5), ...fault }
    atMs += gapMs + fault.lastsMs
    return planned
  })
}

function targetOf(random: () => number, kind: FaultKind, setup: Setup): string | null {
  if (kind === 'worker_term') return politeWorker
  if (setup.store === 'postgres' && oneNodes.has(kind)) return `node-${Math.floor(random() * setup.nodes) + 1}`
  if (!kind.startsWith('net_') || random() < 0.5) return null
  return pick(random, [...roughWorkers, politeWorker, ...clients])
}

/** The raw worker, which settles however late it is, is stopped in every round: around the end of a lease and beyond. */
function planWorkers(random: () => number, from: number, roundMs: number): readonly PlannedFault[] {
  const kills = [1, 2].map(() => ({ kind: 'worker_kill' as const, target: pick(random, roughWorkers), lastsMs: 0 }))
  const stops = ['raw-1', pick(random, roughWorkers)].map(target => ({
    ...{ kind: 'worker_stop' as const, target },
    lastsMs: between(random, leaseMs * 1.1, leaseMs * 2),
  }))
  const deck = shuffle(random, [...kills, ...stops])
  const everyMs = roundMs / deck.length
  return deck.map((fault, at) => ({ atMs: Math.round(from + everyMs * at + random() * 1_500), ...fault }))
}

function planTasks(random: () => number, from: number, roundMs: number): readonly PlannedFault[] {
  const kinds: readonly FaultKind[] = ['late_handler', 'poison_task', 'blocked_loop']
  const faults = kinds.map(kind => ({
    kind,
    atMs: Math.round(from + between(random, 500, roundMs * 0.6)),
    lastsMs: 0,
    target: null,
  }))
  return faults.sort((one, other) => one.atMs - other.atMs)
}

/** Mulberry32: small, and good enough to shuffle faults. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function between(random: () => number, least: number, most: number): number {
  return Math.round(least + (most - least) * random())
}

function pick<T>(random: () => number, all: readonly T[]): T {
  const one = all[Math.floor(random() * all.length)]
  if (one === undefined) throw new Error('Nothing can be picked from an empty list.')
  return one
}

function shuffle<T>(random: () => number, all: readonly T[]): readonly T[] {
  return all
    .map(one => ({ one, order: random() }))
    .sort((one, other) => one.order - other.order)
    .map(({ one }) => one)
}
