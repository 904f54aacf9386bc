import { isFinished } from '@tasklane/protocol'
import type { TaskId, TaskRecord } from '../core/task.ts'
import type { Clock } from '../ports/clock.ts'

/** Who waits on this node for a task to end. */
export interface ResultWaiters {
  /** Resolves with the task when it has ended, or as it is after `waitMs` or an abort. */
  wait(id: TaskId, waitMs: number, signal: AbortSignal): Promise<TaskRecord>
  ended(ids: readonly { readonly id: TaskId }[]): void
  /** Looks for ends that this node was not told of, all that are waited for at once. */
  lookAgain(): Promise<void>
  /** Ends every wait with a refusal. */
  failAll(error: unknown): void
  close(): void
}

interface Waiter {
  wake(): void
  fail(error: unknown): void
}

export function createResultWaiters(parts: {
  readonly clock: Clock
  /** Throws `task_unknown`. */
  readonly read: (id: TaskId) => Promise<TaskRecord>
  readonly endedAmong: (ids: readonly TaskId[]) => Promise<readonly TaskId[]>
}): ResultWaiters {
  const byTask = new Map<TaskId, Set<Waiter>>()
  let isClosed = false

  async function wait(id: TaskId, waitMs: number, signal: AbortSignal): Promise<TaskRecord> {
    // Listening begins before reading: an end between the two must not be missed.
    const ended = listen(id, waitMs, signal)
    try {
      const task = await parts.read(id)
      if (isFinished(task.state) || waitMs <= 0 || isClosed || signal.aborted) return task
      await ended.promise
      return await parts.read(id)
    } finally {
      ended.stop()
    }
  }

  function listen(id: TaskId, waitMs: number, signal: AbortSignal): { promise: Promise<void>; stop(): void } {
    let wake = (): void => {}
    let fail = (_: unknown): void => {}
    const promise = new Promise<void>((resolve, reject) => {
      wake = resolve
      fail = reject
    })
    // It may be refused while the task is still being read.
    promise.catch(() => {})
    const waiter: Waiter = { wake, fail }
    const stopTimer = parts.clock.after(waitMs, wake)
    signal.addEventListener('abort', wake, { once: true })
    const waiters = byTask.get(id) ?? new Set()
    waiters.add(waiter)
    byTask.set(id, waiters)
    const stop = (): void => {
      stopTimer()
      signal.removeEventListener('abort', wake)
      waiters.delete(waiter)
      if (waiters.size === 0 && byTask.get(id) === waiters) byTask.delete(id)
    }
    return { promise, stop }
  }

  function wakeThose(id: TaskId): void {
    for (const { wake } of byTask.get(id) ?? []) wake()
  }

  return Object.freeze<ResultWaiters>({
    wait,
    ended: ids => {
      if (byTask.size > 0) for (const { id } of ids) wakeThose(id)
    },
    lookAgain: async () => {
      if (byTask.size > 0) for (const id of await parts.endedAmong([...byTask.keys()])) wakeThose(id)
    },
    failAll: error => {
      for (const waiters of byTask.values()) for (const { fail } of waiters) fail(error)
    },
    close: () => {
      isClosed = true
      for (const waiters of byTask.values()) for (const { wake } of waiters) wake()
    },
  })
}
