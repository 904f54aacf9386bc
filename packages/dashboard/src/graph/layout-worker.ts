import dagre from '@dagrejs/dagre'
import { layOutLayers } from './layered.ts'
import { type LayoutReply, type LayoutRequest, nodeHeight, nodeWidth } from './layout.ts'

/** Above, dagre is slow (two thousand in a chain take it a minute) and its long lines fit no window. */
const dagreNodesMax = 150
const dagreEdgesMax = 400
/** So many times longer than broad. */
const stripAbove = 6

// Away from the page's own thread, in which nothing may stand still.
addEventListener('message', (event: MessageEvent<LayoutRequest>) => {
  const { nodes, edges } = event.data
  const isSmall = nodes.length <= dagreNodesMax && edges.length <= dagreEdgesMax
  const reply = isSmall ? layOut(event.data) : null
  postMessage(reply === null || isStrip(reply) ? layOutLayers(event.data) : reply)
})

function layOut({ nodes, edges, direction }: LayoutRequest): LayoutReply {
  const graph = new dagre.graphlib.Graph()
  // The tight tree is near to the best and takes a tenth of its time.
  graph.setGraph({ rankdir: direction, ranker: 'tight-tree', nodesep: 14, ranksep: 60, marginx: 20, marginy: 20 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const id of nodes) graph.setNode(id, { width: nodeWidth, height: nodeHeight })
  for (const [parent, child] of edges) graph.setEdge(parent, child)
  dagre.layout(graph)
  return {
    places: nodes.map(id => {
      const at = graph.node(id)
      return [at.x - nodeWidth / 2, at.y - nodeHeight / 2]
    }),
  }
}

/** A long chain, which is folded into lines, as it would be too small to be read. */
function isStrip({ places }: LayoutReply): boolean {
  const width = Math.max(...places.map(place => place[0])) + nodeWidth
  const height = Math.max(...places.map(place => place[1])) + nodeHeight
  return Math.max(width, height) > stripAbove * Math.min(width, height)
}
