import { Link, useNavigate } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import type { Worker } from '@tasklane/protocol'
import { memo, useRef } from 'react'
import { State } from '../../parts/state.tsx'
import { Time } from '../../parts/time.tsx'
import { namesText, Slots, versionText } from './gauges.tsx'

const rowHeight = 40
const columns = [
  'Worker',
  'State',
  'Slots',
  'Version',
  'CPU',
  'Memory',
  'Disk',
  'Heartbeat',
  'Since',
  'Queues',
  'Types',
]

/** Hundreds of workers: a table of which only the rows in sight are in the document. */
export function WorkerTable({ workers }: { readonly workers: readonly Worker[] }) {
  const scroll = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: workers.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 10,
    getItemKey: index => workers[index]?.worker_id ?? index,
  })
  const items = virtual.getVirtualItems()
  const above = items[0]?.start ?? 0
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section className="table-scroll worker-table" ref={scroll} tabIndex={0} aria-label="Workers">
      <table className="table" aria-rowcount={workers.length + 1}>
        <thead>
          <tr>
            {columns.map(column => (
              <th key={column} scope="col" className={`fleet-${column.toLowerCase()}`}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {above > 0 ? <Spacer height={above} /> : null}
          {items.map(({ index, key }) => {
            const worker = workers[index]
            return worker === undefined ? null : <Row key={key} worker={worker} index={index} />
          })}
          {below > 0 ? <Spacer height={below} /> : null}
        </tbody>
      </table>
    </section>
  )
}

function Spacer({ height }: { readonly height: number }) {
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it can be focused
    <tr aria-hidden="true" className="spacer" style={{ height }}>
      <td colSpan={columns.length} />
    </tr>
  )
}

const Row = memo(function Row({ worker, index }: { readonly worker: Worker; readonly index: number }) {
  const navigate = useNavigate()
  const info = worker.system_info
  const open = (event: React.MouseEvent) => {
    // The link is for the keyboard and for new tabs; a click anywhere else opens the worker, too.
    if (event.target instanceof Element && event.target.closest('a, button') !== null) return
    void navigate({ to: '/workers/$id', params: { id: worker.worker_id } })
  }
  return (
    <tr className="row" data-worker={worker.worker_id} aria-rowindex={index + 2} onClick={open}>
      <td className="fleet-worker">
        <Link to="/workers/$id" params={{ id: worker.worker_id }} className="strong-link">
          {worker.worker_id}
        </Link>
      </td>
      <td>
        <State state={worker.status} />
      </td>
      <td className="fleet-slots">
        <Slots worker={worker} />
      </td>
      <td className="fleet-version" title={worker.system_info.sdk}>
        {versionText(worker)}
      </td>
      <Percent name="cpu" value={info.cpu_usage} />
      <Percent name="memory" value={info.memory_usage} />
      <Percent name="disk" value={info.disk_usage} />
      <td className="fleet-heartbeat">
        <Time at={worker.last_heartbeat} />
      </td>
      <td className="fleet-since">
        <Time at={worker.registered_at} />
      </td>
      <td className="fleet-queues" title={worker.queues.join(', ')}>
        {namesText(worker.queues)}
      </td>
      <td className="fleet-types" title={worker.capabilities.join(', ')}>
        {namesText(worker.capabilities)}
      </td>
    </tr>
  )
})

function Percent({ name, value }: { readonly name: string; readonly value: number | undefined }) {
  return (
    <td className={`number fleet-${name}${(value ?? 0) > 90 ? ' tone-failed' : ''}`}>
      {value === undefined ? '–' : `${Math.round(value)} %`}
    </td>
  )
}
