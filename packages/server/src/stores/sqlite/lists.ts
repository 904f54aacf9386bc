import { type TaskState, taskStates } from '@tasklane/protocol'
import { type TaskId, type TaskRecord, taskId } from '../../core/task.ts'
import type { PageAsk, TaskCount, TaskFilter } from '../../ports/store.ts'
import type { SqlValue, Statement } from './database.ts'
import { number, text } from './rows.ts'
import { readRecord, type Session } from './session.ts'

export interface ListedId {
  readonly id: TaskId
  readonly number: number
}

/** Newest first. */
export function listRecords(session: Session, filter: TaskFilter, page: PageAsk): readonly TaskRecord[] {
  return listIds(session, filter, page).flatMap(({ number: own }) => {
    const row = session.reads.recordByNumber.get(own)
    return row === undefined ? [] : [readRecord(session, row)]
  })
}

/**
 * The way to the rows is chosen by the states asked for, since the counters tell how many there are: rare states and
 * running tasks have indexes, and so have submitters; everything else walks the numbers downwards.
 */
export function listIds(session: Session, filter: TaskFilter, page: PageAsk, above = 0): readonly ListedId[] {
  const conditions = toConditions(session, filter, page.before)
  const most = page.offset + page.limit
  if (most === 0 || countUpTo(session, filter) === 0) return []
  const rows = pagesOf(session, filter).flatMap(each => each.all(...conditions, most, ...rangesOf(filter), above))
  return rows
    .map(row => ({ number: number(row[0]), id: taskId(text(row[1])) }))
    .sort((one, other) => other.number - one.number)
    .slice(page.offset, most)
}

export function countTasks(session: Session, filter: TaskFilter, most: number, newest: number | null): TaskCount {
  if (isCounted(filter)) return counted(countUpTo(session, filter), most, true)
  const [first = null, last = null] = newest === null ? [] : (session.reads.ends.get() ?? [])
  const above = newest === null || last === null ? 0 : Math.max(0, number(last) - newest)
  const isWhole = first === null || number(first) > above
  return counted(listIds(session, filter, { limit: most + 1, before: null, offset: 0 }, above).length, most, isWhole)
}

/** @param found of which one more than `most` may be */
function counted(found: number, most: number, isWhole: boolean): TaskCount {
  return { count: Math.min(found, most), isExact: isWhole && found <= most }
}

/** Whether the counters alone tell how many match. */
function isCounted(filter: TaskFilter): boolean {
  const { workerId, submittedBy, label, text: words } = filter
  const isPlain = workerId === null && submittedBy === null && label === null && words === null
  return isPlain && rangesOf(filter).every(bound => bound === null)
}

/** Up to so many tasks of the states asked for, their index is the way, also to those of one submitter. */
const fewTasks = 5_000

function pagesOf(session: Session, filter: TaskFilter): readonly Statement[] {
  const { reads } = session
  if (filter.fingerprint !== null) return [reads.fingerprintPage]
  const pageOf: Readonly<Record<TaskState, Statement | null>> = {
    blocked: reads.blockedPage,
    scheduled: reads.scheduledPage,
    pending: null,
    running: reads.runningPage,
    completed: null,
    failed: reads.failedPage,
    cancelled: reads.cancelledPage,
  }
  const states = [...new Set(filter.states ?? taskStates)]
  const indexed = states.map(state => pageOf[state]).filter(page => page !== null)
  const isIndexed = indexed.length === states.length
  if (filter.submittedBy === null) return isIndexed ? indexed : [reads.page]
  const all = session.counters.sum(session.lanes.all())
  return isIndexed && states.reduce((sum, state) => sum + all[state], 0) <= fewTasks ? indexed : [reads.submitterPage]
}

/** An upper bound of how many tasks match, from the counters; exact where only states, queues and types are asked for. */
function countUpTo(session: Session, filter: TaskFilter): number {
  const counts = session.counters.sum(session.lanes.matching(filter.queues, filter.types))
  return [...new Set(filter.states ?? taskStates)].reduce((sum, state) => sum + counts[state], 0)
}

/** ?1 to ?9 of the page statements. */
function toConditions(session: Session, filter: TaskFilter, before: number | null): readonly SqlValue[] {
  const words = filter.text === null ? null : asciiLower(filter.text)
  const isAnyLane = filter.queues === null && filter.types === null
  const lanes = session.lanes.matching(filter.queues, filter.types)
  const named = words === null ? [] : session.lanes.all().filter(lane => asciiLower(lane.type).includes(words))
  return [
    before ?? Number.MAX_SAFE_INTEGER,
    filter.states === null ? null : JSON.stringify(filter.states),
    isAnyLane ? null : JSON.stringify(lanes.map(lane => lane.id)),
    filter.workerId,
    filter.label?.key ?? null,
    filter.label?.value ?? null,
    words,
    JSON.stringify(named.map(lane => lane.id)),
    filter.submittedBy,
  ]
}

/** ?11 to ?15. */
function rangesOf(filter: TaskFilter): readonly SqlValue[] {
  return [filter.fingerprint, filter.createdFromMs, filter.createdBeforeMs, filter.priorityMin, filter.priorityMax]
}

/** As SQLite's lower() does it. */
function asciiLower(words: string): string {
  return words.replace(/[A-Z]/g, letter => letter.toLowerCase())
}
