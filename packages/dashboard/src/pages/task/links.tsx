import { Link } from '@tanstack/react-router'
import { useMay } from '../../shell/me.ts'

/** To the worker's page; for who may not look at workers, to what one may see of what it ran. */
export function WorkerLink({ id, text = id }: { readonly id: string; readonly text?: string }) {
  return useMay('workers.read') ? (
    <Link to="/workers/$id" params={{ id }}>
      {text}
    </Link>
  ) : (
    <Link to="/tasks" search={{ worker: id }}>
      {text}
    </Link>
  )
}

export function QueueLink({ name, text = name }: { readonly name: string; readonly text?: string }) {
  return useMay('queues.read') ? (
    <Link to="/queues/$name" params={{ name }}>
      {text}
    </Link>
  ) : (
    <Link to="/tasks" search={{ queue: name }}>
      {text}
    </Link>
  )
}
