import type { TaskId } from '../../core/task.ts'
import type { FailureGroup, FailuresAsk, Waiting } from '../../ports/store.ts'
import type { SqlRow } from './database.ts'
import { readStatements as sql } from './read-statements.ts'
import { readCounters, toPause } from './reads.ts'
import { boolean, json, number, numberOrNull, taskIdOf, text, workerOrNull } from './rows.ts'
import { learnLanes, type Reader, type Session } from './session.ts'
import { statements } from './statements.ts'

// What a person looks at to see whether all is well: what failed, and what waits. Bounded by what is looked at.

export function readFailures(session: Session, ask: FailuresAsk): Promise<readonly FailureGroup[]> {
  return session.read(async reader => {
    const { connection, lanes } = reader
    const fromMs = (await reader.now()) - ask.withinMs
    const rows = await connection.rows(sql.failures, fromMs, ask.most, ask.limit)
    const fingerprints = rows.map(row => text(row[0]))
    if (fingerprints.length === 0) return []
    const cellMs = Math.max(1, Math.ceil(ask.withinMs / ask.cells))
    const [trendRows, newestRows] = await Promise.all([
      connection.rows(sql.failureTrend, fromMs, ask.most, fingerprints, cellMs),
      connection.rows(sql.failureNewest, fingerprints, ask.newest),
    ])
    await learnLanes(reader, [...rows.map(row => number(row[5])), ...newestRows.map(row => number(row[1]))])
    const trends = trendsOf(trendRows, ask.cells)
    const newest = byFingerprint(newestRows)
    return rows.map(row => {
      const fingerprint = text(row[0])
      return {
        fingerprint,
        type: lanes.byId(number(row[5])).type,
        count: number(row[1]),
        firstAtMs: number(row[2]),
        lastAtMs: number(row[3]),
        sample: taskIdOf(row[4]),
        error: json(row[6]),
        trend: trends.get(fingerprint) ?? Array.from({ length: ask.cells }, () => 0),
        newest: newestOf(reader, newest.get(fingerprint) ?? []),
      }
    })
  })
}

function trendsOf(rows: readonly SqlRow[], cells: number): ReadonlyMap<string, readonly number[]> {
  const trends = new Map<string, number[]>()
  for (const row of rows) {
    const trend = trends.get(text(row[0])) ?? Array.from({ length: cells }, () => 0)
    trends.set(text(row[0]), trend)
    const at = Math.min(number(row[1]), cells - 1)
    trend[at] = (trend[at] ?? 0) + number(row[2])
  }
  return trends
}

function byFingerprint(rows: readonly SqlRow[]): ReadonlyMap<string, readonly SqlRow[]> {
  const groups = new Map<string, SqlRow[]>()
  for (const row of rows) {
    const group = groups.get(text(row[0]))
    if (group === undefined) groups.set(text(row[0]), [row])
    else group.push(row)
  }
  return groups
}

function newestOf({ lanes }: Reader, rows: readonly SqlRow[]): FailureGroup['newest'] {
  return {
    count: rows.length,
    queues: [...new Set(rows.map(row => lanes.byId(number(row[1])).queue))].sort(),
    workers: [...new Set(rows.flatMap(row => workerOrNull(row[2] ?? null) ?? []))].sort(),
    usedUp: rows.filter(row => boolean(row[3])).length,
  }
}

export function readWaiting(session: Session, looked: number): Promise<Waiting> {
  return session.read(async reader => {
    const { connection } = reader
    const [counters, pausedRows, [next], nowMs] = await Promise.all([
      readCounters(reader),
      connection.rows(statements.pausedQueues),
      connection.rows(statements.nextDue),
      reader.now(),
    ])
    const pauses = new Map(pausedRows.map(row => [text(row[0]), toPause(row)]))
    const lanes = counters
      .filter(row => row[1] === 'pending' && number(row[2]) > 0)
      .map(row => ({ ...reader.lanes.byId(number(row[0])), pending: number(row[2]) }))
      .sort((one, other) => other.pending - one.pending || (keyOf(one) < keyOf(other) ? -1 : 1))
    const first = await firstInLine(
      reader,
      lanes.slice(0, looked).map(lane => lane.id),
    )
    return {
      nowMs,
      nextRunAtMs: numberOrNull(next?.[0] ?? null),
      lanes: lanes.map(({ id, queue, type, pending }) => ({
        queue,
        type,
        pause: pauses.get(queue) ?? null,
        pending,
        first: first.get(id) ?? null,
      })),
    }
  })
}

async function firstInLine(
  { connection }: Reader,
  lanes: readonly number[],
): Promise<ReadonlyMap<number, { readonly id: TaskId; readonly dueAtMs: number }>> {
  const rows = lanes.length === 0 ? [] : await connection.rows(sql.firstInLine, lanes)
  return new Map(rows.map(row => [number(row[0]), { id: taskIdOf(row[1]), dueAtMs: number(row[2]) }]))
}

/** No name holds a control character, so that this sorts by queue, then by type. */
function keyOf({ queue, type }: { readonly queue: string; readonly type: string }): string {
  return `${queue}\n${type}`
}
