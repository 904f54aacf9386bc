/** How many random lives are led, and how. */
export interface Lives {
  readonly runs: number
  /** What the test may take. */
  readonly timeoutMs: number
  /** For fast-check. */
  readonly parameters: {
    readonly numRuns: number
    readonly endOnFailure: boolean
    readonly interruptAfterTimeLimit: number
    readonly markInterruptAsFailure: true
    readonly seed?: number
    readonly path?: string
  }
}

/** Of the test's time, for what a run says when it stops itself. */
const lastWordsMs = 20_000

/**
 * `ORACLE_RUNS` is how many lives, `ORACLE_SEED`, as a failure prints it, brings a run back and `ORACLE_PATH` one life of
 * it; `ORACLE_NO_SHRINK` leaves the first life that fails as it is. A run stops itself before the test is over, in the
 * middle of a life that never ends or while it looks for a shorter one that fails, too: then it can still tell its seed.
 *
 * @param eachMs what a life may take, several times the usual
 */
export function livesOr(most: number, eachMs: number): Lives {
  const { ORACLE_RUNS, ORACLE_SEED, ORACLE_PATH, ORACLE_NO_SHRINK } = process.env
  const runs = Number(ORACLE_RUNS ?? most)
  const timeoutMs = 60_000 + runs * eachMs
  return {
    runs,
    timeoutMs,
    parameters: {
      numRuns: runs,
      endOnFailure: ORACLE_NO_SHRINK !== undefined,
      interruptAfterTimeLimit: timeoutMs - lastWordsMs,
      markInterruptAsFailure: true,
      ...(ORACLE_SEED === undefined ? {} : { seed: Number(ORACLE_SEED) }),
      ...(ORACLE_PATH === undefined ? {} : { path: ORACLE_PATH }),
    },
  }
}
