import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { AttentionItem, AttentionKind } from '@tasklane/protocol'
import {
  BellRing,
  CalendarClock,
  CircleCheck,
  CircleX,
  Clock,
  type LucideIcon,
  PauseCircle,
  PlugZap,
  TriangleAlert,
} from 'lucide-react'
import type { ReactNode } from 'react'
import { ApiError } from '../api/http.ts'
import { attentionQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'
import { Panel, Skeleton } from '../parts/basic.tsx'
import { plural } from '../parts/format.ts'
import { Time } from '../parts/time.tsx'

const looks: Readonly<Record<AttentionKind, readonly [icon: LucideIcon, tone: 'failed' | 'pending']>> = {
  alert: [BellRing, 'failed'],
  queue_unserved: [PlugZap, 'failed'],
  type_unserved: [PlugZap, 'failed'],
  worker_lost: [CircleX, 'failed'],
  failing: [TriangleAlert, 'failed'],
  schedule_late: [CalendarClock, 'failed'],
  waiting_long: [Clock, 'pending'],
  queue_paused: [PauseCircle, 'pending'],
}

/** What a person should look at, the worst first; each leads to where it can be mended. */
export function Attention() {
  const { data, error } = useQuery({ ...attentionQuery, refetchInterval: useInterval(5_000, 5_000) })
  const isForbidden = error instanceof ApiError && error.status === 403
  return (
    <Panel title="Needs attention" isFlush>
      {data === undefined && error === null ? <Skeleton rows={3} /> : null}
      {data === undefined && error !== null ? (
        <p className="empty-line faint">
          {isForbidden ? 'Your role sees its own tasks only.' : 'The scheduler does not say what needs attention.'}
        </p>
      ) : null}
      {data?.items.length === 0 ? (
        <p className="empty-line">
          <CircleCheck size={15} aria-hidden="true" className="tone-completed" /> All is well.
        </p>
      ) : null}
      <ul className="attention">
        {data?.items.map(item => (
          <li key={keyOf(item)} data-kind={item.kind}>
            <Mark kind={item.kind} />
            <Said item={item} />
            {item.since === null ? null : (
              <span className="faint attention-since">
                <Time at={item.since} />
              </span>
            )}
          </li>
        ))}
      </ul>
      {data !== undefined && data.more > 0 ? <p className="empty-line faint">and {data.more} more of these</p> : null}
    </Panel>
  )
}

function Mark({ kind }: { readonly kind: AttentionKind }) {
  const [Icon, tone] = looks[kind]
  return <Icon size={15} aria-hidden="true" className={`tone-${tone}`} />
}

function keyOf({ kind, alert_id, queue, task_type, worker_id, fingerprint }: AttentionItem): string {
  return [kind, alert_id, queue, task_type, worker_id, fingerprint].join(' ')
}

/** Names stand out; what the scheduler says of it in one sentence is in the tooltip. */
function Said({ item }: { readonly item: AttentionItem }) {
  const { kind, detail, queue, task_type, worker_id, fingerprint, count } = item
  const pending = { status: 'pending', ...(queue === null ? {} : { queue }) }
  const ofType = task_type === null ? pending : { ...pending, type: task_type }
  const wait = `${plural(count, 'task')} ${count === 1 ? 'waits' : 'wait'}`
  const texts: Readonly<Record<AttentionKind, ReactNode>> = {
    alert: <span>{detail}</span>,
    queue_unserved: (
      <Link to="/tasks" search={pending} title={detail}>
        No worker serves queue <strong>{queue}</strong>; {wait}
      </Link>
    ),
    type_unserved: (
      <Link to="/tasks" search={ofType} title={detail}>
        No worker takes <strong>{task_type}</strong> from queue <strong>{queue}</strong>; {wait}
      </Link>
    ),
    worker_lost: (
      <Link to="/workers/$id" params={{ id: worker_id ?? '' }} title={detail}>
        Worker <strong>{worker_id}</strong> has stopped answering
      </Link>
    ),
    failing: (
      <Link to="/tasks" search={{ status: 'failed', fingerprint: fingerprint ?? '' }} title={detail}>
        <strong>{task_type}</strong> failed {count === 1 ? 'once' : plural(count, 'time')}
        <span>{detail.slice(detail.indexOf(':'))}</span>
      </Link>
    ),
    schedule_late: (
      <Link to="/tasks" search={{ status: 'scheduled' }} title={detail}>
        Scheduled tasks are behind their time
      </Link>
    ),
    waiting_long: (
      <Link to="/tasks" search={ofType} title={detail}>
        The first <strong>{task_type}</strong> of queue <strong>{queue}</strong> has waited long; {wait}
      </Link>
    ),
    queue_paused: (
      <Link to="/queues/$name" params={{ name: queue ?? '' }} title={detail}>
        Queue <strong>{queue}</strong> is paused; {wait}
      </Link>
    ),
  }
  return texts[kind]
}
