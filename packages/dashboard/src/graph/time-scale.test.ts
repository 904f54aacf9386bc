import { describe, expect, it } from 'vitest'
import { timeScale } from './time-scale.ts'

describe('time along a Gantt', () => {
  it('is even where something always ran', () => {
    const { at, stretches } = timeScale([
      [0, 600],
      [500, 1_000],
    ])
    expect(stretches).toHaveLength(1)
    expect([at(0), at(250), at(1_000)]).toEqual([0, 0.25, 1])
  })

  it('folds a night in which nothing ran, and keeps the order of time', () => {
    const hour = 3_600_000
    const { at, stretches, busyMs } = timeScale([
      [0, hour],
      [13 * hour, 14 * hour],
    ])
    expect(stretches.map(each => each.isIdle)).toEqual([false, true, false])
    expect(busyMs).toBe(2 * hour)
    expect(at(hour)).toBeCloseTo(0.485)
    expect(at(13 * hour)).toBeCloseTo(0.515)
    expect(at(7 * hour)).toBeCloseTo(0.5)
    expect(at(14 * hour)).toBe(1)
  })

  it('has room for nothing at all', () => {
    expect(timeScale([]).at(5)).toBe(1)
    expect(timeScale([[7, 7]]).at(7)).toBe(0)
  })
})
