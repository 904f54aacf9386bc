import { Link, type LinkProps } from '@tanstack/react-router'
import type { AlertKind } from '@tasklane/protocol'
import type { ReactNode } from 'react'

/** What a trouble is about; what does not apply is null. */
export interface Trouble {
  readonly kind: AlertKind
  readonly queue: string | null
  readonly task_type: string | null
  readonly worker_id: string | null
  readonly fingerprint: string | null
}

interface TroubleLinkProps {
  readonly trouble: Trouble
  readonly title?: string
  readonly children: ReactNode
}

/** Leads to where a trouble is seen and mended. */
export function TroubleLink({ trouble, title, children }: TroubleLinkProps) {
  return (
    <Link {...placeOf(trouble)} title={title}>
      {children}
    </Link>
  )
}

function placeOf(trouble: Trouble): LinkProps {
  const { kind, queue, task_type, worker_id, fingerprint } = trouble
  const pending = { status: 'pending', ...(queue === null ? {} : { queue }) }
  const ofType = task_type === null ? pending : { ...pending, type: task_type }
  const itsQueue: LinkProps = queue === null ? { to: '/queues' } : { to: '/queues/$name', params: { name: queue } }
  switch (kind) {
    case 'queue_unserved':
      return { to: '/tasks', search: pending }
    case 'type_unserved':
    case 'waiting_long':
      return { to: '/tasks', search: ofType }
    case 'worker_lost':
      return worker_id === null ? { to: '/workers' } : { to: '/workers/$id', params: { id: worker_id } }
    case 'failing':
      return fingerprint === null ? { to: '/failures' } : { to: '/tasks', search: { status: 'failed', fingerprint } }
    case 'schedule_late':
      return { to: '/tasks', search: { status: 'scheduled' } }
    case 'queue_paused':
    case 'queue_depth':
      return itsQueue
    case 'failure_rate':
      return queue === null ? { to: '/failures' } : itsQueue
    case 'workers_few':
      return { to: '/workers' }
  }
}
