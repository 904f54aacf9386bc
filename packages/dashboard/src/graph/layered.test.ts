import { describe, expect, it } from 'vitest'
import { layOutLayers } from './layered.ts'
import { type Direction, nodeHeight, nodeWidth, type Place } from './layout.ts'

type Edges = [string, string][]

function layOut(edges: Edges, direction: Direction = 'LR') {
  const nodes = [...new Set(edges.flat())]
  const { places } = layOutLayers({ nodes, edges, direction })
  return new Map(nodes.map((id, at) => [id, places[at] ?? ([Number.NaN, Number.NaN] as const)]))
}

function overlaps(places: ReadonlyMap<string, Place>): string[] {
  const all = [...places].sort((one, other) => one[1][0] - other[1][0])
  return all.flatMap(([id, [x, y]], at) =>
    all
      .slice(at + 1, at + 200)
      .filter(([, [otherX, otherY]]) => Math.abs(otherX - x) < nodeWidth && Math.abs(otherY - y) < nodeHeight)
      .map(([other]) => `${id} ${other}`),
  )
}

function aspectOf(places: ReadonlyMap<string, Place>): number {
  const [xs, ys] = [0, 1].map(axis => [...places.values()].map(place => place[axis] ?? 0))
  const spanOf = (list: readonly number[] = []) => Math.max(...list) - Math.min(...list)
  return (spanOf(xs) + nodeWidth) / (spanOf(ys) + nodeHeight)
}

const chain: Edges = Array.from({ length: 1_999 }, (_, at) => [`c${at}`, `c${at + 1}`])
const fan: Edges = Array.from(
  { length: 1_998 },
  (_, at): Edges => [
    ['root', `m${at}`],
    [`m${at}`, 'end'],
  ],
).flat()

describe('the layout of large graphs', () => {
  it.each([
    ['LR', 0],
    ['TB', 1],
  ] as const)('%s: puts a child after its parents, and no two in one place', (direction, axis) => {
    const edges: Edges = [
      ['a', 'b'],
      ['a', 'c'],
      ['b', 'd'],
      ['c', 'd'],
      ['late', 'd'],
    ]
    const places = layOut(edges, direction)
    for (const [parent, child] of edges)
      expect(places.get(parent)?.[axis]).toBeLessThan(places.get(child)?.[axis] ?? Number.NaN)
    expect(overlaps(places)).toEqual([])
    // A source stands right before what needs it.
    expect(places.get('late')?.[axis]).toBe(places.get('b')?.[axis])
  })

  it.each([
    ['a chain', chain],
    ['a fan', fan],
  ])('folds %s of two thousand into the shape of a window', (_, edges) => {
    for (const direction of ['LR', 'TB'] as const) {
      const places = layOut(edges, direction)
      expect(places.size).toBe(2_000)
      expect(overlaps(places)).toEqual([])
      expect(aspectOf(places)).toBeGreaterThan(0.5)
      expect(aspectOf(places)).toBeLessThan(4)
    }
  })

  it('crosses no edges that need not cross', () => {
    const places = layOut([
      ['a1', 'b2'],
      ['a2', 'b1'],
      ['a3', 'b3'],
      ['b1', 'c1'],
      ['b2', 'c2'],
    ])
    const below = (one: string, other: string) => (places.get(one)?.[1] ?? 0) > (places.get(other)?.[1] ?? 0)
    expect(below('a1', 'a2')).toBe(below('b2', 'b1'))
    expect(below('b1', 'b2')).toBe(below('c1', 'c2'))
  })
})
