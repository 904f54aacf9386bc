import { type TaskId, taskId } from '../../core/task.ts'
import type { DrawnTask, GraphRecord } from '../../ports/store.ts'
import type { Connection, SqlRow, Statement } from './database.ts'
import { readStatements as sql } from './read-statements.ts'
import { number, numberOrNull, policy, state, taskIdOf, text, textOrNull } from './rows.ts'
import { learnLanes, type Reader, type Session } from './session.ts'

/** Rows of edges that one search looks at, for each edge it may tell: what one page asks for must not hold up a node. */
const looksPerEdge = 5
/** Tasks asked about at once: so much more than its bound may a search read. */
const sliceMax = 50

interface Drawn {
  readonly task: DrawnTask
  readonly parentCount: number
}

/** Breadth first in both directions: ancestors of ancestors, descendants of descendants, nearest first. */
export function readGraph(
  session: Session,
  id: TaskId,
  tasksMax: number,
  edgesMax: number,
): Promise<GraphRecord | null> {
  return session.read(async reader => {
    const { connection } = reader
    const [first] = await connection.rows(sql.numberById, id)
    if (first === undefined) return null
    const start = number(first[0])
    const found = new Set([start])
    const looksMax = edgesMax * looksPerEdge
    const isCutAbove = await spread(connection, start, sql.parentNumbers, found, tasksMax, looksMax)
    const isCutBelow = await spread(connection, start, sql.childNumbers, found, tasksMax, looksMax)
    const drawn = await readDrawn(reader, [...found])
    const { edges, isCut: areEdgesTruncated } = await edgesAmong(connection, drawn, edgesMax)
    return { tasks: drawn.map(each => each.task), edges, isTruncated: isCutAbove || isCutBelow, areEdgesTruncated }
  })
}

/** Returns whether a bound was met. */
async function spread(
  connection: Connection,
  start: number,
  next: Statement,
  found: Set<number>,
  tasksMax: number,
  looksMax: number,
): Promise<boolean> {
  const work = [start]
  let looks = 0
  for (let at = 0; at < work.length; ) {
    const slice = work.slice(at, at + sliceMax)
    at += slice.length
    // One more than there is room for, besides those that are known already, tells a cut from an exact fit.
    const answers = await Promise.all(slice.map(own => connection.rows(next, own, tasksMax + 1)))
    for (const row of answers.flat()) {
      const other = number(row[0])
      if (found.has(other)) continue
      if (found.size >= tasksMax) return true
      found.add(other)
      work.push(other)
    }
    looks += answers.reduce((sum, rows) => sum + rows.length, 0)
    if (looks > looksMax) return true
  }
  return false
}

/** Those that exist, in the order of the numbers. */
async function readDrawn(reader: Reader, numbers: readonly number[]): Promise<readonly Drawn[]> {
  const rows = await reader.connection.rows(sql.drawnByNumber, numbers)
  await learnLanes(
    reader,
    rows.map(row => number(row[2])),
  )
  const drawn = new Map(
    rows.map(row => {
      const task = toDrawn(row, reader.lanes.byId(number(row[2])).type)
      return [task.number, { task, parentCount: number(row[8]) }]
    }),
  )
  return numbers.flatMap(own => drawn.get(own) ?? [])
}

function toDrawn(row: SqlRow, type: string): DrawnTask {
  return {
    number: number(row[0]),
    id: taskId(text(row[1])),
    type,
    name: textOrNull(row[7]),
    state: state(row[3]),
    startedAtMs: numberOrNull(row[4]),
    finishedAtMs: numberOrNull(row[5]),
    submittedBy: textOrNull(row[6]),
  }
}

/** Those of the nearest children first, by whichever way looks at fewer rows: all parents of a child, or those found. */
async function edgesAmong(connection: Connection, drawn: readonly Drawn[], edgesMax: number) {
  const edges: GraphRecord['edges'][number][] = []
  const numbers = drawn.map(each => each.task.number)
  const children = drawn.filter(each => each.parentCount > 0)
  let looks = 0
  for (let at = 0; at < children.length; at += sliceMax) {
    const slice = children.slice(at, at + sliceMax)
    looks += slice.reduce((sum, each) => sum + Math.min(each.parentCount, numbers.length), 0)
    const few = slice.filter(each => each.parentCount <= numbers.length).map(each => each.task.number)
    const many = slice.filter(each => each.parentCount > numbers.length).map(each => each.task.number)
    const left = edgesMax - edges.length + 1
    const answers = await Promise.all([
      connection.rows(sql.edgesAmong, few, numbers, left),
      ...many.map(child => connection.rows(sql.edgesFrom, child, numbers, left)),
    ])
    const order = new Map(slice.map(({ task }, place) => [task.number, { place, id: task.id }]))
    const placeOf = (row: SqlRow): number => order.get(number(row[2]))?.place ?? 0
    for (const row of answers.flat().sort((one, other) => placeOf(one) - placeOf(other))) {
      const child = order.get(number(row[2]))?.id
      if (child === undefined) continue
      if (edges.length >= edgesMax) return { edges, isCut: true }
      edges.push({ parent: taskIdOf(row[1]), child, policy: policy(row[3]) })
    }
    if (looks > edgesMax * looksPerEdge) return { edges, isCut: at + sliceMax < children.length }
  }
  return { edges, isCut: false }
}
