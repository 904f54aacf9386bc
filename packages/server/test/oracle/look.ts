import type { TaskId } from '../../src/core/task.ts'
import type { Store, TaskFilter } from '../../src/ports/store.ts'
import { everyTask } from '../support/drafts.ts'
import { lookAtAccounts } from './accounts.ts'
import { pool } from './commands.ts'
import { queueOf, submitterOf, typeOf, workerOf } from './perform.ts'

const filters: readonly TaskFilter[] = [
  everyTask,
  { ...everyTask, states: ['pending', 'running'] },
  { ...everyTask, states: ['failed', 'cancelled'], queues: [queueOf(0), queueOf(1)] },
  { ...everyTask, types: [typeOf(1)], text: 'T1' },
  { ...everyTask, workerId: workerOf(0) },
  { ...everyTask, submittedBy: submitterOf(0) },
  { ...everyTask, submittedBy: submitterOf(1), states: ['failed', 'blocked'] },
]

/** Everything that can be read of a store, in a form that can be compared. */
export async function lookAt(store: Store, ids: readonly TaskId[]): Promise<unknown> {
  return {
    tasks: await Promise.all(ids.map(id => lookAtTask(store, id))),
    lists: await Promise.all(
      filters.map(async filter => ({
        page: await store.taskIds(filter, { limit: 5, before: null, offset: 1 }),
        count: await store.countTasks(filter, 6),
      })),
    ),
    submitters: texts(await store.submittersOf(ids)),
    accounts: await lookAtAccounts(store),
    records: await store.tasks(everyTask, { limit: 500, before: null, offset: 0 }),
    counts: await store.counts(),
    queues: await store.queues(),
    workers: await store.workers(),
    held: await Promise.all(range(pool.workers).map(at => store.leasesOf(workerOf(at)))),
    // Leases of one instant may come in any order.
    expired: [...(await store.expired(1_000))].sort((one, other) => (one.taskId < other.taskId ? -1 : 1)),
  }
}

async function lookAtTask(store: Store, id: TaskId): Promise<unknown> {
  const task = await store.task(id)
  const graph = await store.graph(id, 1_000, 10_000)
  return {
    task,
    sameByNumber: task === null ? null : await store.taskByNumber(task.number),
    attempts: await store.attempts(id),
    parents: await store.parents(id, 0, 70),
    laterParents: await store.parents(id, 1, 1_000),
    standing: await store.standing(id, 3),
    logs: await store.logs(id, 1, 3),
    // Nearest first; the order among equally near ones is left open, and so is what a truncated graph leaves out.
    graph: graph && {
      tasks: texts(graph.tasks.map(({ number: _, ...task }) => task)),
      edges: texts(graph.edges),
      isTruncated: graph.isTruncated,
    },
  }
}

function texts(list: readonly unknown[]): readonly string[] {
  return list.map(each => JSON.stringify(each)).sort()
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at)
}
