import { useEffect, useState } from 'react'
import type { Direction, LayoutReply, LayoutRequest, Place } from './layout.ts'
import type { Shape } from './structure.ts'

/** A shape and where each of its items stands: the two belong together, and neither moves while states change. */
export interface Laid {
  readonly shape: Shape
  readonly places: ReadonlyMap<string, Place>
  readonly direction: Direction
}

/** The last one stays until the next is there. */
export function useLayout(shape: Shape | null, direction: Direction): Laid | null {
  const [laid, setLaid] = useState<Laid | null>(null)
  useEffect(() => {
    if (shape === null) return
    const request: LayoutRequest = {
      nodes: shape.items.map(item => item.id),
      edges: shape.edges.map(edge => [edge.parent, edge.child]),
      direction,
    }
    const worker = new Worker(new URL('./layout-worker.ts', import.meta.url), { type: 'module' })
    worker.addEventListener('message', (event: MessageEvent<LayoutReply>) => {
      const places = new Map(request.nodes.map((id, at) => [id, event.data.places[at] ?? ([0, 0] as const)]))
      setLaid({ shape, places, direction })
      worker.terminate()
    })
    worker.postMessage(request)
    return () => worker.terminate()
  }, [shape, direction])
  return laid
}
