import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readCursor, writeCursor } from './cursor.ts'

it('reads what it wrote, for every number and filter', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.string({ unit: 'binary' }), (number, filter) => {
      const cursor = writeCursor(number, filter)
      expect(readCursor(cursor, filter)).toBe(number)
      expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/)
    }),
  )
})

it('refuses the cursor of a list with another filter, and says so', () => {
  expect(() => readCursor(writeCursor(7, 'one'), 'other')).toThrow(/another filter/)
})

it('refuses any other text', () => {
  for (const text of ['', '1', 'not a cursor', '....', 'MS4', `${writeCursor(7, 'x')}AAAA`]) {
    expect(() => readCursor(text, 'x')).toThrow(expect.objectContaining({ code: 'cursor_invalid' }))
  }
  fc.assert(
    fc.property(fc.string(), text => {
      expect(() => readCursor(text, 'x')).toThrow()
    }),
  )
})
