import { taskId } from '../../core/task.ts'
import type { ParentRecord } from '../../ports/store.ts'
import type { SqlRow } from './database.ts'
import { json, number, state, text } from './rows.ts'
import type { Session } from './session.ts'

type Reader = Pick<Session, 'reads'>

/** Every parent of a task, in the order of its dependencies. */
export function parentRecords(session: Reader, child: number): readonly ParentRecord[] {
  return session.reads.parents.all(child, -1, 0).map(toParentRecord)
}

/** Bytes of the parents' results and errors together, without reading them. */
export function parentsBytes(session: Reader, child: number): number {
  return session.reads.parentSizes.all(child, 0).reduce((sum, row) => sum + number(row[0]), 0)
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
