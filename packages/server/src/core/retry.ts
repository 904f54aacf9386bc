import { limits } from '@tasklane/protocol'
import { type JsonText, taskErrorText } from './task.ts'

export interface RetryPolicy {
  /** Delay before the first retry; each further one doubles. */
  readonly baseMs: number
  readonly capMs: number
  /** Share of the delay that is left to chance, 0 to 1, so that tasks that failed together do not return together. */
  readonly jitter: number
}

/** 1, 2, 4, 8, 16 s for the default five retries. */
export const retryPolicyDefault: RetryPolicy = Object.freeze({ baseMs: 1_000, capMs: 3_600_000, jitter: 0.2 })

/** What the row says of a running attempt; immutable while its epoch lasts, so that a decision on it cannot age. */
export interface AttemptFacts {
  /** Attempts begun, this one included. */
  readonly attempt: number
  readonly crashes: number
  readonly maxRetries: number
}

export type Decision =
  | { readonly kind: 'retry'; readonly delayMs: number; readonly error: JsonText; readonly as: BadEnd }
  | { readonly kind: 'failed'; readonly error: JsonText; readonly as: BadEnd }

/** How a bad attempt is told in the task's history; `crashed` alone counts against the budget of crashes. */
export type BadEnd = 'failed' | 'timeout' | 'crashed'

/** The worker said that the attempt failed. Three budgets are kept apart: failures here, crashes below, releases free. */
export function decideFailure(
  facts: AttemptFacts,
  failure: {
    readonly error: JsonText
    readonly isTimeout: boolean
    readonly isRetryable: boolean
    readonly retryAfterMs: number | null
  },
  policy: RetryPolicy,
  random: number,
): Decision {
  const as = failure.isTimeout ? 'timeout' : 'failed'
  const failuresBefore = facts.attempt - 1 - facts.crashes
  if (!failure.isRetryable || failuresBefore >= facts.maxRetries) return { kind: 'failed', error: failure.error, as }
  const delayMs = failure.retryAfterMs ?? backOffMs(failuresBefore, policy, random)
  return { kind: 'retry', delayMs, error: failure.error, as }
}

/** The lease ran out, or the worker's process was replaced. */
export function decideLoss(
  facts: AttemptFacts,
  loss: { readonly pastDeadline: boolean; readonly detail: string },
  policy: RetryPolicy,
  random: number,
): Decision {
  if (loss.pastDeadline) {
    const failure = { error: taskErrorText('timeout'), isTimeout: true, isRetryable: true, retryAfterMs: null }
    return decideFailure(facts, failure, policy, random)
  }
  if (facts.crashes + 1 >= limits.crashesMax) {
    const detail = `The worker died or stopped answering under this task ${facts.crashes + 1} times. ${loss.detail}`
    return { kind: 'failed', error: taskErrorText('poisoned', detail), as: 'crashed' }
  }
  return { kind: 'retry', delayMs: 0, error: taskErrorText('worker_lost', loss.detail), as: 'crashed' }
}

/** Exponential with jitter around the middle: between (1 − jitter/2) and (1 + jitter/2) times the delay. */
export function backOffMs(failuresBefore: number, policy: RetryPolicy, random: number): number {
  const plain = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(failuresBefore, 40))
  return Math.round(plain * (1 - policy.jitter / 2 + policy.jitter * random))
}
