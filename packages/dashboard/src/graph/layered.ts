import { type Direction, type LayoutReply, type LayoutRequest, nodeHeight, nodeWidth, type Place } from './layout.ts'

/**
 * A layout for large graphs: layers by the longest way, in each the order that crosses least, and folds where a layer or
 * the whole would run out of the picture. Two thousand tasks take some ten milliseconds, for which dagre takes seconds.
 */
export function layOutLayers({ nodes, edges, direction }: LayoutRequest): LayoutReply {
  const graph = read(nodes, edges)
  const layers = untangle(intoLayers(graph), graph)
  const places: Place[] = nodes.map(() => [0, 0])
  for (const [node, along, across] of fold(layers, nodes.length, sizes[direction]))
    places[node] = direction === 'LR' ? [along, across] : [across, along]
  return { places }
}

interface Graph {
  readonly count: number
  readonly parents: readonly (readonly number[])[]
  readonly children: readonly (readonly number[])[]
}

interface Sizes {
  /** From one layer to the next, and between the columns of one that was folded. */
  readonly layerStep: number
  readonly columnStep: number
  readonly acrossStep: number
  /** How many times longer than broad the whole should be. */
  readonly aspect: number
}

const sizes: Readonly<Record<Direction, Sizes>> = {
  LR: { layerStep: nodeWidth + 80, columnStep: nodeWidth + 24, acrossStep: nodeHeight + 14, aspect: 1.05 },
  TB: { layerStep: nodeHeight + 60, columnStep: nodeHeight + 14, acrossStep: nodeWidth + 20, aspect: 0.9 },
}

const sweeps = 4
/** So many times longer than it should be is folded into lines, as a text is. */
const foldAbove = 8
const lineGap = 70

function read(nodes: readonly string[], edges: LayoutRequest['edges']): Graph {
  const at = new Map(nodes.map((id, index) => [id, index]))
  const parents = nodes.map((): number[] => [])
  const children = nodes.map((): number[] => [])
  for (const [parent, child] of edges) {
    const [from, to] = [at.get(parent), at.get(child)]
    if (from === undefined || to === undefined) continue
    parents[to]?.push(from)
    children[from]?.push(to)
  }
  return { count: nodes.length, parents, children }
}

/** The longest way from a source; sources stand right before what needs them. */
function intoLayers({ count, parents, children }: Graph): number[][] {
  const layer = new Int32Array(count)
  const waiting = Int32Array.from(parents, list => list.length)
  const order = Array.from({ length: count }, (_, node) => node).filter(node => waiting[node] === 0)
  const sources = [...order]
  // The list grows while it is walked.
  for (const node of order) {
    for (const child of children[node] ?? []) {
      layer[child] = Math.max(layer[child] ?? 0, (layer[node] ?? 0) + 1)
      waiting[child] = (waiting[child] ?? 0) - 1
      if (waiting[child] === 0) order.push(child)
    }
  }
  for (const node of sources) {
    const nearest = (children[node] ?? []).reduce((least, child) => Math.min(least, layer[child] ?? 0), Infinity)
    if (Number.isFinite(nearest)) layer[node] = nearest - 1
  }
  const layers: number[][] = []
  for (let node = 0; node < count; node += 1) {
    const own = layer[node] ?? 0
    layers[own] ??= []
    layers[own].push(node)
  }
  return Array.from(layers, list => list ?? []).filter(list => list.length > 0)
}

/** Sorts each layer by where its parents stand, then by where its children do, and again. */
function untangle(layers: readonly number[][], { count, parents, children }: Graph): readonly (readonly number[])[] {
  // 0 to 1 within its layer, so that a broad layer and a narrow one compare.
  const place = new Float64Array(count)
  const settle = (layer: readonly number[]) => {
    for (const [at, node] of layer.entries()) place[node] = (at + 0.5) / layer.length
  }
  for (const layer of layers) settle(layer)
  const sort = (layer: number[], next: readonly (readonly number[])[]) => {
    const middle = new Map(layer.map(node => [node, mean(next[node] ?? [], place) ?? place[node] ?? 0]))
    layer.sort((one, other) => (middle.get(one) ?? 0) - (middle.get(other) ?? 0) || one - other)
    settle(layer)
  }
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    if (sweep % 2 === 0) for (const layer of layers) sort(layer, parents)
    else for (const layer of layers.toReversed()) sort(layer, children)
  }
  return layers
}

function mean(nodes: readonly number[], place: Float64Array): number | null {
  if (nodes.length === 0) return null
  let sum = 0
  for (const node of nodes) sum += place[node] ?? 0
  return sum / nodes.length
}

type Placed = readonly [node: number, along: number, across: number]

function fold(layers: readonly (readonly number[])[], count: number, by: Sizes): readonly Placed[] {
  const rowsMax = Math.max(12, Math.ceil(Math.sqrt((count * by.columnStep) / by.acrossStep / by.aspect)))
  const rowsOf = (layer: readonly number[]) => Math.ceil(layer.length / Math.ceil(layer.length / rowsMax))
  const lengthOf = (layer: readonly number[]) =>
    by.layerStep + (Math.ceil(layer.length / rowsOf(layer)) - 1) * by.columnStep
  const length = layers.reduce((sum, layer) => sum + lengthOf(layer), 0)
  const breadth = Math.max(...layers.map(rowsOf)) * by.acrossStep
  const lines = length / breadth / by.aspect > foldAbove ? Math.sqrt(length / (breadth + lineGap) / by.aspect) : 1
  const lineMax = length / lines + by.layerStep
  const placed: Placed[] = []
  let [along, top] = [0, 0]
  for (const layer of layers) {
    if (along > 0 && along + lengthOf(layer) > lineMax) {
      along = 0
      top += breadth + lineGap
    }
    const rows = rowsOf(layer)
    for (const [at, node] of layer.entries()) {
      const [column, row] = [Math.floor(at / rows), at % rows]
      // In the middle of the line, so that a fan opens to both sides.
      const inColumn = Math.min(rows, layer.length - column * rows)
      placed.push([
        node,
        along + column * by.columnStep,
        top + (breadth - inColumn * by.acrossStep) / 2 + row * by.acrossStep,
      ])
    }
    along += lengthOf(layer)
  }
  return placed
}
