import type { StoreKind } from './scenario.ts'

/** A story that once went wrong. */
export interface Regression {
  readonly seed: number
  readonly store: StoreKind
  /** The events that it shrank to, by their numbers; null is all of them. */
  readonly events: readonly number[] | null
  readonly why: string
}

export const regressions: readonly Regression[] = []
