import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { isFinished, type Task } from '@tasklane/protocol'
import { FileQuestion, Trash2 } from 'lucide-react'
import { useEffect, useRef } from 'react'
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
import { PriorityPanel } from './task/priority-panel.tsx'
import { Relatives } from './task/relatives.tsx'
import { Timeline } from './task/timeline.tsx'
import { WhyPanel } from './task/why-panel.tsx'
import './task/task.css'

export function TaskPage() {
  const { id } = useParams({ from: '/tasks/$id' })
  const running = useInterval(1_500, 10_000)
  // One that ended changes no more, but it may be deleted, or started anew by somebody else.
  const ended = useInterval(15_000, 30_000)
  const query = useQuery({
    ...taskQuery(id),
    refetchInterval: ({ state }) => {
      if (isAbsent(state.error)) return false
      return state.data !== undefined && isFinished(state.data.status) ? ended : running
    },
  })
  const { data: task, error } = query
  if (task === undefined) {
    if (isAbsent(error)) return <NoSuchTask id={id} />
    if (error !== null) return <Failure error={error} onRetry={() => void query.refetch()} />
    return <Skeleton rows={10} />
  }
  const isGone = isAbsent(error)
  return (
    <div className="page" key={id}>
      {isGone ? <Gone /> : <Stale error={error} at={query.dataUpdatedAt} />}
      <Head task={task} isGone={isGone} />
      <Columns task={task} />
    </div>
  )
}

function isAbsent(error: Error | null): boolean {
  return error instanceof ApiError && error.status === 404
}

/** What stands beside a task is of its state: whatever told of a new one, the rest is asked for again. */
function useFreshBesides({ task_id: id, status, attempt }: Task): void {
  const client = useQueryClient()
  const seen = useRef(`${status}${attempt}`)
  useEffect(() => {
    if (seen.current === `${status}${attempt}`) return
    seen.current = `${status}${attempt}`
    void client.invalidateQueries({
      predicate: ({ queryKey }) =>
        queryKey[0] === 'task' && queryKey[1] === id && besides.some(each => each === queryKey[2]),
    })
  }, [client, id, status, attempt])
}

const besides = ['attempts', 'why', 'graph'] as const

function Columns({ task }: { readonly task: Task }) {
  const isEnded = isFinished(task.status)
  useFreshBesides(task)
  return (
    <div className="task-columns">
      <div className="stack">
        {task.error === null ? null : <ErrorPanel task={task} />}
        {isEnded ? null : <WhyPanel task={task} />}
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
              <p className="faint">
                {isEnded ? 'It ended without one.' : 'There is a result when the task has completed.'}
              </p>
            )}
          </Panel>
        </div>
        <LogTail task={task} />
      </div>
      <aside className="stack" aria-label="About this task">
        <Facts task={task} />
        <PriorityPanel task={task} />
        <Relatives task={task} />
        <Panel title="Submit the same">
          <CodeTabs body={bodyOf(draftOf(task))} />
        </Panel>
      </aside>
    </div>
  )
}

function Gone() {
  return (
    <p className="stale" role="status">
      <Trash2 size={14} aria-hidden="true" /> This task was deleted, or pruned, while its page was open. What stands
      here is what was last seen of it.
    </p>
  )
}

function NoSuchTask({ id }: { readonly id: string }) {
  return (
    <Notice icon={FileQuestion} title="There is no such task">
      <p>
        No task that you may see has the id <code>{id}</code>. It may have been deleted, or pruned after its retention.
      </p>
      <Link to="/tasks" className="button button-plain">
        To all tasks
      </Link>
    </Notice>
  )
}
