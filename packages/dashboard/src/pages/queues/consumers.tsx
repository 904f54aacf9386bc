import { Link } from '@tanstack/react-router'
import type { Queue, Worker } from '@tasklane/protocol'
import { Users } from 'lucide-react'
import { Popover } from 'radix-ui'
import { useState } from 'react'
import { Button } from '../../parts/basic.tsx'
import { plural } from '../../parts/format.ts'
import { State } from '../../parts/state.tsx'
import { servants } from '../served.ts'
import { slotsUsed } from '../slots.ts'
import { MoreWorkers } from '../workers/more-workers.tsx'

const namesShown = 40

/** Who serves it, by name when asked; and where nobody does, why, and what to do. */
export function Consumers({ queue, workers }: { readonly queue: Queue; readonly workers: readonly Worker[] }) {
  const found = servants(queue, workers)
  if (found.length === 0) return <Nobody queue={queue} />
  return (
    <Popover.Root>
      <Popover.Trigger
        className="button button-ghost button-small"
        title={found
          .slice(0, 8)
          .map(worker => worker.worker_id)
          .join(', ')}
      >
        <Users size={14} aria-hidden="true" /> {plural(found.length, 'worker')}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="menu popover" align="end" sideOffset={6} aria-label={`Workers of ${queue.name}`}>
          <ul className="options">
            {found.slice(0, namesShown).map(worker => (
              <li key={worker.worker_id}>
                <Link to="/workers/$id" params={{ id: worker.worker_id }} className="menu-item">
                  <span className="clip">{worker.worker_id}</span>
                  <span className="push faint number">
                    {slotsUsed(worker)} / {worker.max_concurrent_tasks}
                  </span>
                </Link>
              </li>
            ))}
            {found.length > namesShown ? (
              <li className="menu-who faint">and {found.length - namesShown} more</li>
            ) : null}
          </ul>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  )
}

function Nobody({ queue }: { readonly queue: Queue }) {
  const [isAsking, setAsking] = useState(false)
  // Of a paused queue nothing could be claimed, and where nothing waits nobody is missed.
  if (queue.paused || queue.depth === 0) return <span className="faint">none</span>
  return (
    <span className="nobody">
      <span className="tone-failed">nobody serves it</span>
      <Button isSmall onClick={() => setAsking(true)}>
        Start one
      </Button>
      <MoreWorkers isOpen={isAsking} onClose={() => setAsking(false)} queue={queue.name} />
    </span>
  )
}

export function ConsumerList({ workers }: { readonly workers: readonly Worker[] }) {
  return (
    <ul className="type-list">
      {workers.slice(0, namesShown).map(worker => (
        <li key={worker.worker_id}>
          <Link to="/workers/$id" params={{ id: worker.worker_id }} className="clip">
            {worker.worker_id}
          </Link>
          <span className="faint number push">
            {slotsUsed(worker)} / {worker.max_concurrent_tasks}
          </span>
          <State state={worker.status} />
        </li>
      ))}
      {workers.length > namesShown ? <li className="faint">and {workers.length - namesShown} more</li> : null}
    </ul>
  )
}
