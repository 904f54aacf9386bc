import { describe, expect, it, vi } from 'vitest'

vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => {} })
const { isSameSearch, readViews } = await import('./saved-views.ts')

describe('saved views', () => {
  it('are read as far as they are views, whatever stands in the storage', () => {
    const good = { name: 'Mine', search: { status: 'failed', sort: '-ran' }, hiddenColumns: ['queue'] }
    expect(readViews([good])).toEqual([good])
    expect(readViews([{ name: 'x', search: { status: 7, evil: 'y', q: {} }, hiddenColumns: [1, 'a'] }])).toEqual([
      { name: 'x', search: { status: '7' }, hiddenColumns: ['a'] },
    ])
    expect(readViews([null, 3, { name: 5 }, { search: {} }, { name: 'bare' }])).toEqual([
      { name: 'bare', search: {}, hiddenColumns: null },
    ])
    for (const bad of [null, {}, 'text']) expect(readViews(bad)).toEqual([])
  })

  it('are known by what they ask for, in any order', () => {
    expect(isSameSearch({ status: 'failed', q: 'a' }, { q: 'a', status: 'failed' })).toBe(true)
    expect(isSameSearch({ status: 'failed' }, { status: 'failed', sort: 'ran' })).toBe(false)
  })
})
