import { describe, expect, it } from 'vitest'
import { findInJson, isOpenAtFirst, linesOf, rowsOf } from './json-rows.ts'

const value = { a: [1, { 'b c': 'Deep text' }], empty: {}, last: null }

describe('a tree of JSON', () => {
  it('is lines with paths that a program would understand', () => {
    expect(rowsOf(value, () => true).map(row => row.path)).toEqual([
      '',
      'a',
      'a[0]',
      'a[1]',
      'a[1]["b c"]',
      'empty',
      'last',
    ])
  })

  it('hides what is inside of what is closed', () => {
    expect(rowsOf(value, (_, depth) => depth === 0).map(row => row.path)).toEqual(['', 'a', 'empty', 'last'])
    expect(rowsOf(value, () => false)).toHaveLength(1)
    expect(isOpenAtFirst(0, 50_000)).toBe(true)
    expect(isOpenAtFirst(1, 50_000)).toBe(false)
  })

  it('is searched by names and values, with what has to be opened', () => {
    expect(findInJson(value, 'deep', 10)).toEqual([{ path: 'a[1]["b c"]', above: ['', 'a', 'a[1]'] }])
    expect(findInJson(value, 'B C', 10)).toHaveLength(1)
    expect(findInJson(value, '', 10)).toEqual([])
    expect(
      findInJson(
        Array.from({ length: 50 }, () => 'x'),
        'x',
        10,
      ),
    ).toHaveLength(10)
  })

  it('cuts lines that would be slow to draw, and loses nothing', () => {
    const text = `short\n${'y'.repeat(5_000)}`
    expect(linesOf(text).map(line => line.length)).toEqual([5, 2_000, 2_000, 1_000])
  })
})
