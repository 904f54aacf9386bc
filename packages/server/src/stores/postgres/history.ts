import { assert } from '../../core/assert.ts'
import type { HistoryStore } from '../../ports/history.ts'
import { readStatements as sql } from './read-statements.ts'
import { json, number } from './rows.ts'
import type { Session } from './session.ts'

/** `run` turns the world's faults into problems. */
export function createHistory(
  session: Session,
  run: <Value>(work: () => Promise<Value>) => Promise<Value>,
): HistoryStore {
  return {
    putHistory: cells =>
      run(async () => {
        if (cells.length === 0) return
        const rows = cells.map(({ stepMs, queue, atMs, node, cell }) => ({ step: stepMs, queue, at: atMs, node, cell }))
        await session.transact(({ connection }) => connection.run(sql.putHistory, JSON.stringify(rows)))
      }),
    history: ({ stepMs, queue, fromMs, limit }) =>
      run(() =>
        session.read(async ({ connection }) =>
          (await connection.rows(sql.history, stepMs, queue, fromMs, limit)).map(row => {
            const cell = json(row[1])
            assert(cell !== null, 'a cell has a text')
            return { atMs: number(row[0]), cell }
          }),
        ),
      ),
    pruneHistory: (stepMs, beforeMs, limit) =>
      run(() => session.transact(({ connection }) => connection.run(sql.pruneHistory, stepMs, beforeMs, limit))),
  }
}
