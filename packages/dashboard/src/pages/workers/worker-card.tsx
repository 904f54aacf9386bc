import { Link } from '@tanstack/react-router'
import type { Worker } from '@tasklane/protocol'
import { Panel } from '../../parts/basic.tsx'
import { State } from '../../parts/state.tsx'
import { Time } from '../../parts/time.tsx'
import { Gauges, namesText, Slots, versionText } from './gauges.tsx'
import { WorkerActs } from './worker-acts.tsx'

export function WorkerCard({ worker }: { readonly worker: Worker }) {
  return (
    <Panel className={`worker worker-${worker.status}`}>
      <div className="worker-head" data-worker={worker.worker_id}>
        <Link to="/workers/$id" params={{ id: worker.worker_id }} className="strong-link clip" title={worker.worker_id}>
          {worker.worker_id}
        </Link>
        <State state={worker.status} />
      </div>
      <Slots worker={worker} />
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
          <dt>Version</dt>
          <dd className="clip" title={worker.system_info.sdk}>
            {versionText(worker)}
          </dd>
        </div>
        <div>
          <dt>Queues</dt>
          <dd className="clip" title={worker.queues.join(', ')}>
            {namesText(worker.queues)}
          </dd>
        </div>
        <div>
          <dt>Types</dt>
          <dd className="clip" title={worker.capabilities.join(', ')}>
            {namesText(worker.capabilities)}
          </dd>
        </div>
      </dl>
      <CurrentTasks ids={worker.current_tasks} />
      <WorkerActs worker={worker} />
    </Panel>
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
