import { type StateCounts, type TaskState, taskStates } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import { number, state } from './rows.ts'
import type { Statements } from './statements.ts'

/**
 * How many tasks of each lane are in each state: exact, kept in memory, and written by the transaction that moves the
 * tasks, one row a touched pair whatever the number of tasks. One process owns the file, so absolute values are safe.
 * After a rollback `reload` reads the table anew: nothing has to be undone.
 */
export interface Counters {
  reload(): void
  add(lane: number, state: TaskState, change: number): void
  move(lane: number, from: TaskState, to: TaskState): void
  /** Writes what changed since the last call; the last step of a transaction. */
  flush(): void
  count(lane: number, state: TaskState): number
  /** Over these lanes. */
  sum(lanes: readonly { readonly id: number }[]): StateCounts
}

export function createCounters(sql: Statements): Counters {
  const counts = new Map<TaskState, number[]>(taskStates.map(each => [each, []]))
  const touched = new Map<TaskState, Set<number>>(taskStates.map(each => [each, new Set()]))

  function add(lane: number, of: TaskState, change: number): void {
    const lanes = counts.get(of)
    assert(lanes !== undefined, 'every state is counted')
    lanes[lane] = (lanes[lane] ?? 0) + change
    touched.get(of)?.add(lane)
  }

  const count = (lane: number, of: TaskState): number => counts.get(of)?.[lane] ?? 0

  return Object.freeze({
    reload() {
      for (const each of taskStates) {
        counts.set(each, [])
        touched.get(each)?.clear()
      }
      for (const row of sql.allCounters.all()) add(number(row[0]), state(row[1]), number(row[2]))
      for (const lanes of touched.values()) lanes.clear()
    },
    add,
    move(lane: number, from: TaskState, to: TaskState) {
      add(lane, from, -1)
      add(lane, to, 1)
    },
    flush() {
      for (const [each, lanes] of touched) {
        for (const lane of lanes) {
          const n = count(lane, each)
          assert(n >= 0, 'a counter never falls below zero')
          sql.writeCounter.run(lane, each, n)
        }
        lanes.clear()
      }
    },
    count,
    sum(lanes: readonly { readonly id: number }[]) {
      const total = (of: TaskState): number => lanes.reduce((sum, lane) => sum + count(lane.id, of), 0)
      return {
        blocked: total('blocked'),
        scheduled: total('scheduled'),
        pending: total('pending'),
        running: total('running'),
        completed: total('completed'),
        failed: total('failed'),
        cancelled: total('cancelled'),
      }
    },
  })
}
