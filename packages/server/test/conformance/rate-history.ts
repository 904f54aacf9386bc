import { expect } from 'vitest'
import type { HistoryCell } from '../../src/ports/history.ts'
import { json } from '../support/drafts.ts'
import type { Topic } from './topic.ts'

function cell(atMs: number, node: string, value: unknown, more: Partial<HistoryCell> = {}): HistoryCell {
  return { stepMs: 60_000, queue: '', atMs, node, cell: json(value), ...more }
}

export const rateHistoryTopic: Topic = test => {
  test('keeps the cells of each node apart, and replaces a cell that is written again', async ({ store }) => {
    await store.putHistory([])
    await store.putHistory([cell(120_000, 'n1', 1), cell(60_000, 'n1', 2), cell(120_000, 'n2', 3)])
    await store.putHistory([cell(120_000, 'n1', 4), cell(60_000, 'n1', 5, { queue: 'q' })])
    const read = (ask: object = {}) => store.history({ stepMs: 60_000, queue: '', fromMs: 0, limit: 100, ...ask })
    expect(await read()).toEqual([
      { atMs: 60_000, cell: '2' },
      { atMs: 120_000, cell: '4' },
      { atMs: 120_000, cell: '3' },
    ])
    expect(await read({ limit: 1 })).toEqual([{ atMs: 60_000, cell: '2' }])
    expect(await read({ fromMs: 120_000 })).toHaveLength(2)
    expect(await read({ queue: 'q' })).toEqual([{ atMs: 60_000, cell: '5' }])
    expect(await read({ stepMs: 5_000 })).toEqual([])
  })

  test('deletes old cells of one step, so many at a time', async ({ store }) => {
    const times = [1, 2, 3, 4]
    await store.putHistory(times.map(at => cell(at * 60_000, 'n1', at)))
    await store.putHistory([cell(5_000, 'n1', 0, { stepMs: 5_000 })])
    expect(await store.pruneHistory(60_000, 180_000, 1)).toBe(1)
    expect(await store.pruneHistory(60_000, 180_000, 10)).toBe(1)
    const ask = { queue: '', fromMs: 0, limit: 10 }
    expect(await store.history({ ...ask, stepMs: 60_000 })).toHaveLength(2)
    expect(await store.history({ ...ask, stepMs: 5_000 })).toHaveLength(1)
  })
}
