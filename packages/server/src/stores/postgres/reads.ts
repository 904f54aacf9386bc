import type { AttemptOutcome, LogLevel, StateCounts } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import type { Pause, QueueSettings } from '../../core/pause.ts'
import type { TaskId, TaskRecord } from '../../core/task.ts'
import type {
  AttemptRecord,
  Lease,
  LeaseFacts,
  LogRecord,
  ParentRecord,
  QueueRecord,
  Standing,
} from '../../ports/store.ts'
import { sumByState } from './counters.ts'
import type { SqlRow, SqlValue } from './database.ts'
import { learnNewLanes } from './lanes.ts'
import { readParentsPage } from './parents.ts'
import { readStatements as sql } from './read-statements.ts'
import {
  boolean,
  json,
  number,
  numberOrNull,
  state,
  taskIdOf,
  text,
  textOrNull,
  toLeaseFacts,
  toRecord,
  workerOrNull,
} from './rows.ts'
import { learnLanes, type Reader, type Session } from './session.ts'
import { statements } from './statements.ts'

export function readTask(session: Session, id: TaskId): Promise<TaskRecord | null> {
  return session.read(reader => recordOf(reader, id))
}

async function recordOf(reader: Reader, id: TaskId): Promise<TaskRecord | null> {
  const [row] = await reader.connection.rows(sql.recordById, id)
  if (row === undefined) return null
  await learnLanes(reader, [number(row[2])])
  return toRecord(row, reader.lanes.byId(number(row[2])))
}

export function readTaskByNumber(session: Session, own: number): Promise<TaskRecord | null> {
  return session.read(async reader => {
    const [row] = await reader.connection.rows(sql.recordsByNumber, [own])
    if (row === undefined) return null
    await learnLanes(reader, [number(row[2])])
    return toRecord(row, reader.lanes.byId(number(row[2])))
  })
}

export function submittersOf(
  session: Session,
  ids: readonly TaskId[],
): Promise<readonly { readonly id: TaskId; readonly submittedBy: string | null }[]> {
  return session.read(async ({ connection }) => {
    const rows = ids.length === 0 ? [] : await connection.rows(sql.submittersOf, ids)
    return rows.map(row => ({ id: taskIdOf(row[0]), submittedBy: textOrNull(row[1]) }))
  })
}

export function endedAmong(session: Session, ids: readonly TaskId[]): Promise<readonly TaskId[]> {
  return session.read(async ({ connection }) => {
    const rows = ids.length === 0 ? [] : await connection.rows(sql.unfinishedAmong, ids)
    const unfinished = new Set(rows.map(row => text(row[0])))
    return ids.filter(id => !unfinished.has(id))
  })
}

export function readLeases(session: Session, leases: readonly Lease[]): Promise<readonly (LeaseFacts | null)[]> {
  return session.read(async ({ connection, now }) => {
    const ids = [...new Set(leases.map(lease => lease.taskId))]
    const [rows, nowMs] = await Promise.all([connection.rows(sql.leasesByIds, ids), now()])
    const facts = new Map(rows.map(row => [text(row[0]), toLeaseFacts(row, nowMs)]))
    return leases.map(lease => {
      const found = facts.get(lease.taskId)
      return found?.epoch === lease.epoch && found.workerId === lease.workerId ? found : null
    })
  })
}

/** Those that have a row of history, then the one that the task's own row tells: it runs, or it ended the task. */
export function readAttempts(session: Session, id: TaskId): Promise<readonly AttemptRecord[] | null> {
  return session.read(async ({ connection }) => {
    const [task] = await connection.rows(sql.lastAttempt, id)
    if (task === undefined) return null
    const attempts = (await connection.rows(sql.attempts, number(task[0]))).map(toAttempt)
    const isTold = task[6] !== null
    return isTold ? [...attempts, toAttempt(task.slice(1))] : attempts
  })
}

function toAttempt(row: SqlRow): AttemptRecord {
  const isRunning = row[5] === 'running'
  return {
    attempt: number(row[0]),
    epoch: number(row[1]),
    workerId: workerOrNull(row[2] ?? null),
    startedAtMs: number(row[3]),
    endedAtMs: isRunning ? null : numberOrNull(row[4]),
    outcome: attemptOutcome(row[5]),
    // A running row may hold the error of the attempt before, or the one that a cancel mark left.
    error: isRunning ? null : json(row[6]),
  }
}

const outcomes: ReadonlySet<SqlValue | undefined> = new Set<AttemptOutcome>([
  'running',
  'completed',
  'failed',
  'timeout',
  'crashed',
  'released',
  'cancelled',
])

function attemptOutcome(value: SqlValue | undefined): AttemptOutcome {
  assert(outcomes.has(value), 'the column holds an outcome')
  return value as AttemptOutcome // Just checked.
}

export function readLogs(
  session: Session,
  id: TaskId,
  after: number,
  limit: number,
): Promise<readonly LogRecord[] | null> {
  return session.read(async reader => {
    const own = await numberOf(reader, id)
    if (own === null) return null
    return (await reader.connection.rows(sql.logs, own, after, limit)).map(row => ({
      line: number(row[0]),
      epoch: number(row[1]),
      atMs: number(row[2]),
      level: text(row[3]) as LogLevel, // Written from a LogLevel.
      message: text(row[4]),
    }))
  })
}

