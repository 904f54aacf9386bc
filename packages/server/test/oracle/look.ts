import { fingerprintOf } from '../../src/core/fingerprint.ts'
import type { TaskId, TaskRecord } from '../../src/core/task.ts'
import type { Store, TaskFilter } from '../../src/ports/store.ts'
import { errorJson, everyTask } from '../support/drafts.ts'
import { lookAtAccounts } from './accounts.ts'
import { pool } from './commands.ts'
import { queueOf, submitterOf, typeOf, workerOf } from './perform.ts'

function filtersOf(records: readonly TaskRecord[], turn: number | null): readonly TaskFilter[] {
  // Times are the tasks' own, since each life has other ones.
  const [early = 0, late = 0] = [records.at(-3)?.createdAtMs, records.at(2)?.createdAtMs]
  const ofTimes = [
    { ...everyTask, createdFromMs: early },
    { ...everyTask, createdFromMs: early, createdBeforeMs: late, priorityMin: 5 },
    { ...everyTask, createdBeforeMs: late, states: ['failed' as const, 'pending' as const], text: 'TH' },
  ]
  return [...everyTime, ...[...inTurn, ...ofTimes].filter((_, at) => turn === null || at % 5 === turn % 5)]
}

const everyTime: readonly TaskFilter[] = [
  everyTask,
  { ...everyTask, states: ['pending', 'running'] },
  { ...everyTask, states: ['failed', 'cancelled'], queues: [queueOf(0), queueOf(1)] },
  { ...everyTask, types: [typeOf(1)], text: 'T1' },
  { ...everyTask, workerId: workerOf(0) },
  { ...everyTask, submittedBy: submitterOf(0) },
  { ...everyTask, submittedBy: submitterOf(1), states: ['failed', 'blocked'] },
]

/** Some of these at each look, in turn: together they would take longer than the lives. */
const inTurn: readonly TaskFilter[] = [
  { ...everyTask, workerId: workerOf(1), states: ['failed', 'running'], priorityMax: 5 },
  { ...everyTask, label: { key: 'shade', value: 'red' } },
  { ...everyTask, label: { key: 'shade', value: null }, submittedBy: submitterOf(0) },
  { ...everyTask, priorityMin: 5, priorityMax: 9 },
  { ...everyTask, priorityMin: 5.5, label: { key: 'shade', value: 'blue' }, text: 'the' },
  ...[0, 1].flatMap(type =>
    [errorJson('boom'), errorJson('timeout'), errorJson('worker_lost')].map(error => ({
      ...everyTask,
      fingerprint: fingerprintOf(typeOf(type), error),
    })),
  ),
  { ...everyTask, fingerprint: fingerprintOf(typeOf(0), errorJson('boom')), priorityMax: 5, text: '1' },
]

/** So many numbers that four tasks have them: a store may leave some out, where what was written was taken back. */
function numbersOfNewest(records: readonly TaskRecord[]): number {
  return (records[0]?.number ?? 0) - (records[4]?.number ?? 0)
}

/** Everything that can be read of a store, in a form that can be compared; with a turn, what is costly in turns. */
export async function lookAt(store: Store, ids: readonly TaskId[], turn: number | null = null): Promise<unknown> {
  const records = await store.tasks(everyTask, { limit: 500, before: null, offset: 0 })
  const newest = numbersOfNewest(records)
  return {
    tasks: await Promise.all(ids.map(id => lookAtTask(store, id))),
    lists: await Promise.all(
      filtersOf(records, turn).map(async filter => ({
        page: await store.taskIds(filter, { limit: 5, before: null, offset: 1 }),
        count: await store.countTasks(filter, 6, filter.text === null ? null : newest),
      })),
    ),
    submitters: texts(await store.submittersOf(ids)),
    accounts: await lookAtAccounts(store),
    records,
    failures:
      turn === null || turn % 3 === 0
        ? await store.failures({ withinMs: 1_000_000, most: 10_000, limit: 100, cells: 5, newest: 3 })
        : null,
    waiting: turn === null || turn % 3 === 1 ? await store.waiting(4) : null,
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
