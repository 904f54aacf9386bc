import type { TaskId } from '../../core/task.ts'
import type { GraphRecord } from '../../ports/store.ts'
import type { Connection, Statement } from './database.ts'
import { readRecords } from './lists.ts'
import { readStatements as sql } from './read-statements.ts'
import { number, policy, taskIdOf } from './rows.ts'
import type { Session } from './session.ts'

/** Breadth first in both directions: ancestors of ancestors, descendants of descendants, nearest first. */
export function readGraph(session: Session, id: TaskId, tasksMax: number): Promise<GraphRecord | null> {
  return session.read(async reader => {
    const { connection } = reader
    const [start] = await connection.rows(sql.numberById, id)
    if (start === undefined) return null
    const found = new Set([number(start[0])])
    const isCutAbove = await spread(connection, number(start[0]), sql.parentNumbers, found, tasksMax)
    const isCutBelow = await spread(connection, number(start[0]), sql.childNumbers, found, tasksMax)
    const tasks = await readRecords(reader, [...found])
    return { tasks, edges: await edgesAmong(connection, tasks), isTruncated: isCutAbove || isCutBelow }
  })
}

/** Returns whether the bound was met. */
async function spread(
  connection: Connection,
  start: number,
  next: Statement,
  found: Set<number>,
  tasksMax: number,
): Promise<boolean> {
  for (let level = [start]; level.length > 0; ) {
    // One more than there is room for, besides those that are known already, tells a cut from an exact fit.
    const answers = await Promise.all(level.map(own => connection.rows(next, own, tasksMax + 1)))
    const below: number[] = []
    for (const row of answers.flat()) {
      const other = number(row[0])
      if (found.has(other)) continue
      if (found.size >= tasksMax) return true
      found.add(other)
      below.push(other)
    }
    level = below
  }
  return false
}

async function edgesAmong(connection: Connection, tasks: GraphRecord['tasks']): Promise<GraphRecord['edges']> {
  const idOf = new Map(tasks.map(task => [task.number, task.id]))
  const order = new Map(tasks.map((task, at) => [task.number, at]))
  const rows = await connection.rows(sql.edgesAmong, [...idOf.keys()])
  return [...rows]
    .sort((one, other) => (order.get(number(one[2])) ?? 0) - (order.get(number(other[2])) ?? 0))
    .flatMap(row => {
      const child = idOf.get(number(row[2]))
      return child === undefined ? [] : [{ parent: taskIdOf(row[1]), child, policy: policy(row[3]) }]
    })
}
