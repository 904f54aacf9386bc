export interface GraphTask {
  readonly id: string
  readonly dependencies: readonly string[]
}

export type GraphFault =
  | { readonly kind: 'self'; readonly index: number; readonly id: string }
  | { readonly kind: 'duplicate_id'; readonly index: number; readonly id: string }
  | { readonly kind: 'cycle'; readonly path: readonly string[] }

/**
 * Looks for what a batch alone can tell of its dependencies. Dependencies point to earlier tasks or into the same
 * batch and are fixed at submit, so that a cycle can exist only inside a batch: no store ever searches for one.
 * Iterative (Kahn), since a chain may be as long as the batch. Returns null when all is well.
 */
export function findGraphFault(tasks: readonly GraphTask[]): GraphFault | null {
  const ids = new Set<string>()
  let hasInnerEdge = false
  for (const [index, task] of tasks.entries()) {
    if (ids.has(task.id)) return { kind: 'duplicate_id', index, id: task.id }
    ids.add(task.id)
  }
  for (const [index, task] of tasks.entries()) {
    for (const parent of task.dependencies) {
      if (parent === task.id) return { kind: 'self', index, id: task.id }
      hasInnerEdge ||= ids.has(parent)
    }
  }
  if (!hasInnerEdge) return null
  const { cyclic, path } = parentsFirst(tasks)
  return cyclic.size === 0 ? null : { kind: 'cycle', path }
}

/**
 * Kahn's algorithm: the order in which tasks can be submitted one by one, parents first, as indices into the list; and
 * those that stand on a cycle or below one, which cannot, with one such cycle. Ids may repeat: the first bearer of an id
 * is the parent.
 */
export function parentsFirst(tasks: readonly GraphTask[]): {
  readonly order: readonly number[]
  readonly cyclic: ReadonlySet<number>
  readonly path: readonly string[]
} {
  const firstOf = new Map<string, number>()
  for (const [index, task] of tasks.entries()) if (!firstOf.has(task.id)) firstOf.set(task.id, index)
  const waiting = tasks.map(() => 0)
  const children = tasks.map((): number[] => [])
  for (const [index, task] of tasks.entries()) {
    for (const id of new Set(task.dependencies)) {
      const parent = firstOf.get(id)
      if (parent === undefined || parent === index) continue
      waiting[index] = (waiting[index] ?? 0) + 1
      children[parent]?.push(index)
    }
  }
  // A queue, so that tasks that wait for nobody keep the order of the list.
  const order = tasks.flatMap((_, index) => (waiting[index] === 0 ? [index] : []))
  for (let at = 0; at < order.length; at += 1) {
    for (const child of children[order[at] ?? -1] ?? []) {
      waiting[child] = (waiting[child] ?? 0) - 1
      if (waiting[child] === 0) order.push(child)
    }
  }
  const sorted = new Set(order)
  const cyclic = new Set(tasks.flatMap((_, index) => (sorted.has(index) ? [] : [index])))
  const left = new Map(
    [...cyclic].flatMap(index => (tasks[index] === undefined ? [] : [[tasks[index].id, tasks[index]]])),
  )
  return { order, cyclic, path: cyclic.size === 0 ? [] : cyclePath(left) }
}

/** Walks up from any task that is left: every one of them has a parent that is left too, so the walk must close. */
function cyclePath(left: ReadonlyMap<string, GraphTask>): readonly string[] {
  const path: string[] = []
  const at = new Map<string, number>()
  let id = left.keys().next().value
  while (id !== undefined && !at.has(id)) {
    at.set(id, path.length)
    path.push(id)
    id = left.get(id)?.dependencies.find(parent => left.has(parent))
  }
  const closed = path.slice(at.get(id ?? '') ?? 0)
  // A parent stands before its child when read from left to right.
  return [...closed, closed[0] ?? ''].reverse()
}
