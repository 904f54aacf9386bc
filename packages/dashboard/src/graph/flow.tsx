import type { GraphNode, TaskGraph } from '@tasklane/protocol'
import {
  Background,
  Controls,
  type Edge,
  Handle,
  MiniMap,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
} from '@xyflow/react'
import '@xyflow/react/dist/style.css'
import { useNavigate } from '@tanstack/react-router'
import { memo, useEffect, useMemo } from 'react'
import { StateIcon, stateText, toneOf } from '../parts/state.tsx'
import { isDark, usePreferences } from '../shell/preferences.ts'
import { nodeHeight, nodeWidth } from './layout.ts'
import type { Places } from './use-layout.ts'

interface FlowProps {
  readonly graph: TaskGraph
  readonly places: Places
  readonly self: string
  readonly direction: 'LR' | 'TB'
  readonly isFollowing: boolean
}

type TaskNode = Node<{ readonly node: GraphNode; readonly isSelf: boolean; readonly direction: 'LR' | 'TB' }, 'task'>

const nodeTypes = { task: memo(TaskBox) }

export function Flow(props: FlowProps) {
  return (
    <ReactFlowProvider>
      <Picture {...props} />
    </ReactFlowProvider>
  )
}

function Picture({ graph, places, self, direction, isFollowing }: FlowProps) {
  usePreferences()
  const navigate = useNavigate()
  const nodes = useNodes(graph, places, self, direction)
  const edges = useMemo(() => edgesOf(graph), [graph])
  useFollow(graph, places, isFollowing)
  return (
    <div className="graph-box">
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        colorMode={isDark() ? 'dark' : 'light'}
        fitView
        fitViewOptions={{ maxZoom: 1, padding: 0.08 }}
        minZoom={0.05}
        onlyRenderVisibleElements={nodes.length > 200}
        nodesDraggable={false}
        nodesConnectable={false}
        deleteKeyCode={null}
        onNodeClick={(_event, node) => void navigate({ to: '/tasks/$id', params: { id: node.id } })}
        proOptions={{ hideAttribution: true }}
        aria-label="Graph of dependencies; the list says the same in words"
      >
        <Background gap={22} size={1} />
        <Controls showInteractive={false} />
        {nodes.length > 30 ? (
          <MiniMap<TaskNode> pannable zoomable nodeColor={({ data }) => `var(--${toneOf(data.node.status)})`} />
        ) : null}
      </ReactFlow>
    </div>
  )
}

function useNodes(graph: TaskGraph, places: Places, self: string, direction: 'LR' | 'TB'): TaskNode[] {
  return useMemo(
    () =>
      graph.nodes.map(node => {
        const [x, y] = places.get(node.task_id) ?? [0, 0]
        return {
          id: node.task_id,
          type: 'task',
          position: { x, y },
          width: nodeWidth,
          height: nodeHeight,
          data: { node, isSelf: node.task_id === self, direction },
          ariaLabel: `${node.name ?? node.task_type}, ${stateText(node.status)}`,
        }
      }),
    [graph, places, self, direction],
  )
}

function edgesOf(graph: TaskGraph): Edge[] {
  const status = new Map(graph.nodes.map(node => [node.task_id, node.status]))
  return graph.edges.map(({ parent, child, on_failure }) => ({
    id: `${parent} ${child}`,
    source: parent,
    target: child,
    className: `edge edge-${status.get(parent) === 'completed' ? 'done' : 'open'} edge-${on_failure}`,
    animated: status.get(child) === 'running' && graph.nodes.length < 300,
    focusable: false,
  }))
}

function useFollow(graph: TaskGraph, places: Places, isFollowing: boolean): void {
  const { fitView } = useReactFlow()
  const running = graph.nodes.filter(node => node.status === 'running').map(node => node.task_id)
  const key = running.join()
  useEffect(() => {
    if (!isFollowing || key === '' || places.size === 0) return
    const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches
    void fitView({ nodes: key.split(',').map(id => ({ id })), maxZoom: 1, duration: isCalm ? 0 : 400, padding: 0.3 })
  }, [isFollowing, key, places, fitView])
}

function TaskBox({ data: { node, isSelf, direction } }: NodeProps<TaskNode>) {
  const isAcross = direction === 'LR'
  return (
    <div className={`node node-${toneOf(node.status)} ${isSelf ? 'node-self' : ''}`} data-state={node.status}>
      <Handle type="target" position={isAcross ? Position.Left : Position.Top} isConnectable={false} />
      <StateIcon state={node.status} size={16} />
      <span className="node-text">
        <span className="node-name">{node.name ?? node.task_type}</span>
        <span className="node-state">{stateText(node.status)}</span>
      </span>
      <Handle type="source" position={isAcross ? Position.Right : Position.Bottom} isConnectable={false} />
    </div>
  )
}
