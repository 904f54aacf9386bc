import { describe, expect, it } from 'vitest'
import { decideSize, noMemory, type ScalingDecision, type ScalingLook } from '../../src/pool/scaling.ts'

const rules = { min: 1, max: 8, slots: 10 }

/** A pool that follows every decision, looked at every two seconds. */
function createPool(workers: number, given: Partial<typeof rules> = {}) {
  let atMs = 0
  let decision: ScalingDecision = { workers, reason: '', memory: noMemory }
  const look = (seen: { pending: number; used: number; idle?: number; rate?: number } | null): ScalingDecision => {
    atMs += 2_000
    const current: ScalingLook = {
      atMs,
      workers: decision.workers,
      idle: seen?.idle ?? (seen === null || seen.used > 0 ? 0 : decision.workers),
      slotsUsed: seen?.used ?? 0,
      queues: seen === null ? null : { pending: seen.pending, finishedPerSecond: seen.rate ?? 0 },
    }
    decision = decideSize({ ...rules, ...given }, current, decision.memory)
    return decision
  }
  return {
    look,
    /** Until the size changes; the seconds that took. */
    untilChange(seen: Parameters<typeof look>[0], looksMax = 100): number {
      const [before, fromMs] = [decision.workers, atMs]
      for (let looks = 0; looks < looksMax; looks += 1)
        if (look(seen).workers !== before) return (atMs - fromMs) / 1_000
      return Number.POSITIVE_INFINITY
    },
    workers: () => decision.workers,
    reason: () => decision.reason,
  }
}

describe('a pool that sizes itself', () => {
  it('grows when tasks wait and every slot is used, twice as many at most each time, up to the maximum', () => {
    const pool = createPool(1)
    expect(pool.untilChange({ pending: 500, used: 10 })).toBe(6)
    expect([pool.workers(), pool.reason()]).toEqual([2, '500 tasks pending and all slots used for 4 s: from 1 to 2.'])
    expect(pool.untilChange({ pending: 500, used: 20 })).toBeGreaterThanOrEqual(5)
    expect(pool.workers()).toBe(4)
    pool.untilChange({ pending: 500, used: 40 })
    expect(pool.workers()).toBe(8)
    expect(pool.untilChange({ pending: 500, used: 80 })).toBe(Number.POSITIVE_INFINITY)
    expect(pool.reason()).toBe('500 tasks pending: 58 workers would be needed, 8 are allowed.')
  })

  it('takes no more than are needed', () => {
    const pool = createPool(4)
    pool.untilChange({ pending: 5, used: 40 })
    expect(pool.workers()).toBe(5)
  })

  it('does not grow for a moment, nor for what is done in no time', () => {
    const pool = createPool(2)
    pool.look({ pending: 100, used: 20 })
    pool.look({ pending: 0, used: 20 })
    pool.look({ pending: 100, used: 20 })
    expect(pool.look({ pending: 100, used: 20 }).workers).toBe(2)
    expect(pool.untilChange({ pending: 1_000, used: 20, rate: 900 })).toBe(Number.POSITIVE_INFINITY)
    expect(pool.reason()).toContain('at 900 a second they are done in no time')
  })

  it('does not grow while slots are free: the tasks are of types that it does not serve, or on their way', () => {
    expect(createPool(3).untilChange({ pending: 15, used: 10 })).toBe(Number.POSITIVE_INFINITY)
  })

  it('shrinks after a calm minute, one worker at a time, down to the minimum', () => {
    const pool = createPool(3, { min: 1 })
    expect(pool.untilChange({ pending: 0, used: 0 })).toBe(62)
    expect([pool.workers(), pool.reason()]).toEqual([2, '1 worker would have done for 60 s: from 3 to 2.'])
    expect(pool.untilChange({ pending: 0, used: 0 })).toBe(16)
    expect(pool.untilChange({ pending: 0, used: 0 })).toBe(Number.POSITIVE_INFINITY)
    expect(pool.workers()).toBe(1)
  })

  it('sends no worker away that runs something', () => {
    const pool = createPool(3)
    expect(pool.untilChange({ pending: 0, used: 3, idle: 0 })).toBe(Number.POSITIVE_INFINITY)
    expect(pool.reason()).toBe('1 worker would do: none of them is idle now.')
    expect(pool.look({ pending: 0, used: 2, idle: 1 }).workers).toBe(2)
  })

  it('counts the calm anew after a peak, and stays where it is in the band between', () => {
    const pool = createPool(2)
    for (let looks = 0; looks < 25; looks += 1) pool.look({ pending: 0, used: 1, idle: 1 })
    pool.look({ pending: 0, used: 18, idle: 0 })
    expect(pool.reason()).toBe('0 tasks pending and 18 running fit 2 workers.')
    expect(pool.untilChange({ pending: 0, used: 1, idle: 1 })).toBe(62)
    // Eight of ten slots of one worker: it would do, but with nothing to spare.
    expect(createPool(2).untilChange({ pending: 0, used: 8, idle: 1 })).toBe(Number.POSITIVE_INFINITY)
  })

  it('does nothing while the scheduler does not tell, and begins to count when it does', () => {
    const pool = createPool(2)
    for (let looks = 0; looks < 40; looks += 1) expect(pool.look(null).workers).toBe(2)
    expect(pool.reason()).toBe('The scheduler does not tell its queues; nothing is changed.')
    expect(pool.untilChange({ pending: 0, used: 0 })).toBe(62)
  })

  it('keeps to its bounds at once when they change, and wakes from nothing', () => {
    expect(createPool(1, { min: 3 }).look({ pending: 0, used: 0 })).toMatchObject({
      workers: 3,
      reason: 'There are to be at least 3.',
    })
    expect(createPool(9).look(null).workers).toBe(8)
    const asleep = createPool(0, { min: 0 })
    expect(asleep.untilChange({ pending: 1, used: 0 })).toBe(6)
    expect(asleep.workers()).toBe(1)
  })
})
