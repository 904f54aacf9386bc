import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Queue, Worker } from '@tasklane/protocol'
import { Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { queuesQuery, workersQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'
import { Bar, Button, Failure, NoMatch, Nothing, PageHead, Panel, Skeleton, Sparkline, Stale } from '../parts/basic.tsx'
import { exactCount, rate, span } from '../parts/format.ts'
import { State } from '../parts/state.tsx'
import { useMay } from '../shell/me.ts'
import { emptyDraft, submitDrawer } from '../submit/drafts.ts'
import { Consumers } from './queues/consumers.tsx'
import { PauseButton } from './queues/pause-button.tsx'
import { PauseWords } from './queues/pause-words.tsx'
import { PurgeButton } from './queues/purge.tsx'
import { depthHistory, drainText, openTasks, utilisation } from './queues/queue-facts.ts'
import { useHistory } from './queues/use-history.ts'
import { useTrail } from './use-trail.ts'
import './queues/queues.css'

/** The scheduler keeps a history of so many queues; the others have what this page has seen. */
const historiesMax = 50

export function Queues() {
  const interval = useInterval(2_000, 5_000)
  const query = useQuery({ ...queuesQuery, refetchInterval: interval })
  const workers = useQuery({ ...workersQuery, refetchInterval: interval })
  const queues = query.data
  return (
    <div className="page">
      <PageHead
        title="Queues"
        note="A queue is a named line of tasks. It is there from the first task that names it."
      />
      <Stale error={queues === undefined ? null : query.error} at={query.dataUpdatedAt} />
      {queues === undefined && query.error === null ? <Skeleton rows={5} /> : null}
      {queues === undefined && query.error !== null ? (
        <Failure error={query.error} onRetry={() => void query.refetch()} />
      ) : null}
      {queues?.length === 0 ? <NoQueue /> : null}
      {queues === undefined || queues.length === 0 ? null : (
        <List queues={queues} workers={workers.data} seenAt={query.dataUpdatedAt} />
      )}
    </div>
  )
}

function NoQueue() {
  const maySubmit = useMay('tasks.submit')
  return (
    <Nothing title="No queue yet">
      <p>The first task makes the first queue.</p>
      {maySubmit ? (
        <Button look="primary" icon={Plus} onClick={() => submitDrawer.set(emptyDraft)}>
          Submit it
        </Button>
      ) : null}
    </Nothing>
  )
}

interface ListProps {
  readonly queues: readonly Queue[]
  readonly workers: readonly Worker[] | undefined
  readonly seenAt: number
}

const findAbove = 8

function List({ queues, workers, seenAt }: ListProps) {
  const [text, setText] = useState('')
  const depths = useMemo(() => new Map(queues.map(queue => [queue.name, openTasks(queue)])), [queues])
  const trail = useTrail(depths, seenAt)
  const shown = queues.filter(queue => queue.name.toLowerCase().includes(text.trim().toLowerCase()))
  const top = Math.max(1, ...queues.map(queue => queue.depth))
  return (
    <>
      {queues.length < findAbove ? null : (
        <div className="worker-filters">
          <input
            type="search"
            aria-label="Find a queue"
            placeholder="Find a queue"
            value={text}
            onChange={event => setText(event.target.value)}
          />
        </div>
      )}
      {shown.length === 0 ? (
        <NoMatch onClear={() => setText('')} />
      ) : (
        <Panel isFlush>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard */}
          <section className="scroll-x" tabIndex={0} aria-label="Queues">
            <table className="table queue-table">
              <Heads />
              <tbody>
                {shown.map((queue, index) => (
                  <QueueRow
                    key={queue.name}
                    queue={queue}
                    top={top}
                    hasHistory={index < historiesMax}
                    trail={trail.get(queue.name) ?? []}
                    workers={workers}
                  />
                ))}
              </tbody>
            </table>
          </section>
        </Panel>
      )}
    </>
  )
}

function Heads() {
  return (
    <thead>
      <tr>
        <th scope="col">Queue</th>
        <th scope="col">Depth</th>
        <th scope="col" className="not-phone">
          Last hour
        </th>
        <th scope="col" className="not-phone">
          Later
        </th>
        <th scope="col">Oldest</th>
        <th scope="col" className="not-phone">
          In
        </th>
        <th scope="col" className="not-phone">
          Out
        </th>
        <th scope="col" className="not-phone">
          Drains in
        </th>
        <th scope="col" className="not-phone">
          In use
        </th>
        <th scope="col" className="not-phone">
          Workers
        </th>
        <th scope="col">
          <span className="offscreen">Actions</span>
        </th>
      </tr>
    </thead>
  )
}

interface RowProps {
  readonly queue: Queue
  readonly top: number
  readonly hasHistory: boolean
  readonly trail: readonly number[]
  readonly workers: readonly Worker[] | undefined
}

/** A minute of waiting is worth a look. */
const oldSeconds = 60

function QueueRow({ queue, top, hasHistory, trail, workers }: RowProps) {
  const { counts } = queue
  const later = counts.scheduled + counts.blocked
  return (
    <tr data-queue={queue.name}>
      <td className="queue-name">
        <span className="queue-title">
          <Link to="/queues/$name" params={{ name: queue.name }} className="strong-link clip">
            {queue.name}
          </Link>
          {queue.paused ? <State state="paused" /> : null}
        </span>
        {queue.paused ? (
          <small className="pause-words" title={queue.pause?.reason ?? undefined}>
            <PauseWords pause={queue.pause} />
          </small>
        ) : null}
      </td>
      <td>
        <div className="depth" title={`${exactCount(counts.pending)} pending, ${exactCount(counts.running)} running`}>
          <span className="number">{exactCount(queue.depth)}</span>
          <div className="depth-bar" aria-hidden="true">
            <div className="fill-running" style={{ width: `${(counts.running / top) * 100}%` }} />
            <div className="fill-pending" style={{ width: `${(counts.pending / top) * 100}%` }} />
          </div>
        </div>
      </td>
      <td className="not-phone queue-spark">
        <DepthLine queue={queue} hasHistory={hasHistory} trail={trail} />
      </td>
      <td
        className="number not-phone"
        title={`${exactCount(counts.scheduled)} scheduled, ${exactCount(counts.blocked)} blocked`}
      >
        {exactCount(later)}
      </td>
      <td className={(queue.oldest_age ?? 0) > oldSeconds ? 'number tone-pending' : 'number'}>
        {queue.oldest_age === null ? '–' : span(queue.oldest_age * 1_000)}
      </td>
      <td className="number not-phone">{rate(queue.submitted_per_second)}</td>
      <td className="number not-phone">{rate(queue.finished_per_second)}</td>
      <td className="number not-phone">{counts.pending === 0 ? <span className="faint">–</span> : drainText(queue)}</td>
      <td className="not-phone">{workers === undefined ? null : <Use queue={queue} workers={workers} />}</td>
      <td className="not-phone">{workers === undefined ? null : <Consumers queue={queue} workers={workers} />}</td>
      <td className="actions">
        <span className="not-phone">
          <PurgeButton queue={queue} isBrief />
        </span>
        <PauseButton queue={queue} />
      </td>
    </tr>
  )
}

function DepthLine({ queue, hasHistory, trail }: Pick<RowProps, 'queue' | 'hasHistory' | 'trail'>) {
  const history = useHistory(queue.name, hasHistory)
  const values = history === undefined ? trail : depthHistory(openTasks(queue), history.points)
  const since = history === undefined ? 'since this page was opened' : 'over the last hour'
  return <Sparkline values={values} label={`Unfinished tasks of ${queue.name} ${since}`} />
}

export function Use({ queue, workers }: { readonly queue: Queue; readonly workers: readonly Worker[] }) {
  const { used, slots } = utilisation(queue, workers)
  if (slots === 0) return <span className="faint">–</span>
  return (
    <div className="use" title={`It takes ${used} of the ${slots} slots of the workers that serve it`}>
      <Bar percent={(used / slots) * 100} label={`${used} of ${slots} slots`} />
      <span className="number">
        {exactCount(used)} / {exactCount(slots)}
      </span>
    </div>
  )
}
