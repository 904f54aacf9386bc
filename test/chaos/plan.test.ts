import { describe, expect, it } from 'vitest'
import { countPlanned, faultKinds, planFaults } from './plan.ts'

const halfMinute = 30_000
const seeds = Array.from({ length: 300 }, (_, seed) => seed)

describe('the plan of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planFaults(42, halfMinute)).toEqual(planFaults(42, halfMinute))
    const plans = new Set(seeds.map(seed => JSON.stringify(planFaults(seed, halfMinute).tracks)))
    expect(plans.size).toBe(seeds.length)
  })

  it('holds every kind of fault within half a minute, whatever the seed', () => {
    for (const seed of seeds) {
      expect([...countPlanned(planFaults(seed, halfMinute)).keys()].toSorted()).toEqual(faultKinds.toSorted())
    }
  })

  it('never has two faults at once on one track, and none beyond its time', () => {
    for (const seed of seeds) {
      for (const track of planFaults(seed, 95_000).tracks) {
        for (const [at, fault] of track.entries()) {
          const before = track[at - 1]
          expect(fault.atMs).toBeGreaterThanOrEqual(before === undefined ? 0 : before.atMs + before.lastsMs)
          expect(fault.atMs + fault.lastsMs).toBeLessThanOrEqual(95_000)
        }
      }
    }
  })

  it('fills the disk ten times at most, however long it lasts', () => {
    expect(countPlanned(planFaults(1, 3_600_000)).get('disk_full')).toBe(10)
  })
})
