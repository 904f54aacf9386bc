import { assert } from '../../core/assert.ts'
import { type TaskId, type TaskRecord, taskId } from '../../core/task.ts'
import type { GraphRecord } from '../../ports/store.ts'
import type { Statement } from './database.ts'
import { number, policy, text } from './rows.ts'
import { readRecord, type Session } from './session.ts'

/** Breadth first in both directions: ancestors of ancestors, descendants of descendants, nearest first. */
export function readGraph(session: Session, id: TaskId, tasksMax: number): GraphRecord | null {
  const start = session.reads.numberById.get(id)
  if (start === undefined) return null
  const found = new Set([number(start[0])])
  const isCut = [session.reads.parentNumbers, session.reads.childNumbers].map(next =>
    spread(number(start[0]), next, found, tasksMax),
  )
  const tasks = [...found].map(own => recordOf(session, own))
  return { tasks, edges: edgesAmong(session, tasks, found), isTruncated: isCut.includes(true) }
}

/** Returns whether the bound was met. */
function spread(start: number, next: Statement, found: Set<number>, tasksMax: number): boolean {
  const work = [start]
  for (const own of work) {
    // One more than there is room for, besides those that are known already, tells a cut from an exact fit.
    for (const row of next.all(own, tasksMax + 1)) {
      const other = number(row[0])
      if (found.has(other)) continue
      if (found.size >= tasksMax) return true
      found.add(other)
      work.push(other)
    }
  }
  return false
}

function recordOf(session: Session, own: number): TaskRecord {
  const row = session.reads.recordByNumber.get(own)
  assert(row !== undefined, 'the task was found a moment ago')
  return readRecord(session, row)
}

function edgesAmong(session: Session, tasks: readonly TaskRecord[], found: ReadonlySet<number>): GraphRecord['edges'] {
  return tasks.flatMap(child => {
    if (child.dependencies.length === 0) return []
    return session.reads.edgesOf.all(child.number).flatMap(row => {
      if (!found.has(number(row[0]))) return []
      return [{ parent: taskId(text(row[1])), child: child.id, policy: policy(row[2]) }]
    })
  })
}
