import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Alert } from '@tasklane/protocol'
import { alertKindFacts } from '@tasklane/protocol'
import { alertQuery } from '../../api/queries.ts'
import { Failure, Skeleton } from '../../parts/basic.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Fact } from '../../parts/fact.tsx'
import { plural } from '../../parts/format.ts'
import { Lasted, Time } from '../../parts/time.tsx'
import { QueueLink, WorkerLink } from '../task/links.tsx'
import { TroubleLink } from '../trouble-link.tsx'
import { AlertState } from './alert-list.tsx'
import { SilenceActs } from './silence.tsx'
import { amountText } from './words.ts'

/** One alert beside the list; where a message about it leads. */
export function AlertPeek({ id, onClose }: { readonly id: number; readonly onClose: () => void }) {
  const { data: alert, error } = useQuery(alertQuery(id))
  const foot = alert === undefined ? undefined : <SilenceActs alert={alert} />
  return (
    <Dialog title={alert?.rule ?? 'Alert'} isOpen isDrawer onClose={onClose} foot={foot}>
      {alert === undefined && error !== null ? <Failure error={error} /> : null}
      {alert === undefined && error === null ? <Skeleton rows={6} /> : null}
      {alert === undefined ? null : <About alert={alert} />}
    </Dialog>
  )
}

function About({ alert }: { readonly alert: Alert }) {
  const { silence, queue, task_type, worker_id } = alert
  return (
    <div className="stack">
      <AlertState alert={alert} />
      <p className="alert-detail">
        <TroubleLink trouble={alert}>{alert.detail}</TroubleLink>
      </p>
      <dl className="facts">
        <Fact name="Watches for">{alertKindFacts[alert.kind].title}</Fact>
        {alert.value === null ? null : <Fact name="Measured">{valueText(alert)}</Fact>}
        {queue === null ? null : (
          <Fact name="Queue">
            <QueueLink name={queue} />
          </Fact>
        )}
        {task_type === null ? null : (
          <Fact name="Type">
            <code>{task_type}</code>
          </Fact>
        )}
        {worker_id === null ? null : (
          <Fact name="Worker">
            <WorkerLink id={worker_id} />
          </Fact>
        )}
        <Fact name="Seen first">
          <Time at={alert.since} />
        </Fact>
        <Fact name="Fired">{alert.fired_at === null ? 'not yet' : <Time at={alert.fired_at} />}</Fact>
        {/* A node of an earlier version says nothing of it. */}
        {(alert.reminded_at ?? null) === null ? null : (
          <Fact name="Reminded">
            {plural(alert.reminders, 'time')}, last <Time at={alert.reminded_at} />
          </Fact>
        )}
        <Fact name="Ended">{alert.resolved_at === null ? 'not yet' : <Time at={alert.resolved_at} />}</Fact>
        <Fact name="Lasted">
          <Lasted from={alert.since} to={alert.resolved_at} />
        </Fact>
        {silence === null ? null : (
          <>
            <Fact name="Silenced">
              <Time at={silence.at} /> {silence.by === null ? null : <span className="faint">by {silence.by}</span>}
            </Fact>
            <Fact name="Until">
              <Time at={silence.until} />
            </Fact>
            <Fact name="Reason">{silence.reason}</Fact>
          </>
        )}
      </dl>
      <p>
        <Link to="/alerts" search={{ tab: 'history', rule: alert.rule_id }}>
          What this rule found before
        </Link>
      </p>
    </div>
  )
}

function valueText({ kind, value, rest }: Alert): string {
  const facts = alertKindFacts[kind].threshold
  if (rest) return `${value ?? 0} more of them`
  return amountText(facts?.unit ?? 'tasks', value ?? 0)
}
