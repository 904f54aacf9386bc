import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { openAlertsQuery } from '../api/queries.ts'
import { Severity } from '../parts/severity.tsx'
import { useMay } from '../shell/me.ts'

/** What fires about one queue or one worker, on its own page; nothing while nothing does. */
export function AlertsOf({ queue, worker }: { readonly queue?: string; readonly worker?: string }) {
  const { data } = useQuery({ ...openAlertsQuery, enabled: useMay('alerts.read') })
  const found = (data?.alerts ?? []).filter(
    alert =>
      alert.state === 'firing' &&
      alert.silence === null &&
      (queue === undefined ? alert.worker_id === worker : alert.queue === queue),
  )
  if (found.length === 0) return null
  return (
    <ul className="alerts-of" aria-label="Alerts">
      {found.map(alert => (
        <li key={alert.alert_id}>
          <Severity severity={alert.severity} />
          <Link to="/alerts" search={{ alert: alert.alert_id }}>
            {alert.detail}
          </Link>
        </li>
      ))}
    </ul>
  )
}
