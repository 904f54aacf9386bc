import type { HistoryCell, HistoryStore } from '../../ports/history.ts'

export function createMemoryHistory(): HistoryStore {
  const cells = new Map<string, HistoryCell>()
  const keyOf = ({ stepMs, queue, atMs, node }: HistoryCell) => JSON.stringify([stepMs, queue, atMs, node])
  return {
    putHistory: async put => {
      for (const cell of put) cells.set(keyOf(cell), cell)
    },
    history: async ({ stepMs, queue, fromMs, limit }) =>
      [...cells.values()]
        .filter(cell => cell.stepMs === stepMs && cell.queue === queue && cell.atMs >= fromMs)
        .sort((one, other) => one.atMs - other.atMs || (one.node < other.node ? -1 : 1))
        .slice(0, limit)
        .map(({ atMs, cell }) => ({ atMs, cell })),
    pruneHistory: async (stepMs, beforeMs, limit) => {
      const old = [...cells].filter(([, cell]) => cell.stepMs === stepMs && cell.atMs < beforeMs).slice(0, limit)
      for (const [key] of old) cells.delete(key)
      return old.length
    },
  }
}
