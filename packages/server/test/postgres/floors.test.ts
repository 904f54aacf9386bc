import { describe, expect, it } from 'vitest'
import { bottom, createFloors, type Floors } from '../../src/stores/postgres/floors.ts'

const slowMs = 50

/** After looks at time 0 that were slow and found the first task of lane 1 here. */
function slowFloors(first: number): Floors {
  const floors = createFloors()
  for (let look = 0; look < 3; look += 1) floors.plan([1, 2], 0).done(new Map([[1, first]]), slowMs)
  return floors
}

describe('where a lane’s pending tasks begin', () => {
  it('looks from the beginning as long as that is fast', () => {
    const floors = createFloors()
    floors.plan([1], 0).done(new Map([[1, 100]]), 2)
    expect(floors.plan([1], 1).from).toEqual([bottom])
  })

  it('does not take one slow look for a slow database', () => {
    const floors = createFloors()
    for (const tookMs of [slowMs, slowMs, 2, slowMs, slowMs]) floors.plan([1], 0).done(new Map([[1, 100]]), tookMs)
    expect(floors.plan([1], 1).from).toEqual([bottom])
  })

  it('goes on from the first task found, while looking from the beginning is slow, and looks anew after a while', () => {
    const floors = slowFloors(100)
    expect(floors.plan([1, 2], 100).from).toEqual([100, bottom])
    expect(floors.plan([1, 2], 20 * slowMs - 1).from).toEqual([100, bottom])
    expect(floors.plan([1, 2], 20 * slowMs).from).toEqual([bottom, bottom])
    // One look from the beginning at a time.
    expect(floors.plan([1, 2], 20 * slowMs + 1).from).toEqual([100, bottom])
  })

  it('begins lower at once where a task becomes pending lower', () => {
    const floors = slowFloors(100)
    floors.lower(1, 120)
    expect(floors.plan([1], 10).from).toEqual([100])
    floors.lower(1, 40)
    expect(floors.plan([1], 20).from).toEqual([40])
  })

  it('does not believe a look during which a task became pending', () => {
    const floors = slowFloors(10)
    const look = floors.plan([1], 10)
    floors.lower(1, 20)
    look.done(new Map([[1, 100]]), 1)
    expect(floors.plan([1], 20).from).toEqual([10])
  })

  it('looks from the beginning after a transaction was undone, and believes no look that had begun before', () => {
    const floors = slowFloors(10)
    const look = floors.plan([1], 10)
    floors.forget()
    look.done(new Map([[1, 100]]), 1)
    expect(floors.plan([1], 20).from).toEqual([bottom])
  })

  it('forgets everything when looking is fast again', () => {
    const floors = slowFloors(10)
    floors.plan([1], 10_000).done(new Map([[1, 10]]), 1)
    expect(floors.plan([1], 10_001).from).toEqual([bottom])
  })
})
