import type { Task } from '@tasklane/protocol'

export interface TimeFrame {
  readonly fromMs: number
  readonly toMs: number
}

/** Runs of each worker; those of others are left out. */
export function lanesOf(workers: readonly string[], tasks: readonly Task[]): ReadonlyMap<string, readonly Task[]> {
  const lanes = new Map<string, Task[]>(workers.map(worker => [worker, []]))
  for (const task of tasks) {
    if (task.worker_id !== null && task.started_at !== null) lanes.get(task.worker_id)?.push(task)
  }
  return lanes
}

const rowsMax = 10
/** A worker begins the next task while the end of the one before is still being written down. */
const handOverMs = 20

/** Tasks that ran side by side stand below each other; each takes the first row that is free. */
export function rowsOf(runs: readonly Task[]): readonly (readonly [task: Task, row: number])[] {
  const freeAt: number[] = []
  return runs
    .toSorted((one, other) => Date.parse(one.started_at ?? '') - Date.parse(other.started_at ?? ''))
    .map(task => {
      const from = Date.parse(task.started_at ?? '')
      const found = freeAt.findIndex(at => at <= from + handOverMs)
      const row = found === -1 ? Math.min(freeAt.length, rowsMax - 1) : found
      freeAt[row] = task.completed_at === null ? Number.POSITIVE_INFINITY : Date.parse(task.completed_at)
      return [task, row] as const
    })
}

/** More runs than this in one lane are no picture any more; how busy it was is one. */
export const denseAbove = 150
const cells = 60

export interface Share {
  /** How many ran at once, on average over the cell. */
  readonly busy: number
  /** How many ended there as failed. */
  readonly failed: number
}

export function sharesOf(runs: readonly Task[], { fromMs, toMs }: TimeFrame): readonly Share[] {
  const length = (toMs - fromMs) / cells
  const shares = Array.from({ length: cells }, () => ({ busy: 0, failed: 0 }))
  for (const task of runs) {
    const from = Math.max(fromMs, Date.parse(task.started_at ?? ''))
    const to = Math.min(toMs, task.completed_at === null ? toMs : Date.parse(task.completed_at))
    for (
      let cell = Math.max(0, Math.floor((from - fromMs) / length));
      cell < cells && fromMs + cell * length < to;
      cell += 1
    ) {
      const begin = fromMs + cell * length
      const share = shares[cell]
      if (share !== undefined) share.busy += (Math.min(to, begin + length) - Math.max(from, begin)) / length
    }
    const end = shares[Math.min(cells - 1, Math.floor((to - fromMs) / length))]
    if (task.status === 'failed' && end !== undefined) end.failed += 1
  }
  return shares
}
