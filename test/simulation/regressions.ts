import type { StoreKind } from './scenario.ts'

/** A story that once went wrong. */
export interface Regression {
  readonly seed: number
  readonly store: StoreKind
  /** What it shrank to: ids of tasks and numbers of other events; null is all of them. */
  readonly only: readonly string[] | null
  readonly why: string
}

export const regressions: readonly Regression[] = []
