import type { FinishedState, TaskState } from '@tasklane/protocol'
import { limits } from '@tasklane/protocol'
import type { TaskId } from '../../core/task.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Changes, EndedTask, LaneCount } from '../../ports/store.ts'
import { createHand, type Hand } from './at-hand.ts'
import { type CounterChanges, createCounterChanges } from './counters.ts'
import { type Connection, type Database, faultOf, isConsequence, isOver, OutcomeUnknown, RunAgain } from './database.ts'
import type { Floors } from './floors.ts'
import { createKnown, type Known } from './known.ts'
import { type Lanes, learnNewLanes } from './lanes.ts'
import { number } from './rows.ts'
import { statements as sql } from './statements.ts'

/** The open store: the database and what this node has learned of it. */
export interface Session {
  readonly database: Database
  /** Replaced as a whole; a transaction goes by what was known when it began. */
  readonly known: Known
  readonly headStartMs: number
  readonly clock: Clock
  /** Where prune goes on. */
  pruneFrom: number
  /**
   * Runs the work in one transaction: all of it or nothing, durable when it resolves. Where another transaction stood in
   * the way, all of the work is run again, so that it must not do anything but through `tx`.
   */
  transact<Value>(work: (tx: Transaction) => Promise<Value>, edgesMax?: number): Promise<Value>
  /**
   * The same, with statements that are sent along with the BEGIN: they cannot know the time, but by the database's own
   * clock, and cost no round trip of their own.
   *
   * @param prepare done before each run
   */
  transactFrom<Opened, Value>(
    prepare: () => Promise<void>,
    opening: Opening<Opened>,
    work: (tx: Transaction, opened: Opened) => Promise<Value>,
  ): Promise<Value>
  /** Statements that only read, each for itself. */
  read<Value>(work: (reader: Reader) => Promise<Value>): Promise<Value>
}

/** @param nowMs null: the database's clock */
export type Opening<Opened> = (at: Ground, nowMs: number | null) => Promise<Opened>

export interface Reader {
  readonly connection: Connection
  readonly lanes: Lanes
  now(): Promise<number>
}

/** What a transaction stands on. */
export interface Ground {
  readonly connection: Connection
  readonly lanes: Lanes
  readonly floors: Floors
  readonly clock: Clock
  readonly headStartMs: number
}

/** What one transaction changed, gathered while it runs. */
export interface Transaction extends Ground {
  /** The database's clock when the transaction began. */
  readonly nowMs: number
  readonly hand: Hand
  readonly counters: CounterChanges
  /** Lane id → tasks that became pending; submits are not counted here. */
  readonly ready: Map<number, number>
  /** Lane id → the lowest rank that became pending, submits included. */
  readonly lowest: Map<number, number>
  readonly ended: EndedTask[]
  /** Ended tasks whose children are to be told, oldest first. */
  readonly parentsToResolve: EndedParent[]
  /** Edges this transaction may still resolve; the rest is left to `unblock`. */
  edgesLeft: number
  /** Whether this transaction left parents to `unblock`. */
  hasLeftovers: boolean
  /** A write whose answer nothing waits for but the commit. */
  later(write: Promise<unknown>): void
  /** A write whose answer is looked at before the commit is sent; the statements behind it need not wait for it. */
  checked(write: Promise<void>): void
  /** Queues whose first task this transaction brings; known to all once it is committed. */
  readonly newQueues: Set<string>
}

export interface EndedParent {
  readonly number: number
  readonly id: TaskId
  readonly state: FinishedState
}

/** Waits in a row of this length, doubled each time, between the runs of a transaction that others stood in the way of. */
const firstWaitMs = 5
const runsMax = 8

