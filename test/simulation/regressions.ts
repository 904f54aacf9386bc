import type { StoreKind } from './scenario.ts'

/** A story that once went wrong. */
export interface Regression {
  readonly seed: number
  readonly store: StoreKind
  /** What it shrank to: ids of tasks and numbers of other events; null is all of them. */
  readonly only: readonly string[] | null
  readonly why: string
}

const retriedParent = 'a child that waits for another parent waits again for one that was retried'

export const regressions: readonly Regression[] = [
  { seed: 10049, store: 'memory', only: null, why: retriedParent },
  {
    seed: 11455,
    store: 'sqlite',
    only: ['t1.0', 't1.1', 't1.2', 't1.3', '20', 't2.0', '22', '23', '25'],
    why: retriedParent,
  },
]
