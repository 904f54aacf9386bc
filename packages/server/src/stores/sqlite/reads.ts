import type { AttemptOutcome, LogLevel, StateCounts } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import type { QueueSettings } from '../../core/pause.ts'
import { type TaskId, type TaskRecord, taskId } from '../../core/task.ts'
import type {
  AttemptRecord,
  Lease,
  LeaseFacts,
  LogRecord,
  ParentRecord,
  QueueRecord,
  Standing,
} from '../../ports/store.ts'
import type { SqlRow, SqlValue } from './database.ts'
import { parentsPage } from './parents.ts'
import { json, number, numberOrNull, state, text, textOrNull, toHeldRow, toLeaseFacts, workerOrNull } from './rows.ts'
import { readRecord, type Session } from './session.ts'

export function readTask(session: Session, id: TaskId): TaskRecord | null {
  const row = session.reads.recordById.get(id)
  return row === undefined ? null : readRecord(session, row)
}

export function readTaskByNumber(session: Session, own: number): TaskRecord | null {
  const row = session.reads.recordByNumber.get(own)
  return row === undefined ? null : readRecord(session, row)
}

export function submittersOf(
  session: Session,
  ids: readonly TaskId[],
): readonly { readonly id: TaskId; readonly submittedBy: string | null }[] {
  return session.reads.submittersOf
    .all(JSON.stringify(ids))
    .map(row => ({ id: taskId(text(row[0])), submittedBy: textOrNull(row[1]) }))
}

export function endedAmong(session: Session, ids: readonly TaskId[]): readonly TaskId[] {
  const unfinished = new Set(session.reads.unfinishedAmong.all(JSON.stringify(ids)).map(row => text(row[0])))
  return ids.filter(id => !unfinished.has(id))
}

export function readLeases(session: Session, leases: readonly Lease[]): readonly (LeaseFacts | null)[] {
  const nowMs = session.clock.now()
  return leases.map(lease => {
    const row = session.sql.leaseById.get(lease.taskId)
    if (row === undefined) return null
    const held = toHeldRow(row)
    const isHeld = held.isRunning && held.epoch === lease.epoch && held.workerId === lease.workerId
    return isHeld ? toLeaseFacts(row, nowMs) : null
  })
}

/** Those that have a row of history, then the one that the task's own row tells: it runs, or it ended the task. */
export function readAttempts(session: Session, id: TaskId): readonly AttemptRecord[] | null {
  const task = session.reads.lastAttempt.get(id)
  if (task === undefined) return null
  const attempts = session.reads.attempts.all(number(task[0])).map(toAttempt)
  const isTold = task[6] !== null
  return isTold ? [...attempts, toAttempt(task.slice(1))] : attempts
}

