import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Task } from '@tasklane/protocol'
import { whyQuery } from '../../api/queries.ts'
import { useInterval } from '../../live/live.ts'
import { Panel, Skeleton } from '../../parts/basic.tsx'

export function WhyPanel({ task }: { readonly task: Task }) {
  const interval = useInterval(3_000, 5_000)
  const { data, error } = useQuery({ ...whyQuery(task.task_id), refetchInterval: interval })
  const title = task.status === 'running' ? 'Where it runs' : 'Why is it waiting?'
  return (
    <Panel title={title} className="panel-why">
      {data === undefined && error !== null ? <p className="faint">{error.message}</p> : null}
      {data === undefined && error === null ? <Skeleton rows={1} /> : null}
      <ul className="reasons">
        {data?.reasons.map(({ code, detail, facts }) => (
          <li key={code}>
            <span>{detail}</span>
            {code === 'queue_paused' ? <Link to="/queues">To the queues</Link> : null}
            {code === 'no_capable_worker' || code === 'no_free_slot' ? <Link to="/workers">To the workers</Link> : null}
            {code === 'waits_for_parents' && Array.isArray(facts.parents) ? (
              <Link to="/tasks/$id/graph" params={{ id: task.task_id }}>
                To the graph
              </Link>
            ) : null}
          </li>
        ))}
      </ul>
      {task.status === 'running' ? null : <p className="faint why-priority">{priorityText(task)}</p>}
    </Panel>
  )
}

function priorityText({ priority, priority_source: source }: Task): string {
  const from =
    source === 'declared'
      ? 'it was said at the submit or set since'
      : source === 'predicted'
        ? 'it was predicted from how such tasks ran before'
        : 'the submit said none, so the usual one holds'
  return `Why this priority? It is ${priority}, because ${from}. Among equals the older goes first, and who waits long moves up.`
}
