import { type GraphNode, isFinished, type TaskState, taskStates } from '@tasklane/protocol'
import type { Item, Shape } from './structure.ts'

/** How an item looks now. */
export interface Look {
  readonly state: TaskState
  /** Of a group: how many are in which state, the most telling first. */
  readonly counts: readonly (readonly [state: TaskState, count: number])[]
  readonly isDim: boolean
  readonly isCritical: boolean
}

export interface Interest {
  /** Empty: every state. */
  readonly states: ReadonlySet<TaskState>
  /** In lower case; empty: every task. */
  readonly text: string
  /** Ids of the critical path; null while it is not asked for. */
  readonly critical: ReadonlySet<string> | null
}

/** What a glance should find first. */
const telling: readonly TaskState[] = ['failed', 'running', 'pending', 'scheduled', 'blocked', 'cancelled', 'completed']

export function looksOf(shape: Shape, nodes: readonly GraphNode[], interest: Interest): ReadonlyMap<string, Look> {
  const byId = new Map(nodes.map(node => [node.task_id, node]))
  return new Map(shape.items.map(item => [item.id, lookOf(item, byId, interest)]))
}

function lookOf(item: Item, byId: ReadonlyMap<string, GraphNode>, interest: Interest): Look {
  const nodes = item.members.flatMap(id => byId.get(id) ?? [])
  const counts = countStates(nodes)
  const state = counts[0]?.[0] ?? 'pending'
  const isCritical = interest.critical !== null && item.members.some(id => interest.critical?.has(id) === true)
  return { state, counts, isCritical, isDim: !nodes.some(node => isWanted(node, interest)) }
}

export function countStates(nodes: readonly GraphNode[]): readonly (readonly [TaskState, number])[] {
  const counts = new Map<TaskState, number>()
  for (const { status } of nodes) counts.set(status, (counts.get(status) ?? 0) + 1)
  return telling.flatMap(state => {
    const count = counts.get(state)
    return count === undefined ? [] : [[state, count] as const]
  })
}

export function isWanted(node: GraphNode, { states, text, critical }: Interest): boolean {
  if (states.size > 0 && !states.has(node.status)) return false
  if (critical !== null && states.size === 0 && text === '') return critical.has(node.task_id)
  return text === '' || matchesText(node, text)
}

export function matchesText(node: GraphNode, text: string): boolean {
  return [node.name ?? '', node.task_type, node.task_id].some(each => each.toLowerCase().includes(text))
}

export function isOver(nodes: readonly GraphNode[]): boolean {
  return nodes.every(node => isFinished(node.status))
}

export const states: readonly TaskState[] = taskStates
