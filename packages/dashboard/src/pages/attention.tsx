import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Queue, Stats, Worker } from '@tasklane/protocol'
import { CircleCheck, CircleX, Clock, type LucideIcon, PauseCircle, PlugZap, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { failuresQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'
import { Panel, Skeleton } from '../parts/basic.tsx'
import { plural, span } from '../parts/format.ts'
import { isServed } from './served.ts'

interface AttentionProps {
  readonly stats: Stats | undefined
  readonly queues: readonly Queue[] | undefined
  readonly workers: readonly Worker[] | undefined
}

interface Item {
  readonly key: string
  readonly icon: LucideIcon
  readonly tone: 'failed' | 'pending'
  readonly text: ReactNode
}

/** A wait that is long enough to look into it. */
const oldSeconds = 60

/** What a person should look at, the worst first; each leads to where it can be mended. */
export function Attention({ stats, queues, workers }: AttentionProps) {
  const failures = useQuery({ ...failuresQuery(24), refetchInterval: useInterval(10_000, 60_000) })
  const isReady = queues !== undefined && workers !== undefined
  const items = isReady ? [...ofQueues(queues, workers), ...ofWorkers(workers)] : []
  const groups = failures.data?.groups ?? []
  for (const group of groups.slice(0, 4)) {
    items.push({
      key: `failure ${group.fingerprint}`,
      icon: TriangleAlert,
      tone: 'failed',
      text: (
        <Link to="/failures">
          <strong>{group.task_type}</strong> failed {plural(group.count, 'time')}:{' '}
          <span>{group.message || group.code}</span>
        </Link>
      ),
    })
  }
  if (failures.data === undefined && (stats?.tasks.failed ?? 0) > 0) {
    items.push({
      key: 'failed',
      icon: TriangleAlert,
      tone: 'failed',
      text: (
        <Link to="/tasks" search={{ status: 'failed' }}>
          {plural(stats?.tasks.failed ?? 0, 'task')} failed
        </Link>
      ),
    })
  }
  return (
    <Panel title="Needs attention" isFlush>
      {isReady ? null : <Skeleton rows={3} />}
      {isReady && items.length === 0 ? (
        <p className="empty-line">
          <CircleCheck size={15} aria-hidden="true" className="tone-completed" /> All is well.
        </p>
      ) : null}
      <ul className="attention">
        {items.map(({ key, icon: Icon, tone, text }) => (
          <li key={key}>
            <Icon size={15} aria-hidden="true" className={`tone-${tone}`} />
            {text}
          </li>
        ))}
      </ul>
    </Panel>
  )
}

function ofQueues(queues: readonly Queue[], workers: readonly Worker[]): Item[] {
  return queues.flatMap((queue): Item[] => {
    const items: Item[] = []
    const to = { to: '/tasks', search: { queue: queue.name, status: 'pending' } } as const
    if (queue.counts.pending > 0 && !isServed(queue, workers)) {
      const text = (
        <Link {...to}>
          No worker serves queue <strong>{queue.name}</strong>; {plural(queue.counts.pending, 'task')} wait
        </Link>
      )
      items.push({ key: `unserved ${queue.name}`, icon: PlugZap, tone: 'failed', text })
    } else if (!queue.paused && (queue.oldest_age ?? 0) > oldSeconds) {
      const text = (
        <Link {...to}>
          The oldest task of queue <strong>{queue.name}</strong> has waited for {span((queue.oldest_age ?? 0) * 1_000)}
        </Link>
      )
      items.push({ key: `old ${queue.name}`, icon: Clock, tone: 'pending', text })
    }
    if (queue.paused) items.push(pausedItem(queue))
    return items
  })
}

function pausedItem({ name, counts }: Queue): Item {
  return {
    key: `paused ${name}`,
    icon: PauseCircle,
    tone: 'pending',
    text: (
      <Link to="/queues">
        Queue <strong>{name}</strong> is paused; {plural(counts.pending, 'task')} wait
      </Link>
    ),
  }
}

function ofWorkers(workers: readonly Worker[]): Item[] {
  return workers
    .filter(({ status }) => status === 'lost')
    .map(({ worker_id }) => ({
      key: `lost ${worker_id}`,
      icon: CircleX,
      tone: 'failed',
      text: (
        <Link to="/workers">
          Worker <strong>{worker_id}</strong> has stopped answering
        </Link>
      ),
    }))
}
