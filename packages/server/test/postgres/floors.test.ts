import { describe, expect, it } from 'vitest'
import { bottom, createFloors } from '../../src/stores/postgres/floors.ts'

const slowMs = 50

describe('where a lane’s pending tasks begin', () => {
  it('looks from the beginning as long as that is fast', () => {
    const floors = createFloors()
    floors.plan([1], 0).done(new Map([[1, 100]]), 2)
    expect(floors.plan([1], 1).from).toEqual([bottom])
  })

  it('goes on from the first task found, while looking from the beginning is slow, and looks anew after a while', () => {
    const floors = createFloors()
    floors.plan([1, 2], 0).done(new Map([[1, 100]]), slowMs)
    expect(floors.plan([1, 2], 100).from).toEqual([100, bottom])
    expect(floors.plan([1, 2], 20 * slowMs - 1).from).toEqual([100, bottom])
    expect(floors.plan([1, 2], 20 * slowMs).from).toEqual([bottom, bottom])
    // One look from the beginning at a time.
    expect(floors.plan([1, 2], 20 * slowMs + 1).from).toEqual([100, bottom])
  })

  it('begins lower at once where a task becomes pending lower', () => {
    const floors = createFloors()
    floors.plan([1], 0).done(new Map([[1, 100]]), slowMs)
    floors.lower(1, 120)
    expect(floors.plan([1], 10).from).toEqual([100])
    floors.lower(1, 40)
    expect(floors.plan([1], 20).from).toEqual([40])
  })

  it('does not believe a look during which a task became pending', () => {
    const floors = createFloors()
    floors.plan([1], 0).done(new Map([[1, 10]]), slowMs)
    const look = floors.plan([1], 10)
    floors.lower(1, 20)
    look.done(new Map([[1, 100]]), 1)
    expect(floors.plan([1], 20).from).toEqual([10])
  })

  it('forgets everything when looking is fast again', () => {
    const floors = createFloors()
    floors.plan([1], 0).done(new Map([[1, 10]]), slowMs)
    floors.plan([1], 10_000).done(new Map([[1, 10]]), 1)
    expect(floors.plan([1], 10_001).from).toEqual([bottom])
  })
})
