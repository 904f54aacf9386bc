import { type TaskId, taskId } from '../../core/task.ts'
import type { ParentRecord } from '../../ports/store.ts'
import type { SqlRow } from './database.ts'
import { familyTextBytesMax } from './read-statements.ts'
import { json, number, state, text } from './rows.ts'
import type { Session } from './session.ts'

type Reader = Pick<Session, 'reads'>

/** Every parent of a task, in the order of its dependencies. */
export function parentRecords(session: Reader, child: number): readonly ParentRecord[] {
  return session.reads.parents.all(child, -1, 0).map(toParentRecord)
}

export interface Family {
  readonly dependencies: readonly TaskId[]
  /** Null where their results and errors together are above `bytesMax`. */
  readonly parents: readonly ParentRecord[] | null
}

/** Nearly always one statement: long texts cost a second. */
export function readFamily(session: Reader, child: number, bytesMax: number): Family {
  const rows = session.reads.family.all(child)
  const dependencies = rows.map(row => taskId(text(row[0])))
  const parents = rows.filter(row => row[1] === 0)
  const sizes = parents.map(row => number(row[3]))
  if (sizes.reduce((sum, bytes) => sum + bytes, 0) > bytesMax) return { dependencies, parents: null }
  if (sizes.some(bytes => bytes > familyTextBytesMax)) return { dependencies, parents: parentRecords(session, child) }
  return {
    dependencies,
    parents: parents.map(([id, , of, , result, error]) => ({
      id: taskId(text(id)),
      state: of === null ? null : state(of),
      result: json(result),
      error: json(error),
    })),
  }
}

/** As many parents from position `from` on as fit `bytesMax`, at least one. */
export function parentsPage(session: Reader, child: number, from: number, bytesMax: number): readonly ParentRecord[] {
  let bytes = 0
  let count = 0
  for (const row of session.reads.parentSizes.all(child, from)) {
    bytes += number(row[0])
    if (count > 0 && bytes > bytesMax) break
    count += 1
  }
  return session.reads.parents.all(child, count, from).map(toParentRecord)
}

function toParentRecord(row: SqlRow): ParentRecord {
  return {
    id: taskId(text(row[0])),
    state: row[1] === null ? null : state(row[1]),
    result: json(row[2]),
    error: json(row[3]),
  }
}
