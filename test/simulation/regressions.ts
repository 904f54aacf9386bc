import type { Happening, Scenario, StoreKind, TaskSpec } from './scenario.ts'

/**
 * Stories that once went wrong. Shrunk, and then told by hand, event by event: what a seed stands for changes with every
 * change of the simulation, and a story that has drifted guards nothing.
 */
export interface Regression {
  readonly why: string
  readonly scenario: Scenario
}

/** Seed 10049 over memory, seed 11455 over SQLite. */
function retriedParent(store: StoreKind): Scenario {
  return story(store, [
    // Nobody runs anything, so that operators alone move the tasks.
    [0, { kind: 'pause_queue', queue: 'mail', forMs: 10_000 }],
    [1_000, { kind: 'submit', isTogether: true, tasks: [task('retried'), task('other')] }],
    [2_000, { kind: 'submit', isTogether: true, tasks: [task('child', ['retried', 'other'])] }],
    [3_000, { kind: 'cancel', task: 'retried' }],
    [4_000, { kind: 'retry', task: 'retried', withDependents: false }],
    [5_000, { kind: 'by_hand', task: 'other' }],
  ])
}

export const regressions: readonly Regression[] = (['memory', 'sqlite'] as const).map(store => ({
  why: 'a child that still waits for another parent waits again for one that was retried',
  scenario: retriedParent(store),
}))

function task(id: string, dependencies: readonly string[] = []): TaskSpec {
  return {
    id,
    type: 'send',
    queue: 'mail',
    priority: null,
    dependencies,
    proceeds: true,
    timeoutMs: null,
    maxRetries: 0,
    delayMs: null,
    key: null,
    isPoison: false,
  }
}

function story(store: StoreKind, events: readonly (readonly [number, Happening])[]): Scenario {
  return {
    seed: 1,
    store,
    nodes: 1,
    workers: 1,
    safetyMs: 12_000,
    headStartMs: 3_600_000,
    retentionMs: 86_400_000,
    fineStore: { busy: 0, unknown: 0, slowMs: 2 },
    fineNetwork: { loseRequest: 0, loseReply: 0, double: 0, slowMs: 3 },
    events: events.map(([atMs, happening], number) => ({ number, atMs, ...happening })),
  }
}
