import { useQuery } from '@tanstack/react-query'
import type { Worker } from '@tasklane/protocol'
import { LayoutGrid, Plus, Rows3 } from 'lucide-react'
import { useMemo, useState } from 'react'
import { workersQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'
import { Button, Failure, NoMatch, Nothing, PageHead, Segments, Skeleton, Snippet, Stale } from '../parts/basic.tsx'
import { exactCount, plural } from '../parts/format.ts'
import { url } from './getting-started.tsx'
import { slotsOf } from './slots.ts'
import { Lanes } from './workers/lanes.tsx'
import { MoreWorkers } from './workers/more-workers.tsx'
import { WorkerCard } from './workers/worker-card.tsx'
import { WorkerTable } from './workers/worker-table.tsx'
import './workers/workers.css'

/** More cards than this are a wall; a table is read. */
const cardsMax = 24

export function Workers() {
  const query = useQuery({ ...workersQuery, refetchInterval: useInterval(2_000, 5_000) })
  const [isAsking, setAsking] = useState(false)
  const workers = query.data
  return (
    <div className="page">
      <PageHead title="Workers" note={workers === undefined ? ' ' : noteOf(workers)}>
        <Button icon={Plus} onClick={() => setAsking(true)}>
          Start one more
        </Button>
      </PageHead>
      <Stale error={workers === undefined ? null : query.error} at={query.dataUpdatedAt} />
      {workers === undefined && query.error === null ? <Skeleton rows={6} /> : null}
      {workers === undefined && query.error !== null ? (
        <Failure error={query.error} onRetry={() => void query.refetch()} />
      ) : null}
      {workers?.length === 0 ? (
        <Nothing title="No worker yet">
          <p>Tasks wait until a worker takes them. Start one like this:</p>
          <Snippet text={`tasklane worker --url ${url}`} />
          <Button onClick={() => setAsking(true)}>In TypeScript, Python or a shell</Button>
        </Nothing>
      ) : null}
      {workers === undefined || workers.length === 0 ? null : <List workers={workers} />}
      <MoreWorkers isOpen={isAsking} onClose={() => setAsking(false)} />
    </div>
  )
}

function noteOf(workers: readonly Worker[]): string {
  const active = workers.filter(worker => worker.status === 'active')
  const { used, slots } = slotsOf(active)
  return `${plural(active.length, 'active worker')}, ${exactCount(used)} of ${plural(slots, 'slot')} in use`
}

type Look = 0 | 1
const statuses = ['active', 'draining', 'lost'] as const
const choices = [
  ['All', 0],
  ['Active', 1],
  ['Draining', 2],
  ['Lost', 3],
] as const

function List({ workers }: { readonly workers: readonly Worker[] }) {
  const [text, setText] = useState('')
  const [state, setState] = useState<number>(0)
  const [look, setLook] = useState<Look | null>(null)
  const shown = useMemo(() => matching(workers, text, state), [workers, text, state])
  const isTable = look === null ? workers.length > cardsMax : look === 1
  return (
    <>
      {workers.length < 2 ? null : (
        <div className="worker-filters">
          <input
            type="search"
            aria-label="Find a worker"
            placeholder="Name, type, queue or label"
            value={text}
            onChange={event => setText(event.target.value)}
          />
          <Segments<number> legend="State" choices={choices} value={state} onChoose={setState} />
          <span className="faint" role="status">
            {shown.length === workers.length ? '' : `${exactCount(shown.length)} of ${exactCount(workers.length)}`}
          </span>
          <span className="push" />
          <Button
            isSmall
            icon={isTable ? LayoutGrid : Rows3}
            disabled={isTable && shown.length > 4 * cardsMax}
            onClick={() => setLook(isTable ? 0 : 1)}
          >
            {isTable ? 'Cards' : 'Table'}
          </Button>
        </div>
      )}
      {shown.length === 0 ? (
        <NoMatch
          onClear={() => {
            setText('')
            setState(0)
          }}
        />
      ) : isTable ? (
        <WorkerTable workers={shown} />
      ) : (
        <div className="worker-grid">
          {shown.slice(0, 4 * cardsMax).map(worker => (
            <WorkerCard key={worker.worker_id} worker={worker} />
          ))}
        </div>
      )}
      <LanesOf workers={shown} />
    </>
  )
}

/** A heartbeat makes new workers of old names; the lanes are drawn by the names alone. */
function LanesOf({ workers }: { readonly workers: readonly Worker[] }) {
  const key = workers.map(worker => worker.worker_id).join('\n')
  const ids = useMemo(() => (key === '' ? [] : key.split('\n')), [key])
  return ids.length === 0 ? null : <Lanes workers={ids} />
}

function matching(workers: readonly Worker[], text: string, state: number): readonly Worker[] {
  const wanted = text.trim().toLowerCase()
  const status = statuses[state - 1]
  return workers.filter(worker => {
    if (status !== undefined && worker.status !== status) return false
    if (wanted === '') return true
    const labels = Object.entries(worker.labels).map(([key, value]) => `${key}:${value}`)
    return [worker.worker_id, ...worker.capabilities, ...worker.queues, ...labels].some(each =>
      each.toLowerCase().includes(wanted),
    )
  })
}
