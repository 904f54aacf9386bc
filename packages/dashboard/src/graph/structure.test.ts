import type { TaskGraph } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { collapsedAbove, shapeOf, structureOf } from './structure.ts'

export function graphOf(edges: readonly (readonly [string, string])[], typeOf = (_id: string) => 't'): TaskGraph {
  const ids = [...new Set(edges.flat())]
  return {
    nodes: ids.map(id => ({
      task_id: id,
      task_type: typeOf(id),
      name: null,
      status: 'pending',
      started_at: null,
      completed_at: null,
    })),
    edges: edges.map(([parent, child]) => ({ parent, child, on_failure: 'cancel' })),
    truncated: false,
    edges_truncated: false,
  }
}

const none: ReadonlySet<string> = new Set()
const fan = (n: number) =>
  Array.from({ length: n }, (_, at) => [
    ['root', `m${at}`],
    [`m${at}`, 'end'],
  ]).flat() as [string, string][]
const chain = (n: number) => Array.from({ length: n }, (_, at): [string, string] => [`c${at}`, `c${at + 1}`])

describe('the structure of a graph', () => {
  it('knows the longest way to each task, and lists parents first', () => {
    const { layers, order } = structureOf(
      graphOf([
        ['a', 'd'],
        ['a', 'b'],
        ['b', 'c'],
        ['c', 'd'],
      ]),
    )
    expect(Object.fromEntries(layers)).toEqual({ a: 0, b: 1, c: 2, d: 3 })
    expect(order).toEqual(['a', 'b', 'c', 'd'])
  })

  it('is the same while only states change', () => {
    const graph = graphOf(fan(3))
    const nodes = graph.nodes.map(node => ({ ...node, status: 'completed' as const }))
    expect(structureOf({ ...graph, nodes })).toBe(structureOf(graph))
  })
})

describe('what is drawn of it', () => {
  it('is everything, where nothing is collapsed', () => {
    const shape = shapeOf(structureOf(graphOf(fan(5))), false, none, 'root')
    expect([shape.items.length, shape.edges.length]).toEqual([7, 10])
  })

  it('is one item for siblings of a type, which opens', () => {
    const structure = structureOf(graphOf(fan(5), id => (id.startsWith('m') ? 'map' : id)))
    const shape = shapeOf(structure, true, none, 'root')
    expect(shape.items.map(item => [item.id, item.members.length])).toEqual([
      ['root', 1],
      ['group:1:map', 5],
      ['end', 1],
    ])
    expect(shape.edges).toHaveLength(2)
    expect(shapeOf(structure, true, new Set(['group:1:map']), 'root').items).toHaveLength(7)
  })

  it('leaves the task that was asked for by itself', () => {
    const shape = shapeOf(structureOf(graphOf(fan(5))), true, none, 'm2')
    expect(shape.itemOf.get('m2')).toMatchObject({ isGroup: false })
    expect(shape.itemOf.get('m1')?.members).toHaveLength(4)
  })

  it('folds a long row, whose ends stay', () => {
    const structure = structureOf(graphOf(chain(collapsedAbove + 20), id => id))
    const shape = shapeOf(structure, true, none, 'c100')
    expect(shape.items.map(item => item.members.length)).toEqual([1, 99, 1, collapsedAbove + 20 - 101, 1])
    expect(shape.edges).toHaveLength(4)
  })
})
