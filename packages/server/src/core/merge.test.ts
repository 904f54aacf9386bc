import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chunked, merge, type Source } from './merge.ts'

describe('merging ordered sources', () => {
  it('yields everything of all of them in order', () => {
    const lists = fc.array(fc.array(fc.integer({ min: 0, max: 50 })), { maxLength: 12 })
    fc.assert(
      fc.property(lists, fc.integer({ min: 1, max: 5 }), (unsorted, chunk) => {
        const sorted = unsorted.map(list => list.toSorted(ascending))
        const merged = merge(
          sorted.map(list => readInChunks(list, chunk).source),
          ascending,
        )
        expect(drain(merged)).toEqual(sorted.flat().sort(ascending))
      }),
    )
  })

  it('reads a source no further than its head has been taken', () => {
    const low = readInChunks([1, 2, 3, 4, 5, 6], 2)
    const high = readInChunks([10, 20, 30, 40], 2)
    const merged = merge([low.source, high.source], ascending)
    expect([merged.shift(), merged.shift(), merged.shift()]).toEqual([1, 2, 3])
    expect([low.read(), high.read()]).toEqual([4, 2])
  })
})

function ascending(one: number, other: number): number {
  return one - other
}

function readInChunks(list: readonly number[], size: number): { source: Source<number>; read: () => number } {
  let at = 0
  const source = chunked<number>(() => {
    const chunk = list.slice(at, at + size)
    at += chunk.length
    return chunk
  })
  return { source, read: () => at }
}

function drain(source: Source<number>): number[] {
  const items: number[] = []
  for (let item = source.shift(); item !== undefined; item = source.shift()) items.push(item)
  return items
}
