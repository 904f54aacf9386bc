import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { FailureGroup, Worker } from '@tasklane/protocol'
import { ChevronDown, ChevronRight, ListChecks, RotateCcw, Trash2 } from 'lucide-react'
import { useId, useState } from 'react'
import { taskQuery, workersQuery } from '../api/queries.ts'
import { Button, CopyButton, Panel, Skeleton } from '../parts/basic.tsx'
import { Fact } from '../parts/fact.tsx'
import { exactCount, plural } from '../parts/format.ts'
import { Time } from '../parts/time.tsx'
import { useMay } from '../shell/me.ts'
import { type Asked, BulkDialog } from './task-actions.tsx'

interface CardProps {
  readonly group: FailureGroup
  readonly hours: number
}

/** One kind of failure: how often, when, where, an example, and what can be done about all of it. */
export function FailureCard({ group, hours }: CardProps) {
  const [isOpen, setOpen] = useState(false)
  const id = useId()
  const { newest } = group
  return (
    <Panel className="failure" isFlush>
      <div className="failure-row" data-fingerprint={group.fingerprint}>
        <div className="failure-count">
          <strong className="number">{exactCount(group.count)}</strong>
          <span className="faint">{group.count === 1 ? 'task' : 'tasks'}</span>
        </div>
        <div className="failure-what">
          <p>
            <strong>{group.task_type}</strong> <code className="error-code">{group.code}</code>
            {newest.used_up > 0 ? (
              <span className="chip" title={`${newest.used_up} of the newest ${newest.count} had no try left`}>
                Out of tries
              </span>
            ) : null}
          </p>
          <p className="failure-message">{group.message}</p>
          <p className="faint failure-when">
            <span>
              first <Time at={group.first_at} />
            </span>
            <span>
              last <Time at={group.last_at} />
            </span>
          </p>
        </div>
        <Trend values={group.trend} hours={hours} />
        <Actions group={group} />
        <button
          type="button"
          className="failure-unfold"
          aria-expanded={isOpen}
          aria-controls={id}
          onClick={() => setOpen(!isOpen)}
        >
          {isOpen ? <ChevronDown size={14} aria-hidden="true" /> : <ChevronRight size={14} aria-hidden="true" />}
          Example, workers and queues
        </button>
      </div>
      <div id={id} hidden={!isOpen}>
        {isOpen ? <Details group={group} /> : null}
      </div>
    </Panel>
  )
}

/** As bars: what failed once is as plain to see as what fails all the time. */
function Trend({ values, hours }: { readonly values: readonly number[]; readonly hours: number }) {
  const top = Math.max(...values, 1)
  const width = 100 / Math.max(1, values.length)
  const piece = hours <= 1 ? 'a few minutes' : hours <= 24 ? 'an hour' : hours <= 168 ? 'seven hours' : 'thirty hours'
  const text = `Failures over time, ${exactCount(top)} at most in ${piece}`
  return (
    <svg className="failure-trend" viewBox="0 0 100 30" preserveAspectRatio="none" role="img" aria-label={text}>
      <title>{text}</title>
      {values.map((value, at) => {
        const height = value === 0 ? 1 : 3 + (value / top) * 26
        return (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its place
            key={at}
            x={at * width + width * 0.12}
            y={30 - height}
            width={width * 0.76}
            height={height}
            className={value === 0 ? 'trend-none' : 'trend-some'}
          />
        )
      })}
    </svg>
  )
}

function Actions({ group }: { readonly group: FailureGroup }) {
  const mayChange = useMay('tasks.change')
  const [asked, setAsked] = useState<Asked | null>(null)
  const search = { status: 'failed', fingerprint: group.fingerprint }
  const target = { filter: search }
  return (
    <div className="failure-actions">
      <Link to="/tasks" search={search} className="button button-plain button-small">
        <ListChecks size={14} aria-hidden="true" /> Show them
      </Link>
      {mayChange ? (
        <>
          <Button
            isSmall
            icon={RotateCcw}
            onClick={() => setAsked({ action: 'retry', target, isWithDependents: true })}
          >
            Retry all
          </Button>
          <Button
            isSmall
            look="ghost"
            icon={Trash2}
            label="Delete all of this kind"
            onClick={() => setAsked({ action: 'delete', target })}
          />
        </>
      ) : null}
      {asked === null ? null : <BulkDialog asked={asked} onClose={() => setAsked(null)} />}
    </div>
  )
}

function Details({ group }: { readonly group: FailureGroup }) {
  const sample = useQuery(taskQuery(group.sample_task_id))
  const { data: workers } = useQuery(workersQuery)
  const { newest, fingerprint } = group
  const error = sample.data?.error ?? null
  const stack = error?.stack ?? error?.message ?? ''
  const search = { status: 'failed', fingerprint }
  return (
    <div className="failure-details">
      <dl className="failure-facts">
        <Fact name={newest.workers.length === 1 ? 'Worker' : 'Workers'}>
          {newest.workers.length === 0 ? <span className="faint">none: it never ran</span> : null}
          {newest.workers.map(worker => (
            <Link key={worker} to="/tasks" search={{ ...search, worker }} className="chip">
              {worker}
              {versionOf(workers, worker)}
            </Link>
          ))}
        </Fact>
        <Fact name={newest.queues.length === 1 ? 'Queue' : 'Queues'}>
          {newest.queues.map(queue => (
            <Link key={queue} to="/tasks" search={{ ...search, queue }} className="chip">
              {queue}
            </Link>
          ))}
        </Fact>
        <Fact name="Out of tries">
          {newest.used_up} of {newest.count}
        </Fact>
      </dl>
      <p className="faint">Seen at the {plural(newest.count, 'task')} of it that came last.</p>
      <div className="failure-example">
        <p>
          Example:{' '}
          <Link to="/tasks/$id" params={{ id: group.sample_task_id }}>
            <code>{group.sample_task_id}</code>
          </Link>
          <CopyButton text={stack} label="Copy the stack" />
        </p>
        {sample.isPending ? <Skeleton rows={3} /> : null}
        {stack === '' ? null : (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
          <pre tabIndex={0}>{stack}</pre>
        )}
      </div>
    </div>
  )
}

/** Workers may say by a label which version of the code they run. */
function versionOf(workers: readonly Worker[] | undefined, id: string): string {
  const version = workers?.find(worker => worker.worker_id === id)?.labels.version
  return version === undefined ? '' : ` · ${version}`
}
