import { Problem } from '../core/problem.ts'
import type { TaskId, WorkerId } from '../core/task.ts'

/** One sentence for what never was, for what is gone, and for what is somebody else's. */
export function unknownTask(id: TaskId): Problem {
  return new Problem('task_unknown', `No task has the id '${id}'; it never existed or was pruned after its retention.`)
}

export function unknownWorker(id: WorkerId): Problem {
  return new Problem('worker_unknown', `No worker '${id}' is registered; register it with POST /api/workers/register.`)
}

/** @throws `task_unknown` where there is none */
export function known<T>(value: T | null, id: TaskId): T {
  if (value === null) throw unknownTask(id)
  return value
}
