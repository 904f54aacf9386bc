import { assert } from '../../core/assert.ts'
import type { JsonText, TaskId } from '../../core/task.ts'
import type { Connection, SqlRow } from './database.ts'
import { type Lanes, learnNewLanes } from './lanes.ts'
import { type HeldTask, keep, type TextChange, textOrNull, toHeldTask } from './rows.ts'
import { statements as sql } from './statements.ts'

/**
 * The tasks whose rows a transaction holds. They are locked in the order of their numbers, changed in memory by what the
 * transitions say, and written by one statement for all. So a list of a thousand tasks costs a few round trips, and what
 * happens to one of them is decided where it can be read.
 */
export interface Hand {
  /** Holds those that exist. */
  takeIds(connection: Connection, ids: readonly TaskId[]): Promise<void>
  takeNumbers(connection: Connection, numbers: readonly number[]): Promise<void>
  /** Those with open edges to these parents, up to so many edges. Flush before: the table is asked which they are. */
  takeOpenChildren(connection: Connection, parents: readonly number[], edgesMax: number): Promise<void>
  byId(id: TaskId): HeldTask | undefined
  byNumber(number: number): HeldTask | undefined
  /** The task was or will be changed: it is written by the next flush. */
  change(task: HeldTask): void
  /** The same of a child of which nothing changes but for how many parents it waits, and its state with that. */
  release(child: HeldTask): void
  /** Children that became pending and have not been written: no statement finds them among the pending ones. */
  released(): readonly HeldTask[]
  /** A released one was written by its claim. */
  noteClaimed(child: HeldTask): void
  /** History of an attempt that did not end its task. */
  keepAttempt(attempt: AttemptRow): void
  /** What was said of an attempt that did not end its task: kept by this transaction, or read and made known to it. */
  attempt(number: number, epoch: number): SettledAttempt | undefined
  /** A row of `attemptsSettledAs`. */
  knowAttempt(row: SqlRow): void
  /** History of the attempt that had ended the task, taken from its row as it stands in the table. */
  keepLastAttempt(task: HeldTask): void
  resolveEdge(child: number, position: number): void
  setEdge(child: number, position: number, resolved: boolean): void
  /** Forgets what was deleted. */
  drop(task: HeldTask): void
  /** Writes all that was changed since the last time. Call it before a statement that reads what was changed. */
  flush(connection: Connection): Promise<void>
  /** The same but for children: those that became pending may be claimed by the same transaction, and are written once then. */
  flushButChildren(connection: Connection): Promise<void>
}

export interface SettledAttempt {
  readonly workerId: string | null
  readonly settledAs: string | null
}

export interface AttemptRow {
  readonly number: number
  readonly epoch: number
  readonly attempt: number
  readonly worker_id: string | null
  readonly started_at: number
  readonly ended_at: number
  readonly outcome: string
  readonly settled_as: string | null
  readonly error: JsonText | null
}

