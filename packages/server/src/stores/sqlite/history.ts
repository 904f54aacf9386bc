import { assert } from '../../core/assert.ts'
import type { HistoryStore } from '../../ports/history.ts'
import { json, number } from './rows.ts'
import type { Session } from './session.ts'

/** `run` turns the world's faults into problems. */
export function createHistory(session: Session, run: <Value>(work: () => Value) => Promise<Value>): HistoryStore {
  return {
    putHistory: cells =>
      run(() =>
        session.transact(() => {
          for (const { stepMs, queue, atMs, node, cell } of cells) {
            session.reads.putHistory.run(stepMs, queue, atMs, node, cell)
          }
        }),
      ),
    history: ({ stepMs, queue, fromMs, limit }) =>
      run(() =>
        session.reads.history.all(stepMs, queue, fromMs, limit).map(row => {
          const cell = json(row[1])
          assert(cell !== null, 'a cell has a text')
          return { atMs: number(row[0]), cell }
        }),
      ),
    pruneHistory: (stepMs, beforeMs, limit) =>
      run(() => session.transact(() => session.reads.pruneHistory.run(stepMs, beforeMs, limit).changes)),
  }
}
