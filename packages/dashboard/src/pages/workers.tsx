import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Worker } from '@tasklane/protocol'
import { LogOut, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { send } from '../api/http.ts'
import { workersQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'
import { Bar, Button, Failure, Nothing, PageHead, Panel, Skeleton, Snippet, Stale } from '../parts/basic.tsx'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { plural } from '../parts/format.ts'
import { State } from '../parts/state.tsx'
import { Time } from '../parts/time.tsx'
import { useMay } from '../shell/me.ts'
import { toast } from '../shell/toasts.tsx'
import { url } from './getting-started.tsx'
import { Lanes } from './worker-lanes.tsx'

export function Workers() {
  const query = useQuery({ ...workersQuery, refetchInterval: useInterval(2_000, 5_000) })
  const [isAsking, setAsking] = useState(false)
  const workers = query.data
  const active = (workers ?? []).filter(worker => worker.status === 'active')
  const slots = active.reduce((sum, worker) => sum + worker.max_concurrent_tasks, 0)
  const used = (workers ?? []).reduce((sum, worker) => sum + worker.current_tasks.length, 0)
  return (
    <div className="page">
      <PageHead
        title="Workers"
        note={
          workers === undefined
            ? ' '
            : `${plural(active.length, 'active worker')}, ${used} of ${plural(slots, 'slot')} in use`
        }
      >
        <Button icon={Plus} onClick={() => setAsking(true)}>
          Start one more
        </Button>
      </PageHead>
      <Stale error={workers === undefined ? null : query.error} at={query.dataUpdatedAt} />
      {workers === undefined && query.error === null ? <Skeleton rows={6} /> : null}
      {workers === undefined && query.error !== null ? (
        <Failure error={query.error} onRetry={() => void query.refetch()} />
      ) : null}
      {workers?.length === 0 ? (
        <Nothing title="No worker yet">
          <p>Tasks wait until a worker takes them.</p>
          <Snippet text={`tasklane worker --url ${url}`} />
        </Nothing>
      ) : null}
      <div className="worker-grid">
        {workers?.map(worker => (
          <WorkerCard key={worker.worker_id} worker={worker} />
        ))}
      </div>
      {workers === undefined || workers.length === 0 ? null : <Lanes workers={workers} />}
      <MoreWorkers isOpen={isAsking} onClose={() => setAsking(false)} />
    </div>
  )
}

function WorkerCard({ worker }: { readonly worker: Worker }) {
  const mayChange = useMay('workers.change')
  const [question, setQuestion] = useState<'drain' | 'remove' | null>(null)
  const used = worker.current_tasks.length
  return (
    <Panel className={`worker worker-${worker.status}`}>
      <div className="worker-head" data-worker={worker.worker_id}>
        <Link to="/tasks" search={{ worker: worker.worker_id }} className="strong-link clip" title={worker.worker_id}>
          {worker.worker_id}
        </Link>
        <State state={worker.status} />
      </div>
      <div className="worker-slots">
        <Bar
          percent={(used / worker.max_concurrent_tasks) * 100}
          label={`${used} slots of ${worker.max_concurrent_tasks} in use`}
        />
        <span className="number">
          {used} / {worker.max_concurrent_tasks}
        </span>
      </div>
      <Gauges info={worker.system_info} />
      <dl className="facts">
        <div>
          <dt>Heartbeat</dt>
          <dd>
            <Time at={worker.last_heartbeat} />
          </dd>
        </div>
        <div>
          <dt>Since</dt>
          <dd>
            <Time at={worker.registered_at} />
          </dd>
        </div>
        <div>
          <dt>Queues</dt>
          <dd className="clip">{namesText(worker.queues)}</dd>
        </div>
        <div>
          <dt>Types</dt>
          <dd className="clip" title={worker.capabilities.join(', ')}>
            {namesText(worker.capabilities)}
          </dd>
        </div>
      </dl>
      <CurrentTasks ids={worker.current_tasks} />
      {mayChange ? (
        <div className="worker-actions">
          {worker.status === 'active' ? (
            <Button isSmall icon={LogOut} onClick={() => setQuestion('drain')}>
              Drain
            </Button>
          ) : null}
          <Button isSmall look="ghost" icon={Trash2} onClick={() => setQuestion('remove')}>
            Deregister
          </Button>
        </div>
      ) : null}
      <WorkerQuestions worker={worker} question={question} onClose={() => setQuestion(null)} />
    </Panel>
  )
}

function namesText(names: readonly string[]): string {
  return names.length === 0 || names.includes('*') ? 'all' : names.join(', ')
}

function Gauges({ info }: { readonly info: Worker['system_info'] }) {
  const gauges = [
    ['CPU', info.cpu_usage],
    ['Memory', info.memory_usage],
    ['Disk', info.disk_usage],
  ] as const
  if (gauges.every(([, value]) => value === undefined)) return null
  return (
    <div className="gauges">
      {gauges.map(([name, value]) =>
        value === undefined ? null : (
          <div key={name} className="gauge">
            <span className="faint">{name}</span>
            <Bar
              percent={value}
              tone={value > 90 ? 'failed' : value > 75 ? 'pending' : 'accent'}
              label={`${name} ${Math.round(value)} per cent`}
            />
            <span className="number">{Math.round(value)} %</span>
          </div>
        ),
      )}
    </div>
  )
}

const tasksShown = 4

function CurrentTasks({ ids }: { readonly ids: readonly string[] }) {
  if (ids.length === 0) return <p className="faint worker-idle">Runs nothing at the moment.</p>
  return (
    <ul className="worker-tasks">
      {ids.slice(0, tasksShown).map(id => (
        <li key={id}>
          <Link to="/tasks/$id" params={{ id }} className="clip">
            <code>{id}</code>
          </Link>
        </li>
      ))}
      {ids.length > tasksShown ? <li className="faint">and {ids.length - tasksShown} more</li> : null}
    </ul>
  )
}

interface QuestionProps {
  readonly worker: Worker
  readonly question: 'drain' | 'remove' | null
  readonly onClose: () => void
}

function WorkerQuestions({ worker, question, onClose }: QuestionProps) {
  const client = useQueryClient()
  const path = `api/workers/${encodeURIComponent(worker.worker_id)}`
  const act = (method: string, where: string, done: string) => async () => {
    await send(method, where)
    toast('good', done)
    void client.invalidateQueries({ queryKey: ['workers'] })
  }
  return (
    <>
      <Confirm
        title={`Drain ${worker.worker_id}?`}
        verb="Drain"
        isOpen={question === 'drain'}
        onClose={onClose}
        onConfirm={act('POST', `${path}/drain`, `${worker.worker_id} finishes what it holds and takes no more.`)}
      >
        <p>It finishes what it holds, takes no more, and then leaves.</p>
      </Confirm>
      <Confirm
        title={`Deregister ${worker.worker_id}?`}
        verb="Deregister"
        isDanger
        isOpen={question === 'remove'}
        onClose={onClose}
        onConfirm={act('DELETE', path, `${worker.worker_id} is gone; what it held waits for another worker.`)}
      >
        <p>
          What it holds ({plural(worker.current_tasks.length, 'task')}) goes back into its queues at once. A worker that
          is still there registers again.
        </p>
      </Confirm>
    </>
  )
}

function MoreWorkers({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  return (
    <Dialog title="Start one more worker" isOpen={isOpen} onClose={onClose}>
      <p>On any machine that reaches this scheduler:</p>
      <Snippet text={`tasklane worker --url ${url} --concurrency 10`} />
      <p>With your own task types:</p>
      <Snippet text={`tasklane worker tasks.ts --url ${url} --queues default`} />
      <p className="faint">
        Where logins are on, give it a token of role <code>worker</code> as <code>TASKLANE_TOKEN</code>.
      </p>
    </Dialog>
  )
}