export function createSession(
  database: Database,
  clock: Clock,
  headStartMs: number,
  /** For tests: the time that holds instead of the database's. */
  fixedNow: (() => number) | null,
): Session {
  let known = createKnown(null)

  const readNow = async (
    connection: Connection,
  ): Promise<{ readonly nowMs: number; readonly place: string | null }> => {
    const [row] = await connection.rows(sql.now)
    connection.noteSize(number(row?.[3]))
    if (fixedNow !== null) return { nowMs: fixedNow(), place: null }
    return { nowMs: number(row?.[0]), place: `${number(row?.[1])} ${number(row?.[2])}` }
  }

  /** In the transaction that met it: behind a pooler the next one may be at another server again. */
  async function meetPlace(connection: Connection, place: string | null): Promise<never> {
    if (known.place !== place) {
      const next = createKnown(place)
      await learnNewLanes(connection, next.lanes)
      known = next
    }
    throw new OtherPlace()
  }

  async function once<Opened, Value>(
    opening: Opening<Opened>,
    work: (tx: Transaction, opened: Opened) => Promise<Value>,
    edgesMax: number,
  ): Promise<Value> {
    const connection = await database.connect()
    const later = createLater()
    const begunWith = known
    const { lanes, floors } = begunWith
    let isBroken = false
    let isCommitSent = false
    try {
      const ground = { connection, lanes, floors, clock, headStartMs }
      const begun = connection.exec(database.begin)
      const [{ nowMs, place }, opened] = await Promise.all([
        readNow(connection),
        opening(ground, fixedNow?.() ?? null),
        begun,
      ])
      if (place !== begunWith.place) await meetPlace(connection, place)
      const tx = beginTransaction(ground, nowMs, edgesMax, later)
      const value = await work(tx, opened)
      // What is written here is counted; only then may it be committed.
      await Promise.all([...later.checked, tx.hand.flush(connection)])
      lowerFloors(tx)
      isCommitSent = true
      await Promise.all([...later.writes, tx.counters.write(connection), connection.exec('COMMIT')])
      lowerFloors(tx)
      for (const queue of tx.newQueues) tx.lanes.queues.add(queue)
      return value
    } catch (caught) {
      const error = isConsequence(caught) ? (connection.fault() ?? caught) : caught
      isBroken = isOver(error)
      // Where the connection itself is gone, so is the transaction.
      await connection.exec('ROLLBACK').catch(() => {
        isBroken = true
      })
      floors.forget()
      throw isCommitSent && faultOf(error) === 'away'
        ? new OutcomeUnknown('The commit was not answered.', { cause: error })
        : error
    } finally {
      connection.release(isBroken)
    }
  }

  async function untilDone<Opened, Value>(
    prepare: () => Promise<void>,
    opening: Opening<Opened>,
    work: (tx: Transaction, opened: Opened) => Promise<Value>,
    edgesMax: number,
  ): Promise<Value> {
    for (let run = 1; ; run += 1) {
      try {
        await prepare()
        return await once(opening, work, edgesMax)
      } catch (error) {
        if (faultOf(error) !== 'again' || run === runsMax) throw error
        if (error instanceof OtherPlace) continue
        await pause(clock, firstWaitMs * 2 ** (run - 1) * clock.random())
      }
    }
  }

  const session: Session = {
    database,
    get known() {
      return known
    },
    clock,
    headStartMs,
    pruneFrom: 0,
    transact: (work, edgesMax = limits.releasedInTransactionMax) => untilDone(nothing, nothing, work, edgesMax),
    transactFrom: (prepare, opening, work) => untilDone(prepare, opening, work, limits.releasedInTransactionMax),
    async read(work) {
      const connection = await database.connect()
      let isBroken = false
      try {
        return await work({ connection, lanes: known.lanes, now: async () => (await readNow(connection)).nowMs })
      } catch (error) {
        isBroken = isOver(error)
        throw error
      } finally {
        connection.release(isBroken)
      }
    },
  }
  return session
}

async function nothing(): Promise<void> {}

/** The transaction is at another place than what this node knows is of: it is run again, with what holds there. */
class OtherPlace extends RunAgain {}

/** Writes that nothing waits for but the commit: it is sent when the answers to some have been looked at. */
interface Later {
  readonly writes: Promise<unknown>[]
  readonly checked: Promise<void>[]
}

function createLater(): Later {
  return { writes: [], checked: [] }
}

function lowerFloors({ floors, lowest }: Transaction): void {
  for (const [lane, rank] of lowest) floors.lower(lane, rank)
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise(resolve => {
    clock.after(ms, resolve)
  })
}

function beginTransaction(ground: Ground, nowMs: number, edgesMax: number, { writes, checked }: Later): Transaction {
  return {
    ...ground,
    nowMs,
    hand: createHand(ground.lanes),
    counters: createCounterChanges(),
    ready: new Map(),
    lowest: new Map(),
    ended: [],
    parentsToResolve: [],
    edgesLeft: edgesMax,
    hasLeftovers: false,
    newQueues: new Set(),
    later(write) {
      // Told with the commit; until then it must not count as unhandled.
      write.catch(() => {})
      writes.push(write)
    },
    checked(write) {
      write.catch(() => {})
      checked.push(write)
    },
  }
}

/** Another node may have made the lane: then it is learned now. */
export async function learnLanes(reader: Pick<Reader, 'connection' | 'lanes'>, ids: Iterable<number>): Promise<void> {
  for (const id of ids) {
    if (reader.lanes.has(id)) continue
    await learnNewLanes(reader.connection, reader.lanes)
    return
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
export function becomePending(
  tx: Transaction,
  { lane, rank }: { readonly lane: number; readonly rank: number },
  from: TaskState,
): void {
  tx.counters.move(lane, from, 'pending')
  tx.ready.set(lane, (tx.ready.get(lane) ?? 0) + 1)
  noteRank(tx, lane, rank)
}

/** A task of that rank is pending now. */
export function noteRank(tx: Transaction, lane: number, rank: number): void {
  const lowest = tx.lowest.get(lane)
  if (lowest === undefined || rank < lowest) tx.lowest.set(lane, rank)
}
