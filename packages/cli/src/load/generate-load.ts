import type { Task } from '@tasklane/protocol'
import { ApiError } from '@tasklane/sdk'
import type { SchedulerClient } from '../connection.ts'
import { createMixer, type Mix } from './mix.ts'

export interface LoadOptions {
  readonly count: number
  /** Submits a second; null is as many as go. */
  readonly ratePerSecond: number | null
  readonly mix: Mix
  readonly priority: number | null
  readonly queue: string | null
  /** Marks the tasks of this run, as the label `generate`. */
  readonly runId: string
  readonly signal: AbortSignal
  /** Milliseconds that only go forward. */
  readonly monotonicMs: () => number
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly onProgress: (done: number) => void
}

export interface LoadOutcome {
  readonly submitted: number
  /** Refusals by their code. */
  readonly refused: Readonly<Record<string, number>>
  readonly seconds: number
  /** Milliseconds from the call to its answer, a submit each. */
  readonly submitMs: readonly number[]
}

/** Submits under way at once where no rate is given; the SDK puts them into few requests. */
const inFlightMax = 256
/** Submits under way at a rate the scheduler cannot follow. */
const lateMax = 10_000

/**
 * Submits tasks at a rate, or as fast as they are taken. With a rate, each submit has its own due time counted from the
 * start, and a slow answer delays none that is due later: otherwise the load would politely wait for the scheduler and
 * the latencies would flatter it (coordinated omission).
 */
export async function generateLoad(client: SchedulerClient, options: LoadOptions): Promise<LoadOutcome> {
  const next = createMixer(options.mix)
  const submitMs: number[] = []
  const refused: Record<string, number> = {}
  const underWay = new Set<Promise<void>>()
  const startMs = options.monotonicMs()
  let fatal: unknown = null
  const submitOne = async (at: number, dueMs: number) => {
    const { type, payload } = next(at)
    try {
      await client.submit(type, payload, {
        labels: { generate: options.runId },
        ...(options.priority === null ? {} : { priority: options.priority }),
        ...(options.queue === null ? {} : { queue: options.queue }),
      })
      submitMs.push(options.monotonicMs() - dueMs)
      options.onProgress(submitMs.length)
    } catch (error) {
      // A refusal is an outcome of the load; a scheduler that is not there is the end of it.
      if (error instanceof ApiError) refused[error.code] = (refused[error.code] ?? 0) + 1
      else fatal ??= error
    }
  }
  for (let at = 0; at < options.count && !options.signal.aborted && fatal === null; at += 1) {
    let dueMs = options.monotonicMs()
    if (options.ratePerSecond !== null) {
      dueMs = startMs + (at * 1_000) / options.ratePerSecond
      const earlyMs = dueMs - options.monotonicMs()
      if (earlyMs > 1) await options.sleep(earlyMs, options.signal).catch(() => undefined)
      if (options.signal.aborted) break
    } else if (underWay.size >= inFlightMax) {
      await Promise.race(underWay)
      dueMs = options.monotonicMs()
    }
    // Bounded also where the scheduler is slower than the rate; the wait shows in the latencies.
    while (underWay.size >= lateMax) await Promise.race(underWay)
    const submit = submitOne(at, dueMs).finally(() => underWay.delete(submit))
    underWay.add(submit)
  }
  await Promise.all(underWay)
  if (fatal !== null) throw fatal
  return { submitted: submitMs.length, refused, seconds: (options.monotonicMs() - startMs) / 1_000, submitMs }
}

const pollEveryMs = 250

/** Waits until every task of the run has ended; the count of those that have is told as it grows. */
export async function waitForLoad(
  client: SchedulerClient,
  options: Pick<LoadOptions, 'runId' | 'signal' | 'sleep' | 'onProgress'> & { readonly submitted: number },
): Promise<void> {
  const filter = { label: `generate:${options.runId}`, status: ['completed', 'failed', 'cancelled'] as const }
  for (;;) {
    options.signal.throwIfAborted()
    // A dry run only counts; and cancelling what has ended would change nothing.
    const { matched } = await client.bulk({ action: 'cancel', filter, dryRun: true })
    options.onProgress(matched)
    if (matched >= options.submitted) return
    await options.sleep(pollEveryMs, options.signal)
  }
}

/** The tasks of a run, as they ended. */
export async function collectLoad(client: SchedulerClient, runId: string): Promise<readonly Task[]> {
  const tasks: Task[] = []
  for await (const task of client.listAll({ label: `generate:${runId}` })) tasks.push(task)
  return tasks
}
