import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { BulkAction, Task } from '@tasklane/protocol'
import { ArrowUp, LoaderCircle, Plus } from 'lucide-react'
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from 'react'
import { headRows, taskHeadQuery, taskListQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'
import { patchPage } from '../live/patch.ts'
import { Button, Failure, NoMatch, Nothing, PageHead, Skeleton, Stale } from '../parts/basic.tsx'
import { exactCount } from '../parts/format.ts'
import { useKeys } from '../shell/keys.ts'
import { useMay } from '../shell/me.ts'
import { emptyDraft, submitDrawer } from '../submit/drafts.ts'
import { ExportMenu } from './export-menu.tsx'
import { type Asked, BulkDialog } from './task-actions.tsx'
import { BulkBar, ColumnMenu, fitsAction } from './task-bars.tsx'
import { bodyFilterOf, filterOf, isFiltered, type TaskSearch } from './task-filter.ts'
import { FilterBar } from './task-filters.tsx'
import { nextSort, orderOf, sortedRowsMax, sortRows } from './task-sort.ts'
import { TaskTable } from './task-table.tsx'
import { ViewMenu } from './view-menu.tsx'
import '../styles/tasks.css'

const TaskPeek = lazy(() => import('./task-peek.tsx').then(({ TaskPeek }) => ({ default: TaskPeek })))

export function Tasks() {
  const search: TaskSearch = useSearch({ from: '/tasks' })
  const navigate = useNavigate()
  const { sort: _, ...filters } = search
  const key = JSON.stringify(filters)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the moment stands still until the filters change
  const now = useMemo(() => Date.now(), [key])
  // biome-ignore lint/correctness/useExhaustiveDependencies: another order asks for the same tasks
  const filter = useMemo(() => filterOf(search, now), [key, now])
  const setSearch = useCallback(
    (next: TaskSearch) => void navigate({ to: '/tasks', search: next, replace: true }),
    [navigate],
  )
  return (
    <div className="page page-full">
      <PageHead title="Tasks">
        <ViewMenu search={search} onChange={setSearch} />
        <ExportMenu filter={filter} />
        <ColumnMenu />
      </PageHead>
      <FilterBar search={search} onChange={setSearch} />
      <List key={key} search={search} filter={filter} now={now} onChange={setSearch} />
    </div>
  )
}

interface ListProps {
  readonly search: TaskSearch
  readonly filter: ReturnType<typeof filterOf>
  readonly now: number
  readonly onChange: (search: TaskSearch) => void
}

function List({ search, filter, now, onChange }: ListProps) {
  const client = useQueryClient()
  const list = useInfiniteQuery(taskListQuery({ ...filter }))
  const fetched = useMemo(() => rowsOf(list.data?.pages), [list.data])
  const rows = useSorted(fetched, search.sort, list)
  const [peeked, setPeeked] = useState<string | null>(null)
  const fresh = useNewRows(filter, fetched, !list.isPending)
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [isAll, setAll] = useState(false)
  const [asked, setAsked] = useState<Asked | null>(null)
  const mayChange = useMay('tasks.change')
  const states = useMemo(
    () => (isAll ? null : new Set(rows.filter(row => selected.has(row.task_id)).map(row => row.status))),
    [isAll, rows, selected],
  )

  const showNew = useCallback(() => {
    const { queryKey } = taskListQuery({ ...filter })
    client.setQueryData(
      queryKey,
      old => old && { pages: old.pages.slice(0, 1), pageParams: old.pageParams.slice(0, 1) },
    )
    void client.invalidateQueries({ queryKey })
    document.querySelector('.table-scroll')?.scrollTo({ top: 0 })
  }, [client, filter])
  useKeys({ '.': showNew })
  useEffect(() => {
    // An empty list has nothing that could jump.
    if (fresh > 0 && rows.length === 0) showNew()
  }, [fresh, rows.length, showNew])

  if (list.isPending) return <Loading search={search} onChange={onChange} />
  if (list.data === undefined) return <Failure error={list.error} onRetry={() => void list.refetch()} />
  if (rows.length === 0) return isFiltered(search) ? <NoMatch onClear={() => onChange({})} /> : <NoTasks />
  const target = isAll ? { filter: bodyFilterOf(search, now) } : { ids: [...selected] }
  const clear = () => {
    setSelected(new Set())
    setAll(false)
  }
  return (
    <>
      <Stale error={list.error} at={list.dataUpdatedAt} />
      <div className="table-tools">
        <span className="faint" role="status">
          {exactCount(rows.length)}
          {list.hasNextPage ? ' newest' : rows.length === 1 ? ' task' : ' tasks'}
          {search.sort !== undefined && list.hasNextPage ? ', sorted among themselves' : ''}
        </span>
        {fresh > 0 ? (
          <button type="button" className="chip chip-new" onClick={showNew} title="Show them (.)">
            <ArrowUp size={13} aria-hidden="true" /> {fresh >= headRows ? `${headRows}+` : fresh} new
          </button>
        ) : null}
      </div>
      {mayChange && selected.size > 0 ? (
        <BulkBar
          search={search}
          now={now}
          selected={selected.size}
          states={states}
          isAll={isAll}
          hasMore={list.hasNextPage || selected.size < rows.length}
          onAll={() => setAll(true)}
          onAct={action => setAsked({ action, target, ...(isAll ? {} : { fits: fitsOf(action, rows, selected) }) })}
          onClear={clear}
        />
      ) : null}
      <TaskTable
        rows={rows}
        selected={selected}
        onSelect={mayChange ? next => [setSelected(next), setAll(false)] : null}
        hasMore={list.hasNextPage}
        isFetchingMore={list.isFetchingNextPage}
        onMore={() => void list.fetchNextPage()}
        sort={search.sort}
        onSort={column => {
          const { sort, ...rest } = search
          const next = nextSort(sort, column)
          onChange(next === '' ? rest : { ...rest, sort: next })
        }}
        onPeek={setPeeked}
        onAct={(action, id) => setAsked({ action, target: { ids: [id] } })}
      />
      <Suspense>{peeked === null ? null : <Peek rows={rows} id={peeked} onPeek={setPeeked} />}</Suspense>
      {asked === null ? null : (
        <BulkDialog
          asked={asked}
          onClose={isDone => {
            setAsked(null)
            if (isDone) {
              clear()
              void list.refetch()
            }
          }}
        />
      )}
    </>
  )
}

function fitsOf(action: BulkAction, rows: readonly Task[], selected: ReadonlySet<string>): number {
  return rows.filter(row => selected.has(row.task_id) && fitsAction(action, row.status)).length
}

interface PeekProps {
  readonly rows: readonly Task[]
  readonly id: string
  readonly onPeek: (id: string | null) => void
}

function Peek({ rows, id, onPeek }: PeekProps) {
  const at = rows.findIndex(row => row.task_id === id)
  const to = (row: Task | undefined) => (row === undefined ? null : () => onPeek(row.task_id))
  return (
    <TaskPeek
      id={id}
      onClose={() => onPeek(null)}
      onPrevious={to(at > 0 ? rows[at - 1] : undefined)}
      onNext={to(at === -1 ? undefined : rows[at + 1])}
    />
  )
}

interface MoreRows {
  readonly hasNextPage: boolean
  readonly isFetchingNextPage: boolean
  fetchNextPage(): unknown
}

/** In the order asked for: all that match, or as many of the newest as are fetched for it. */
function useSorted(rows: readonly Task[], sort: string | undefined, list: MoreRows): readonly Task[] {
  const order = orderOf(sort)
  const isShort = order !== null && list.hasNextPage && !list.isFetchingNextPage && rows.length < sortedRowsMax
  useEffect(() => {
    if (isShort) void list.fetchNextPage()
  }, [isShort, list])
  // biome-ignore lint/correctness/useExhaustiveDependencies: the order is what the text says
  return useMemo(() => sortRows(rows, order, Date.now()), [rows, sort])
}

/** A text is looked for in every task, which takes its time where there are many: that is said, and can be stopped. */
function Loading({ search, onChange }: Pick<ListProps, 'search' | 'onChange'>) {
  const { q, ...rest } = search
  return (
    <>
      {q === undefined ? null : (
        <div className="table-tools searching">
          <span className="faint clip" role="status">
            <LoaderCircle size={14} aria-hidden="true" className="turning" /> Searching all tasks for “{q}”…
          </span>
          <Button isSmall onClick={() => onChange(rest)}>
            Stop
          </Button>
        </div>
      )}
      <Skeleton rows={12} />
    </>
  )
}

function NoTasks() {
  const maySubmit = useMay('tasks.submit')
  return (
    <Nothing title="No tasks yet">
      <p>A task that is submitted is here at once, and stays until its retention is over.</p>
      {maySubmit ? (
        <Button look="primary" icon={Plus} onClick={() => submitDrawer.set(emptyDraft)}>
          Submit the first one
        </Button>
      ) : null}
    </Nothing>
  )
}

/** Pages may overlap where tasks came between two fetches; a row stands once. */
function rowsOf(pages: readonly { readonly tasks: readonly Task[] }[] | undefined): readonly Task[] {
  const seen = new Set<string>()
  const rows: Task[] = []
  for (const page of pages ?? []) {
    for (const task of page.tasks) {
      if (seen.has(task.task_id)) continue
      seen.add(task.task_id)
      rows.push(task)
    }
  }
  return rows
}

/** How many rows stand above the list by now. What the look at them says of rows that are shown is taken over. */
function useNewRows(filter: ReturnType<typeof filterOf>, rows: readonly Task[], isReady: boolean): number {
  const client = useQueryClient()
  const interval = useInterval(3_000)
  // Nothing is new above a list that is not there yet, and two searches at once take twice as long.
  const head = useQuery({ ...taskHeadQuery({ ...filter }), refetchInterval: interval, enabled: isReady })
  const known = useMemo(() => new Set(rows.map(row => row.task_id)), [rows])
  useEffect(() => {
    if (head.data === undefined) return
    const changes = new Map(head.data.tasks.map(task => [task.task_id, task]))
    client.setQueryData(taskListQuery({ ...filter }).queryKey, old => {
      if (old === undefined) return old
      const pages = old.pages.map(page => patchPage(page, changes))
      return pages.every((page, index) => page === old.pages[index]) ? old : { ...old, pages }
    })
  }, [client, head.data, filter])
  if (head.data === undefined) return 0
  const newest = rows[0]?.created_at ?? ''
  return head.data.tasks.filter(task => !known.has(task.task_id) && task.created_at >= newest).length
}
