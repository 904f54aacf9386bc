import type { Store } from '../../src/ports/store.ts'
import type { StoreDriver } from '../support/store-driver.ts'
import type { VirtualClock } from '../support/virtual-clock.ts'

/** What a test of the suite works with: a store of its own, its clock, and short sentences over both. */
export interface Bench extends StoreDriver {
  readonly store: Store
  readonly clock: VirtualClock
}

export type Topic = (test: (name: string, body: (bench: Bench) => Promise<void>) => void) => void

/** One level of priority, in the suite. */
export const suiteHeadStartMs = 3_600_000
