import { type StateCounts, type TaskState, taskStates } from '@tasklane/protocol'
import { compareRanked } from '../../core/rank.ts'
import type { TaskId, WorkerId } from '../../core/task.ts'
import type {
  GraphRecord,
  Lease,
  LeaseFacts,
  PageAsk,
  ParentRecord,
  QueueRecord,
  Standing,
  TaskCount,
  TaskFilter,
  WorkerRecord,
} from '../../ports/store.ts'
import { printOf } from './looks.ts'
import { pauseOf } from './pauses.ts'
import { holds, leaseFacts, type Row, toRecord, type WorkerRow } from './rows.ts'
import type { World } from './world.ts'

export function parentRecords(row: Row): readonly ParentRecord[] {
  return row.parents.map(edge => ({
    id: edge.parentId,
    state: edge.parent?.state ?? null,
    result: edge.parent?.result ?? null,
    error: edge.parent?.error ?? null,
  }))
}

export function selectRows(world: World, filter: TaskFilter, page: PageAsk): readonly Row[] {
  return [...world.byNumber.values()]
    .filter(row => matches(row, filter) && (page.before === null || row.number < page.before))
    .sort((one, other) => other.number - one.number)
    .slice(page.offset, page.offset + page.limit)
}

export function countRows(world: World, filter: TaskFilter, most: number, newest: number | null): TaskCount {
  const numbers = [...world.byNumber.keys()]
  const above = newest === null ? 0 : Math.max(0, ...numbers) - newest
  const found = selectRows(world, filter, { limit: Number.MAX_SAFE_INTEGER, before: null, offset: 0 })
  // What the counters tell needs no look at a row.
  const isPlain = Object.entries(filter).every(
    ([name, value]) => value === null || ['states', 'types', 'queues'].includes(name),
  )
  const isWhole = isPlain || numbers.every(number => number > above)
  const count = isWhole ? found.length : found.filter(row => row.number > above).length
  return { count: Math.min(count, most), isExact: isWhole && count <= most }
}

function matches(row: Row, filter: TaskFilter): boolean {
  if (filter.states !== null && !filter.states.includes(row.state)) return false
  if (filter.types !== null && !filter.types.includes(row.type)) return false
  if (filter.queues !== null && !filter.queues.includes(row.queue)) return false
  if (filter.workerId !== null && row.workerId !== filter.workerId) return false
  if (filter.submittedBy !== null && row.submittedBy !== filter.submittedBy) return false
  if (filter.fingerprint !== null && printOf(row) !== filter.fingerprint) return false
  if (filter.createdFromMs !== null && row.createdAtMs < filter.createdFromMs) return false
  if (filter.createdBeforeMs !== null && row.createdAtMs >= filter.createdBeforeMs) return false
  if (filter.priorityMin !== null && row.priority < filter.priorityMin) return false
  if (filter.priorityMax !== null && row.priority > filter.priorityMax) return false
  if (filter.label !== null) {
    const labels: Readonly<Record<string, string>> = row.labels === null ? {} : JSON.parse(row.labels)
    const value = Object.hasOwn(labels, filter.label.key) ? labels[filter.label.key] : undefined
    if (value === undefined || (filter.label.value !== null && value !== filter.label.value)) return false
  }
  if (filter.text === null) return true
  const text = asciiLower(filter.text)
  return [row.id, row.name ?? '', row.type].some(field => asciiLower(field).includes(text))
}

function asciiLower(text: string): string {
  return text.replace(/[A-Z]/g, letter => letter.toLowerCase())
}

export function findLease(world: World, lease: Lease): LeaseFacts | null {
  const row = world.byId.get(lease.taskId)
  if (row === undefined || !holds(row, lease.workerId, lease.epoch)) return null
  return leaseFacts(row, lease.workerId, world.clock.now())
}

export function leasesOf(world: World, workerId: WorkerId): readonly LeaseFacts[] {
  const held = [...world.byNumber.values()].filter(row => holds(row, workerId, null))
  return held.map(row => leaseFacts(row, workerId, world.clock.now()))
}

