import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { isFinished, type Task } from '@tasklane/protocol'
import { Waypoints } from 'lucide-react'
import { graphQuery } from '../../api/queries.ts'
import { useInterval } from '../../live/live.ts'
import { Panel } from '../../parts/basic.tsx'
import { StateIcon } from '../../parts/state.tsx'

const relativesShown = 8

export function Relatives({ task }: { readonly task: Task }) {
  const interval = useInterval(3_000, 15_000)
  const { data } = useQuery({
    ...graphQuery(task.task_id),
    refetchInterval: isFinished(task.status) ? false : interval,
  })
  if (data === undefined || data.nodes.length < 2) return null
  const nodes = new Map(data.nodes.map(node => [node.task_id, node]))
  const parents = data.edges.filter(edge => edge.child === task.task_id).map(edge => edge.parent)
  const children = data.edges.filter(edge => edge.parent === task.task_id).map(edge => edge.child)
  const list = (title: string, ids: readonly string[]) =>
    ids.length === 0 ? null : (
      <>
        <h3>
          {title} <span className="faint">{ids.length}</span>
        </h3>
        <ul className="relatives">
          {ids.slice(0, relativesShown).map(id => {
            const node = nodes.get(id)
            return (
              <li key={id}>
                {node === undefined ? null : <StateIcon state={node.status} />}
                <Link to="/tasks/$id" params={{ id }} className="clip">
                  {node?.name ?? node?.task_type ?? id}
                </Link>
                <span className="faint push">{node?.status}</span>
              </li>
            )
          })}
          {ids.length > relativesShown ? <li className="faint">and {ids.length - relativesShown} more</li> : null}
        </ul>
      </>
    )
  return (
    <Panel
      title="Dependencies"
      side={
        <Link to="/tasks/$id/graph" params={{ id: task.task_id }} className="button button-plain button-small">
          <Waypoints size={14} aria-hidden="true" /> Graph
        </Link>
      }
    >
      {list('Needs', parents)}
      {list('Needed by', children)}
    </Panel>
  )
}
