import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import type { Worker } from '@tasklane/protocol'
import { ChevronLeft, ListChecks, Plus, ServerOff } from 'lucide-react'
import { useMemo } from 'react'
import { ApiError } from '../api/http.ts'
import { workersQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'
import { Bar, Button, CopyButton, Failure, Notice, Panel, Skeleton, Sparkline, Stale } from '../parts/basic.tsx'
import { Fact } from '../parts/fact.tsx'
import { exactCount } from '../parts/format.ts'
import { State } from '../parts/state.tsx'
import { Time } from '../parts/time.tsx'
import { useMay } from '../shell/me.ts'
import { emptyDraft, submitDrawer } from '../submit/drafts.ts'
import { AlertsOf } from './alerts-of.tsx'
import { useTrail } from './use-trail.ts'
import { gaugesOf, namesText, Slots, toneOfLoad } from './workers/gauges.tsx'
import { Lanes } from './workers/lanes.tsx'
import { useOutcomes } from './workers/use-outcomes.ts'
import { WorkerActs } from './workers/worker-acts.tsx'
import { RunningNow, TasksLog } from './workers/worker-runs.tsx'
import './workers/workers.css'

/** One worker: what it runs, what it ran, how it fares. */
export function WorkerPage() {
  const { id } = useParams({ from: '/workers/$id' })
  // The list is one call that the other pages keep fresh, too; a worker that left is told apart from a list that failed.
  const query = useQuery({ ...workersQuery, refetchInterval: useInterval(2_000, 5_000) })
  const worker = query.data?.find(each => each.worker_id === id)
  if (query.data === undefined)
    return query.error === null ? (
      <Skeleton rows={8} />
    ) : (
      <Failure error={query.error} onRetry={() => void query.refetch()} />
    )
  return (
    <div className="page" key={id}>
      <Stale error={query.error instanceof ApiError ? query.error : null} at={query.dataUpdatedAt} />
      <header className="task-head">
        <Link to="/workers" className="back">
          <ChevronLeft size={15} aria-hidden="true" /> Workers
        </Link>
        <div className="task-title">
          {worker === undefined ? null : <State state={worker.status} />}
          <h1>{id}</h1>
          <CopyButton text={id} label="Copy the name" />
        </div>
        <div className="page-actions">
          <Link to="/tasks" search={{ worker: id }} className="button button-plain button-small">
            <ListChecks size={14} aria-hidden="true" /> All its tasks
          </Link>
          {worker === undefined ? null : <WorkerActs worker={worker} />}
        </div>
      </header>
      <AlertsOf worker={id} />
      {worker === undefined ? <Left id={id} /> : <Body worker={worker} />}
    </div>
  )
}

function Left({ id }: { readonly id: string }) {
  return (
    <>
      <Notice icon={ServerOff} title="This worker is not registered">
        <p>
          It was stopped or deregistered, or never was there. What it held went back into its queues. Should it start
          again under this name, it is here at once; what it ran is kept with the tasks.
        </p>
      </Notice>
      <Lanes workers={[id]} only={id} />
      <TasksLog id={id} />
    </>
  )
}

function Body({ worker }: { readonly worker: Worker }) {
  const lanes = useMemo(() => [worker.worker_id], [worker.worker_id])
  return (
    <>
      {worker.status === 'lost' ? (
        <p className="stale" role="status">
          <span>
            It has not been heard since <Time at={worker.last_heartbeat} />: its process died, or the network is down.
            Its tasks go to others as their leases end.
          </span>
        </p>
      ) : null}
      {worker.status === 'draining' ? (
        <p className="stale" role="status">
          It takes no more tasks, finishes what it holds, and then leaves.
        </p>
      ) : null}
      <div className="worker-columns">
        <div className="stack">
          <RunningNow worker={worker} />
          <Lanes workers={lanes} only={worker.worker_id} />
          <TasksLog id={worker.worker_id} />
        </div>
        <aside className="stack" aria-label="About this worker">
          <Load worker={worker} />
          <WorkerFacts worker={worker} />
          <Types worker={worker} />
        </aside>
      </div>
    </>
  )
}

function Load({ worker }: { readonly worker: Worker }) {
  const gauges = gaugesOf(worker.system_info)
  const values = new Map(gauges.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])))
  const trail = useTrail(values, Date.parse(worker.last_heartbeat))
  return (
    <Panel title="Load">
      <div className="stack">
        <Slots worker={worker} />
        {[...values].map(([name, value]) => (
          <div key={name} className="load">
            <span className="faint">{name}</span>
            <LoadLine name={name} value={value} trail={trail.get(name) ?? []} />
            <span className="number">{Math.round(value)} %</span>
          </div>
        ))}
        {values.size === 0 ? <p className="faint">It tells nothing of its machine.</p> : null}
      </div>
    </Panel>
  )
}

