import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { isFinished, type Task } from '@tasklane/protocol'
import { ArrowUpDown, Ban, ChevronLeft, FileQuestion, Pencil, RotateCcw, Trash2, Waypoints } from 'lucide-react'
import { useState } from 'react'
import { ApiError, send } from '../api/http.ts'
import { graphQuery, taskQuery, whyQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'
import { Bar, Button, CopyButton, Failure, Notice, Panel, Skeleton, Stale } from '../parts/basic.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { JsonView } from '../parts/json-view.tsx'
import { State, StateIcon } from '../parts/state.tsx'
import { Lasted, Time } from '../parts/time.tsx'
import { useKeys } from '../shell/keys.ts'
import { useMay } from '../shell/me.ts'
import { toast, toastError } from '../shell/toasts.tsx'
import { CodeTabs } from '../submit/code-tabs.tsx'
import { bodyOf, draftOf, submitDrawer } from '../submit/drafts.ts'
import { PriorityField } from './task-actions.tsx'
import { LogTail } from './task-logs.tsx'
import { Timeline } from './task-timeline.tsx'

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

type Question = 'cancel' | 'retry' | 'priority' | 'delete' | null

function Head({ task }: { readonly task: Task }) {
  const mayChange = useMay('tasks.change')
  const maySubmit = useMay('tasks.submit')
  const [question, setQuestion] = useState<Question>(null)
  const isEnded = isFinished(task.status)
  const canRetry = mayChange && (task.status === 'failed' || task.status === 'cancelled')
  const canCancel = mayChange && !isEnded
  const rerun = () => submitDrawer.set(draftOf(task))
  useKeys({
    c: () => (canCancel ? setQuestion('cancel') : undefined),
    r: () => (canRetry ? setQuestion('retry') : undefined),
    e: () => (maySubmit ? rerun() : undefined),
  })
  return (
    <header className="task-head">
      <Link to="/tasks" className="back">
        <ChevronLeft size={15} aria-hidden="true" /> Tasks
      </Link>
      <div className="task-title">
        <State state={task.status} />
        <h1>{task.name ?? task.task_type}</h1>
        <code className="faint task-id">{task.task_id}</code>
        <CopyButton text={task.task_id} label="Copy the id" />
      </div>
      <div className="page-actions">
        {canCancel ? (
          <Button icon={Ban} onClick={() => setQuestion('cancel')}>
            Cancel
          </Button>
        ) : null}
        {canRetry ? (
          <Button look="primary" icon={RotateCcw} onClick={() => setQuestion('retry')}>
            Retry
          </Button>
        ) : null}
        {mayChange && !isEnded && task.status !== 'running' ? (
          <Button icon={ArrowUpDown} onClick={() => setQuestion('priority')}>
            Priority
          </Button>
        ) : null}
        {maySubmit ? (
          <Button icon={Pencil} onClick={rerun}>
            Run again…
          </Button>
        ) : null}
        {mayChange && isEnded ? (
          <Button look="ghost" icon={Trash2} label="Delete this task" onClick={() => setQuestion('delete')} />
        ) : null}
      </div>
      {task.description === null ? null : <p className="task-description">{task.description}</p>}
      <Progress task={task} />
      <Questions task={task} question={question} onClose={() => setQuestion(null)} />
    </header>
  )
}

function Progress({ task }: { readonly task: Task }) {
  if (task.status !== 'running' || task.progress === null) return null
  const { percent, message } = task.progress
  return (
    <div className="progress">
      <Bar percent={percent} label={`${Math.round(percent)} per cent done`} />
      <span className="number">{Math.round(percent)} %</span>
      <span className="faint clip">{message}</span>
    </div>
  )
}

function Questions({ task, question, onClose }: { task: Task; question: Question; onClose: () => void }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [priority, setPriority] = useState(Math.round(task.priority))
  const [withDependents, setWithDependents] = useState(true)
  const path = `api/tasks/${encodeURIComponent(task.task_id)}`
  const act = (method: string, where: string, body: unknown, done: string) => async () => {
    const next = await send<Task | null>(method, where, body)
    if (next !== null) client.setQueryData(taskQuery(task.task_id).queryKey, next)
    toast('good', done)
    void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === 'task' || queryKey[0] === 'stats' })
  }
  return (
    <>
      <Confirm
        title="Cancel this task?"
        verb="Cancel the task"
        isDanger
        isOpen={question === 'cancel'}
        onClose={onClose}
        onConfirm={act('POST', `${path}/cancel`, { reason: 'From the dashboard' }, 'Its cancel was asked for.')}
      >
        <p>
          {task.status === 'running'
            ? 'Its worker is asked to stop it; that takes until the next heartbeat.'
            : 'It will never run. Tasks that depend on it are cancelled, too, unless they were told to proceed.'}
        </p>
      </Confirm>
      <Confirm
        title="Retry this task?"
        verb="Retry"
        isOpen={question === 'retry'}
        onClose={onClose}
        onConfirm={act('POST', `${path}/retry`, { with_dependents: withDependents }, 'It waits to run again.')}
      >
        <p>It runs again under the same id, with a fresh budget of attempts.</p>
        <label className="tick">
          <input type="checkbox" checked={withDependents} onChange={event => setWithDependents(event.target.checked)} />
          Also the tasks that were cancelled because of it
        </label>
      </Confirm>
      <Confirm
        title="Set its priority"
        verb="Set"
        isOpen={question === 'priority'}
        onClose={onClose}
        onConfirm={act('PATCH', path, { priority }, `Its priority is ${priority}.`)}
      >
        <PriorityField value={priority} onChange={setPriority} />
      </Confirm>
      <Confirm
        title="Delete this task?"
        verb="Delete"
        isDanger
        isOpen={question === 'delete'}
        onClose={onClose}
        onConfirm={async () => {
          await send('DELETE', path)
          toast('good', 'The task is gone.')
          void client.invalidateQueries({ queryKey: ['tasks'] })
          await navigate({ to: '/tasks' }).catch(toastError)
        }}
      >
        <p>It goes with its result, attempts and log lines. This cannot be undone.</p>
      </Confirm>
    </>
  )
}

