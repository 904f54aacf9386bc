import { describe, expect, it } from 'vitest'
import { countPlanned, faultKindsOf, planFaults, type Setup, setupUsual } from './plan.ts'

const halfMinute = 30_000
const cluster: Setup = { store: 'postgres', nodes: 3 }
const seeds = Array.from({ length: 300 }, (_, seed) => seed)

describe('the plan of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planFaults(42, halfMinute)).toEqual(planFaults(42, halfMinute))
    const plans = new Set(seeds.map(seed => JSON.stringify(planFaults(seed, halfMinute).tracks)))
    expect(plans.size).toBe(seeds.length)
  })

  it.each([setupUsual, cluster])('holds every kind of fault within half a minute, whatever the seed, on %j', setup => {
    for (const seed of seeds) {
      const planned = countPlanned(planFaults(seed, halfMinute, setup))
      expect([...planned.keys()].toSorted()).toEqual(faultKindsOf(setup).toSorted())
    }
  })

  it('does faults of one node to each of them', () => {
    const targets = seeds.flatMap(seed =>
      planFaults(seed, halfMinute, cluster)
        .tracks.flat()
        .map(fault => fault.target),
    )
    expect(targets).toEqual(expect.arrayContaining(['node-1', 'node-2', 'node-3']))
    expect(targets).not.toContain('node-4')
  })

  it('never has two faults at once on one track, and none beyond its time', () => {
    for (const seed of seeds) {
      for (const track of planFaults(seed, 95_000, seed % 2 === 0 ? setupUsual : cluster).tracks) {
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
