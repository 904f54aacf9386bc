import { type StateCounts, type TaskState, taskStates } from '@tasklane/protocol'
import type { Connection, SqlRow } from './database.ts'
import { number, state } from './rows.ts'
import { statements as sql } from './statements.ts'

/**
 * How many tasks of each lane are in each state, exactly. A transaction gathers what it moved and appends the sums as
 * rows: two transactions never wait for one counter, however many nodes there are. A sweep adds up what was appended.
 */
export interface CounterChanges {
  add(lane: number, state: TaskState, change: number): void
  move(lane: number, from: TaskState, to: TaskState, count?: number): void
  /** Appends what was gathered; the last step of a transaction. */
  write(connection: Connection): Promise<unknown>
}

export function createCounterChanges(): CounterChanges {
  const changes = new Map<TaskState, Map<number, number>>()

  function add(lane: number, of: TaskState, change: number): void {
    let lanes = changes.get(of)
    if (lanes === undefined) {
      lanes = new Map()
      changes.set(of, lanes)
    }
    lanes.set(lane, (lanes.get(lane) ?? 0) + change)
  }

  return Object.freeze({
    add,
    move(lane: number, from: TaskState, to: TaskState, count = 1) {
      if (from === to) return
      add(lane, from, -count)
      add(lane, to, count)
    },
    write(connection: Connection) {
      const lanes: number[] = []
      const states: string[] = []
      const counts: number[] = []
      for (const [of, byLane] of changes) {
        for (const [lane, change] of byLane) {
          if (change === 0) continue
          lanes.push(lane)
          states.push(of)
          counts.push(change)
        }
      }
      changes.clear()
      return lanes.length === 0 ? Promise.resolve() : connection.run(sql.appendCounters, lanes, states, counts)
    },
  })
}

/** Rows of (lane, state, count). */
export function sumByState(rows: readonly SqlRow[], lanes: ReadonlySet<number> | null): StateCounts {
  const counts = Object.fromEntries(taskStates.map(each => [each, 0])) as Record<TaskState, number> // Every state is a key.
  for (const row of rows) if (lanes === null || lanes.has(number(row[0]))) counts[state(row[1])] += number(row[2])
  return counts
}