function ErrorPanel({ task }: { readonly task: Task }) {
  if (task.error === null) return null
  const { code, message, stack } = task.error
  return (
    <Panel
      title={task.status === 'failed' ? 'Error' : 'Last error'}
      side={<CopyButton text={`${code}: ${message}\n${stack ?? ''}`} label="Copy the error" />}
      className={task.status === 'failed' ? 'panel-bad' : ''}
    >
      <p className="error-text">
        <code className="error-code">{code}</code> {message}
      </p>
      {stack === undefined ? null : (
        <details>
          <summary>Stack</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard */}
          <pre className="json-text" tabIndex={0}>
            {stack}
          </pre>
        </details>
      )}
    </Panel>
  )
}

function WhyPanel({ task }: { readonly task: Task }) {
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

function Facts({ task }: { readonly task: Task }) {
  const labels = Object.entries(task.labels)
  return (
    <Panel title="Facts">
      <dl className="facts">
        <Fact name="Type">
          <Link to="/tasks" search={{ type: task.task_type }}>
            <code>{task.task_type}</code>
          </Link>
        </Fact>
        <Fact name="Queue">
          <Link to="/tasks" search={{ queue: task.queue }}>
            {task.queue}
          </Link>
        </Fact>
        <Fact name="Priority">
          {task.priority} <span className="faint">{task.priority_source}</span>
        </Fact>
        <Fact name="Worker">
          {task.worker_id === null ? (
            <span className="faint">–</span>
          ) : (
            <Link to="/tasks" search={{ worker: task.worker_id }}>
              {task.worker_id}
            </Link>
          )}
        </Fact>
        <Fact name="Attempt">
          {task.attempt} <span className="faint">of {task.max_retries + 1} at most</span>
        </Fact>
        <Fact name="Time limit">{task.timeout === null ? 'none' : `${task.timeout} s an attempt`}</Fact>
        <Fact name="Created">
          <Time at={task.created_at} />
        </Fact>
        {task.run_at === null ? null : (
          <Fact name="Not before">
            <Time at={task.run_at} />
          </Fact>
        )}
        <Fact name="Started">
          <Time at={task.started_at} />
        </Fact>
        <Fact name="Finished">
          <Time at={task.completed_at} />
        </Fact>
        <Fact name="Ran">
          <Lasted from={task.started_at} to={task.completed_at} />
        </Fact>
        {task.submitted_by === null ? null : <Fact name="Submitted by">{task.submitted_by}</Fact>}
        {task.idempotency_key === null ? null : <Fact name="Key">{task.idempotency_key}</Fact>}
        {task.trace === null ? null : (
          <Fact name="Trace">
            <code className="clip">{task.trace}</code> <CopyButton text={task.trace} label="Copy the trace" />
          </Fact>
        )}
      </dl>
      {labels.length === 0 ? null : (
        <div className="chips">
          {labels.map(([key, value]) => (
            <Link key={key} to="/tasks" search={{ label: `${key}:${value}` }} className="chip">
              {key}: {value}
            </Link>
          ))}
        </div>
      )}
    </Panel>
  )
}

function Fact({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

const relativesShown = 8

function Relatives({ task }: { readonly task: Task }) {
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
