import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { type GraphNode, isFinished, type TaskGraph } from '@tasklane/protocol'
import { ArrowDown, ArrowRight, ChevronLeft, Crosshair, List, Waypoints } from 'lucide-react'
import { useState } from 'react'
import { graphQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'
import { Bar, Button, Failure, Nothing, Skeleton, Stale } from '../parts/basic.tsx'
import { plural } from '../parts/format.ts'
import { State } from '../parts/state.tsx'
import { Lasted } from '../parts/time.tsx'
import { Flow } from './flow.tsx'
import { Gantt } from './gantt.tsx'
import { useLayout } from './use-layout.ts'

/** The ancestors and descendants of a task, as a picture, along time, and as a list that says the same in words. */
export function GraphPage() {
  const { id } = useParams({ from: '/tasks/$id/graph' })
  const interval = useInterval(2_000, 10_000)
  const query = useQuery({
    ...graphQuery(id),
    refetchInterval: ({ state }) =>
      state.data?.nodes.every(node => isFinished(node.status)) === true ? false : interval,
  })
  const graph = query.data
  const isWide = matchMedia('(min-width: 800px)').matches
  const [view, setView] = useState<'graph' | 'list'>(isWide ? 'graph' : 'list')
  const [direction, setDirection] = useState<'LR' | 'TB'>('LR')
  const [isFollowing, setFollowing] = useState(false)
  const places = useLayout(graph, direction)
  if (graph === undefined)
    return query.error === null ? (
      <Skeleton rows={10} />
    ) : (
      <Failure error={query.error} onRetry={() => void query.refetch()} />
    )
  if (graph.nodes.length < 2) return <NoGraph id={id} />
  return (
    <div className="page page-full">
      <header className="task-head">
        <Link to="/tasks/$id" params={{ id }} className="back">
          <ChevronLeft size={15} aria-hidden="true" /> Task
        </Link>
        <div className="task-title">
          <h1>Graph</h1>
          <Summary graph={graph} />
        </div>
        <div className="page-actions">
          <Button isSmall icon={Crosshair} aria-pressed={isFollowing} onClick={() => setFollowing(!isFollowing)}>
            Follow what runs
          </Button>
          <Button
            isSmall
            icon={direction === 'LR' ? ArrowRight : ArrowDown}
            label={direction === 'LR' ? 'Draw it downwards' : 'Draw it sidewards'}
            onClick={() => setDirection(direction === 'LR' ? 'TB' : 'LR')}
          />
          <Button
            isSmall
            icon={view === 'graph' ? List : Waypoints}
            onClick={() => setView(view === 'graph' ? 'list' : 'graph')}
          >
            {view === 'graph' ? 'List' : 'Picture'}
          </Button>
        </div>
      </header>
      <Stale error={query.error} at={query.dataUpdatedAt} />
      {view === 'list' ? (
        <GraphList graph={graph} />
      ) : (
        <div className="graph-columns">
          {places === null ? (
            <div className="graph-box skeleton" aria-hidden="true" />
          ) : (
            <Flow graph={graph} places={places} self={id} direction={direction} isFollowing={isFollowing} />
          )}
          <Gantt nodes={graph.nodes} self={id} />
        </div>
      )}
    </div>
  )
}

function NoGraph({ id }: { readonly id: string }) {
  return (
    <Nothing title="It stands alone">
      <p>This task depends on nothing, and nothing depends on it.</p>
      <Link to="/tasks/$id" params={{ id }} className="button button-plain">
        Back to the task
      </Link>
    </Nothing>
  )
}

function Summary({ graph }: { readonly graph: TaskGraph }) {
  const ended = graph.nodes.filter(node => isFinished(node.status)).length
  const failed = graph.nodes.filter(node => node.status === 'failed').length
  const percent = (ended / graph.nodes.length) * 100
  return (
    <div className="graph-summary">
      <span className="faint">
        {plural(graph.nodes.length, 'task')}
        {graph.truncated ? ', and more that are not drawn' : ''}
      </span>
      <Bar
        percent={percent}
        tone={failed > 0 ? 'failed' : 'completed'}
        label={`${ended} of ${graph.nodes.length} ended`}
      />
      <span className="number faint">{Math.floor(percent)} %</span>
    </div>
  )
}

function GraphList({ graph }: { readonly graph: TaskGraph }) {
  const nameOf = new Map(graph.nodes.map(node => [node.task_id, titleOf(node)]))
  const parentsOf = new Map<string, string[]>()
  for (const { parent, child } of graph.edges) {
    const known = parentsOf.get(child)
    if (known === undefined) parentsOf.set(child, [parent])
    else known.push(parent)
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section className="table-scroll" tabIndex={0} aria-label="The tasks of the graph">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Task</th>
            <th scope="col">Needs</th>
            <th scope="col">Ran</th>
          </tr>
        </thead>
        <tbody>
          {graph.nodes.slice(0, 2_000).map(node => (
            <tr key={node.task_id}>
              <td>
                <State state={node.status} />
              </td>
              <td>
                <Link to="/tasks/$id" params={{ id: node.task_id }} className="strong-link">
                  {titleOf(node)}
                </Link>
              </td>
              <td className="needs">{needsText(parentsOf.get(node.task_id) ?? [], nameOf)}</td>
              <td>
                <Lasted from={node.started_at} to={node.completed_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function needsText(parents: readonly string[], nameOf: ReadonlyMap<string, string>): string {
  if (parents.length === 0) return '–'
  const named = parents.slice(0, 5).map(id => nameOf.get(id) ?? id)
  return `${named.join(', ')}${parents.length > 5 ? ` and ${parents.length - 5} more` : ''}`
}

export function titleOf(node: GraphNode): string {
  return node.name ?? node.task_type
}
