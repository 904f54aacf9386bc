/** How much time one level of priority is worth: a task of priority 6 runs before those of 5 that came up to so much earlier. */
export const headStartMsDefault = 3_600_000

/**
 * The number a claim sorts by, smallest first. A fixed head start in time per level means that higher priorities go
 * first and that nobody starves: a waiting task is overtaken only by tasks due less than the head start later.
 *
 * @param dueAtMs run_at or created_at; retries do not change it
 */
export function rankOf(dueAtMs: number, priority: number, headStartMs: number): number {
  return dueAtMs - priority * headStartMs
}

export interface Ranked {
  readonly rank: number
  readonly number: number
}

/** The order inside a queue: by rank, ties by the task's number. */
export function compareRanked(one: Ranked, other: Ranked): number {
  return one.rank - other.rank || one.number - other.number
}
