import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import type { Queue, Worker } from '@tasklane/protocol'
import { ChevronLeft, ListChecks, PauseCircle, Plus, Rows3 } from 'lucide-react'
import { useState } from 'react'
import { queuesQuery, workersQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'
import { Button, Failure, Notice, Panel, Skeleton, Stale } from '../parts/basic.tsx'
import { exactCount, plural, rate, span } from '../parts/format.ts'
import { State } from '../parts/state.tsx'
import { useMay } from '../shell/me.ts'
import { emptyDraft, submitDrawer } from '../submit/drafts.ts'
import { AlertsOf } from './alerts-of.tsx'
import { ConsumerList } from './queues/consumers.tsx'
import { FlowChart } from './queues/flow-chart.tsx'
import { PauseButton, ReasonButton } from './queues/pause-button.tsx'
import { PauseWords } from './queues/pause-words.tsx'
import { PurgeButton } from './queues/purge.tsx'
import { drainText } from './queues/queue-facts.ts'
import { FailedLately, OldestTasks, QueueTypes } from './queues/queue-panels.tsx'
import { Use } from './queues.tsx'
import { servants } from './served.ts'
import { MoreWorkers } from './workers/more-workers.tsx'
import './queues/queues.css'
import './workers/workers.css'

/** One queue: how it flows, what waits in it, who serves it. */
export function QueuePage() {
  const { name } = useParams({ from: '/queues/$name' })
  const interval = useInterval(2_000, 5_000)
  const query = useQuery({ ...queuesQuery, refetchInterval: interval })
  const workers = useQuery({ ...workersQuery, refetchInterval: interval })
  const queue = query.data?.find(each => each.name === name)
  if (query.data === undefined)
    return query.error === null ? (
      <Skeleton rows={8} />
    ) : (
      <Failure error={query.error} onRetry={() => void query.refetch()} />
    )
  if (queue === undefined) return <NoSuchQueue name={name} />
  return (
    <div className="page" key={name}>
      <Stale error={query.error} at={query.dataUpdatedAt} />
      <Head queue={queue} />
      <AlertsOf queue={queue.name} />
      <Tiles queue={queue} workers={workers.data} />
      <div className="worker-columns">
        <div className="stack">
          <Panel title="In and out, by the minute">
            <FlowChart queue={queue} />
          </Panel>
          <OldestTasks queue={queue} />
          <FailedLately queue={queue} />
        </div>
        <aside className="stack" aria-label="Who serves it">
          {workers.data === undefined ? null : <Served queue={queue} workers={workers.data} />}
          <QueueTypes queue={queue} />
        </aside>
      </div>
    </div>
  )
}

function Head({ queue }: { readonly queue: Queue }) {
  const maySubmit = useMay('tasks.submit')
  return (
    <header className="task-head">
      <Link to="/queues" className="back">
        <ChevronLeft size={15} aria-hidden="true" /> Queues
      </Link>
      <div className="task-title">
        <State state={queue.paused ? 'paused' : 'open'} />
        <h1>{queue.name}</h1>
      </div>
      <div className="page-actions" data-queue={queue.name}>
        <Link to="/tasks" search={{ queue: queue.name }} className="button button-plain button-small">
          <ListChecks size={14} aria-hidden="true" /> All its tasks
        </Link>
        {maySubmit ? (
          <Button isSmall icon={Plus} onClick={() => submitDrawer.set({ ...emptyDraft, queue: queue.name })}>
            Submit into it
          </Button>
        ) : null}
        <PurgeButton queue={queue} />
        <PauseButton queue={queue} />
      </div>
      {queue.paused ? (
        <div className="stale queue-paused" role="status">
          <PauseCircle size={14} aria-hidden="true" />
          <span>
            Paused <PauseWords pause={queue.pause} />
            <span className="pause-means">
              Nothing is claimed from it until somebody resumes it. What runs goes on, and tasks still come in.
            </span>
          </span>
          <ReasonButton queue={queue} />
        </div>
      ) : null}
    </header>
  )
}

function Tiles({ queue, workers }: { readonly queue: Queue; readonly workers: readonly Worker[] | undefined }) {
  const { counts } = queue
  const tasks = (status: string) => ({ queue: queue.name, status })
  return (
    <div className="tiles">
      <Link to="/tasks" search={tasks('pending')} className="tile">
        <span className="tile-name">Pending</span>
        <span className="tile-value">{exactCount(counts.pending)}</span>
        <span className="tile-note">
          {queue.oldest_age === null ? 'nothing waits' : `oldest ${span(queue.oldest_age * 1_000)}`}
        </span>
      </Link>
      <Link to="/tasks" search={tasks('running')} className="tile">
        <span className="tile-name">Running</span>
        <span className="tile-value">{exactCount(counts.running)}</span>
        {workers === undefined ? null : <Use queue={queue} workers={workers} />}
      </Link>
      <Link to="/tasks" search={tasks('scheduled,blocked')} className="tile">
        <span className="tile-name">Later</span>
        <span className="tile-value">{exactCount(counts.scheduled + counts.blocked)}</span>
        <span className="tile-note">
          {exactCount(counts.scheduled)} scheduled, {exactCount(counts.blocked)} blocked
        </span>
      </Link>
      <div className="tile">
        <span className="tile-name">In and out</span>
        <span className="tile-value tile-pair">
          {rate(queue.submitted_per_second)} <span className="faint">in</span>
        </span>
        <span className="tile-note">{rate(queue.finished_per_second)} out</span>
      </div>
      <div className="tile">
        <span className="tile-name">Drains in</span>
        <span className="tile-value tile-words">{drainText(queue)}</span>
        <span className="tile-note">at the present rate</span>
      </div>
      <Link to="/tasks" search={tasks('failed')} className="tile">
        <span className="tile-name">Failed</span>
        <span className="tile-value">{exactCount(counts.failed)}</span>
        <span className="tile-note">
          of {plural(counts.completed + counts.failed + counts.cancelled, 'ended task')}
        </span>
      </Link>
    </div>
  )
}

function Served({ queue, workers }: { readonly queue: Queue; readonly workers: readonly Worker[] }) {
  const [isAsking, setAsking] = useState(false)
  const found = servants(queue, workers)
  return (
    <Panel
      title="Workers"
      side={
        <Button isSmall icon={Plus} onClick={() => setAsking(true)}>
          Start one
        </Button>
      }
    >
      {found.length > 0 ? (
        <ConsumerList workers={found} />
      ) : (
        <p className={queue.paused || queue.depth === 0 ? 'faint' : 'tone-failed'}>
          {queue.paused
            ? 'None. It is paused, so none is expected.'
            : queue.depth === 0
              ? 'None, and nothing waits for one.'
              : 'Nobody serves it: its tasks wait until a worker does.'}
        </p>
      )}
      <MoreWorkers isOpen={isAsking} onClose={() => setAsking(false)} queue={queue.name} />
    </Panel>
  )
}

function NoSuchQueue({ name }: { readonly name: string }) {
  return (
    <Notice icon={Rows3} title="There is no such queue">
      <p>
        No task has named the queue <code>{name}</code> yet. The first one that does makes it.
      </p>
      <Link to="/queues" className="button button-plain">
        To all queues
      </Link>
    </Notice>
  )
}