function toAttempt(row: SqlRow): AttemptRecord {
  const isRunning = row[5] === 'running'
  return {
    attempt: number(row[0]),
    epoch: number(row[1]),
    workerId: workerOrNull(row[2]),
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

export function readLogs(session: Session, id: TaskId, after: number, limit: number): readonly LogRecord[] | null {
  const own = numberOf(session, id)
  if (own === null) return null
  return session.reads.logs.all(own, after, limit).map(row => ({
    line: number(row[0]),
    epoch: number(row[1]),
    atMs: number(row[2]),
    level: text(row[3]) as LogLevel, // Written from a LogLevel.
    message: text(row[4]),
  }))
}

export function readParents(
  session: Session,
  id: TaskId,
  from: number,
  bytesMax: number,
): readonly ParentRecord[] | null {
  const own = numberOf(session, id)
  return own === null ? null : parentsPage(session, own, from, bytesMax)
}

function numberOf(session: Session, id: TaskId): number | null {
  const row = session.reads.numberById.get(id)
  return row === undefined ? null : number(row[0])
}

/** How many of the parents that a task waits for are named. */
const namedParentsMax = 10

export function readStanding(session: Session, id: TaskId, positionMax: number): Standing | null {
  const task = readTask(session, id)
  if (task === null) return null
  return {
    task,
    nowMs: session.clock.now(),
    pause: session.lanes.pauseOf(task.queue),
    waitingFor: task.state === 'blocked' ? waitingFor(session, task.number) : { count: 0, first: [] },
    position: task.state === 'pending' ? positionOf(session, task, positionMax) : null,
  }
}

function waitingFor(session: Session, own: number): Standing['waitingFor'] {
  const first = session.reads.openParents.all(own, namedParentsMax)
  return {
    count: number(session.reads.openParentCount.get(own)?.[0]),
    first: first.map(row => ({ id: taskId(text(row[0])), state: state(row[1]) })),
  }
}

function positionOf(session: Session, task: TaskRecord, positionMax: number): Standing['position'] {
  const rank = number(session.reads.rankOfTask.get(task.number)?.[0])
  let before = 0
  let pending = 0
  for (const lane of session.lanes.matching([task.queue], null)) {
    const here = session.counters.count(lane.id, 'pending')
    pending += here
    if (here === 0 || before >= positionMax) continue
    before += number(session.reads.rankBefore.get(lane.id, rank, task.number, positionMax - before)?.[0])
  }
  return { before, pending }
}

// ─── Queues ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export function readCounts(session: Session): StateCounts {
  return session.counters.sum(session.lanes.all())
}

export function readTypes(session: Session, queue: string): readonly string[] {
  return session.lanes.matching([queue], null).map(lane => lane.type)
}

export function countTimedOut(session: Session, submittedBy: string | null, most: number): number {
  if (session.counters.sum(session.lanes.all()).failed === 0) return 0
  return number(session.reads.timedOut.get(most, submittedBy)?.[0])
}

export function readQueues(session: Session): readonly QueueRecord[] {
  return [...session.lanes.queueNames()].sort().map(name => readQueue(session, name))
}

export function readQueue(session: Session, name: string): QueueRecord {
  const lanes = session.lanes.matching([name], null)
  return {
    name,
    pause: session.lanes.pauseOf(name),
    counts: session.counters.sum(lanes),
    oldestDueAtMs: oldestDueAtMs(session, lanes),
    nowMs: session.clock.now(),
  }
}

export function setQueue(session: Session, name: string, settings: QueueSettings): QueueRecord {
  const { isPaused, by = null, reason = null } = settings
  session.transact(tx => {
    if (isPaused) tx.sql.pauseQueue.run(name, tx.nowMs, by, reason)
    else tx.sql.resumeQueue.run(name)
    tx.lanes.learn(name)
  })
  return readQueue(session, name)
}

function oldestDueAtMs(session: Session, lanes: readonly { readonly id: number }[]): number | null {
  let oldest: number | null = null
  for (const lane of lanes) {
    const pending = session.counters.count(lane.id, 'pending')
    if (pending === 0) continue
    const due = pending > longLane ? oldestOfLongLane(session, lane.id) : readOldestDue(session, lane.id)
    if (oldest === null || due < oldest) oldest = due
  }
  return oldest
}

/**
 * Ranks do not tell which task has waited longest, so the lane's part of the index is read whole: 5 ms at 100,000
 * pending tasks. For a dashboard that asks every second, a lane that long is read every few seconds only.
 */
const longLane = 10_000
const longLaneReadEveryMs = 5_000

function oldestOfLongLane(session: Session, lane: number): number {
  const nowMs = session.clock.now()
  const known = session.oldestDue.get(lane)
  // The absolute value: a clock that was set back must not keep an old answer for ever.
  if (known !== undefined && Math.abs(nowMs - known.readAtMs) < longLaneReadEveryMs) return known.dueAtMs
  const dueAtMs = readOldestDue(session, lane)
  session.oldestDue.set(lane, { dueAtMs, readAtMs: nowMs })
  return dueAtMs
}

function readOldestDue(session: Session, lane: number): number {
  return number(session.reads.oldestDue.get(lane)?.[0])
}
