import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { AttentionItem, AttentionKind } from '@tasklane/protocol'
import {
  BellOff,
  CalendarClock,
  CircleCheck,
  CircleX,
  Clock,
  type LucideIcon,
  PauseCircle,
  PlugZap,
  TriangleAlert,
} from 'lucide-react'
import { lazy, type ReactNode, Suspense, useState } from 'react'
import { ApiError } from '../api/http.ts'
import { attentionQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'
import { Button, Panel, Skeleton } from '../parts/basic.tsx'
import { plural } from '../parts/format.ts'
import { Severity } from '../parts/severity.tsx'
import { Time } from '../parts/time.tsx'
import { useMay } from '../shell/me.ts'
import { TroubleLink } from './trouble-link.tsx'

const Silence = lazy(() => import('./alerts/silence.tsx').then(({ Silence }) => ({ default: Silence })))

const looks: Readonly<
  Record<Exclude<AttentionKind, 'alert'>, readonly [icon: LucideIcon, tone: 'failed' | 'pending']>
> = {
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
  const maySeeAlerts = useMay('alerts.read')
  const isForbidden = error instanceof ApiError && error.status === 403
  return (
    <Panel
      title="Needs attention"
      isFlush
      side={
        maySeeAlerts ? (
          <Link to="/alerts" className="quiet-link">
            Alerts
          </Link>
        ) : null
      }
    >
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
            <Mark item={item} />
            <Said item={item} />
            <Since item={item} />
            <SilenceButton item={item} />
          </li>
        ))}
      </ul>
      {data !== undefined && data.more > 0 ? <p className="empty-line faint">and {data.more} more of these</p> : null}
    </Panel>
  )
}

/** A queue has needed attention since it was paused, not since a task has waited in it. */
function Since({ item: { kind, since, pause } }: { readonly item: AttentionItem }) {
  const at = (kind === 'queue_paused' ? pause?.at : null) ?? since
  if (at === null) return null
  return (
    <span className="faint attention-since">
      <Time at={at} />
    </span>
  )
}

/** Of an alert, how bad it is, in a word as well. */
function Mark({ item: { kind, severity } }: { readonly item: AttentionItem }) {
  if (kind === 'alert') return <Severity severity={severity ?? 'warning'} />
  const [Icon, tone] = looks[kind]
  return <Icon size={15} aria-hidden="true" className={`tone-${tone}`} />
}

/** For who may: somebody else need not be told while it is looked after. */
function SilenceButton({ item: { alert_id, detail } }: { readonly item: AttentionItem }) {
  const may = useMay('alerts.silence')
  const [isAsking, setAsking] = useState(false)
  if (!may || alert_id === null) return null
  return (
    <>
      <Button look="ghost" isSmall icon={BellOff} label="Silence this alert" onClick={() => setAsking(true)} />
      <Suspense>
        {isAsking ? <Silence id={alert_id} detail={detail} onClose={() => setAsking(false)} /> : null}
      </Suspense>
    </>
  )
}

function keyOf({ kind, alert_id, queue, task_type, worker_id, fingerprint }: AttentionItem): string {
  return [kind, alert_id, queue, task_type, worker_id, fingerprint].join(' ')
}

/** Names stand out; what the scheduler says of it in one sentence is in the tooltip. */
function Said({ item }: { readonly item: AttentionItem }) {
  const { kind, alert_kind, detail, queue, task_type, worker_id, count } = item
  const wait = `${plural(count, 'task')} ${count === 1 ? 'waits' : 'wait'}`
  // A node of an earlier version, behind the same address, says nothing of a pause.
  const { by = null, reason = null } = item.pause ?? {}
  if (kind === 'alert') {
    return alert_kind === null ? (
      <span>{detail}</span>
    ) : (
      <TroubleLink trouble={{ ...item, kind: alert_kind }}>{detail}</TroubleLink>
    )
  }
  const texts: Readonly<Record<typeof kind, ReactNode>> = {
    queue_unserved: (
      <>
        No worker serves queue <strong>{queue}</strong>; {wait}
      </>
    ),
    type_unserved: (
      <>
        No worker takes <strong>{task_type}</strong> from queue <strong>{queue}</strong>; {wait}
      </>
    ),
    worker_lost: (
      <>
        Worker <strong>{worker_id}</strong> has stopped answering
      </>
    ),
    failing: (
      <>
        <strong>{task_type}</strong> failed {count === 1 ? 'once' : plural(count, 'time')}
        <span>{detail.slice(detail.indexOf(':'))}</span>
      </>
    ),
    schedule_late: 'Scheduled tasks are behind their time',
    waiting_long: (
      <>
        The first <strong>{task_type}</strong> of queue <strong>{queue}</strong> has waited long; {wait}
      </>
    ),
    queue_paused: (
      <>
        Queue <strong>{queue}</strong> is paused{by === null ? null : ` by ${by}`}; {wait}
        {reason === null ? null : <span> · {reason}</span>}
      </>
    ),
  }
  return (
    <TroubleLink trouble={{ ...item, kind }} title={detail}>
      {texts[kind]}
    </TroubleLink>
  )
}
