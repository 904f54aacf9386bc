import { Link } from '@tanstack/react-router'
import type { Worker } from '@tasklane/protocol'
import { Panel } from '../parts/basic.tsx'
import { exactCount } from '../parts/format.ts'
import { slotsOf, slotsUsed } from './slots.ts'

/** A strip of more would be no look any more; the page of workers has them all. */
const shownMax = 200

/** A square for each worker, the darker the more of its slots are taken: who is idle beside who is full is seen at once. */
export function WorkerStrip({ workers }: { readonly workers: readonly Worker[] | undefined }) {
  if (workers === undefined || workers.length < 2) return null
  const { used, slots } = slotsOf(workers)
  return (
    <Panel
      title="Load of the workers"
      side={
        <span className="faint">
          {exactCount(used)} of {exactCount(slots)} slots
        </span>
      }
    >
      <ul className="strip">
        {workers.slice(0, shownMax).map(worker => (
          <li key={worker.worker_id}>
            <Link
              to="/workers/$id"
              params={{ id: worker.worker_id }}
              className={`strip-cell ${lookOf(worker)}`}
              aria-label={textOf(worker)}
              title={textOf(worker)}
            />
          </li>
        ))}
      </ul>
    </Panel>
  )
}

function lookOf({ status, current_tasks, max_concurrent_tasks }: Worker): string {
  if (status !== 'active') return `strip-${status}`
  const load = current_tasks.length / Math.max(1, max_concurrent_tasks)
  return `strip-load-${current_tasks.length === 0 ? 0 : Math.max(1, Math.min(4, Math.ceil(load * 4)))}`
}

function textOf(worker: Worker): string {
  const { worker_id, status, max_concurrent_tasks } = worker
  const load = `${slotsUsed(worker)} of ${max_concurrent_tasks} slots taken`
  return `${worker_id}: ${status === 'active' ? load : `${status}, ${load}`}`
}
