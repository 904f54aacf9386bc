import type { TaskGraph } from '@tasklane/protocol'
import { useEffect, useMemo, useState } from 'react'
import type { LayoutReply, LayoutRequest } from './layout.ts'

export type Places = ReadonlyMap<string, readonly [x: number, y: number]>

/** Where each node stands. Only its shape moves a graph; states come and go without a new layout. */
export function useLayout(graph: TaskGraph | undefined, direction: 'LR' | 'TB'): Places | null {
  const [places, setPlaces] = useState<Places | null>(null)
  const shape = useMemo(() => {
    if (graph === undefined) return null
    const request: LayoutRequest = {
      nodes: graph.nodes.map(node => node.task_id),
      edges: graph.edges.map(edge => [edge.parent, edge.child]),
      direction,
    }
    return JSON.stringify(request)
  }, [graph, direction])
  useEffect(() => {
    if (shape === null) return
    const request: LayoutRequest = JSON.parse(shape)
    const worker = new Worker(new URL('./layout-worker.ts', import.meta.url), { type: 'module' })
    worker.addEventListener('message', (event: MessageEvent<LayoutReply>) => {
      setPlaces(new Map(request.nodes.map((id, index) => [id, event.data.places[index] ?? [0, 0]])))
      worker.terminate()
    })
    worker.postMessage(request)
    return () => worker.terminate()
  }, [shape])
  return places
}
