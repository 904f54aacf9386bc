import type { GraphNode } from '@tasklane/protocol'
import type { Structure } from './structure.ts'

export interface CriticalPath {
  /** From its first task to its last. */
  readonly ids: readonly string[]
  readonly ms: number
  /** Whether times of tasks that have not run yet were taken from others of their type. */
  readonly isExpected: boolean
}

/** The chain that takes the longest: by measured run times, and for what has not run by the mean of its type. */
export function criticalPath(structure: Structure, nodes: readonly GraphNode[], nowMs: number): CriticalPath {
  const measured = measure(nodes)
  const weights = new Map(nodes.map(node => [node.task_id, weigh(node, measured, nowMs)]))
  const best = new Map<string, { readonly ms: number; readonly before: string | null }>()
  let last: string | null = null
  for (const id of structure.order) {
    let before: string | null = null
    for (const parent of structure.parents.get(id) ?? []) {
      if (before === null || (best.get(parent)?.ms ?? 0) > (best.get(before)?.ms ?? 0)) before = parent
    }
    const ms = (before === null ? 0 : (best.get(before)?.ms ?? 0)) + (weights.get(id)?.ms ?? 0)
    best.set(id, { ms, before })
    if (last === null || ms > (best.get(last)?.ms ?? 0)) last = id
  }
  const ids: string[] = []
  for (let at: string | null = last; at !== null; at = best.get(at)?.before ?? null) ids.push(at)
  ids.reverse()
  return {
    ids,
    ms: last === null ? 0 : (best.get(last)?.ms ?? 0),
    isExpected: ids.some(id => weights.get(id)?.isExpected === true),
  }
}

interface Measured {
  readonly byType: ReadonlyMap<string, number>
  readonly all: number
}

function measure(nodes: readonly GraphNode[]): Measured {
  const sums = new Map<string, [ms: number, count: number]>()
  const whole: [ms: number, count: number] = [0, 0]
  for (const { task_type: type, started_at: from, completed_at: to } of nodes) {
    if (from === null || to === null) continue
    const ms = Date.parse(to) - Date.parse(from)
    const sum = sums.get(type) ?? [0, 0]
    sums.set(type, [sum[0] + ms, sum[1] + 1])
    whole[0] += ms
    whole[1] += 1
  }
  return {
    byType: new Map([...sums].map(([type, [ms, count]]) => [type, ms / count])),
    // Where nothing has run yet, the chain with the most tasks is the longest.
    all: whole[1] === 0 ? 1 : Math.max(1, whole[0] / whole[1]),
  }
}

function weigh(node: GraphNode, measured: Measured, nowMs: number) {
  const expected = measured.byType.get(node.task_type) ?? measured.all
  // A task that was cancelled before it began takes no time, and will take none.
  if (node.started_at === null) return { ms: node.completed_at === null ? expected : 0, isExpected: true }
  const from = Date.parse(node.started_at)
  if (node.completed_at !== null) return { ms: Math.max(0, Date.parse(node.completed_at) - from), isExpected: false }
  return { ms: Math.max(expected, nowMs - from), isExpected: true }
}
