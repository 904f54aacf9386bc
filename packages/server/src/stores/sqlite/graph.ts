import { assert } from '../../core/assert.ts'
import { type TaskId, taskId } from '../../core/task.ts'
import type { DrawnTask, GraphRecord } from '../../ports/store.ts'
import type { SqlRow, Statement } from './database.ts'
import { number, numberOrNull, policy, state, text, textOrNull } from './rows.ts'
import type { Session } from './session.ts'

/**
 * Rows of edges that one search looks at, for each edge it may tell. A graph is read on the thread that serves everybody:
 * without a bound, a hundred tasks with ten thousand parents each held it for two seconds.
 */
const looksPerEdge = 5

type Edge = GraphRecord['edges'][number]

/** Breadth first in both directions: ancestors of ancestors, descendants of descendants, nearest first. */
export function readGraph(session: Session, id: TaskId, tasksMax: number, edgesMax: number): GraphRecord | null {
  const start = session.reads.numberById.get(id)
  if (start === undefined) return null
  const found = new Set([number(start[0])])
  const isCut = [session.reads.parentNumbers, session.reads.childNumbers].map(next =>
    spread(number(start[0]), next, found, tasksMax, edgesMax * looksPerEdge),
  )
  const rows = [...found].map(own => rowOf(session, own))
  const { edges, isCut: areEdgesTruncated } = edgesAmong(session, rows, found, edgesMax)
  return { tasks: rows.map(row => toDrawn(session, row)), edges, isTruncated: isCut.includes(true), areEdgesTruncated }
}

/** Returns whether a bound was met. */
function spread(start: number, next: Statement, found: Set<number>, tasksMax: number, looksMax: number): boolean {
  const work = [start]
  let looks = 0
  for (const own of work) {
    // One more than there is room for, besides those that are known already, tells a cut from an exact fit.
    const rows = next.all(own, tasksMax + 1)
    for (const row of rows) {
      const other = number(row[0])
      if (found.has(other)) continue
      if (found.size >= tasksMax) return true
      found.add(other)
      work.push(other)
    }
    looks += rows.length
    if (looks > looksMax) return true
  }
  return false
}

function rowOf(session: Session, own: number): SqlRow {
  const row = session.reads.drawnByNumber.get(own)
  assert(row !== undefined, 'the task was found a moment ago')
  return row
}

function toDrawn(session: Session, row: SqlRow): DrawnTask {
  return {
    number: number(row[0]),
    id: taskId(text(row[1])),
    type: session.lanes.byId(number(row[2])).type,
    name: textOrNull(row[8]),
    state: state(row[3]),
    startedAtMs: numberOrNull(row[4]),
    finishedAtMs: numberOrNull(row[5]),
    submittedBy: textOrNull(row[7]),
  }
}

/** Those of the nearest children first, by whichever way looks at fewer rows: all parents of a child, or those found. */
function edgesAmong(session: Session, rows: readonly SqlRow[], found: ReadonlySet<number>, edgesMax: number) {
  const parents = JSON.stringify([...found])
  const edges: Edge[] = []
  let looks = 0
  for (const row of rows) {
    const [own, parentCount] = [number(row[0]), number(row[6])]
    if (parentCount === 0) continue
    looks += Math.min(parentCount, found.size)
    if (looks > edgesMax * looksPerEdge) return { edges, isCut: true }
    const told = parentCount <= found.size ? session.reads.edgesOf.all(own) : session.reads.edgesFrom.all(own, parents)
    for (const [parent, parentId, onFailure] of told) {
      if (parent === undefined || !found.has(number(parent))) continue
      if (edges.length >= edgesMax) return { edges, isCut: true }
      edges.push({ parent: taskId(text(parentId)), child: taskId(text(row[1])), policy: policy(onFailure) })
    }
  }
  return { edges, isCut: false }
}
