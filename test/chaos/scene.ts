import type { Api } from './api.ts'
import type { Fleet } from './fleet.ts'
import type { Ground } from './ground.ts'
import type { Journal } from './journal.ts'
import type { OwnTask, Submitter } from './submitter.ts'

/** What a fault needs to happen. */
export interface Scene {
  readonly fleet: Fleet
  readonly journal: Journal
  readonly submitter: Submitter
  readonly api: Api
  readonly ground: Ground
  readonly signal: AbortSignal
  /** Numbers what a fault submits. */
  nextNumber(): number
}

export function ownTask(scene: Scene, kind: OwnTask['kind'], payload: OwnTask['payload']): OwnTask {
  return { id: `run-${kind}-${scene.nextNumber()}`, kind, type: 'work', queue: 'main', payload, maxRetries: 5 }
}
