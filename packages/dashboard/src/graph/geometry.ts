import { type Direction, nodeHeight, nodeWidth, type Place } from './layout.ts'
import type { Item, Shape, Structure } from './structure.ts'
import type { Laid } from './use-layout.ts'

export interface Bounds {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export function boundsOf({ places }: Laid, items: readonly Item[]): Bounds {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity]
  for (const { id } of items) {
    const place = places.get(id)
    if (place === undefined) continue
    left = Math.min(left, place[0])
    top = Math.min(top, place[1])
    right = Math.max(right, place[0] + nodeWidth)
    bottom = Math.max(bottom, place[1] + nodeHeight)
  }
  if (left > right) return { x: 0, y: 0, width: 1, height: 1 }
  return { x: left, y: top, width: right - left, height: bottom - top }
}

export function itemAt({ shape, places }: Laid, at: { readonly x: number; readonly y: number }): Item | null {
  for (const item of shape.items) {
    const [x, y] = places.get(item.id) ?? [Number.NaN, Number.NaN]
    if (at.x >= x && at.x <= x + nodeWidth && at.y >= y && at.y <= y + nodeHeight) return item
  }
  return null
}

/** Below, boxes are too small to be read; and so many elements are all that a frame has time for. */
const readableZoom = 0.45
const elementsMax = 100
/** In pixels: what comes into sight next is there already. */
const ahead = 120

/** What is in sight and can be read; nothing, where that is too much. */
export function visibleItems(
  { shape, places }: Laid,
  [x, y, zoom]: readonly [number, number, number],
  width: number,
  height: number,
): readonly Item[] {
  if (zoom < readableZoom && shape.items.length > elementsMax) return []
  const seen: Item[] = []
  for (const item of shape.items) {
    const place = places.get(item.id)
    if (place === undefined) continue
    const [left, top] = [place[0] * zoom + x, place[1] * zoom + y]
    if (left > width + ahead || top > height + ahead) continue
    if (left + nodeWidth * zoom < -ahead || top + nodeHeight * zoom < -ahead) continue
    seen.push(item)
    if (seen.length > elementsMax) return []
  }
  return seen
}

/** Where an arrow key leads: along an edge in its direction, or to the neighbour beside; the nearest of several. */
export function nextItem(laid: Laid, from: Item, [horizontal, vertical]: readonly [number, number]): Item | null {
  const { shape, places, direction } = laid
  const [along, across] = direction === 'LR' ? [horizontal, vertical] : [vertical, horizontal]
  const own = places.get(from.id)
  if (own === undefined) return null
  const [before, after] = [new Set<string>(), new Set<string>()]
  for (const { parent, child } of shape.edges) {
    if (child === from.id) before.add(parent)
    if (parent === from.id) after.add(child)
  }
  if (along !== 0) {
    const ids = along > 0 ? after : before
    return nearest(
      laid,
      own,
      shape.items.filter(item => ids.has(item.id)),
    )
  }
  // The same depth counts before the same line; what an edge leads to is reached along it.
  const axis = direction === 'LR' ? 1 : 0
  const beside = shape.items.filter(({ id }) => {
    const place = places.get(id)
    return place !== undefined && (place[axis] - own[axis]) * across > 0 && !before.has(id) && !after.has(id)
  })
  return nearest(laid, own, beside, axis === 1 ? [4, 1] : [1, 4])
}

function nearest(
  { places }: Laid,
  [x, y]: Place,
  items: readonly Item[],
  [weightX, weightY]: Place = [1, 1],
): Item | null {
  let best: Item | null = null
  let least = Infinity
  for (const item of items) {
    const place = places.get(item.id)
    const distance = place === undefined ? Infinity : Math.hypot((place[0] - x) * weightX, (place[1] - y) * weightY)
    if (distance >= least) continue
    best = item
    least = distance
  }
  return best
}

/** The direction in which the whole is seen larger. Large graphs are folded either way, and go sidewards as one reads. */
export function bestDirection(shape: Shape, structure: Structure, width: number, height: number): Direction {
  const widths = new Map<number, number>()
  for (const { members } of shape.items) {
    const layer = structure.layers.get(members[0] ?? '') ?? 0
    widths.set(layer, (widths.get(layer) ?? 0) + 1)
  }
  const [deep, broad] = [widths.size, Math.max(...widths.values())]
  if (shape.items.length > elementsMax * 1.5) return 'LR'
  const sidewards = Math.min(width / (deep * (nodeWidth + 60)), height / (broad * (nodeHeight + 14)), 1)
  const downwards = Math.min(width / (broad * (nodeWidth + 14)), height / (deep * (nodeHeight + 60)), 1)
  return downwards > sidewards ? 'TB' : 'LR'
}
