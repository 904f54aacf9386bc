import type { InfiniteData, QueryClient } from '@tanstack/react-query'
import { isFinished, type Task, type TaskPage } from '@tasklane/protocol'
import { get } from '../api/http.ts'
import type { TaskChange } from '../api/types.ts'

/** Rows asked for in one round, and rows of a list that are looked after: who scrolled further scrolls on. */
const roundMax = 25
const rowsMax = 1_000

/**
 * Keeps rows of the list right through a flood, in which tasks change that no event names. The list cannot be fetched anew,
 * since its rows must not move; what has not ended is asked for by itself, a few at a time, until each was looked at once.
 */
export interface RowKeeper {
  /** Something changed that was not named: every row may be old. */
  doubt(): void
  /** @returns changes of some rows; null when no row is in doubt */
  round(): Promise<readonly TaskChange[] | null>
}

export function createRowKeeper(client: QueryClient): RowKeeper {
  let checked = new Set<string>()
  return {
    doubt: () => {
      checked = new Set()
    },
    round: async () => {
      const before = checked
      const ids = openRows(client)
        .filter(id => !before.has(id))
        .slice(0, roundMax)
      if (ids.length === 0) return null
      for (const id of ids) before.add(id)
      // A row that was deleted, or that the scheduler cannot tell of now, stays as it is.
      const told = await Promise.allSettled(ids.map(id => get<Task>(`api/tasks/${encodeURIComponent(id)}`)))
      return told.flatMap(each => (each.status === 'fulfilled' ? [changeOf(each.value)] : []))
    },
  }
}

function openRows(client: QueryClient): string[] {
  return client
    .getQueryCache()
    .findAll({ queryKey: ['tasks', 'list'], type: 'active' })
    .flatMap(({ state }) => {
      const { pages = [] } = (state.data ?? {}) as Partial<InfiniteData<TaskPage>> // api/queries.ts makes this key.
      const rows = pages.flatMap(page => page.tasks).slice(0, rowsMax)
      return rows.flatMap(task => (isFinished(task.status) ? [] : [task.task_id]))
    })
}

function changeOf({ task_id, status, worker_id, attempt, progress }: Task): TaskChange {
  return { task_id, status, worker_id, attempt, progress }
}
