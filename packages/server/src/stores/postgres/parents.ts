import { type TaskId, taskId } from '../../core/task.ts'
import type { ParentRecord } from '../../ports/store.ts'
import type { Connection, SqlRow } from './database.ts'
import { familyTextBytesMax, readStatements as sql } from './read-statements.ts'
import { boolean, json, number, state, text } from './rows.ts'

export interface Family {
  readonly dependencies: readonly TaskId[]
  /** Null where their results and errors together are above the bound. */
  readonly parents: readonly ParentRecord[] | null
}

/** By child. Nearly always one statement for all: long texts cost another for each child that has them. */
export async function readFamilies(
  connection: Connection,
  children: readonly number[],
  bytesMax: number,
): Promise<ReadonlyMap<number, Family>> {
  const families = new Map<number, Family>()
  if (children.length === 0) return families
  const byChild = new Map<number, SqlRow[]>()
  for (const row of await connection.rows(sql.families, children)) {
    const rows = byChild.get(number(row[0]))
    if (rows === undefined) byChild.set(number(row[0]), [row])
    else rows.push(row)
  }
  for (const [child, rows] of byChild) families.set(child, await toFamily(connection, child, rows, bytesMax))
  return families
}

async function toFamily(
  connection: Connection,
  child: number,
  rows: readonly SqlRow[],
  bytesMax: number,
): Promise<Family> {
  const dependencies = rows.map(row => taskId(text(row[1])))
  const own = rows.filter(row => !boolean(row[2]))
  const sizes = own.map(row => number(row[4]))
  if (sizes.reduce((sum, bytes) => sum + bytes, 0) > bytesMax) return { dependencies, parents: null }
  if (sizes.some(bytes => bytes > familyTextBytesMax)) {
    const parents = await connection.rows(sql.parents, child, own.length, 0)
    return { dependencies, parents: parents.map(toParentRecord) }
  }
  const parents = own.map(([, id, , of, , result, error]) =>
    toParentRecord([id ?? null, of ?? null, result ?? null, error ?? null]),
  )
  return { dependencies, parents }
}

/** As many parents from position `from` on as fit `bytesMax`, at least one. */
export async function readParentsPage(
  connection: Connection,
  child: number,
  from: number,
  bytesMax: number,
): Promise<readonly ParentRecord[]> {
  let bytes = 0
  let count = 0
  for (const row of await connection.rows(sql.parentSizes, child, from)) {
    bytes += number(row[0])
    if (count > 0 && bytes > bytesMax) break
    count += 1
  }
  return (await connection.rows(sql.parents, child, count, from)).map(toParentRecord)
}

function toParentRecord(row: SqlRow): ParentRecord {
  return {
    id: taskId(text(row[0])),
    state: row[1] === null ? null : state(row[1]),
    result: json(row[2]),
    error: json(row[3]),
  }
}