export function createHand(lanes: Lanes): Hand {
  const byId = new Map<TaskId, HeldTask>()
  const byNumber = new Map<number, HeldTask>()
  let changed = new Set<HeldTask>()
  let children = new Set<HeldTask>()
  let attempts: AttemptRow[] = []
  const settled = new Map<string, SettledAttempt>()
  let lastAttempts: number[] = []
  let resolved: (readonly [number, number])[] = []
  let set: (readonly [number, number, boolean])[] = []

  async function take(connection: Connection, rows: readonly SqlRow[]): Promise<void> {
    for (const row of rows) {
      const task = toHeldTask(row)
      // What is in the hand already is as it was written.
      if (byNumber.has(task.number)) continue
      byId.set(task.id, task)
      byNumber.set(task.number, task)
      if (!lanes.has(task.lane)) await learnNewLanes(connection, lanes)
    }
  }

  /** Everything but `children`. */
  async function writeChanges(connection: Connection): Promise<void> {
    const work: Promise<void>[] = []
    if (lastAttempts.length > 0) {
      work.push(connection.run(sql.keepLastAttempts, lastAttempts).then(() => {}))
      lastAttempts = []
    }
    if (changed.size > 0) {
      const moved = connection.run(sql.writeTasks, JSON.stringify([...changed].map(toWrite)))
      work.push(expect(moved, changed.size, 'a row that this transaction holds is as it was read'))
      for (const task of changed) settleDown(task)
      changed = new Set()
    }
    if (attempts.length > 0) {
      work.push(connection.run(sql.insertAttempts, JSON.stringify(attempts)).then(() => {}))
      attempts = []
    }
    if (resolved.length > 0) {
      const moved = connection.run(
        sql.resolveEdges,
        resolved.map(edge => edge[0]),
        resolved.map(edge => edge[1]),
      )
      work.push(expect(moved, resolved.length, 'an edge is resolved once'))
      resolved = []
    }
    if (set.length > 0) {
      const moved = connection.run(
        sql.setEdges,
        set.map(edge => edge[0]),
        set.map(edge => edge[1]),
        set.map(edge => (edge[2] ? 'true' : 'false')),
      )
      work.push(expect(moved, set.length, 'an edge whose child this transaction holds is there'))
      set = []
    }
    await Promise.all(work)
  }

  async function writeChildren(connection: Connection): Promise<void> {
    if (children.size === 0) return
    const list = [...children]
    children = new Set()
    const moved = connection.run(
      sql.writeChildren,
      list.map(child => child.number),
      list.map(child => child.state),
      list.map(child => child.waitingCount),
    )
    for (const child of list) settleDown(child)
    await expect(moved, list.length, 'a child that this transaction holds is blocked')
  }

  return Object.freeze<Hand>({
    async takeIds(connection, ids) {
      const missing = [...new Set(ids)].filter(id => !byId.has(id))
      if (missing.length > 0) await take(connection, await connection.rows(sql.holdByIds, missing))
    },
    async takeNumbers(connection, numbers) {
      const missing = [...new Set(numbers)].filter(each => !byNumber.has(each))
      if (missing.length > 0) await take(connection, await connection.rows(sql.holdByNumbers, missing))
    },
    async takeOpenChildren(connection, parents, edgesMax) {
      await take(connection, await connection.rows(sql.holdOpenChildren, parents, edgesMax))
    },
    byId: id => byId.get(id),
    byNumber: own => byNumber.get(own),
    change(task) {
      changed.add(task)
      children.delete(task)
    },
    release(child) {
      if (!changed.has(child)) children.add(child)
    },
    released: () => [...children].filter(child => child.state === 'pending'),
    noteClaimed(child) {
      children.delete(child)
      child.state = 'running'
      child.was = 'running'
    },
    keepAttempt(attempt) {
      attempts.push(attempt)
      const { worker_id: workerId, settled_as: settledAs } = attempt
      settled.set(`${attempt.number} ${attempt.epoch}`, { workerId, settledAs })
    },
    attempt: (own, epoch) => settled.get(`${own} ${epoch}`),
    knowAttempt([own, epoch, workerId, settledAs]) {
      settled.set(`${own} ${epoch}`, { workerId: textOrNull(workerId), settledAs: textOrNull(settledAs) })
    },
    keepLastAttempt(task) {
      lastAttempts.push(task.number)
    },
    resolveEdge(child, position) {
      resolved.push([child, position])
    },
    setEdge(child, position, isResolved) {
      set.push([child, position, isResolved])
    },
    drop(task) {
      byId.delete(task.id)
      byNumber.delete(task.number)
      changed.delete(task)
      children.delete(task)
    },
    flush: async connection => {
      await Promise.all([writeChanges(connection), writeChildren(connection)])
    },
    flushButChildren: writeChanges,
  })
}

async function expect(moved: Promise<number>, count: number, what: string): Promise<void> {
  assert((await moved) === count, what)
}

function toWrite(task: HeldTask): object {
  return {
    number: task.number,
    was: task.was,
    epoch: task.epoch,
    state: task.state,
    attempt: task.attempt,
    crashes: task.crashes,
    worker_id: task.workerId,
    lease_until: task.leaseUntilMs,
    started_at: task.startedAtMs,
    cancel_requested_at: task.cancelRequestedAtMs,
    run_at: task.runAtMs,
    priority: task.priority,
    priority_source: task.prioritySource,
    rank: task.rank,
    finished_at: task.finishedAtMs,
    end_outcome: task.endOutcome,
    settled_as: task.settledAs,
    waiting_count: task.waitingCount,
    has_dependents: task.hasDependents,
    writes_error: task.error !== keep,
    error: written(task.error),
    writes_result: task.result !== keep,
    result: written(task.result),
    writes_progress: task.progress !== keep,
    progress: written(task.progress),
    fingerprint: task.fingerprint,
  }
}

function written(change: TextChange): JsonText | null {
  return change === keep ? null : change
}

/** What has been written is what the row is now. */
function settleDown(task: HeldTask): void {
  task.was = task.state
  task.errorWritten = written(task.error) ?? task.errorWritten
  task.error = keep
  task.result = keep
  task.progress = keep
}
