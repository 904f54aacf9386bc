import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Json, Task, Why } from '@tasklane/protocol'
import { FastForward, Play, Plus } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { send } from '../../api/http.ts'
import { whyQuery } from '../../api/queries.ts'
import { useInterval } from '../../live/live.ts'
import { Bar, Button, Panel, Skeleton } from '../../parts/basic.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { exactCount, runningSpan } from '../../parts/format.ts'
import { useMoments, useNow } from '../../parts/time.tsx'
import { useMay } from '../../shell/me.ts'
import { toast, toastError } from '../../shell/toasts.tsx'
import { MoreWorkers } from '../workers/more-workers.tsx'
import { QueueLink, WorkerLink } from './links.tsx'
import { reasonText } from './reason-text.ts'

type Reason = Why['reasons'][number]

/** Each reason in words, with what mends it beside it. */
export function WhyPanel({ task }: { readonly task: Task }) {
  const interval = useInterval(3_000, 5_000)
  const { data, error } = useQuery({ ...whyQuery(task.task_id), refetchInterval: interval })
  const tell = useMoments()
  const title = task.status === 'running' ? 'Where it runs' : 'Why is it waiting?'
  return (
    <Panel title={title} className="panel-why">
      {data === undefined && error !== null ? <p className="faint">{error.message}</p> : null}
      {data === undefined && error === null ? <Skeleton rows={1} /> : null}
      <ul className="reasons">
        {data?.reasons.map(reason => (
          <li key={reason.code} data-reason={reason.code}>
            <p>{reasonText(reason, task, tell)}</p>
            <Mend task={task} reason={reason} />
          </li>
        ))}
      </ul>
    </Panel>
  )
}

function Mend({ task, reason }: { readonly task: Task; readonly reason: Reason }): ReactNode {
  switch (reason.code) {
    case 'queue_paused':
      return <Resume queue={task.queue} />
    case 'no_capable_worker':
      return <StartOne task={task} />
    case 'no_free_slot':
      return (
        <div className="mend">
          <Link to="/workers">See what the workers do</Link>
          <StartOne task={task} />
        </div>
      )
    case 'waits_for_parents':
      return <Parents task={task} parents={reason.facts.parents} />
    case 'waits_for_time':
    case 'waits_for_retry':
      return <RunNow task={task} isRetry={reason.code === 'waits_for_retry'} />
    case 'rank':
      return <Rank task={task} facts={reason.facts} />
    case 'running':
      return task.worker_id === null ? null : <WorkerLink id={task.worker_id} text="To the worker" />
    case 'cancelling':
    case 'finished':
      return null
  }
}

function Resume({ queue }: { readonly queue: string }) {
  const client = useQueryClient()
  const mayChange = useMay('queues.change')
  const [isBusy, setBusy] = useState(false)
  const resume = async () => {
    setBusy(true)
    try {
      await send('PATCH', `api/queues/${encodeURIComponent(queue)}`, { paused: false })
      toast('good', `Queue ${queue} goes on.`)
      void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === 'task' || queryKey[0] === 'queues' })
    } catch (error) {
      toastError(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <div className="mend">
      {mayChange ? (
        <Button look="primary" isSmall icon={Play} disabled={isBusy} onClick={() => void resume()}>
          Resume the queue
        </Button>
      ) : null}
      <QueueLink name={queue} text="To the queue" />
    </div>
  )
}

function StartOne({ task }: { readonly task: Task }) {
  const [isAsking, setAsking] = useState(false)
  return (
    <div className="mend">
      <Button isSmall icon={Plus} onClick={() => setAsking(true)}>
        Start one that can
      </Button>
      <MoreWorkers
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        type={task.task_type}
        queue={task.queue === 'default' ? null : task.queue}
      />
    </div>
  )
}

function Parents({ task, parents }: { readonly task: Task; readonly parents: Json | undefined }) {
  const ids = Array.isArray(parents) ? parents.filter(id => typeof id === 'string') : []
  return (
    <div className="mend">
      {ids.map(id => (
        <Link key={id} to="/tasks/$id" params={{ id }}>
          <code>{id}</code>
        </Link>
      ))}
      <Link to="/tasks/$id/graph" params={{ id: task.task_id }}>
        To the graph
      </Link>
    </div>
  )
}

/**
 * A time cannot be moved; a task that was cancelled starts anew without one, under its own id, and its dependents with it.
 */
function RunNow({ task, isRetry }: { readonly task: Task; readonly isRetry: boolean }) {
  const client = useQueryClient()
  const mayChange = useMay('tasks.change')
  const now = useNow()
  const [isAsking, setAsking] = useState(false)
  const dueMs = task.run_at === null ? null : Date.parse(task.run_at) - now
  const runNow = async () => {
    const path = `api/tasks/${encodeURIComponent(task.task_id)}`
    await send('POST', `${path}/cancel`, { reason: 'To run now, from the dashboard' })
    await send('POST', `${path}/retry`, { with_dependents: true })
    toast('good', 'It runs as soon as a worker is free.')
    void client.invalidateQueries({ queryKey: ['task'] })
  }
  return (
    <div className="mend">
      {dueMs === null || dueMs <= 0 ? null : <span className="faint number">{runningSpan(dueMs + 999)} to go</span>}
      {mayChange ? (
        <Button isSmall icon={FastForward} onClick={() => setAsking(true)}>
          Run now
        </Button>
      ) : null}
      <Confirm title="Run it now?" verb="Run now" isOpen={isAsking} onClose={() => setAsking(false)} onConfirm={runNow}>
        <p>
          It is taken off its time and put into its queue at once, under the same id
          {isRetry ? ', with a fresh budget of attempts' : ''}. What depends on it waits for it as before.
        </p>
      </Confirm>
    </div>
  )
}

function Rank({ task, facts }: { readonly task: Task; readonly facts: Reason['facts'] }) {
  const { rank, pending } = facts
  const all = typeof pending === 'number' ? pending : 0
  if (typeof rank !== 'number') {
    return (
      <p className="faint">
        More than {exactCount(10_000)} tasks stand before it; positions are counted no further. A higher priority moves
        it up.
      </p>
    )
  }
  return (
    <div className="mend rank">
      <Bar
        percent={all === 0 ? 100 : (1 - (rank - 1) / all) * 100}
        tone="pending"
        label={`Place ${rank} of ${all} in its queue`}
      />
      <Link to="/tasks" search={{ queue: task.queue, status: 'pending' }}>
        See its queue
      </Link>
    </div>
  )
}
