import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Queue, Worker } from '@tasklane/protocol'
import { Pause, Play } from 'lucide-react'
import { useMemo } from 'react'
import { send } from '../api/http.ts'
import { queuesQuery, workersQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'
import { Button, Failure, Nothing, PageHead, Panel, Skeleton, Sparkline, Stale } from '../parts/basic.tsx'
import { exactCount, plural, rate, span } from '../parts/format.ts'
import { State } from '../parts/state.tsx'
import { useMay } from '../shell/me.ts'
import { toast, toastError } from '../shell/toasts.tsx'
import { servants } from './served.ts'
import { useTrail } from './use-trail.ts'

export function Queues() {
  const interval = useInterval(2_000, 5_000)
  const query = useQuery({ ...queuesQuery, refetchInterval: interval })
  const workers = useQuery({ ...workersQuery, refetchInterval: interval })
  const queues = query.data
  const depths = useMemo(() => new Map(queues?.map(queue => [queue.name, queue.depth])), [queues])
  const trail = useTrail(depths, query.dataUpdatedAt)
  const top = Math.max(1, ...(queues ?? []).map(queue => queue.depth))
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
      {queues?.length === 0 ? <Nothing title="No queue yet">The first task makes the first queue.</Nothing> : null}
      {queues === undefined || queues.length === 0 ? null : (
        <Panel isFlush>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard */}
          <section className="scroll-x" tabIndex={0} aria-label="Queues">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">Queue</th>
                  <th scope="col">Depth</th>
                  <th scope="col" className="not-phone">
                    <span className="offscreen">Depth lately</span>
                  </th>
                  <th scope="col">Pending</th>
                  <th scope="col">Running</th>
                  <th scope="col">Later</th>
                  <th scope="col">Oldest</th>
                  <th scope="col">In</th>
                  <th scope="col">Out</th>
                  <th scope="col">Workers</th>
                  <th scope="col">
                    <span className="offscreen">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {queues.map(queue => (
                  <QueueRow
                    key={queue.name}
                    queue={queue}
                    top={top}
                    trail={trail.get(queue.name) ?? []}
                    workers={workers.data}
                  />
                ))}
              </tbody>
            </table>
          </section>
        </Panel>
      )}
    </div>
  )
}

interface RowProps {
  readonly queue: Queue
  readonly top: number
  readonly trail: readonly number[]
  readonly workers: readonly Worker[] | undefined
}

function QueueRow({ queue, top, trail, workers }: RowProps) {
  const mayChange = useMay('queues.change')
  const { counts } = queue
  return (
    <tr data-queue={queue.name}>
      <td>
        <Link to="/tasks" search={{ queue: queue.name }} className="strong-link">
          {queue.name}
        </Link>{' '}
        {queue.paused ? <State state="paused" /> : null}
      </td>
      <td>
        <div className="depth">
          <span className="number">{exactCount(queue.depth)}</span>
          <div className="depth-bar" aria-hidden="true">
            <div className="fill-running" style={{ width: `${(counts.running / top) * 100}%` }} />
            <div className="fill-pending" style={{ width: `${(counts.pending / top) * 100}%` }} />
          </div>
        </div>
      </td>
      <td className="not-phone">
        <Sparkline values={trail} label={`Depth of ${queue.name} since this page was opened`} />
      </td>
      <td className="number">{exactCount(counts.pending)}</td>
      <td className="number">{exactCount(counts.running)}</td>
      <td className="number" title={`${counts.scheduled} scheduled, ${counts.blocked} blocked`}>
        {exactCount(counts.scheduled + counts.blocked)}
      </td>
      <td className={(queue.oldest_age ?? 0) > 60 ? 'number tone-pending' : 'number'}>
        {queue.oldest_age === null ? '–' : span(queue.oldest_age * 1_000)}
      </td>
      <td className="number">{rate(queue.submitted_per_second)}</td>
      <td className="number">{rate(queue.finished_per_second)}</td>
      <td>{workers === undefined ? null : <Consumers queue={queue} found={servants(queue, workers)} />}</td>
      <td className="actions">{mayChange ? <PauseButton queue={queue} /> : null}</td>
    </tr>
  )
}

/** Says why nothing happens, where nothing does. */
function Consumers({ queue, found }: { readonly queue: Queue; readonly found: readonly Worker[] }) {
  if (found.length > 0)
    return <span title={found.map(worker => worker.worker_id).join(', ')}>{plural(found.length, 'worker')}</span>
  if (queue.paused) return <span className="faint">none, and it is paused</span>
  return queue.depth === 0 ? <span className="faint">none</span> : <span className="tone-failed">nobody serves it</span>
}

function PauseButton({ queue }: { readonly queue: Queue }) {
  const client = useQueryClient()
  const toggle = async () => {
    try {
      await send('PATCH', `api/queues/${encodeURIComponent(queue.name)}`, { paused: !queue.paused })
      toast('good', queue.paused ? `Queue ${queue.name} goes on.` : `Queue ${queue.name} is paused; what runs goes on.`)
      await client.invalidateQueries({ queryKey: ['queues'] })
    } catch (error) {
      toastError(error)
    }
  }
  return (
    <Button isSmall icon={queue.paused ? Play : Pause} onClick={() => void toggle()}>
      {queue.paused ? 'Resume' : 'Pause'}
    </Button>
  )
}
