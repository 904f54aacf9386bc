import { Problem } from '../../core/problem.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Store } from '../../ports/store.ts'
import { createAccounts } from './accounts.ts'
import { createAlerts } from './alerts.ts'
import { type Database, faultOf, type SqliteFault } from './database.ts'
import { exchange } from './exchange.ts'
import { readGraph } from './graph.ts'
import { createHistory } from './history.ts'
import { countTasks, listIds, listRecords } from './lists.ts'
import * as looks from './looks.ts'
import { openFile } from './open-file.ts'
import * as reads from './reads.ts'
import { createSession } from './session.ts'
import * as sweeps from './sweeps.ts'
import * as verbs from './verbs.ts'
import * as workers from './workers.ts'

export interface SqliteStoreParts {
  /** Path of the database file, created where it does not exist, or `:memory:`. */
  readonly file: string
  readonly clock: Clock
  /** See core/rank.ts. */
  readonly headStartMs: number
  /** FULL, the default, syncs every commit. NORMAL syncs checkpoints: the last commits may be lost with the power. */
  readonly synchronous?: 'FULL' | 'NORMAL'
}

/**
 * A store in one file, owned by this process alone until `close`. Every call runs to its end without yielding, in one
 * transaction; the promises are the port's, not the driver's.
 *
 * Rejects with `StoreLockedError` where another process owns the file, and with `StoreFileError` where the file cannot
 * serve: a folder, no SQLite database, another program's, or of a newer schema.
 *
 * @param inspect for tests: gets the open database, to make its disk full, say
 */
export async function createSqliteStore(
  parts: SqliteStoreParts,
  inspect?: (database: Database) => void,
): Promise<Store> {
  const opened = openFile(parts.file, parts.clock, parts.synchronous ?? 'FULL')
  const session = createSession(opened.database, parts.clock, parts.headStartMs)
  inspect?.(opened.database)
  let isOpen = true

  /** Turns throws into rejections, and the world's faults into a problem that the caller may repeat. */
  async function run<Value>(work: () => Value): Promise<Value> {
    if (!isOpen) throw new Problem('store_unavailable', `The store in ${parts.file} is closed.`)
    try {
      session.refresh()
      return work()
    } catch (error) {
      throw toProblem(error, parts.file)
    }
  }

  const store: Store = {
    ...createAccounts(session, run),
    ...createHistory(session, run),
    ...createAlerts(session, run),
    exchangesAtOnce: 1,
    isShared: false,
    // The schema is brought up to date before the first statement is prepared, in createSqliteStore.
    migrate: () => run(() => {}),
    check: () => run(() => session.transact(tx => void tx.sql.writeMeta.run('checked_at', tx.nowMs))),
    close: async () => {
      if (!isOpen) return
      isOpen = false
      opened.close()
    },

    exchange: batch => run(() => exchange(session, batch)),
    cancel: (ids, reason) => run(() => verbs.cancel(session, ids, reason)),
    requeue: (ids, withDependents) => run(() => verbs.requeue(session, ids, withDependents)),
    reprioritise: changes => run(() => verbs.reprioritise(session, changes)),
    completeByHand: tasks => run(() => verbs.completeByHand(session, tasks)),
    remove: ids => run(() => verbs.remove(session, ids)),

    promote: limit => run(() => sweeps.promote(session, limit)),
    expired: limit => run(() => sweeps.expired(session, limit)),
    shorten: mostMs => run(() => sweeps.shorten(session, mostMs)),
    unblock: limit => run(() => sweeps.unblock(session, limit)),
    prune: ask => run(() => sweeps.prune(session, ask)),

    task: id => run(() => reads.readTask(session, id)),
    taskByNumber: number => run(() => reads.readTaskByNumber(session, number)),
    submittersOf: ids => run(() => reads.submittersOf(session, ids)),
    endedAmong: ids => run(() => reads.endedAmong(session, ids)),
    tasks: (filter, page) => run(() => listRecords(session, filter, page)),
    taskIds: (filter, page) => run(() => listIds(session, filter, page)),
    countTasks: (filter, most, newest) => run(() => countTasks(session, filter, most, newest)),
    leases: leases => run(() => reads.readLeases(session, leases)),
    leasesOf: workerId => run(() => workers.leasesOf(session, workerId)),
    attempts: id => run(() => reads.readAttempts(session, id)),
    logs: (id, after, limit) => run(() => reads.readLogs(session, id, after, limit)),
    parents: (id, from, bytesMax) => run(() => reads.readParents(session, id, from, bytesMax)),
    graph: (id, tasksMax, edgesMax) => run(() => readGraph(session, id, tasksMax, edgesMax)),
    standing: (id, positionMax) => run(() => reads.readStanding(session, id, positionMax)),
    queues: () => run(() => reads.readQueues(session)),
    typesIn: queue => run(() => reads.readTypes(session, queue)),
    counts: () => run(() => reads.readCounts(session)),
    countTimedOut: (submittedBy, most) => run(() => reads.countTimedOut(session, submittedBy, most)),
    failures: ask => run(() => looks.readFailures(session, ask)),
    waiting: looked => run(() => looks.readWaiting(session, looked)),
    workers: () => run(() => workers.readWorkers(session)),
    presence: () => run(() => workers.readPresence(session)),
    worker: id => run(() => workers.readWorker(session, id)),

    registerWorker: (settings, leaseMs) => run(() => workers.registerWorker(session, settings, leaseMs)),
    drainWorker: id => run(() => workers.drainWorker(session, id)),
    removeWorker: id => run(() => workers.removeWorker(session, id)),
    setQueue: (name, settings) => run(() => reads.setQueue(session, name, settings)),
    appendLogs: (workerId, lines) => run(() => workers.appendLogs(session, workerId, lines)),
  }
  return Object.freeze(store)
}

const sentences: Readonly<Record<SqliteFault, string>> = Object.freeze({
  busy: 'it is locked by another process',
  full: 'the disk is full',
  io: 'the disk could not be read or written',
  readonly: 'it is read-only',
  corrupt: 'it is damaged',
  not_a_database: 'it is not a SQLite database',
  cannot_open: 'it cannot be opened',
  memory: 'the memory is full',
})

function toProblem(error: unknown, file: string): unknown {
  const fault = faultOf(error)
  if (fault === null) return error
  // A failing disk may have kept the commit that it did not confirm.
  const isUnknown = fault === 'io'
  const known = isUnknown
    ? 'Whether the call took effect is not known; repeat it as it was'
    : 'Nothing was changed; try again'
  const detail = `The store in ${file} cannot be used: ${sentences[fault]}. ${known}.`
  return new Problem(isUnknown ? 'outcome_unknown' : 'store_unavailable', detail, [], error)
}
