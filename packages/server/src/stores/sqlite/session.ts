import type { FinishedState, TaskState } from '@tasklane/protocol'
import { limits } from '@tasklane/protocol'
import type { TaskId, TaskRecord } from '../../core/task.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Changes, EndedTask, LaneCount } from '../../ports/store.ts'
import { type AccountStatements, prepareAccounts } from './account-statements.ts'
import { type AlertStatements, prepareAlerts } from './alert-statements.ts'
import { type Counters, createCounters } from './counters.ts'
import type { Database, SqlRow } from './database.ts'
import { createLanes, type Lanes } from './lanes.ts'
import type { LiveLeases } from './live-leases.ts'
import { prepareReads, type ReadStatements } from './read-statements.ts'
import { number, text, toRecord } from './rows.ts'
import { prepareStatements, type Statements } from './statements.ts'

/** The open store: the database, its statements, and what is kept in memory of it. */
export interface Session {
  readonly sql: Statements
  readonly reads: ReadStatements
  readonly accounts: AccountStatements
  readonly alerts: AlertStatements
  readonly lanes: Lanes
  readonly counters: Counters
  readonly clock: Clock
  readonly headStartMs: number
  /** The number that the next task gets. Numbers are never given twice, even where the newest tasks were removed. */
  nextNumber: number
  /** Where prune goes on. */
  pruneFrom: number
  readonly liveLeases: LiveLeases
  /** By lane: what `oldestDue` found in a long lane, for the next few seconds. See reads.ts. */
  readonly oldestDue: Map<number, { readonly dueAtMs: number; readonly readAtMs: number }>
  /** Runs the work in one transaction: all of it or nothing, durable when it returns. */
  transact<Value>(work: (tx: Transaction) => Value, edgesMax?: number): Value
  /** Call it before reading: after a failed transaction, memory is read anew from the tables. */
  refresh(): void
}

/** What one transaction changed, gathered while it runs. */
export interface Transaction
  extends Pick<Session, 'sql' | 'reads' | 'lanes' | 'counters' | 'liveLeases' | 'headStartMs'> {
  readonly session: Session
  readonly nowMs: number
  /** Lane id → tasks that became pending. */
  readonly ready: Map<number, number>
  readonly ended: EndedTask[]
  /** Ended tasks whose children are to be told, oldest first. Empty between two commands, unless the edges ran out. */
  readonly parentsToResolve: EndedParent[]
  /** Edges this transaction may still resolve; the rest is left to `unblock`. */
  edgesLeft: number
  /** Whether this transaction left parents to `unblock`. */
  hasLeftovers: boolean
}

export interface EndedParent {
  readonly number: number
  readonly id: TaskId
  readonly state: FinishedState
}

export function createSession(database: Database, clock: Clock, headStartMs: number): Session {
  const sql = prepareStatements(database)
  const reads = prepareReads(database)
  const accounts = prepareAccounts(database)
  const alerts = prepareAlerts(database)
  const lanes = createLanes(sql)
  const counters = createCounters(sql)
  let isStale = true

  const session: Session = {
    sql,
    reads,
    accounts,
    alerts,
    lanes,
    counters,
    clock,
    headStartMs,
    nextNumber: 1,
    pruneFrom: 0,
    liveLeases: new Map(),
    oldestDue: new Map(),
    refresh() {
      if (!isStale) return
      lanes.reload()
      counters.reload()
      session.liveLeases.clear()
      const kept = number(sql.readMeta.get(lastNumberName)?.[0] ?? 0)
      session.nextNumber = Math.max(kept, number(sql.lastNumber.get()?.[0] ?? 0)) + 1
      isStale = false
    },
    transact(work, edgesMax = limits.releasedInTransactionMax) {
      session.refresh()
      try {
        sql.begin.run()
        const value = work(beginTransaction(session, edgesMax))
        counters.flush()
        sql.commit.run()
        return value
      } catch (error) {
        isStale = true
        // SQLite has rolled back by itself after some faults, a full disk among them.
        if (database.isInTransaction()) sql.rollback.run()
        throw error
      }
    },
  }
  return session
}

/** Kept in `meta` when the newest tasks are deleted, since the table itself then no longer tells the last number given. */
export const lastNumberName = 'last_number'

function beginTransaction(session: Session, edgesMax: number): Transaction {
  const { sql, reads, lanes, counters, liveLeases, headStartMs } = session
  return {
    session,
    sql,
    reads,
    lanes,
    counters,
    liveLeases,
    headStartMs,
    nowMs: session.clock.now(),
    ready: new Map(),
    ended: [],
    parentsToResolve: [],
    edgesLeft: edgesMax,
    hasLeftovers: false,
  }
}

export function toChanges(tx: Transaction): Changes {
  const ready: LaneCount[] = []
  for (const [id, count] of tx.ready) {
    const { queue, type } = tx.lanes.byId(id)
    ready.push({ queue, type, count })
  }
  return { ready, ended: tx.ended, hasLeftovers: tx.hasLeftovers }
}

/** Counts a waiting or running task that may be claimed again; the row is written by the caller. */
export function becomePending(tx: Transaction, lane: number, from: TaskState): void {
  tx.counters.move(lane, from, 'pending')
  tx.ready.set(lane, (tx.ready.get(lane) ?? 0) + 1)
}

export function readRecord(session: Pick<Session, 'lanes' | 'reads'>, row: SqlRow): TaskRecord {
  const hasParents = row[18] !== 0
  return toRecord(row, session.lanes.byId(number(row[2])), hasParents ? dependenciesOf(session, number(row[0])) : none)
}

export function dependenciesOf(session: Pick<Session, 'reads'>, own: number): readonly TaskId[] {
  return session.reads.dependencies.all(own).map(row => text(row[0]) as TaskId) // Written from a TaskId.
}

const none: readonly TaskId[] = Object.freeze([])
