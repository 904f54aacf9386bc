import { Link, useNavigate } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import type { Task } from '@tasklane/protocol'
import { memo, type ReactNode, useCallback, useEffect, useRef } from 'react'
import { Bar } from '../parts/basic.tsx'
import { exactCount, span } from '../parts/format.ts'
import { State } from '../parts/state.tsx'
import { Lasted, Time } from '../parts/time.tsx'
import { useKeys } from '../shell/keys.ts'
import { usePreferences } from '../shell/preferences.ts'

export interface Column {
  readonly id: string
  readonly text: string
  readonly cell: (task: Task) => ReactNode
}

export const columns: readonly Column[] = [
  { id: 'state', text: 'State', cell: task => <StateCell task={task} /> },
  { id: 'task', text: 'Task', cell: task => <NameCell task={task} /> },
  { id: 'type', text: 'Type', cell: task => <code>{task.task_type}</code> },
  { id: 'queue', text: 'Queue', cell: task => task.queue },
  { id: 'priority', text: 'Priority', cell: task => <span className="number">{task.priority}</span> },
  { id: 'worker', text: 'Worker', cell: task => task.worker_id ?? <span className="faint">–</span> },
  { id: 'attempt', text: 'Attempt', cell: task => <AttemptCell task={task} /> },
  { id: 'created', text: 'Created', cell: task => <Time at={task.created_at} /> },
  { id: 'wait', text: 'Waited', cell: task => waitOf(task) },
  { id: 'ran', text: 'Ran', cell: task => <Lasted from={task.started_at} to={task.completed_at} /> },
]

const rowHeight = 40

interface TableProps {
  readonly rows: readonly Task[]
  readonly selected: ReadonlySet<string>
  /** Null where nobody may act on tasks: there is nothing to tick then. */
  readonly onSelect: ((next: ReadonlySet<string>) => void) | null
  readonly hasMore: boolean
  readonly isFetchingMore: boolean
  readonly onMore: () => void
}

/** A real table, of which only the rows in sight are in the document. */
export function TaskTable({ rows, selected, onSelect, hasMore, isFetchingMore, onMore }: TableProps) {
  const scroll = useRef<HTMLDivElement>(null)
  const { hiddenColumns } = usePreferences()
  const shown = columns.filter(({ id }) => !hiddenColumns.includes(id))
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    getItemKey: index => rows[index]?.task_id ?? index,
  })
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (hasMore && !isFetchingMore && last >= rows.length - 20) onMore()
  }, [hasMore, isFetchingMore, last, rows.length, onMore])
  useRowKeys(scroll)

  const above = items[0]?.start ?? 0
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  const width = shown.length + (onSelect === null ? 0 : 1)
  // One function for all paints, or every row would be drawn anew at each.
  const latest = useRef({ selected, onSelect })
  latest.current = { selected, onSelect }
  const toggle = useCallback((id: string) => {
    const next = new Set(latest.current.selected)
    if (!next.delete(id)) next.add(id)
    latest.current.onSelect?.(next)
  }, [])
  const areAll = selected.size > 0 && selected.size === rows.length
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section className="table-scroll" ref={scroll} tabIndex={0} aria-label="Tasks">
      <table className="table" aria-rowcount={hasMore ? -1 : rows.length + 1}>
        <thead>
          <tr>
            {onSelect === null ? null : (
              <th className="col-tick">
                <input
                  type="checkbox"
                  aria-label={`Select the ${exactCount(rows.length)} tasks of the list`}
                  checked={areAll}
                  onChange={() => onSelect(areAll ? new Set() : new Set(rows.map(row => row.task_id)))}
                />
              </th>
            )}
            {shown.map(({ id, text }) => (
              <th key={id} className={`col-${id}`} scope="col">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {above > 0 ? <Spacer height={above} width={width} /> : null}
          {items.map(({ index, key }) => {
            const task = rows[index]
            return task === undefined ? null : (
              <Row
                key={key}
                task={task}
                index={index}
                columnIds={shown.map(({ id }) => id).join()}
                isSelected={selected.has(task.task_id)}
                onToggle={onSelect === null ? null : toggle}
              />
            )
          })}
          {below > 0 ? <Spacer height={below} width={width} /> : null}
        </tbody>
      </table>
      {isFetchingMore ? <p className="more faint">Fetching more…</p> : null}
    </section>
  )
}

function Spacer({ height, width }: { readonly height: number; readonly width: number }) {
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it can be focused
    <tr aria-hidden="true" className="spacer" style={{ height }}>
      <td colSpan={width} />
    </tr>
  )
}

interface RowProps {
  readonly task: Task
  readonly index: number
  readonly columnIds: string
  readonly isSelected: boolean
  readonly onToggle: ((id: string) => void) | null
}

const Row = memo(function Row({ task, index, columnIds, isSelected, onToggle }: RowProps) {
  const navigate = useNavigate()
  const shown = columnIds.split(',')
  const open = (event: React.MouseEvent) => {
    // The link of the row is for the keyboard and for new tabs; a click anywhere else opens the task, too.
    if (event.target instanceof HTMLElement && event.target.closest('a, input, button') !== null) return
    if (getSelection()?.toString() !== '') return
    void navigate({ to: '/tasks/$id', params: { id: task.task_id } })
  }
  return (
    <tr data-id={task.task_id} aria-rowindex={index + 2} aria-selected={isSelected} className="row" onClick={open}>
      {onToggle === null ? null : (
        <td className="col-tick">
          <input
            type="checkbox"
            aria-label={`Select ${task.name ?? task.task_id}`}
            checked={isSelected}
            onChange={() => onToggle(task.task_id)}
          />
        </td>
      )}
      {columns
        .filter(({ id }) => shown.includes(id))
        .map(({ id, cell }) => (
          <td key={id} className={`col-${id}`}>
            {cell(task)}
          </td>
        ))}
    </tr>
  )
})

function StateCell({ task }: { readonly task: Task }) {
  const percent = task.status === 'running' ? task.progress?.percent : undefined
  return (
    <div className="state-cell">
      <State state={task.status} />
      {percent === undefined ? null : <Bar percent={percent} label={`${percent} per cent done`} />}
    </div>
  )
}

function NameCell({ task }: { readonly task: Task }) {
  return (
    <Link to="/tasks/$id" params={{ id: task.task_id }} className="row-link">
      <span className="row-name">{task.name ?? task.task_type}</span>
      <code className="row-id">{task.task_id}</code>
    </Link>
  )
}

function AttemptCell({ task }: { readonly task: Task }) {
  return (
    <span className={task.attempt > 1 ? 'number tone-pending' : 'number'}>
      {task.attempt}
      <span className="faint"> / {task.max_retries + 1}</span>
    </span>
  )
}

function waitOf(task: Task): ReactNode {
  if (task.started_at !== null) return span(Date.parse(task.started_at) - Date.parse(task.run_at ?? task.created_at))
  return task.completed_at === null ? <Lasted from={task.created_at} to={null} /> : '–'
}

/** j and k walk over the rows, x ticks one; Enter is the link's own. */
function useRowKeys(scroll: React.RefObject<HTMLDivElement | null>): void {
  const step = (by: number) => {
    const links = [...(scroll.current?.querySelectorAll<HTMLElement>('.row-link') ?? [])]
    const at = links.indexOf(document.activeElement as HTMLElement) // What has the focus may be none of them: then -1.
    links[Math.max(0, at + by)]?.focus()
  }
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    x: () => document.activeElement?.closest('tr')?.querySelector<HTMLInputElement>('input[type=checkbox]')?.click(),
  })
}
