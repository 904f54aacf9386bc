import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { alertSeverities } from '@tasklane/protocol'
import { BellOff, SearchX } from 'lucide-react'
import { alertHistoryQuery, alertRulesQuery } from '../../api/queries.ts'
import { Button, Failure, Notice, Panel, Skeleton, Stale } from '../../parts/basic.tsx'
import { SelectField } from '../../parts/fields.tsx'
import { plural } from '../../parts/format.ts'
import { severityText } from '../../parts/severity.tsx'
import { AlertList } from './alert-list.tsx'
import type { AlertsSearch } from './search.ts'

/** What fired and is over, the newest first. */
export function History() {
  const { rule, severity } = useSearch({ from: '/alerts' })
  const navigate = useNavigate()
  const query = useInfiniteQuery(alertHistoryQuery({ rule, severity }))
  const alerts = query.data?.pages.flatMap(page => page.alerts)
  const narrow = (change: Pick<AlertsSearch, 'rule' | 'severity'>) =>
    void navigate({ to: '/alerts', search: { tab: 'history', rule, severity, ...change } })
  const isFiltered = rule !== undefined || severity !== undefined
  return (
    <>
      <Filters rule={rule} severity={severity} onChange={narrow} />
      {alerts === undefined ? null : <Stale error={query.error} at={query.dataUpdatedAt} />}
      <Panel isFlush title="History">
        {alerts === undefined && query.error === null ? <Skeleton rows={6} /> : null}
        {alerts === undefined && query.error !== null ? (
          <Failure error={query.error} onRetry={() => void query.refetch()} />
        ) : null}
        {alerts?.length === 0 && isFiltered ? (
          <Notice icon={SearchX} title="Nothing matches these filters">
            <Button onClick={() => narrow({ rule: undefined, severity: undefined })}>Clear the filters</Button>
          </Notice>
        ) : null}
        {alerts?.length === 0 && !isFiltered ? (
          <Notice icon={BellOff} title="Nothing has fired and ended yet">
            <p>An alert that ends is kept here, with how long it fired.</p>
          </Notice>
        ) : null}
        {alerts === undefined || alerts.length === 0 ? null : (
          <>
            <AlertList label="History" alerts={alerts} />
            <p className="more">
              {query.hasNextPage ? (
                <Button onClick={() => void query.fetchNextPage()} disabled={query.isFetchingNextPage}>
                  {query.isFetchingNextPage ? 'Loading…' : 'Load older ones'}
                </Button>
              ) : (
                <span className="faint">These are all: {plural(alerts.length, 'alert')}.</span>
              )}
            </p>
          </>
        )}
      </Panel>
    </>
  )
}

interface FiltersProps extends Pick<AlertsSearch, 'rule' | 'severity'> {
  readonly onChange: (change: Pick<AlertsSearch, 'rule' | 'severity'>) => void
}

function Filters({ rule, severity, onChange }: FiltersProps) {
  const { data: rules = [] } = useQuery(alertRulesQuery)
  const ofRule = rules.map(each => [each.rule_id, each.name] as const)
  const isGone = rule !== undefined && rules.length > 0 && !rules.some(each => each.rule_id === rule)
  return (
    <div className="alert-filters">
      <SelectField
        label="Rule"
        value={rule ?? ''}
        choices={[['', 'any'], ...ofRule, ...(isGone ? [[rule, rule] as const] : [])]}
        onValue={value => onChange({ rule: value === '' ? undefined : value })}
      />
      <SelectField
        label="Severity"
        value={severity ?? ''}
        choices={[['', 'any'], ...alertSeverities.map(each => [each, severityText(each)] as const)]}
        onValue={value => onChange({ severity: value === '' ? undefined : value })}
      />
    </div>
  )
}
