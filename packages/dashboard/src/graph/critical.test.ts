import type { GraphNode, TaskGraph } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { criticalPath } from './critical.ts'
import { structureOf } from './structure.ts'

const at = (seconds: number) => new Date(seconds * 1_000).toISOString()

function node(id: string, type: string, from: number | null, to: number | null): GraphNode {
  return {
    task_id: id,
    task_type: type,
    name: null,
    status: to === null ? 'pending' : 'completed',
    started_at: from === null ? null : at(from),
    completed_at: to === null ? null : at(to),
  }
}

const edges: TaskGraph['edges'] = [
  ['a', 'short'],
  ['a', 'long'],
  ['short', 'end'],
  ['long', 'end'],
].map(([parent = '', child = '']) => ({ parent, child, on_failure: 'cancel' }))

function pathOf(nodes: readonly GraphNode[]) {
  const graph: TaskGraph = { nodes, edges, truncated: false, edges_truncated: false }
  return criticalPath(structureOf(graph), nodes, 100_000)
}

describe('the critical path', () => {
  it('is the chain that took the longest, as it was measured', () => {
    const nodes = [node('a', 'x', 0, 1), node('short', 'x', 1, 2), node('long', 'x', 1, 9), node('end', 'x', 9, 10)]
    expect(pathOf(nodes)).toEqual({ ids: ['a', 'long', 'end'], ms: 10_000, isExpected: false })
  })

  it('expects of a task that has not run what others of its type took', () => {
    const nodes = [
      node('a', 'slow', 0, 5),
      node('short', 'slow', null, null),
      node('long', 'other', 5, 6),
      node('end', 'other', null, null),
    ]
    expect(pathOf(nodes)).toEqual({ ids: ['a', 'short', 'end'], ms: 11_000, isExpected: true })
  })
})
