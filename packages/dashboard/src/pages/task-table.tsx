import { Link, useNavigate } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import type { BulkAction, Task } from '@tasklane/protocol'
import { ArrowDown, ArrowUp, Ban, Copy, PanelRight, RotateCcw } from 'lucide-react'
import { memo, type ReactNode, useCallback, useEffect, useRef } from 'react'
import { Bar, Button, copyText } from '../parts/basic.tsx'
import { exactCount, span } from '../parts/format.ts'
import { State } from '../parts/state.tsx'
import { Lasted, Time } from '../parts/time.tsx'
import { useKeys } from '../shell/keys.ts'
import { usePreferences } from '../shell/preferences.ts'
import { toast } from '../shell/toasts.tsx'
import { isSortable, orderOf } from './task-sort.ts'

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
const denseRowHeight = 31

interface TableProps {
  readonly rows: readonly Task[]
  readonly selected: ReadonlySet<string>
  /** Null where nobody may act on tasks: there is nothing to tick then. */
  readonly onSelect: ((next: ReadonlySet<string>) => void) | null
  readonly hasMore: boolean
  readonly isFetchingMore: boolean
  readonly onMore: () => void
  readonly sort: string | undefined
  readonly onSort: (column: string) => void
  readonly onPeek: (id: string) => void
  readonly onAct: (action: BulkAction, id: string) => void
}

/** A real table, of which only the rows in sight are in the document. */
export function TaskTable(props: TableProps) {
  const { rows, selected, onSelect, hasMore, isFetchingMore, onMore, onPeek, onAct } = props
  const scroll = useRef<HTMLDivElement>(null)
  const { hiddenColumns, isDense } = usePreferences()
  const shown = columns.filter(({ id }) => !hiddenColumns.includes(id))
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => (isDense ? denseRowHeight : rowHeight),
    overscan: 12,
    getItemKey: index => rows[index]?.task_id ?? index,
  })
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (hasMore && !isFetchingMore && last >= rows.length - 20) onMore()
  }, [hasMore, isFetchingMore, last, rows.length, onMore])
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows have another height then
  useEffect(() => virtual.measure(), [isDense, virtual])
  useRowKeys(scroll, rows, onAct)

  const above = items[0]?.start ?? 0
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  const width = shown.length + (onSelect === null ? 0 : 1)
  // One function for all paints, or every row would be drawn anew at each.
  const latest = useRef({ selected, onSelect, rows, onPeek, onAct })
  latest.current = { selected, onSelect, rows, onPeek, onAct }
  const anchor = useRef<string | null>(null)
  const toggle = useCallback((id: string, isRange: boolean) => {
    const { selected: before, onSelect: choose, rows: list } = latest.current
    const next = new Set(before)
    if (isRange) for (const each of between(list, anchor.current, id)) next.add(each)
    else if (!next.delete(id)) next.add(id)
    anchor.current = id
    choose?.(next)
  }, [])
  const peek = useCallback((id: string) => latest.current.onPeek(id), [])
  const act = useCallback((action: BulkAction, id: string) => latest.current.onAct(action, id), [])
  const order = orderOf(props.sort)
  const areAll = selected.size > 0 && selected.size === rows.length
  return (
    // biome-ignore-start lint/a11y: what scrolls must be reachable by the keyboard, and its rows hear keys
    <section
      className={isDense ? 'table-scroll dense' : 'table-scroll'}
      ref={scroll}
      tabIndex={0}
      aria-label="Tasks"
      onKeyDown={event => peekBySpace(event, onPeek)}
    >
      {/* biome-ignore-end lint/a11y: as above */}
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
              <th key={id} className={`col-${id}`} scope="col" aria-sort={sortWord(order, id)}>
                {isSortable(id) ? (
                  <button
                    type="button"
                    className={order?.column === id ? 'sorter sorted' : 'sorter'}
                    onClick={() => props.onSort(id)}
                  >
                    {text}
                    {order?.column !== id ? null : order.isDown ? (
                      <ArrowDown size={13} aria-hidden="true" />
                    ) : (
                      <ArrowUp size={13} aria-hidden="true" />
                    )}
                  </button>
                ) : (
                  text
                )}
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
                onPeek={peek}
                onAct={onSelect === null ? null : act}
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

function sortWord(order: ReturnType<typeof orderOf>, column: string): 'ascending' | 'descending' | undefined {
  if (order?.column !== column) return undefined
  return order.isDown ? 'descending' : 'ascending'
}

/** The ids from one row to the other, both included, whichever stands first. */
function between(rows: readonly Task[], from: string | null, to: string): readonly string[] {
  const ends = [rows.findIndex(row => row.task_id === from), rows.findIndex(row => row.task_id === to)]
  const [first = -1, last = -1] = ends.sort((one, other) => one - other)
  return rows.slice(first === -1 ? last : first, last + 1).map(row => row.task_id)
}

/** On a row, the space bar would only scroll. */
function peekBySpace(event: React.KeyboardEvent, onPeek: (id: string) => void): void {
  const { target } = event
  const isRow = target instanceof HTMLElement && target.matches('.row-link')
  const id = isRow ? target.closest('tr')?.dataset.id : undefined
  if (event.key !== ' ' || id === undefined) return
  event.preventDefault()
  onPeek(id)
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
  readonly onToggle: ((id: string, isRange: boolean) => void) | null
  readonly onPeek: (id: string) => void
  readonly onAct: ((action: BulkAction, id: string) => void) | null
}

const Row = memo(function Row({ task, index, columnIds, isSelected, onToggle, onPeek, onAct }: RowProps) {
  const navigate = useNavigate()
  const shown = columnIds.split(',')
  const open = (event: React.MouseEvent) => {
    // The link of the row is for the keyboard and for new tabs; a click anywhere else opens the task, too.
    // An icon is an element, and none of HTML.
    if (event.target instanceof Element && event.target.closest('a, input, button') !== null) return
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
            onClick={event => onToggle(task.task_id, event.shiftKey)}
            readOnly
          />
        </td>
      )}
      {columns
        .filter(({ id }) => shown.includes(id))
        .map(({ id, cell }) => (
          <td key={id} className={`col-${id}`}>
            {cell(task)}
            {id === shown.at(-1) ? <RowActions task={task} onPeek={onPeek} onAct={onAct} /> : null}
          </td>
        ))}
    </tr>
  )
})

