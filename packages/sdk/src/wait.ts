import { isFinished, limits, type Task } from '@tasklane/protocol'
import { backOffMs, type Clock, sleep } from './clock.ts'
import { TaskCancelledError, TaskFailedError, UnreachableError, WaitTimeoutError } from './errors.ts'
import type { Transport } from './transport.ts'

export interface WaitOptions {
  /** Milliseconds; without it the wait lasts as long as the task does. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** How long a wait without a time limit believes that an absent scheduler comes back. */
const absenceMsMax = 60_000
/** A poll that comes back before this did not wait. */
const hastyMs = 50
const backOff = { baseMs: 100, maxMs: 2_000 }

/**
 * Long polls until the task has finished. An absence of the scheduler is sat out, since a restart is no reason to lose
 * sight of a task.
 *
 * @param requestTimeoutMs what a poll may take beyond its wait
 * @throws WaitTimeoutError · UnreachableError after a minute without an answer · ApiError · the signal's reason
 */
export async function waitForTask(
  { transport, clock, requestTimeoutMs }: { transport: Transport; clock: Clock; requestTimeoutMs: number },
  taskId: string,
  { timeoutMs, signal }: WaitOptions,
): Promise<Task> {
  const deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() + timeoutMs
  let last: Task | null = null
  let answeredAt = clock.monotonic()
  const rest = async (failures: number): Promise<void> => {
    const leftMs = Math.max(0, deadline - clock.monotonic())
    await sleep(clock, Math.min(backOffMs(clock, failures, backOff), leftMs), signal)
    signal?.throwIfAborted()
  }
  for (let failures = 0; ; ) {
    const leftMs = Math.max(0, deadline - clock.monotonic())
    const waitSeconds = Math.min(limits.waitSecondsMax, leftMs / 1_000)
    const askedAt = clock.monotonic()
    try {
      const { body } = await transport.call({
        method: 'GET',
        path: `/api/tasks/${encodeURIComponent(taskId)}/result?wait=${Number(waitSeconds.toFixed(3))}`,
        isRepeatable: true,
        retries: 0,
        timeoutMs: waitSeconds * 1_000 + requestTimeoutMs,
        signal,
      })
      // The contract of the call: the task, finished (200) or as it is now (202).
      last = body as Task
      if (isFinished(last.status)) return last
      answeredAt = clock.monotonic()
      // A scheduler that is stopping ends the wait early; asking again at once would spin.
      const isHasty = answeredAt - askedAt < Math.min(hastyMs, waitSeconds * 1_000)
      failures = isHasty ? failures + 1 : 0
      if (isHasty) await rest(failures)
    } catch (error) {
      const isAbsent = error instanceof UnreachableError || isUnavailable(error)
      if (!isAbsent || (timeoutMs === undefined && clock.monotonic() - answeredAt > absenceMsMax)) throw error
      failures += 1
      await rest(failures)
    }
    if (timeoutMs !== undefined && clock.monotonic() >= deadline) {
      throw new WaitTimeoutError(taskId, timeoutMs, last?.status ?? null)
    }
  }
}

/** The result of a finished task, or the error that says how else it ended. */
export function resultOf(task: Task): Task['result'] {
  if (task.status === 'completed') return task.result
  throw task.status === 'cancelled' ? new TaskCancelledError(task.task_id, task) : new TaskFailedError(task)
}

function isUnavailable(error: unknown): boolean {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status >= 502
}
