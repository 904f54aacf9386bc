import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { BulkReply } from '@tasklane/protocol'
import { ListChecks, RotateCcw, ShieldCheck, ToggleLeft } from 'lucide-react'
import { useState } from 'react'
import { ApiError, send } from '../api/http.ts'
import { failuresQuery } from '../api/queries.ts'
import type { FailureGroup } from '../api/types.ts'
import { useInterval } from '../live/live.ts'
import { Button, Failure, Notice, PageHead, Panel, Segments, Skeleton, Stale } from '../parts/basic.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { exactCount, plural } from '../parts/format.ts'
import { Time } from '../parts/time.tsx'
import { useMay } from '../shell/me.ts'
import { toast } from '../shell/toasts.tsx'
import { outcomeOf } from './task-actions.tsx'

const ranges = [
  ['1 h', 1],
  ['24 h', 24],
  ['7 d', 168],
] as const

/** Failures by what went wrong, so that a thousand of one kind are one row. */
export function Failures() {
  const [hours, setHours] = useState<number>(24)
  const query = useQuery({ ...failuresQuery(hours), refetchInterval: useInterval(5_000, 15_000) })
  const groups = query.data?.groups
  return (
    <div className="page">
      <PageHead title="Failures" note="Tasks that failed, grouped by what went wrong.">
        <Segments<number> legend="Time shown" choices={ranges} value={hours} onChoose={setHours} />
      </PageHead>
      <Stale error={groups === undefined ? null : query.error} at={query.dataUpdatedAt} />
      {groups === undefined && query.error === null ? <Skeleton rows={5} /> : null}
      {groups === undefined && query.error !== null ? <Absent error={query.error} /> : null}
      {groups?.length === 0 ? (
        <Notice icon={ShieldCheck} title="Nothing failed" tone="tone-completed">
          <p>Not in this time. A task that failed for good stands here, with all that failed in the same way.</p>
        </Notice>
      ) : null}
      <div className="stack">
        {groups?.map(group => (
          <Group key={group.fingerprint} group={group} />
        ))}
      </div>
    </div>
  )
}

function Absent({ error }: { readonly error: unknown }) {
  if (!(error instanceof ApiError && error.status === 404)) return <Failure error={error} />
  return (
    <Notice icon={ToggleLeft} title="This scheduler does not group failures">
      <p>It is of an older version. Its failed tasks are all in the list.</p>
      <Link to="/tasks" search={{ status: 'failed' }} className="button button-plain">
        To the failed tasks
      </Link>
    </Notice>
  )
}

function Group({ group }: { readonly group: FailureGroup }) {
  const mayChange = useMay('tasks.change')
  const [isAsking, setAsking] = useState(false)
  const search = { fingerprint: group.fingerprint, status: 'failed' }
  return (
    <Panel className="failure" isFlush>
      <div className="failure-count">
        <strong className="number">{exactCount(group.count)}</strong>
        <span className="faint">{group.count === 1 ? 'task' : 'tasks'}</span>
      </div>
      <div className="failure-what">
        <p>
          <strong>{group.task_type}</strong> <code className="error-code">{group.code}</code>
        </p>
        <p className="failure-message">{group.message}</p>
        <p className="faint failure-when">
          <span>
            first <Time at={group.first_at} />
          </span>
          <span>
            last <Time at={group.last_at} />
          </span>
          <Link to="/tasks/$id" params={{ id: group.sample_task_id }}>
            Look at one
          </Link>
        </p>
      </div>
      <div className="failure-actions">
        <Link to="/tasks" search={search} className="button button-plain button-small">
          <ListChecks size={14} aria-hidden="true" /> Show them
        </Link>
        {mayChange ? (
          <Button isSmall icon={RotateCcw} onClick={() => setAsking(true)}>
            Retry all
          </Button>
        ) : null}
      </div>
      {isAsking ? <RetryGroup group={group} onClose={() => setAsking(false)} /> : null}
    </Panel>
  )
}

function RetryGroup({ group, onClose }: { readonly group: FailureGroup; readonly onClose: () => void }) {
  const client = useQueryClient()
  const filter = { status: 'failed', fingerprint: group.fingerprint }
  const retry = async () => {
    const reply = await send<BulkReply>('POST', 'api/tasks/bulk', { action: 'retry', filter, with_dependents: true })
    toast('good', outcomeOf(reply))
    void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'me' })
  }
  return (
    <Confirm
      title={`Retry ${plural(group.count, 'task')}?`}
      verb="Retry all"
      isOpen
      onClose={onClose}
      onConfirm={retry}
    >
      <p>
        All of this kind run again, with a fresh budget of attempts, and with them the tasks that were cancelled because
        of them.
      </p>
    </Confirm>
  )
}