/** As a bar until there is a line to draw; both of the whole, so that a little does not look like much. */
function LoadLine({
  name,
  value,
  trail,
}: {
  readonly name: string
  readonly value: number
  readonly trail: readonly number[]
}) {
  const tone = toneOfLoad(value)
  if (trail.length < 2) return <Bar percent={value} tone={tone} label={`${name} now`} />
  return <Sparkline values={trail} top={100} tone={tone} label={`${name} since this page was opened`} />
}

function WorkerFacts({ worker }: { readonly worker: Worker }) {
  const { version, ...others } = worker.labels
  const labels = Object.entries(others)
  const { sdk } = worker.system_info
  const outcomes = useOutcomes(worker.worker_id)
  return (
    <Panel title="Facts">
      <dl className="facts">
        <Fact name="Succeeded">{outcomes}</Fact>
        <Fact name="Heartbeat">
          <Time at={worker.last_heartbeat} />
        </Fact>
        <Fact name="Registered">
          <Time at={worker.registered_at} />
        </Fact>
        <Fact name="Slots">{exactCount(worker.max_concurrent_tasks)}</Fact>
        <Fact name="Queues">
          {namesText(worker.queues) === 'all' ? (
            'all'
          ) : (
            <span className="links">
              {worker.queues.map(name => (
                <Link key={name} to="/queues/$name" params={{ name }}>
                  {name}
                </Link>
              ))}
            </span>
          )}
        </Fact>
        {version === undefined ? null : <Fact name="Version">{version}</Fact>}
        {sdk === undefined ? null : <Fact name="Built on">{sdk}</Fact>}
        {worker.instance === null ? null : (
          <Fact name="Process">
            <code className="clip" title="It is another one after each start">
              {worker.instance}
            </code>
          </Fact>
        )}
      </dl>
      {labels.length === 0 ? null : (
        <div className="chips">
          {labels.map(([key, value]) => (
            <span key={key} className="chip">
              {key}: {value}
            </span>
          ))}
        </div>
      )}
    </Panel>
  )
}

function Types({ worker }: { readonly worker: Worker }) {
  const maySubmit = useMay('tasks.submit')
  if (worker.capabilities.includes('*'))
    return (
      <Panel title="Types">
        <p className="faint">It takes every type.</p>
      </Panel>
    )
  return (
    <Panel title="Types" side={<span className="faint">{worker.capabilities.length}</span>}>
      <ul className="type-list">
        {worker.capabilities.map(type => (
          <li key={type}>
            <Link to="/tasks" search={{ type, worker: worker.worker_id }} className="clip">
              <code>{type}</code>
            </Link>
            {maySubmit ? (
              <Button
                look="ghost"
                isSmall
                icon={Plus}
                label={`Submit a task of type ${type}`}
                onClick={() => submitDrawer.set({ ...emptyDraft, type })}
              />
            ) : null}
          </li>
        ))}
      </ul>
    </Panel>
  )
}
