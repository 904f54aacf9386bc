import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compareRanked, headStartMsDefault, rankOf } from './rank.ts'

const dueAtMs = Date.UTC(2030, 0, 1)

it('a level of priority is worth its head start, to the millisecond', () => {
  const waiting = rankOf(dueAtMs, 5, headStartMsDefault)
  expect(rankOf(dueAtMs + headStartMsDefault - 1, 6, headStartMsDefault)).toBeLessThan(waiting)
  expect(rankOf(dueAtMs + headStartMsDefault, 6, headStartMsDefault)).toBe(waiting)
  expect(rankOf(dueAtMs + headStartMsDefault + 1, 6, headStartMsDefault)).toBeGreaterThan(waiting)
})

it('nobody starves: what is due later than nine head starts never overtakes', () => {
  const lowest = rankOf(dueAtMs, 1, headStartMsDefault)
  expect(rankOf(dueAtMs + 9 * headStartMsDefault + 1, 10, headStartMsDefault)).toBeGreaterThan(lowest)
})

it('ties go by number, and the order is total', () => {
  const ranked = fc.record({ rank: fc.integer({ min: 0, max: 3 }), number: fc.integer({ min: 1, max: 9 }) })
  fc.assert(
    fc.property(ranked, ranked, (one, other) => {
      const order = Math.sign(compareRanked(one, other))
      expect(order).toBe(-Math.sign(compareRanked(other, one)) + 0)
      expect(order === 0).toBe(one.rank === other.rank && one.number === other.number)
      if (one.rank === other.rank) expect(order).toBe(Math.sign(one.number - other.number))
    }),
  )
})