export function readParents(
  session: Session,
  id: TaskId,
  from: number,
  bytesMax: number,
): Promise<readonly ParentRecord[] | null> {
  return session.read(async reader => {
    const own = await numberOf(reader, id)
    return own === null ? null : readParentsPage(reader.connection, own, from, bytesMax)
  })
}

async function numberOf({ connection }: Reader, id: TaskId): Promise<number | null> {
  const [row] = await connection.rows(sql.numberById, id)
  return row === undefined ? null : number(row[0])
}

/** How many of the parents that a task waits for are named. */
const namedParentsMax = 10

export function readStanding(session: Session, id: TaskId, positionMax: number): Promise<Standing | null> {
  return session.read(async reader => {
    const task = await recordOf(reader, id)
    if (task === null) return null
    const [nowMs, [queue]] = await Promise.all([reader.now(), reader.connection.rows(sql.queue, task.queue)])
    return {
      task,
      nowMs,
      pause: toPause(queue),
      waitingFor: task.state === 'blocked' ? await waitingFor(reader, task.number) : { count: 0, first: [] },
      position: task.state === 'pending' ? await positionOf(reader, task, positionMax) : null,
    }
  })
}

async function waitingFor({ connection }: Reader, own: number): Promise<Standing['waitingFor']> {
  const [first, [count]] = await Promise.all([
    connection.rows(sql.openParents, own, namedParentsMax),
    connection.rows(sql.openParentCount, own),
  ])
  return {
    count: number(count?.[0]),
    first: first.map(row => ({ id: taskIdOf(row[0]), state: state(row[1]) })),
  }
}

async function positionOf(reader: Reader, task: TaskRecord, positionMax: number): Promise<Standing['position']> {
  const counts = await readCounters(reader)
  let before = 0
  let pending = 0
  for (const lane of reader.lanes.matching([task.queue], null)) {
    const here = sumByState(counts, new Set([lane.id])).pending
    pending += here
    if (here === 0 || before >= positionMax) continue
    const [row] = await reader.connection.rows(sql.rankBefore, lane.id, task.number, positionMax - before)
    before += number(row?.[0])
  }
  return { before, pending }
}

// ─── Queues ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export async function readCounters(reader: Reader): Promise<readonly SqlRow[]> {
  const [rows] = await Promise.all([reader.connection.rows(sql.counts), learnNewLanes(reader.connection, reader.lanes)])
  await learnLanes(
    reader,
    rows.map(row => number(row[0])),
  )
  return rows
}

export function readCounts(session: Session): Promise<StateCounts> {
  return session.read(async ({ connection }) => sumByState(await connection.rows(sql.counts), null))
}

export function readTypes(session: Session, queue: string): Promise<readonly string[]> {
  return session.read(async ({ connection, lanes }) => {
    await learnNewLanes(connection, lanes)
    return lanes.matching([queue], null).map(lane => lane.type)
  })
}

export function countTimedOut(session: Session, submittedBy: string | null, most: number): Promise<number> {
  return session.read(async ({ connection }) => {
    const [row] = await connection.rows(sql.timedOut, most, submittedBy)
    return number(row?.[0] ?? 0)
  })
}

export function readQueues(session: Session): Promise<readonly QueueRecord[]> {
  return session.read(async reader => {
    const [queues, counts, nowMs] = await Promise.all([
      reader.connection.rows(sql.queues),
      readCounters(reader),
      reader.now(),
    ])
    const records: QueueRecord[] = []
    for (const row of queues) records.push(await queueRecord(reader, row, counts, nowMs))
    return records
  })
}

export function setQueue(session: Session, name: string, settings: QueueSettings): Promise<QueueRecord> {
  const { isPaused, by = null, reason = null } = settings
  return session.transact(async ({ connection, lanes, nowMs }) => {
    if (isPaused) await connection.run(statements.pauseQueue, name, nowMs, by, reason)
    else await connection.run(statements.resumeQueue, name)
    const [written] = await connection.rows(sql.queue, name)
    assert(written !== undefined, 'what was written is there')
    const reader = { connection, lanes, now: async () => nowMs }
    return queueRecord(reader, written, await readCounters(reader), nowMs)
  })
}

/** Of a row of queues; null where it is not paused, or not there. */
export function toPause(row: SqlRow | undefined): Pause | null {
  if (row === undefined || !boolean(row[1])) return null
  return { atMs: numberOrNull(row[2]), by: textOrNull(row[3]), reason: textOrNull(row[4]) }
}

async function queueRecord(
  reader: Reader,
  row: SqlRow,
  counts: readonly SqlRow[],
  nowMs: number,
): Promise<QueueRecord> {
  const name = text(row[0])
  const lanes = reader.lanes.matching([name], null).map(lane => lane.id)
  const own = sumByState(counts, new Set(lanes))
  const oldestDueAtMs = own.pending === 0 ? null : await oldestDue(reader, lanes, counts)
  return { name, pause: toPause(row), counts: own, oldestDueAtMs, nowMs }
}

async function oldestDue(reader: Reader, lanes: readonly number[], counts: readonly SqlRow[]): Promise<number | null> {
  let oldest: number | null = null
  for (const lane of lanes) {
    if (sumByState(counts, new Set([lane])).pending === 0) continue
    const [row] = await reader.connection.rows(sql.oldestDue, lane)
    // The counters were read a moment earlier: the lane may be empty by now.
    const due = numberOrNull(row?.[0] ?? null)
    if (due !== null && (oldest === null || due < oldest)) oldest = due
  }
  return oldest
}
