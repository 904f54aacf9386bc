import type { Task } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { lanesOf, rowsOf, sharesOf } from './lane-rows.ts'

function run(worker: string, from: number, to: number | null, status = 'completed'): Task {
  const text = (ms: number) => new Date(ms).toISOString()
  // What lanes read of a task; the rest of it has no say.
  return { worker_id: worker, started_at: text(from), completed_at: to === null ? null : text(to), status } as Task
}

describe('the lanes of workers', () => {
  it('hold the runs of their own worker', () => {
    const lanes = lanesOf(['a', 'b'], [run('a', 0, 1), run('c', 0, 1), run('a', 2, null)])
    expect([...lanes].map(([name, runs]) => [name, runs.length])).toEqual([
      ['a', 2],
      ['b', 0],
    ])
  })

  it('put what ran side by side below each other', () => {
    const placed = rowsOf([run('a', 0, 1_000), run('a', 500, 2_000), run('a', 1_000, null)])
    expect(placed.map(([, row]) => row)).toEqual([0, 1, 0])
  })

  it('have no row more for an end that is written down while the next begins', () => {
    const placed = rowsOf([run('a', 0, 1_003), run('a', 1_000, null)])
    expect(placed.map(([, row]) => row)).toEqual([0, 0])
  })

  it('tell how busy it was, where there are too many', () => {
    const shares = sharesOf([run('a', 0, 60_000), run('a', 30_000, 31_000, 'failed')], { fromMs: 0, toMs: 60_000 })
    expect(shares).toHaveLength(60)
    expect(shares[0]).toEqual({ busy: 1, failed: 0 })
    expect(shares[30]?.busy).toBe(2)
    expect(shares[31]?.failed).toBe(1)
    expect(shares.reduce((sum, share) => sum + share.busy, 0)).toBeCloseTo(61)
  })
})
