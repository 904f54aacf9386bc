import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Queue, TaskPage } from '@tasklane/protocol'
import { get } from '../../api/http.ts'
import { fewTasksQuery, typesQuery } from '../../api/queries.ts'
import { useInterval } from '../../live/live.ts'
import { Panel, Skeleton } from '../../parts/basic.tsx'
import { exactCount, plural } from '../../parts/format.ts'
import { Time } from '../../parts/time.tsx'
import { RunList } from '../workers/worker-runs.tsx'

const oldestShown = 8
/** A list is counted to here by its offset. */
const offsetMax = 100_000

/** Those that wait longest. Lists are newest first, so that the oldest are at the end of what is counted. */
export function OldestTasks({ queue }: { readonly queue: Queue }) {
  const { pending } = queue.counts
  const offset = Math.max(0, pending - oldestShown)
  const { data: page } = useQuery({
    queryKey: ['tasks', 'oldest', queue.name, offset],
    queryFn: ({ signal }) =>
      get<TaskPage>('api/tasks', { queue: queue.name, status: 'pending', offset, limit: oldestShown + 4 }, signal),
    enabled: pending > 0 && offset <= offsetMax,
    placeholderData: old => old,
    refetchInterval: useInterval(4_000, 8_000),
  })
  return (
    <Panel title="Waits longest" side={<span className="faint">{exactCount(pending)} pending</span>} isFlush>
      {pending === 0 ? (
        <p className="faint empty-line">Nothing waits in this queue.</p>
      ) : offset > offsetMax ? (
        <p className="faint empty-line">
          More than {exactCount(offsetMax)} tasks wait; the list of tasks is counted no further than that.
        </p>
      ) : page === undefined ? (
        <Skeleton rows={3} />
      ) : (
        <RunList tasks={page.tasks.toReversed().slice(0, oldestShown)} from={queue.name} />
      )}
    </Panel>
  )
}

const failedShown = 6

export function FailedLately({ queue }: { readonly queue: Queue }) {
  const filter = { queue: queue.name, status: 'failed' }
  const { data: tasks } = useQuery({
    ...fewTasksQuery(filter, failedShown),
    refetchInterval: useInterval(5_000, 10_000),
  })
  return (
    <Panel
      title="Failed lately"
      side={
        <Link to="/tasks" search={filter} className="quiet-link">
          All {exactCount(queue.counts.failed)}
        </Link>
      }
      isFlush
    >
      {tasks === undefined || tasks.length === 0 ? (
        <p className="faint empty-line">Nothing that is kept has failed here.</p>
      ) : (
        <RunList tasks={tasks} from={queue.name} />
      )}
    </Panel>
  )
}

const typesShown = 12

/** Types that wait in it or ran lately, and those that its workers would take. */
export function QueueTypes({ queue }: { readonly queue: Queue }) {
  const { data: recent } = useQuery({
    ...fewTasksQuery({ queue: queue.name }, 200),
    refetchInterval: useInterval(10_000, 15_000),
  })
  const { data: served } = useQuery(typesQuery)
  const counts = new Map<string, { count: number; at: string }>()
  for (const { task_type, created_at } of recent ?? []) {
    const known = counts.get(task_type)
    counts.set(task_type, { count: (known?.count ?? 0) + 1, at: known?.at ?? created_at })
  }
  const rows = [...counts].sort(([, one], [, other]) => other.count - one.count).slice(0, typesShown)
  const isTaken = (type: string) => served === undefined || served.some(each => each.task_type === type)
  return (
    <Panel title="Types" side={<span className="faint">of its {plural(recent?.length ?? 0, 'newest task')}</span>}>
      {rows.length === 0 ? <p className="faint">No task of it is kept.</p> : null}
      <ul className="type-list">
        {rows.map(([type, { count, at }]) => (
          <li key={type}>
            <Link to="/tasks" search={{ queue: queue.name, type }} className="clip">
              <code>{type}</code>
            </Link>
            {isTaken(type) ? null : <span className="tone-failed nowrap">no worker takes it</span>}
            <span className="faint number push" title="How many of them">
              {count}
            </span>
            <span className="faint number">
              <Time at={at} />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  )
}
