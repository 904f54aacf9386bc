import type { DependencyPolicy, GraphNode, TaskGraph } from '@tasklane/protocol'

/** What does not change while tasks run: who is there, and who needs whom. States come and go without touching it. */
export interface Structure {
  readonly ids: readonly string[]
  readonly types: readonly string[]
  readonly titles: readonly string[]
  readonly edges: TaskGraph['edges']
  readonly parents: ReadonlyMap<string, readonly string[]>
  readonly children: ReadonlyMap<string, readonly string[]>
  /** Parents first. */
  readonly order: readonly string[]
  /** The longest way from a task without parents. */
  readonly layers: ReadonlyMap<string, number>
}

/** A thing in the picture: a task, or several alike that are drawn as one. */
export interface Item {
  readonly id: string
  readonly title: string
  readonly members: readonly string[]
  readonly isGroup: boolean
}

export interface ItemEdge {
  readonly parent: string
  readonly child: string
  readonly onFailure: DependencyPolicy
}

export interface Shape {
  readonly items: readonly Item[]
  readonly edges: readonly ItemEdge[]
  /** Task id → the item it is drawn in. */
  readonly itemOf: ReadonlyMap<string, Item>
}

/** Above this many tasks like ones are drawn as one at first: nobody reads two thousand boxes. */
export const collapsedAbove = 300
/** Two of a kind take no more room than one and a word. */
const groupMin = 3

export function titleOf(node: GraphNode): string {
  return node.name ?? node.task_type
}

// A fetch that brought the same edges brings the same list (React Query shares what is equal), and a patch never touches it.
const known = new WeakMap<TaskGraph['edges'], Structure>()

export function structureOf(graph: TaskGraph): Structure {
  const before = known.get(graph.edges)
  if (before !== undefined && before.ids.length === graph.nodes.length) return before
  const structure = makeStructure(graph)
  known.set(graph.edges, structure)
  return structure
}

function makeStructure({ nodes, edges }: TaskGraph): Structure {
  const parents = new Map<string, string[]>(nodes.map(node => [node.task_id, []]))
  const children = new Map<string, string[]>(nodes.map(node => [node.task_id, []]))
  for (const { parent, child } of edges) {
    children.get(parent)?.push(child)
    parents.get(child)?.push(parent)
  }
  const layers = new Map<string, number>()
  const waiting = new Map(nodes.map(({ task_id: id }) => [id, parents.get(id)?.length ?? 0]))
  const order = nodes.flatMap(({ task_id: id }) => (waiting.get(id) === 0 ? [id] : []))
  for (const id of order) layers.set(id, 0)
  // The list grows while it is walked, parents first.
  for (const id of order) {
    for (const child of children.get(id) ?? []) {
      layers.set(child, Math.max(layers.get(child) ?? 0, (layers.get(id) ?? 0) + 1))
      const left = (waiting.get(child) ?? 0) - 1
      waiting.set(child, left)
      if (left === 0) order.push(child)
    }
  }
  return {
    ids: nodes.map(node => node.task_id),
    types: nodes.map(node => node.task_type),
    titles: nodes.map(titleOf),
    edges,
    parents,
    children,
    order,
    layers,
  }
}

/**
 * What is drawn. Collapsed, tasks of one type at the same depth are one item, and so is a row of items that follow each
 * other one by one; neither can make a circle. A group that was opened shows its members, and `self` always stands alone.
 */
export function shapeOf(structure: Structure, isCollapsed: boolean, open: ReadonlySet<string>, self: string): Shape {
  const alone = structure.ids.map((id, at): Item => single(id, structure.titles[at] ?? id))
  if (!isCollapsed) return connect(alone, structure)
  const grouped = collapse(alone, structure, open, self)
  const shape = connect(grouped, structure)
  return shape.items.length <= collapsedAbove ? shape : connect(collapseRows(shape, open, self), structure)
}

function single(id: string, title: string): Item {
  return { id, title, members: [id], isGroup: false }
}

function collapse(alone: readonly Item[], structure: Structure, open: ReadonlySet<string>, self: string): Item[] {
  const groups = new Map<string, string[]>()
  const keyOf = (id: string, at: number) => `group:${structure.layers.get(id) ?? 0}:${structure.types[at] ?? ''}`
  for (const [at, id] of structure.ids.entries()) {
    if (id === self) continue
    const key = keyOf(id, at)
    const members = groups.get(key)
    if (members === undefined) groups.set(key, [id])
    else members.push(id)
  }
  const drawn = new Set<string>()
  return alone.flatMap((item, at) => {
    const key = keyOf(item.id, at)
    const members = groups.get(key) ?? []
    if (item.id === self || members.length < groupMin || open.has(key)) return [item]
    if (drawn.has(key)) return []
    drawn.add(key)
    return [{ id: key, title: structure.types[at] ?? '', members, isGroup: true }]
  })
}

/** Items that follow each other with no other way in or out. */
function collapseRows(shape: Shape, open: ReadonlySet<string>, self: string): readonly Item[] {
  const [into, out] = [new Map<string, string[]>(), new Map<string, string[]>()]
  for (const { parent, child } of shape.edges) {
    into.set(child, [...(into.get(child) ?? []), parent])
    out.set(parent, [...(out.get(parent) ?? []), child])
  }
  const byId = new Map(shape.items.map(item => [item.id, item]))
  const isInner = (id: string) => id !== self && into.get(id)?.length === 1 && out.get(id)?.length === 1
  const rowOf = new Map<string, Item>()
  for (const { id } of shape.items) {
    const [before] = into.get(id) ?? []
    if (!isInner(id) || (before !== undefined && isInner(before))) continue
    const row: Item[] = []
    for (let at: string | undefined = id; at !== undefined && isInner(at); at = out.get(at)?.[0]) {
      const item = byId.get(at)
      if (item !== undefined) row.push(item)
    }
    const key = `row:${id}`
    if (row.length < groupMin || open.has(key)) continue
    const members = row.flatMap(item => item.members)
    const group = { id: key, title: `${row[0]?.title ?? ''} … ${row.at(-1)?.title ?? ''}`, members, isGroup: true }
    for (const item of row) rowOf.set(item.id, group)
  }
  return [...new Set(shape.items.map(item => rowOf.get(item.id) ?? item))]
}

function connect(items: readonly Item[], structure: Structure): Shape {
  const itemOf = new Map<string, Item>()
  for (const item of items) for (const id of item.members) itemOf.set(id, item)
  const edges = new Map<string, ItemEdge>()
  for (const { parent, child, on_failure: onFailure } of structure.edges) {
    const [from, to] = [itemOf.get(parent), itemOf.get(child)]
    if (from === undefined || to === undefined || from === to) continue
    const key = `${from.id}\n${to.id}`
    if (!edges.has(key)) edges.set(key, { parent: from.id, child: to.id, onFailure })
  }
  return { items, edges: [...edges.values()], itemOf }
}
