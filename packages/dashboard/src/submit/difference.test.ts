import { describe, expect, it } from 'vitest'
import { differencesOf } from './difference.ts'

describe('the differences of two payloads', () => {
  it('are none between equals, whatever the order of their names', () => {
    expect(differencesOf({ a: [1, { b: null }], c: 'x' }, { c: 'x', a: [1, { b: null }] })).toEqual([])
  })

  it('are told by their places', () => {
    expect(differencesOf({ a: 1, b: [1, 2], 'c d': 'x' }, { b: [1, 3, 4], 'c d': 'y', e: {} })).toEqual([
      { path: 'a', before: 1, after: undefined },
      { path: 'b[1]', before: 2, after: 3 },
      { path: 'b[2]', before: undefined, after: 4 },
      { path: '["c d"]', before: 'x', after: 'y' },
      { path: 'e', before: undefined, after: {} },
    ])
  })

  it('are one where all of it is another thing', () => {
    expect(differencesOf([1], { 0: 1 })).toEqual([{ path: 'all of it', before: [1], after: { 0: 1 } }])
  })
})
