import { Link, useSearch } from '@tanstack/react-router'
import type { Alert } from '@tasklane/protocol'
import { BellOff, CircleCheck, Hourglass } from 'lucide-react'
import { Severity } from '../../parts/severity.tsx'
import { Lasted, Time } from '../../parts/time.tsx'
import { TroubleLink } from '../trouble-link.tsx'
import { SilenceActs } from './silence.tsx'

/** Alerts one below the other: what is the matter, since when, by which rule, and what can be done. */
export function AlertList({ alerts, label }: { readonly alerts: readonly Alert[]; readonly label: string }) {
  const search = useSearch({ from: '/alerts' })
  return (
    <ul className="alert-list" aria-label={label}>
      {alerts.map(alert => (
        <li key={alert.alert_id} data-alert={alert.state} data-rule={alert.rule_id}>
          <AlertState alert={alert} />
          <div className="alert-body">
            <p className="alert-detail">
              <TroubleLink trouble={alert}>{alert.detail}</TroubleLink>
            </p>
            <p className="alert-notes">
              <Link to="/alerts" search={{ ...search, alert: alert.alert_id }} title="All about this alert">
                {alert.rule}
              </Link>
              <Since alert={alert} />
              <Reminded alert={alert} />
            </p>
            <SilenceNote alert={alert} />
          </div>
          <div className="alert-acts">
            <SilenceActs alert={alert} />
          </div>
        </li>
      ))}
    </ul>
  )
}

/** Of an alert that fires, how bad it is; of others, that they do not fire. */
export function AlertState({ alert }: { readonly alert: Alert }) {
  if (alert.state === 'resolved') {
    return (
      <span className="alert-state">
        <span className="state tone-completed" data-state="resolved">
          <CircleCheck size={14} aria-hidden="true" className="state-icon" />
          Resolved
        </span>
        <Severity severity={alert.severity} />
      </span>
    )
  }
  return (
    <span className="alert-state">
      {alert.state === 'pending' ? (
        <span className="state tone-cancelled" data-state="pending">
          <Hourglass size={14} aria-hidden="true" className="state-icon" />
          Not yet
        </span>
      ) : null}
      <Severity severity={alert.severity} />
    </span>
  )
}

function Since({ alert }: { readonly alert: Alert }) {
  if (alert.state === 'resolved') {
    return (
      <>
        <span>
          ended <Time at={alert.resolved_at} />
        </span>
        <span>
          {alert.fired_at === null ? 'held for ' : 'fired for '}
          <Lasted from={alert.fired_at ?? alert.since} to={alert.resolved_at} />
        </span>
      </>
    )
  }
  return (
    <span>
      {alert.state === 'firing' ? 'fired ' : 'first seen '}
      <Time at={alert.state === 'firing' ? (alert.fired_at ?? alert.since) : alert.since} />
    </span>
  )
}

function Reminded({ alert: { reminders, reminded_at } }: { readonly alert: Alert }) {
  // A node of an earlier version says nothing of it.
  if ((reminded_at ?? null) === null) return null
  return (
    <span>
      {reminders === 1 ? 'reminded once' : `reminded ${reminders} times`}, last <Time at={reminded_at} />
    </span>
  )
}

function SilenceNote({ alert: { silence } }: { readonly alert: Alert }) {
  if (silence === null) return null
  return (
    <p className="alert-silence">
      <BellOff size={13} aria-hidden="true" />
      <span>
        Silenced{silence.by === null ? '' : ` by ${silence.by}`}, ends <Time at={silence.until} />: {silence.reason}
      </span>
    </p>
  )
}
