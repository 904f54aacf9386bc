import { type TaskState, taskStates } from '@tasklane/protocol'
import type { TaskId, TaskRecord } from '../../core/task.ts'
import type { PageAsk, TaskCount, TaskFilter } from '../../ports/store.ts'
import { sumByState } from './counters.ts'
import type { SqlParameter, SqlRow, Statement } from './database.ts'
import { learnNewLanes } from './lanes.ts'
import { readStatements as sql } from './read-statements.ts'
import { number, taskIdOf, toRecord } from './rows.ts'
import { learnLanes, type Reader, type Session } from './session.ts'
import { shortPageMax } from './short-page.ts'

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

export function countTasks(
  session: Session,
  filter: TaskFilter,
  most: number,
  newest: number | null,
): Promise<TaskCount> {
  return session.read(async reader => {
    if (isCounted(filter)) return counted(countUpTo(reader, filter, await readCounts(reader)), most, true)
    const [ends] = newest === null ? [] : await reader.connection.rows(sql.ends)
    const [first = null, last = null] = ends ?? []
    const above = newest === null || last === null ? 0 : Math.max(0, number(last) - newest)
    const found = await list(reader, filter, { limit: most + 1, before: null, offset: 0 }, above)
    return counted(found.length, most, first === null || number(first) > above)
  })
}

/** @param found of which one more than `most` may be */
function counted(found: number, most: number, isWhole: boolean): TaskCount {
  return { count: Math.min(found, most), isExact: isWhole && found <= most }
}

/** Whether the counters alone tell how many match. */
function isCounted(filter: TaskFilter): boolean {
  const { workerId, submittedBy, label, text } = filter
  const isPlain = workerId === null && submittedBy === null && label === null && text === null
  return isPlain && rangesOf(filter).every(bound => bound === null)
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
 * The way to the rows is chosen by the states asked for: rare states and running tasks have indexes, and so have
 * submitters; everything else walks the numbers downwards.
 */
async function list(reader: Reader, filter: TaskFilter, page: PageAsk, above = 0): Promise<readonly ListedId[]> {
  const most = page.offset + page.limit
  await learnNewLanes(reader.connection, reader.lanes)
  if (most === 0) return []
  const counts = await readCounts(reader)
  if (countUpTo(reader, filter, counts) === 0) return []
  const pages = pagesOf(filter, counts, most)
  const parameters = [...toConditions(reader, filter, page.before), most, ...rangesOf(filter), above]
  const rows = (await Promise.all(pages.map(each => reader.connection.rows(each, ...parameters)))).flat()
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

/** Up to so many tasks of the states asked for, their index is the way, also to those of one submitter. */
const fewTasks = 5_000

function pagesOf(filter: TaskFilter, counts: readonly SqlRow[], most: number): readonly Statement[] {
  if (filter.fingerprint !== null) return [most <= shortPageMax ? sql.fingerprintPage : sql.fingerprintPages]
  const states = [...new Set(filter.states ?? taskStates)]
  const indexed = states.map(state => pageOf[state]).filter(page => page !== null)
  const isIndexed = indexed.length === states.length
  if (filter.submittedBy === null) return isIndexed ? indexed : [most <= shortPageMax ? sql.page : sql.pages]
  const all = sumByState(counts, null)
  if (isIndexed && states.reduce((sum, state) => sum + all[state], 0) <= fewTasks) return indexed
  return [most <= shortPageMax ? sql.submitterPage : sql.submitterPages]
}

/** Rows of `counts`; their lanes are known. */
async function readCounts(reader: Reader): Promise<readonly SqlRow[]> {
  const rows = await reader.connection.rows(sql.counts)
  await learnLanes(
    reader,
    rows.map(row => number(row[0])),
  )
  return rows
}

/** An upper bound of how many tasks match, from the counters; exact where only states, queues and types are asked for. */
function countUpTo({ lanes }: Reader, filter: TaskFilter, counts: readonly SqlRow[]): number {
  const matching = new Set(lanes.matching(filter.queues, filter.types).map(lane => lane.id))
  const byState = sumByState(counts, matching)
  return [...new Set(filter.states ?? taskStates)].reduce((sum, state) => sum + byState[state], 0)
}

/** $1 to $9 of the page statements. */
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
    filter.submittedBy,
  ]
}

/** $11 to $15. */
function rangesOf(filter: TaskFilter): readonly SqlParameter[] {
  return [filter.fingerprint, filter.createdFromMs, filter.createdBeforeMs, filter.priorityMin, filter.priorityMax]
}

/** As PostgreSQL's lower() does it under the collation "C". */
function asciiLower(words: string): string {
  return words.replace(/[A-Z]/g, letter => letter.toLowerCase())
}