export function parentsPage(row: Row, from: number, bytesMax: number): readonly ParentRecord[] {
  const page: ParentRecord[] = []
  let bytes = 0
  for (const parent of parentRecords(row).slice(from)) {
    bytes += (parent.result?.length ?? 0) + (parent.error?.length ?? 0)
    if (page.length > 0 && bytes > bytesMax) break
    page.push(parent)
  }
  return page
}

/** Breadth first in both directions: ancestors of ancestors, descendants of descendants, nearest first. */
export function neighbourhood(start: Row, tasksMax: number, edgesMax: number): GraphRecord {
  const nodes = new Map<TaskId, Row>([[start.id, start]])
  let isTruncated = false
  const spread = (next: (row: Row) => readonly Row[]): void => {
    const work: Row[] = [start]
    for (let row = work.shift(); row !== undefined; row = work.shift()) {
      for (const other of next(row)) {
        if (nodes.has(other.id)) continue
        if (nodes.size >= tasksMax) {
          isTruncated = true
          return
        }
        nodes.set(other.id, other)
        work.push(other)
      }
    }
  }
  spread(row => row.parents.flatMap(edge => (edge.parent === null ? [] : [edge.parent])))
  spread(row => row.children.map(edge => edge.child))
  const edges: GraphRecord['edges'][number][] = []
  for (const row of nodes.values()) {
    for (const { parentId, policy } of row.parents) {
      if (!nodes.has(parentId)) continue
      if (edges.length >= edgesMax) return { tasks: drawn(nodes), edges, isTruncated, areEdgesTruncated: true }
      edges.push({ parent: parentId, child: row.id, policy })
    }
  }
  return { tasks: drawn(nodes), edges, isTruncated, areEdgesTruncated: false }
}

function drawn(nodes: ReadonlyMap<TaskId, Row>): GraphRecord['tasks'] {
  return [...nodes.values()].map(({ number, id, type, name, state, startedAtMs, finishedAtMs, submittedBy }) => {
    return { number, id, type, name, state, startedAtMs, finishedAtMs, submittedBy }
  })
}

export function standingOf(world: World, row: Row, positionMax: number): Standing {
  const waiting = row.parents.filter(edge => !edge.isResolved && edge.parent !== null)
  const line = [...world.byNumber.values()].filter(other => other.queue === row.queue && other.state === 'pending')
  const before = line.filter(other => compareRanked(other, row) < 0).length
  return {
    task: toRecord(row),
    nowMs: world.clock.now(),
    pause: pauseOf(world, row.queue),
    waitingFor: {
      count: row.state === 'blocked' ? waiting.length : 0,
      first:
        row.state === 'blocked'
          ? waiting.slice(0, 10).map(edge => ({ id: edge.parentId, state: edge.parent?.state ?? 'completed' }))
          : [],
    },
    position: row.state === 'pending' ? { before: Math.min(before, positionMax), pending: line.length } : null,
  }
}

export function countStates(rows: Iterable<Row>): StateCounts {
  const counts: Record<TaskState, number> = Object.fromEntries(taskStates.map(state => [state, 0])) as Record<
    TaskState,
    number
  > // Every state is a key by construction.
  for (const row of rows) counts[row.state] += 1
  return counts
}

export function countTimedOut(world: World, submittedBy: string | null, most: number): number {
  const failed = [...world.byNumber.values()].filter(row => row.state === 'failed')
  const newest = failed.sort((one, other) => other.number - one.number).slice(0, most)
  const isCounted = (row: Row) => submittedBy === null || row.submittedBy === submittedBy
  return newest.filter(row => isCounted(row) && row.attempts.at(-1)?.outcome === 'timeout').length
}

export function queueRecord(world: World, name: string): QueueRecord {
  const rows = [...world.byNumber.values()].filter(row => row.queue === name)
  const due = rows.filter(row => row.state === 'pending').map(row => row.dueAtMs)
  return {
    name,
    pause: pauseOf(world, name),
    counts: countStates(rows),
    oldestDueAtMs: due.length === 0 ? null : due.reduce((least, at) => Math.min(least, at)),
    nowMs: world.clock.now(),
  }
}

export function workerRecord(world: World, worker: WorkerRow): WorkerRecord {
  const held = [...world.byNumber.values()].filter(row => holds(row, worker.id, null))
  return { ...worker, nowMs: world.clock.now(), holds: held.map(row => row.id) }
}
