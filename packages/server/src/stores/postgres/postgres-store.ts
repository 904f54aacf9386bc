import { Problem } from '../../core/problem.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Store } from '../../ports/store.ts'
import { createAccounts } from './accounts.ts'
import { createAlerts } from './alerts.ts'
import { faultOf, openDatabase, placeOf } from './database.ts'
import { exchange } from './exchange.ts'
import { readGraph } from './graph.ts'
import { createHistory } from './history.ts'
import { countTasks, listIds, listRecords } from './lists.ts'
import * as looks from './looks.ts'
import { migrate, refuseHalfMoved, requireSchema } from './migrate.ts'
import { toProblem } from './problems.ts'
import * as reads from './reads.ts'
import { requeue } from './requeue.ts'
import { createSession } from './session.ts'
import { statements as sql } from './statements.ts'
import * as sweeps from './sweeps.ts'
import * as verbs from './verbs.ts'
import * as workers from './workers.ts'

export interface PostgresStoreParts {
  /** `postgresql://user:password@host:port/database`, with the usual parameters (sslmode, application_name, …). */
  readonly url: string
  readonly clock: Clock
  /** See core/rank.ts. */
  readonly headStartMs: number
  /** Connections of this node at most. */
  readonly connections?: number
  /** False: the schema is somebody else's work, and must be there. */
  readonly mayMigrate?: boolean
  /** An answer that takes longer counts as none. */
  readonly timeoutMs?: number
  /** For tests: the time that holds instead of the database's. */
  readonly fixedNow?: () => number
}

/** Two exchanges at once: while one waits for its commit to reach the disk, the next is prepared. */
const exchangesAtOnce = 2
const connectionsDefault = 10
const timeoutMsDefault = 10_000
/** For so long a disk that was full is taken to be full. */
const fullForMs = 10_000
/** A migration may wait for other nodes' statements, and may take its time. */
const migrationTimeoutMs = 600_000

/**
 * A store on a PostgreSQL server (13 or later) that any number of nodes share; none of them leads. Connects at the first
 * use. What nodes must agree on is a row in the database, held by whoever changes it, in one transaction.
 */
export function createPostgresStore(parts: PostgresStoreParts): Store {
  const { url, clock, headStartMs, fixedNow = null, mayMigrate = true } = parts
  const place = placeOf(url)
  const timeoutMs = parts.timeoutMs ?? timeoutMsDefault
  const database = openDatabase({ url, connections: parts.connections ?? connectionsDefault, timeoutMs })
  const session = createSession(database, clock, headStartMs, fixedNow)
  let isOpen = true
  /** That the server had no room for what was to be written; forgotten when a task was written since. */
  let full: { readonly error: unknown; readonly atMs: number } | null = null

  /** The world's faults become a problem that the caller may repeat. */
  async function run<Value>(work: () => Promise<Value>): Promise<Value> {
    if (!isOpen) throw new Problem('store_unavailable', `The store at ${place} is closed.`)
    try {
      return await work()
    } catch (error) {
      if (faultOf(error) === 'full') full = { error, atMs: clock.monotonic() }
      throw toProblem(error, url)
    }
  }

  /**
   * Writes: a server that only reads is not ready. On a full disk a row that is there can still be written anew, so that
   * what other calls have just met counts, too.
   */
  async function check(): Promise<void> {
    await session.transact(async tx => {
      await tx.connection.run(sql.check, tx.nowMs)
    })
    if (full !== null && clock.monotonic() - full.atMs < fullForMs) throw toProblem(full.error, url)
  }

  async function bringUp(): Promise<void> {
    const patient = openDatabase({
      url,
      connections: 1,
      timeoutMs: migrationTimeoutMs,
      connectTimeoutMs: timeoutMs,
    })
    try {
      const connection = await patient.connect()
      try {
        await (mayMigrate ? migrate(connection) : requireSchema(connection))
        await refuseHalfMoved(connection)
      } finally {
        connection.release(false)
      }
    } finally {
      await patient.close()
    }
  }

  const store: Store = {
    ...createAccounts(session, run),
    ...createHistory(session, run),
    ...createAlerts(session, run),
    exchangesAtOnce,
    isShared: true,
    migrate: () => run(bringUp),
    check: () => run(check),
    close: async () => {
      if (!isOpen) return
      isOpen = false
      await database.close()
    },

    exchange: batch =>
      run(async () => {
        const outcome = await exchange(session, batch)
        if (batch.submits.length > 0) full = null
        return outcome
      }),
    cancel: (ids, reason) => run(() => verbs.cancel(session, ids, reason)),
    requeue: (ids, withDependents) => run(() => requeue(session, ids, withDependents)),
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