type RowActionsProps = Pick<RowProps, 'task' | 'onPeek' | 'onAct'>

/** For the mouse; who has the keyboard has a key for each. */
function RowActions({ task: { task_id: id, status }, onPeek, onAct }: RowActionsProps) {
  const copy = () => void copyText(id).then(() => toast('good', `Copied ${id}.`))
  const own = { look: 'ghost', isSmall: true, tabIndex: -1 } as const
  return (
    <span className="row-actions">
      {onAct !== null && canCancel(status) ? (
        <Button {...own} icon={Ban} label="Cancel (c)" onClick={() => onAct('cancel', id)} />
      ) : null}
      {onAct !== null && canRetry(status) ? (
        <Button {...own} icon={RotateCcw} label="Retry (r)" onClick={() => onAct('retry', id)} />
      ) : null}
      <Button {...own} icon={Copy} label="Copy the id" onClick={copy} />
      <Button {...own} icon={PanelRight} label="Look at it here (space)" onClick={() => onPeek(id)} />
    </span>
  )
}

function canCancel(status: Task['status']): boolean {
  return status === 'pending' || status === 'scheduled' || status === 'blocked' || status === 'running'
}

function canRetry(status: Task['status']): boolean {
  return status === 'failed' || status === 'cancelled'
}

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
      <span className="row-name" dir="auto">
        {task.name ?? task.task_type}
      </span>
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

/** j and k walk over the rows, x ticks one, and with shift all up to it; Enter is the link's own. */
function useRowKeys(
  scroll: React.RefObject<HTMLElement | null>,
  rows: readonly Task[],
  onAct: (action: BulkAction, id: string) => void,
): void {
  const step = (by: number) => {
    const links = [...(scroll.current?.querySelectorAll<HTMLElement>('.row-link') ?? [])]
    const at = links.indexOf(document.activeElement as HTMLElement) // What has the focus may be none of them: then -1.
    links[Math.max(0, at + by)]?.focus()
  }
  const row = () => document.activeElement?.closest('tr')
  const tick = (shiftKey: boolean) => {
    const box = row()?.querySelector<HTMLInputElement>('input[type=checkbox]')
    box?.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, shiftKey }))
  }
  const actOnRow = (action: BulkAction, isPossible: (status: Task['status']) => boolean) => {
    const task = rows.find(each => each.task_id === row()?.dataset.id)
    if (task !== undefined && isPossible(task.status) && scroll.current?.querySelector('.col-tick') !== null)
      onAct(action, task.task_id)
  }
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    x: () => tick(false),
    // biome-ignore lint/correctness/noComponentHookFactories: the key is a capital, and no component
    X: () => tick(true),
    c: () => actOnRow('cancel', canCancel),
    r: () => actOnRow('retry', canRetry),
  })
}
