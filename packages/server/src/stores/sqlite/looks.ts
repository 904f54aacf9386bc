import { taskId } from '../../core/task.ts'
import type { FailureGroup, FailuresAsk, Waiting, WaitingLane } from '../../ports/store.ts'
import { json, number, numberOrNull, text, workerOrNull } from './rows.ts'
import type { Session } from './session.ts'

// What a person looks at to see whether all is well: what failed, and what waits. Bounded by what is looked at.

export function readFailures(session: Session, ask: FailuresAsk): readonly FailureGroup[] {
  const fromMs = session.clock.now() - ask.withinMs
  const rows = session.reads.failures.all(fromMs, ask.most, ask.limit)
  const trends = readTrends(
    session,
    fromMs,
    ask,
    rows.map(row => text(row[0])),
  )
  return rows.flatMap(row => {
    const sample = session.reads.failureSample.get(number(row[4]))
    if (sample === undefined) return []
    const fingerprint = text(row[0])
    return {
      fingerprint,
      type: session.lanes.byId(number(sample[1])).type,
      count: number(row[1]),
      firstAtMs: number(row[2]),
      lastAtMs: number(row[3]),
      sample: taskId(text(sample[0])),
      error: json(sample[2]),
      trend: trends.get(fingerprint) ?? [],
      newest: readNewest(session, fingerprint, ask.newest),
    }
  })
}

function readTrends(
  session: Session,
  fromMs: number,
  ask: FailuresAsk,
  fingerprints: readonly string[],
): ReadonlyMap<string, readonly number[]> {
  const trends = new Map(fingerprints.map(each => [each, Array.from({ length: ask.cells }, () => 0)]))
  const cellMs = Math.max(1, Math.ceil(ask.withinMs / ask.cells))
  for (const row of session.reads.failureTrend.all(fromMs, ask.most, JSON.stringify(fingerprints), cellMs)) {
    const trend = trends.get(text(row[0]))
    const at = Math.min(number(row[1]), ask.cells - 1)
    if (trend !== undefined) trend[at] = (trend[at] ?? 0) + number(row[2])
  }
  return trends
}

function readNewest(session: Session, fingerprint: string, most: number): FailureGroup['newest'] {
  const rows = session.reads.failureNewest.all(fingerprint, most)
  return {
    count: rows.length,
    queues: [...new Set(rows.map(row => session.lanes.byId(number(row[0])).queue))].sort(),
    workers: [...new Set(rows.flatMap(row => workerOrNull(row[1]) ?? []))].sort(),
    usedUp: rows.reduce((sum, row) => sum + number(row[2]), 0),
  }
}

export function readWaiting(session: Session, looked: number): Waiting {
  const lanes = session.lanes
    .all()
    .map(lane => ({ lane, pending: session.counters.count(lane.id, 'pending') }))
    .filter(({ pending }) => pending > 0)
    .sort((one, other) => other.pending - one.pending || compareLanes(one.lane, other.lane))
  return {
    nowMs: session.clock.now(),
    nextRunAtMs: numberOrNull(session.sql.nextDue.get()?.[0] ?? null),
    lanes: lanes.map(({ lane, pending }, at) => ({
      queue: lane.queue,
      type: lane.type,
      pause: session.lanes.pauseOf(lane.queue),
      pending,
      first: at < looked ? firstInLine(session, lane.id) : null,
    })),
  }
}

function firstInLine(session: Session, lane: number): WaitingLane['first'] {
  const row = session.reads.firstInLine.get(lane)
  return row === undefined ? null : { id: taskId(text(row[0])), dueAtMs: number(row[1]) }
}

interface Named {
  readonly queue: string
  readonly type: string
}

function compareLanes(one: Named, other: Named): number {
  if (one.queue !== other.queue) return one.queue < other.queue ? -1 : 1
  return one.type < other.type ? -1 : 1
}
