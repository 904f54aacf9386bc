import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { isFinished } from '@tasklane/protocol'
import { FileQuestion } from 'lucide-react'
import { ApiError } from '../api/http.ts'
import { taskQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'
import { Failure, Notice, Panel, Skeleton, Stale } from '../parts/basic.tsx'
import { JsonView } from '../parts/json-view.tsx'
import { CodeTabs } from '../submit/code-tabs.tsx'
import { bodyOf, draftOf } from '../submit/drafts.ts'
import { ErrorPanel } from './task/error-panel.tsx'
import { Facts } from './task/facts.tsx'
import { Head } from './task/head.tsx'
import { LogTail } from './task/logs.tsx'
import { Relatives } from './task/relatives.tsx'
import { Timeline } from './task/timeline.tsx'
import { WhyPanel } from './task/why-panel.tsx'

export function TaskPage() {
  const { id } = useParams({ from: '/tasks/$id' })
  const interval = useInterval(1_500, 10_000)
  const query = useQuery({
    ...taskQuery(id),
    refetchInterval: ({ state }) => (state.data !== undefined && isFinished(state.data.status) ? false : interval),
  })
  const { data: task, error } = query
  if (task === undefined) {
    if (error instanceof ApiError && error.status === 404) return <NoSuchTask id={id} />
    if (error !== null) return <Failure error={error} onRetry={() => void query.refetch()} />
    return <Skeleton rows={10} />
  }
  return (
    <div className="page" key={id}>
      <Stale error={error} at={query.dataUpdatedAt} />
      <Head task={task} />
      <div className="task-columns">
        <div className="stack">
          {task.error === null ? null : <ErrorPanel task={task} />}
          {isFinished(task.status) ? null : <WhyPanel task={task} />}
          <Panel title="Timeline">
            <Timeline task={task} />
          </Panel>
          <div className="two">
            <Panel title="Payload">
              <JsonView value={task.payload} label="payload" fileName={`${task.task_id}-payload.json`} />
            </Panel>
            <Panel title="Result">
              {task.status === 'completed' ? (
                <JsonView value={task.result} label="result" fileName={`${task.task_id}-result.json`} />
              ) : (
                <p className="faint">There is a result when the task has completed.</p>
              )}
            </Panel>
          </div>
          <LogTail task={task} />
        </div>
        <aside className="stack" aria-label="About this task">
          <Facts task={task} />
          <Relatives task={task} />
          <Panel title="Submit the same">
            <CodeTabs body={bodyOf(draftOf(task))} />
          </Panel>
        </aside>
      </div>
    </div>
  )
}

function NoSuchTask({ id }: { readonly id: string }) {
  return (
    <Notice icon={FileQuestion} title="There is no such task">
      <p>
        No task has the id <code>{id}</code>. It may have been deleted, or pruned after its retention.
      </p>
      <Link to="/tasks" className="button button-plain">
        To all tasks
      </Link>
    </Notice>
  )
}
