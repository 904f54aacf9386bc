import { useQuery } from '@tanstack/react-query'
import type { About as AboutFacts } from '@tasklane/protocol'
import { BookOpen, FileJson } from 'lucide-react'
import { root } from '../../api/http.ts'
import { aboutQuery } from '../../api/queries.ts'
import { Failure, Panel, Skeleton, Stale } from '../../parts/basic.tsx'
import { Fact } from '../../parts/fact.tsx'
import { exactCount, localTime } from '../../parts/format.ts'
import { Lasted } from '../../parts/time.tsx'

const stores: Readonly<Record<string, string>> = {
  memory: 'Memory: all of it is gone when the scheduler ends',
  sqlite: 'SQLite',
  postgres: 'PostgreSQL',
}
const logins: Readonly<Record<AboutFacts['auth'], string>> = {
  required: 'everybody logs in',
  open: 'nobody logs in; it listens on this machine only',
  off: 'turned off: whoever reaches it may do everything',
}

export function About() {
  const { data: about, error, refetch, dataUpdatedAt } = useQuery({ ...aboutQuery, refetchInterval: 15_000 })
  if (about === undefined)
    return error === null ? <Skeleton rows={5} /> : <Failure error={error} onRetry={() => void refetch()} />
  return (
    <>
      <Stale error={error} at={dataUpdatedAt} />
      <Panel title="The node that answers you">
        <dl className="facts about">
          <Fact name="Version">
            Tasklane {about.version} <span className="faint">on {about.runtime}</span>
          </Fact>
          <Fact name="Environment">
            {about.environment ?? <span className="faint">no name; TASKLANE_ENVIRONMENT</span>}
          </Fact>
          <Fact name="Store">
            {stores[about.store.kind] ?? about.store.kind}
            {about.store.place === null ? null : <code>{about.store.place}</code>}
          </Fact>
          <Fact name="Nodes">{nodesText(about.nodes)}</Fact>
          <Fact name="Up for">
            <Lasted from={about.started_at} to={null} />
            <span className="faint">since {localTime(new Date(about.started_at))}</span>
          </Fact>
          <Fact name="Logins">{logins[about.auth]}</Fact>
        </dl>
      </Panel>
      <Panel title="Its API">
        <p className="about-links">
          <a className="button" href={new URL('docs', root).href}>
            <BookOpen size={15} aria-hidden="true" /> All calls
          </a>
          <a className="button" href={new URL('openapi.json', root).href}>
            <FileJson size={15} aria-hidden="true" /> OpenAPI document
          </a>
        </p>
      </Panel>
    </>
  )
}

function nodesText(nodes: number | null): string {
  if (nodes === null) return 'not known just now'
  return nodes === 1 ? 'this one alone' : `${exactCount(nodes)} on this store, this one among them`
}
