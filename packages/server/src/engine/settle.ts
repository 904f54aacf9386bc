import type { SettleReply } from '@tasklane/protocol'
import { type Decision, decideFailure, decideLoss, type RetryPolicy } from '../core/retry.ts'
import { type JsonText, taskErrorText, type WorkerId } from '../core/task.ts'
import type { Clock } from '../ports/clock.ts'
import type { Lease, LeaseFacts, Outcome, Settlement, Store } from '../ports/store.ts'
import type { Committer } from './committer.ts'
import type { EngineEvent, WorkerResult } from './engine.ts'

/**
 * How an attempt ends. Core decides, one conditional statement in the store acts, and only (task, epoch, worker) opens
 * it. What a decision rests on (attempt, crashes, retries) cannot change while the epoch lasts, so that reading it first
 * is safe: if the lease has passed to somebody else meanwhile, the settle is stale and changes nothing.
 */
export interface Settling {
  /** The worker's own word. Resolves when durable. */
  settle(workerId: WorkerId, results: readonly WorkerResult[]): Promise<SettleReply['results']>
  /** Leases that ran out, or whose process was replaced. */
  lose(
    leases: readonly LeaseFacts[],
    why: { readonly guard: Settlement['guard']; readonly detail: string },
  ): Promise<void>
  /** Gives tasks back without charging the attempt. */
  release(leases: readonly Lease[]): Promise<void>
}

export interface SettlingParts {
  readonly store: Store
  readonly committer: Committer
  readonly clock: Clock
  readonly retryPolicy: RetryPolicy
  readonly emit: (event: EngineEvent) => void
  /** A task goes back to waiting and will be due in so many milliseconds. */
  readonly onRetryIn: (ms: number) => void
}

export function createSettling({ store, committer, clock, retryPolicy, emit, onRetryIn }: SettlingParts): Settling {
  async function settle(workerId: WorkerId, results: readonly WorkerResult[]): Promise<SettleReply['results']> {
    const settlements = await decideAll(workerId, results)
    const verdicts = await committer.settle(settlements)
    for (const [at, settlement] of settlements.entries()) report(settlement, verdicts[at]?.verdict)
    return results.map((result, at) => {
      const verdict = verdicts[at]?.verdict ?? 'unknown'
      const entry = { task_id: result.taskId, verdict }
      return result.resultFault === null ? entry : { ...entry, detail: result.resultFault }
    })
  }

  /** Only failures need a decision. They are decided on the facts of their leases, read in one call. */
  async function decideAll(workerId: WorkerId, results: readonly WorkerResult[]): Promise<readonly Settlement[]> {
    const leases = results.map(({ taskId, epoch }): Lease => ({ taskId, epoch, workerId }))
    const isFailure = results.map(result => result.outcome === 'failed' || result.resultFault !== null)
    const failing = leases.filter((_, at) => isFailure[at])
    const facts = failing.length === 0 ? [] : await store.leases(failing)
    let nextFacts = 0
    return results.map((result, at): Settlement => {
      const lease = leases[at] ?? { taskId: result.taskId, epoch: result.epoch, workerId }
      if (isFailure[at] !== true) return { lease, outcome: undecided(result), guard: 'held' }
      const known = facts[nextFacts] ?? null
      nextFacts += 1
      return { lease, outcome: decide(result, known), guard: 'held' }
    })
  }

  function decide(result: WorkerResult, facts: LeaseFacts | null): Decision {
    const error =
      result.resultFault === null ? errorText(result.error) : taskErrorText('result_invalid', result.resultFault)
    const isTimeout = result.resultFault === null && result.error?.code === 'timeout'
    // Without a live lease the store will say stale or unknown, or know the settle again; the decision does not matter.
    if (facts === null) return { kind: 'failed', error, as: isTimeout ? 'timeout' : 'failed' }
    const isRetryable = result.isRetryable && result.resultFault === null
    const failure = { error, isTimeout, isRetryable, retryAfterMs: result.retryAfterMs }
    return decideFailure(facts, failure, retryPolicy, clock.random())
  }

  async function lose(
    leases: readonly LeaseFacts[],
    why: { readonly guard: Settlement['guard']; readonly detail: string },
  ): Promise<void> {
    if (leases.length === 0) return
    const settlements = leases.map((facts): Settlement => {
      const outcome = decideLoss(
        facts,
        { pastDeadline: facts.pastDeadline, detail: why.detail },
        retryPolicy,
        clock.random(),
      )
      const { taskId, epoch, workerId } = facts
      return { lease: { taskId, epoch, workerId }, outcome, guard: why.guard }
    })
    const verdicts = await committer.settle(settlements)
    for (const [at, settlement] of settlements.entries()) {
      // A lease that was settled or extended meanwhile is no loss and no news.
      if (verdicts[at]?.verdict === 'applied') report(settlement, 'applied')
    }
  }

  function report({ outcome }: Settlement, verdict: string | undefined): void {
    if (verdict === 'stale') emit({ kind: 'stale_settle' })
    if (verdict === 'applied' && (outcome.kind === 'retry' || outcome.kind === 'failed')) {
      emit({ kind: 'attempt_failed', as: outcome.as, willRetry: outcome.kind === 'retry' })
      if (outcome.kind === 'retry' && outcome.delayMs > 0) onRetryIn(outcome.delayMs)
    }
  }

  return Object.freeze<Settling>({
    settle,
    lose,
    release: async leases => {
      if (leases.length === 0) return
      await committer.settle(leases.map(lease => ({ lease, outcome: { kind: 'released' }, guard: 'held' })))
    },
  })
}

/** What the worker says is what happens. */
function undecided({ outcome, result, error }: WorkerResult): Outcome {
  if (outcome === 'completed') return { kind: 'completed', result }
  if (outcome === 'released') return { kind: 'released' }
  return { kind: 'cancelled', error: taskErrorText('cancelled', error?.message) }
}

/** The worker's error as it is kept: with a code always. The door above has cut it to its bound. */
function errorText(error: WorkerResult['error']): JsonText {
  const { code = 'error', message = 'The worker gave no reason.', stack } = error ?? {}
  return JSON.stringify({ code, message, ...(stack === undefined ? {} : { stack }) }) as JsonText // An object is always a text.
}
