import { limits } from '@tasklane/protocol'
import { readCursor, writeCursor } from '../core/cursor.ts'
import { type TaskRecord, taskId, textSize } from '../core/task.ts'
import type { Store } from '../ports/store.ts'
import type { Engine } from './engine.ts'
import { known } from './unknown.ts'

export type Reading = Pick<Engine, 'task' | 'taskByNumber' | 'tasks' | 'attempts' | 'logs' | 'parents' | 'graph'>

/** What the store says of tasks, in bounded pieces. */
export function createReading(store: Store): Reading {
  return {
    task: async id => known(await store.task(id), id),
    taskByNumber: async number => known(await store.taskByNumber(number), taskId(String(number))),
    tasks: async (filter, page) => {
      const filterText = JSON.stringify(filter)
      const before = page.cursor === null ? null : readCursor(page.cursor, filterText)
      // One more than asked for tells whether there is a next page.
      const found = await store.tasks(filter, { limit: page.limit + 1, before, offset: page.offset })
      const tasks = withinBytes(found.slice(0, page.limit))
      const last = tasks.at(-1)
      const hasMore = found.length > tasks.length && last !== undefined
      return { tasks, nextCursor: hasMore ? writeCursor(last.number, filterText) : null }
    },
    attempts: async id => known(await store.attempts(id), id),
    logs: async (id, after, limit) => known(await store.logs(id, after, limit), id),
    parents: async (id, from) => known(await store.parents(id, from, limits.parentsBytesMax), id),
    graph: async id => known(await store.graph(id, limits.graphTasksMax, limits.graphEdgesMax), id),
  }
}

/** As many as a reply can hold, one at least; the rest is on the next page. */
function withinBytes(tasks: readonly TaskRecord[]): readonly TaskRecord[] {
  let size = 0
  return tasks.filter((task, at) => {
    const isFirst = at === 0
    size += textSize(task)
    return isFirst || size <= limits.replyBytesMax
  })
}
