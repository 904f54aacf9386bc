import { type TaskState, taskStates } from '@tasklane/protocol'
import type { TaskId, TaskRecord } from '../../core/task.ts'
import type { PageAsk, TaskFilter } from '../../ports/store.ts'
import { sumByState } from './counters.ts'
import type { SqlParameter, SqlRow, Statement } from './database.ts'
import { learnNewLanes } from './lanes.ts'
import { readStatements as sql } from './read-statements.ts'
import { number, taskIdOf, toRecord } from './rows.ts'
import { learnLanes, type Reader, type Session } from './session.ts'

export interface ListedId {
  readonly id: TaskId
  readonly number: number
}

/** Newest first. */
export function listRecords(session: Session, filter: TaskFilter, page: PageAsk): Promise<readonly TaskRecord[]> {
  return session.read(async reader => {
    const listed = await list(reader, filter, page)
    return readRecords(
      reader,
      listed.map(each => each.number),
    )
  })
}

export function listIds(session: Session, filter: TaskFilter, page: PageAsk): Promise<readonly ListedId[]> {
  return session.read(reader => list(reader, filter, page))
}

export function countTasks(session: Session, filter: TaskFilter, most: number): Promise<number> {
  return session.read(async reader => {
    const isCounted = [filter.workerId, filter.submittedBy, filter.label, filter.text].every(each => each === null)
    if (isCounted) return Math.min(most, await countUpTo(reader, filter))
    return (await list(reader, filter, { limit: most, before: null, offset: 0 })).length
  })
}

/** Those that exist, in the order of the numbers asked for. */
export async function readRecords(reader: Reader, numbers: readonly number[]): Promise<readonly TaskRecord[]> {
  if (numbers.length === 0) return []
  const rows = await reader.connection.rows(sql.recordsByNumber, numbers)
  await learnLanes(
    reader,
    rows.map(row => number(row[2])),
  )
  const records = new Map(rows.map(row => [number(row[0]), toRecord(row, reader.lanes.byId(number(row[2])))]))
  return numbers.flatMap(own => records.get(own) ?? [])
}

/**
 * The way to the rows is chosen by the states asked for: rare states and running tasks have indexes; everything else
 * walks the numbers downwards.
 */
async function list(reader: Reader, filter: TaskFilter, page: PageAsk): Promise<readonly ListedId[]> {
  const most = page.offset + page.limit
  await learnNewLanes(reader.connection, reader.lanes)
  if (most === 0 || (await countUpTo(reader, filter)) === 0) return []
  const states = filter.states === null ? null : [...new Set(filter.states)]
  const conditions = [...toConditions(reader, filter, page.before), most]
  const rows =
    filter.submittedBy === null
      ? await readPages(reader, states, conditions)
      : await reader.connection.rows(sql.submitterPage, ...conditions, filter.submittedBy)
  return rows
    .map(row => ({ number: number(row[0]), id: taskIdOf(row[1]) }))
    .sort((one, other) => other.number - one.number)
    .slice(page.offset, most)
}

const pageOf: Readonly<Record<TaskState, Statement | null>> = Object.freeze({
  blocked: sql.blockedPage,
  scheduled: sql.scheduledPage,
  pending: null,
  running: sql.runningPage,
  completed: null,
  failed: sql.failedPage,
  cancelled: sql.cancelledPage,
})

async function readPages(
  { connection }: Reader,
  states: readonly TaskState[] | null,
  parameters: readonly SqlParameter[],
): Promise<readonly SqlRow[]> {
  const pages = states?.map(state => pageOf[state]) ?? [null]
  const indexed = pages.filter(page => page !== null)
  if (indexed.length !== pages.length) return connection.rows(sql.page, ...parameters)
  return (await Promise.all(indexed.map(page => connection.rows(page, ...parameters)))).flat()
}

/** An upper bound of how many tasks match, from the counters; exact where only states, queues and types are asked for. */
async function countUpTo(reader: Reader, filter: TaskFilter): Promise<number> {
  const rows = await reader.connection.rows(sql.counts)
  await learnLanes(
    reader,
    rows.map(row => number(row[0])),
  )
  const lanes = new Set(reader.lanes.matching(filter.queues, filter.types).map(lane => lane.id))
  const counts = sumByState(rows, lanes)
  return [...new Set(filter.states ?? taskStates)].reduce((sum, state) => sum + counts[state], 0)
}

/** $1 to $8 of the page statements. */
function toConditions({ lanes }: Reader, filter: TaskFilter, before: number | null): readonly SqlParameter[] {
  const words = filter.text === null ? null : asciiLower(filter.text)
  const isAnyLane = filter.queues === null && filter.types === null
  const matching = lanes.matching(filter.queues, filter.types)
  const named = words === null ? [] : lanes.all().filter(lane => asciiLower(lane.type).includes(words))
  return [
    before ?? Number.MAX_SAFE_INTEGER,
    filter.states,
    isAnyLane ? null : matching.map(lane => lane.id),
    filter.workerId,
    filter.label?.key ?? null,
    filter.label?.value ?? null,
    words,
    named.map(lane => lane.id),
  ]
}

/** As PostgreSQL's lower() does it under the collation "C". */
function asciiLower(words: string): string {
  return words.replace(/[A-Z]/g, letter => letter.toLowerCase())
}
