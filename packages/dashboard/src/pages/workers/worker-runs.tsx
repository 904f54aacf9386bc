import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Task, Worker } from '@tasklane/protocol'
import { useRef, useState } from 'react'
import { fewTasksQuery } from '../../api/queries.ts'
import { useInterval } from '../../live/live.ts'
import { Bar, Panel } from '../../parts/basic.tsx'
import { plural } from '../../parts/format.ts'
import { State } from '../../parts/state.tsx'
import { Lasted } from '../../parts/time.tsx'
import { rememberPage } from '../task/came-from.ts'
import { LogTail } from '../task/logs.tsx'

const shownMax = 50

/** What a worker holds at this moment, with how far each is. */
export function RunningNow({ worker }: { readonly worker: Worker }) {
  const filter = { worker_id: worker.worker_id, status: 'running' }
  const { data: tasks } = useQuery({ ...fewTasksQuery(filter, shownMax), refetchInterval: useInterval(1_500, 5_000) })
  const more = worker.current_tasks.length - (tasks?.length ?? 0)
  return (
    <Panel title="Runs now" side={<span className="faint">{plural(worker.current_tasks.length, 'task')}</span>} isFlush>
      {tasks === undefined || tasks.length === 0 ? (
        <p className="faint empty-line">Nothing at the moment.</p>
      ) : (
        <RunList tasks={tasks} from={worker.worker_id} />
      )}
      {tasks !== undefined && more > 0 && tasks.length === shownMax ? (
        <p className="faint empty-line">and {more} more</p>
      ) : null}
    </Panel>
  )
}

interface RunListProps {
  readonly tasks: readonly Task[]
  /** What the page is of, for the way back from a task. */
  readonly from: string
}

export function RunList({ tasks, from }: RunListProps) {
  const remember = () =>
    rememberPage(
      tasks.map(task => task.task_id),
      from,
    )
  return (
    <ul className="run-list">
      {tasks.map(task => (
        <li key={task.task_id}>
          <State state={task.status} />
          <Link
            to="/tasks/$id"
            params={{ id: task.task_id }}
            className="strong-link clip"
            dir="auto"
            onClick={remember}
          >
            {task.name ?? task.task_type}
          </Link>
          <code className="faint clip not-phone">{task.task_type}</code>
          <span className="number not-phone">
            <Lasted from={task.started_at ?? task.created_at} to={task.completed_at} />
          </span>
          {task.status === 'running' && task.progress !== null ? (
            <Bar percent={task.progress.percent} label={`${Math.round(task.progress.percent)} per cent done`} />
          ) : null}
          {task.status === 'failed' && task.error !== null ? (
            <p className="run-error clip">
              <code>{task.error.code}</code> {task.error.message}
            </p>
          ) : null}
        </li>
      ))}
    </ul>
  )
}

const recentMax = 30

/** The log of one of the latest tasks that a worker ran; the newest, until another is chosen. */
export function TasksLog({ id }: { readonly id: string }) {
  const filter = { worker_id: id, status: 'running,completed,failed,cancelled' }
  const { data: tasks } = useQuery({ ...fewTasksQuery(filter, recentMax), refetchInterval: useInterval(3_000, 6_000) })
  const [chosen, setChosen] = useState<string | null>(null)
  const first = useRef<string | null>(null)
  if (tasks === undefined) return null
  const find = (wanted: string | null) => tasks.find(each => each.task_id === wanted)
  // What one reads stays, whatever begins meanwhile.
  const task = find(chosen) ?? find(first.current) ?? tasks[0]
  first.current = task?.task_id ?? null
  if (task === undefined) return null
  const choice = (
    <>
      Log of{' '}
      <select
        className="log-choice"
        aria-label="The task whose log is shown"
        value={task.task_id}
        onChange={event => setChosen(event.target.value)}
      >
        {tasks.map(each => (
          <option key={each.task_id} value={each.task_id}>
            {`${each.name ?? each.task_type} · ${each.status} · ${each.task_id.slice(-8)}`}
          </option>
        ))}
      </select>
    </>
  )
  return <LogTail key={task.task_id} task={task} title={choice} />
}
