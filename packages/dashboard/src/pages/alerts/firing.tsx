import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Alert } from '@tasklane/protocol'
import { BellPlus, ShieldCheck } from 'lucide-react'
import { alertRulesQuery, openAlertsMax, openAlertsQuery } from '../../api/queries.ts'
import { useInterval } from '../../live/live.ts'
import { Failure, Notice, Panel, Skeleton, Stale } from '../../parts/basic.tsx'
import { plural } from '../../parts/format.ts'
import { AlertList } from './alert-list.tsx'

/** What fires now, the worst first; what is silenced, and what is about to fire, below. */
export function Firing() {
  const query = useQuery({ ...openAlertsQuery, refetchInterval: useInterval(3_000) })
  if (query.data === undefined)
    return query.error === null ? (
      <Skeleton rows={4} />
    ) : (
      <Failure error={query.error} onRetry={() => void query.refetch()} />
    )
  const alerts = [...query.data.alerts].sort(worstFirst)
  const firing = alerts.filter(({ state, silence }) => state === 'firing' && silence === null)
  const silenced = alerts.filter(({ silence }) => silence !== null)
  const pending = alerts.filter(({ state, silence }) => state === 'pending' && silence === null)
  return (
    <>
      <Stale error={query.error} at={query.dataUpdatedAt} />
      <Panel isFlush title="Firing" side={firing.length === 0 ? null : <span className="faint">{firing.length}</span>}>
        {firing.length === 0 ? <NothingFires /> : <AlertList label="Firing" alerts={firing} />}
      </Panel>
      {silenced.length === 0 ? null : (
        <Panel isFlush title="Silenced">
          <AlertList label="Silenced" alerts={silenced} />
        </Panel>
      )}
      {pending.length === 0 ? null : (
        <Panel isFlush title="About to fire">
          <AlertList label="About to fire" alerts={pending} />
        </Panel>
      )}
      {query.data.next_cursor === null ? null : (
        <p className="faint">There are more; these are the {openAlertsMax} that began last.</p>
      )}
    </>
  )
}

function worstFirst(one: Alert, other: Alert): number {
  const bad = Number(other.severity === 'critical') - Number(one.severity === 'critical')
  return bad === 0 ? other.alert_id - one.alert_id : bad
}

function NothingFires() {
  const { data: rules } = useQuery(alertRulesQuery)
  const watching = rules?.filter(rule => rule.enabled).length
  if (watching === 0) {
    return (
      <Notice icon={BellPlus} title="No rule watches">
        <p>
          All rules are turned off.{' '}
          <Link to="/alerts" search={{ tab: 'rules' }}>
            Turn one on
          </Link>
          , and what it finds stands here.
        </p>
      </Notice>
    )
  }
  return (
    <Notice icon={ShieldCheck} title="Nothing fires" tone="tone-completed">
      <p>
        {watching === undefined ? null : (
          <>
            <Link to="/alerts" search={{ tab: 'rules' }}>
              {plural(watching, 'rule')}
            </Link>{' '}
            {watching === 1 ? 'watches' : 'watch'}.
          </>
        )}
      </p>
    </Notice>
  )
}
