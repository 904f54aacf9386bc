import { useInfiniteQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import type { AuditEntry } from '@tasklane/protocol'
import { CircleCheck, CircleX, RefreshCw, ScrollText, SearchX } from 'lucide-react'
import { auditQuery } from '../../api/queries.ts'
import { Button, Failure, Notice, Panel, Skeleton, Stale } from '../../parts/basic.tsx'
import { plural } from '../../parts/format.ts'
import { Time, useNow } from '../../parts/time.tsx'
import { AuditFilters } from './audit-filters.tsx'
import { auditQueryOf, isFiltered } from './search.ts'

export function Audit() {
  const search = useSearch({ from: '/admin' })
  const navigate = useNavigate()
  const query = useInfiniteQuery(auditQuery(auditQueryOf(search, useNow())))
  const entries = query.data?.pages.flatMap(page => page.entries)
  return (
    <>
      <AuditFilters search={search} />
      {entries === undefined ? null : <Stale error={query.error} at={query.dataUpdatedAt} />}
      <Panel
        isFlush
        title="Audit log"
        side={
          <Button
            isSmall
            look="ghost"
            icon={RefreshCw}
            label="Refresh"
            disabled={query.isFetching}
            onClick={() => void query.refetch()}
          />
        }
      >
        {entries === undefined && query.error === null ? <Skeleton rows={8} /> : null}
        {entries === undefined && query.error !== null ? (
          <Failure error={query.error} onRetry={() => void query.refetch()} />
        ) : null}
        {entries?.length === 0 ? (
          <NoEntry
            isFiltered={isFiltered(search)}
            onClear={() => void navigate({ to: '/admin', search: { tab: 'audit' } })}
          />
        ) : null}
        {entries === undefined || entries.length === 0 ? null : <AuditTable entries={entries} />}
        {entries === undefined || entries.length === 0 ? null : (
          <p className="more">
            {query.hasNextPage ? (
              <Button onClick={() => void query.fetchNextPage()} disabled={query.isFetchingNextPage}>
                {query.isFetchingNextPage ? 'Loading…' : 'Load older ones'}
              </Button>
            ) : (
              <span className="faint">These are all: {plural(entries.length, 'entry', 'entries')}.</span>
            )}
          </p>
        )}
      </Panel>
    </>
  )
}

function NoEntry(props: { readonly isFiltered: boolean; readonly onClear: () => void }) {
  return props.isFiltered ? (
    <Notice icon={SearchX} title="Nothing matches these filters">
      <p>There may be entries, but none that fits all of them.</p>
      <Button onClick={props.onClear}>Clear the filters</Button>
    </Notice>
  ) : (
    <Notice icon={ScrollText} title="Nothing is written down yet">
      <p>What people and programs change, and every login, stands here.</p>
    </Notice>
  )
}

function AuditTable({ entries }: { readonly entries: readonly AuditEntry[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section className="scroll-x" tabIndex={0} aria-label="Audit log">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            <th scope="col">Of what</th>
            <th scope="col">Outcome</th>
            <th scope="col" className="not-phone">
              From
            </th>
          </tr>
        </thead>
        <tbody>
          {entries.map(entry => (
            <tr key={entry.number}>
              <td>
                <Time at={entry.time} />
              </td>
              <td>{entry.actor ?? <span className="faint">nobody</span>}</td>
              <td>
                {/* Where the outcome is out of sight, what failed is still told from what was done. */}
                {entry.outcome === 'ok' ? null : (
                  <CircleX size={13} className="only-phone tone-failed" aria-hidden="true" />
                )}
                <code>{entry.action}</code>
              </td>
              <td>
                <Subject entry={entry} />
                {/* A node of an earlier version says nothing of it. */}
                {(entry.reason ?? null) === null ? null : <small className="clip bounds faint">{entry.reason}</small>}
              </td>
              <td>
                <Outcome entry={entry} />
              </td>
              <td className="faint not-phone">{entry.address ?? '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Subject({ entry: { action, subject } }: { readonly entry: AuditEntry }) {
  if (subject === null) return <span className="faint">–</span>
  if (!action.startsWith('task.'))
    return (
      <div className="clip bounds" title={subject}>
        {subject}
      </div>
    )
  return (
    <Link to="/tasks/$id" params={{ id: subject }} className="clip bounds" title={subject}>
      {subject}
    </Link>
  )
}

function Outcome({ entry: { outcome, request_id } }: { readonly entry: AuditEntry }) {
  const title = request_id === null ? undefined : `Request ${request_id}`
  return outcome === 'ok' ? (
    <span className="state tone-completed" title={title}>
      <CircleCheck size={14} aria-hidden="true" /> done
    </span>
  ) : (
    <span className="state tone-failed" title={title}>
      <CircleX size={14} aria-hidden="true" /> {outcome.replaceAll('_', ' ')}
    </span>
  )
}
