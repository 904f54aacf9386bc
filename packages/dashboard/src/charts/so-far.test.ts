import type { StatsPoint } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { completePoints, soFarOf } from './so-far.ts'

const beginMs = Date.parse('2026-01-01T10:00:00Z')

function pointsOf(count: number, stepSeconds: number): readonly StatsPoint[] {
  return Array.from({ length: count }, (_, index) => ({
    at: new Date(beginMs + index * stepSeconds * 1_000).toISOString(),
    submitted: 0,
    completed: 30,
    failed: 0,
    cancelled: 0,
    retried: 0,
    wait_p95_ms: null,
    run_p95_ms: null,
    waiting: 0,
    running: 0,
    workers: 0,
    slots: 0,
    slots_used: 0,
  }))
}

describe('the piece of a history that still grows', () => {
  it('is none of the complete ones; of short pieces the one before it is none, either', () => {
    expect(completePoints(pointsOf(15, 60), 60)).toHaveLength(14)
    expect(completePoints(pointsOf(60, 5), 5)).toHaveLength(58)
    expect(completePoints([], 60)).toEqual([])
  })

  it('is told at the rate it has so far', () => {
    const points = pointsOf(3, 60)
    const lastMs = beginMs + 120_000
    // Of 22 s that are over, 20 are written down.
    expect(soFarOf(points, 60, lastMs + 22_500)).toEqual({ seconds: 22.5, scale: 3 })
    // Written down a moment late: the next piece has not come yet.
    expect(soFarOf(points, 60, lastMs + 63_000)).toEqual({ seconds: 60, scale: 1 })
  })

  it('says nothing at its beginning, of short pieces, and by a clock that cannot be', () => {
    const points = pointsOf(3, 60)
    const lastMs = beginMs + 120_000
    expect(soFarOf(points, 60, lastMs + 14_000)).toBeNull()
    expect(soFarOf(points, 60, lastMs - 300_000)).toBeNull()
    expect(soFarOf(points, 60, lastMs + 300_000)).toBeNull()
    expect(soFarOf(pointsOf(3, 5), 5, beginMs + 15_000)).toBeNull()
    expect(soFarOf([], 60, beginMs)).toBeNull()
  })
})
