import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { FailureGroup } from '@tasklane/protocol'
import { ShieldCheck, ToggleLeft } from 'lucide-react'
import { useState } from 'react'
import { ApiError } from '../api/http.ts'
import { failuresQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'
import { Button, Failure, Notice, PageHead, Segments, Skeleton, Stale } from '../parts/basic.tsx'
import { exactCount, plural } from '../parts/format.ts'
import '../styles/failures.css'
import { FailureCard } from './failure-card.tsx'

const ranges = [
  ['1 h', 1],
  ['24 h', 24],
  ['7 d', 168],
  ['30 d', 720],
] as const
const orders = [
  ['Last seen', 0],
  ['Most', 1],
] as const

/** Groups that are asked for at first, and at most: what the scheduler tells in one answer. */
const groupsFirst = 100
const groupsMost = 500

interface Narrowing {
  readonly type: string
  readonly queue: string
  readonly isUsedUp: boolean
}

const everything: Narrowing = { type: '', queue: '', isUsedUp: false }

/** Failures by what went wrong, so that a thousand of one kind are one row. */
export function Failures() {
  const [hours, setHours] = useState<number>(24)
  const [order, setOrder] = useState<number>(0)
  const [limit, setLimit] = useState(groupsFirst)
  const [narrowing, setNarrowing] = useState(everything)
  const query = useQuery({ ...failuresQuery(hours, limit), refetchInterval: useInterval(5_000, 5_000) })
  const groups = query.data?.groups
  const shown = arrange(groups ?? [], narrowing, order)
  return (
    <div className="page">
      <PageHead title="Failures" note="Tasks that failed for good, grouped by what went wrong.">
        <Segments<number> legend="Sorted by" choices={orders} value={order} onChoose={setOrder} />
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
      {groups !== undefined && groups.length > 0 ? (
        <Narrow groups={groups} shown={shown} value={narrowing} onChange={setNarrowing} />
      ) : null}
      {query.data?.complete === false ? (
        <p className="faint">More failed than is looked at: these are the 50,000 that failed last.</p>
      ) : null}
      <div className="stack">
        {shown.map(group => (
          <FailureCard key={group.fingerprint} group={group} hours={hours} />
        ))}
      </div>
      {query.data?.truncated === true && limit < groupsMost ? (
        <Button onClick={() => setLimit(Math.min(groupsMost, limit + groupsFirst))} disabled={query.isFetching}>
          Load older groups
        </Button>
      ) : null}
    </div>
  )
}

function arrange(groups: readonly FailureGroup[], { type, queue, isUsedUp }: Narrowing, order: number): FailureGroup[] {
  const kept = groups.filter(
    group =>
      (type === '' || group.task_type === type) &&
      (queue === '' || group.newest.queues.includes(queue)) &&
      (!isUsedUp || group.newest.used_up > 0),
  )
  // The scheduler tells those first that failed last.
  return order === 1 ? kept.toSorted((one, other) => other.count - one.count) : kept
}

interface NarrowProps {
  readonly groups: readonly FailureGroup[]
  readonly shown: readonly FailureGroup[]
  readonly value: Narrowing
  readonly onChange: (value: Narrowing) => void
}

function Narrow({ groups, shown, value, onChange }: NarrowProps) {
  const types = [...new Set(groups.map(group => group.task_type))].sort()
  const queues = [...new Set(groups.flatMap(group => group.newest.queues))].sort()
  const tasks = shown.reduce((sum, group) => sum + group.count, 0)
  return (
    <search className="failure-filters">
      <Choice name="Type" value={value.type} options={types} onChange={type => onChange({ ...value, type })} />
      <Choice name="Queue" value={value.queue} options={queues} onChange={queue => onChange({ ...value, queue })} />
      <button
        type="button"
        className={value.isUsedUp ? 'filter filter-on' : 'filter'}
        aria-pressed={value.isUsedUp}
        title="Those of whose newest tasks some had no try left"
        onClick={() => onChange({ ...value, isUsedUp: !value.isUsedUp })}
      >
        Out of tries
      </button>
      <span className="faint push" role="status">
        {plural(shown.length, 'group')}, {exactCount(tasks)} {tasks === 1 ? 'task' : 'tasks'}
      </span>
    </search>
  )
}

interface ChoiceProps {
  readonly name: string
  readonly value: string
  readonly options: readonly string[]
  readonly onChange: (value: string) => void
}

function Choice({ name, value, options, onChange }: ChoiceProps) {
  return (
    <label>
      <span className="offscreen">{name}</span>
      <select value={value} onChange={event => onChange(event.target.value)}>
        <option value="">Any {name.toLowerCase()}</option>
        {options.map(option => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </label>
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
