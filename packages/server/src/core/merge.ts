/** An ordered list that is read only as far as it is needed. */
export interface Source<Item> {
  peek(): Item | undefined
  shift(): Item | undefined
}

/** Reads a list in chunks; `more` returns the next chunk after the last item, and an empty one at the end. */
export function chunked<Item>(more: (after: Item | undefined) => readonly Item[]): Source<Item> {
  let chunk: readonly Item[] = []
  let at = 0
  let last: Item | undefined
  let isAtEnd = false
  const fill = (): void => {
    if (at < chunk.length || isAtEnd) return
    chunk = more(last)
    at = 0
    isAtEnd = chunk.length === 0
  }
  return {
    peek() {
      fill()
      return chunk[at]
    },
    shift() {
      fill()
      const item = chunk[at]
      at += 1
      last = item ?? last
      return item
    },
  }
}

/** Merges ordered sources into one, by a binary heap of their heads: log(sources) an item. */
export function merge<Item>(
  sources: readonly Source<Item>[],
  compare: (one: Item, other: Item) => number,
): Source<Item> {
  const [only] = sources
  if (only !== undefined && sources.length === 1) return only
  const heap: Head<Item>[] = []
  for (const source of sources) {
    const item = source.peek()
    if (item !== undefined) heap.push({ item, source })
  }
  for (let at = (heap.length >> 1) - 1; at >= 0; at -= 1) sink(heap, at, compare)
  return {
    peek: () => heap[0]?.item,
    shift() {
      const top = heap[0]
      if (top === undefined) return undefined
      top.source.shift()
      const next = top.source.peek()
      const last = next === undefined ? heap.pop() : undefined
      if (next !== undefined) heap[0] = { item: next, source: top.source }
      else if (last !== undefined && heap.length > 0) heap[0] = last
      sink(heap, 0, compare)
      return top.item
    },
  }
}

interface Head<Item> {
  readonly item: Item
  readonly source: Source<Item>
}

function sink<Item>(heap: Head<Item>[], from: number, compare: (one: Item, other: Item) => number): void {
  let at = from
  for (;;) {
    const least = leastOf(heap, at, compare)
    const own = heap[at]
    const other = heap[least]
    if (least === at || own === undefined || other === undefined) return
    heap[at] = other
    heap[least] = own
    at = least
  }
}

function leastOf<Item>(heap: readonly Head<Item>[], at: number, compare: (one: Item, other: Item) => number): number {
  let least = at
  for (const child of [2 * at + 1, 2 * at + 2]) {
    const one = heap[child]
    const other = heap[least]
    if (one !== undefined && other !== undefined && compare(one.item, other.item) < 0) least = child
  }
  return least
}
