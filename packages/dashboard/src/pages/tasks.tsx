import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { Task } from '@tasklane/protocol'
import { ArrowUp, Plus } from 'lucide-react'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { headRows, taskHeadQuery, taskListQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'
import { patchPage } from '../live/patch.ts'
import { Button, Failure, NoMatch, Nothing, PageHead, Skeleton, Stale } from '../parts/basic.tsx'
import { exactCount } from '../parts/format.ts'
import { useKeys } from '../shell/keys.ts'
import { useMay } from '../shell/me.ts'
import { emptyDraft, submitDrawer } from '../submit/drafts.ts'
import { type Asked, BulkDialog } from './task-actions.tsx'
import { BulkBar, ColumnMenu, ExportMenu } from './task-bars.tsx'
import { bodyFilterOf, filterOf, isFiltered, type TaskSearch } from './task-filter.ts'
import { FilterBar } from './task-filters.tsx'
import { TaskTable } from './task-table.tsx'

export function Tasks() {
  const search: TaskSearch = useSearch({ from: '/tasks' })
  const navigate = useNavigate()
  const key = JSON.stringify(search)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the moment stands still until the filters change
  const now = useMemo(() => Date.now(), [key])
  const filter = useMemo(() => filterOf(search, now), [search, now])
  const setSearch = useCallback(
    (next: TaskSearch) => void navigate({ to: '/tasks', search: next, replace: true }),
    [navigate],
  )
  return (
    <div className="page page-full">
      <PageHead title="Tasks">
        <ExportMenu filter={filter} />
        <ColumnMenu />
      </PageHead>
      <FilterBar search={search} onChange={setSearch} />
      <List key={key} search={search} now={now} onClear={() => setSearch({})} />
    </div>
  )
}

function List({ search, now, onClear }: { search: TaskSearch; now: number; onClear: () => void }) {
  const filter = useMemo(() => filterOf(search, now), [search, now])
  const client = useQueryClient()
  const list = useInfiniteQuery(taskListQuery({ ...filter }))
  const rows = useMemo(() => rowsOf(list.data?.pages), [list.data])
  const fresh = useNewRows(filter, rows)
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [isAll, setAll] = useState(false)
  const [asked, setAsked] = useState<Asked | null>(null)
  const mayChange = useMay('tasks.change')

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

  if (list.isPending) return <Skeleton rows={12} />
  if (list.data === undefined) return <Failure error={list.error} onRetry={() => void list.refetch()} />
  if (rows.length === 0) return isFiltered(search) ? <NoMatch onClear={onClear} /> : <NoTasks />
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
          isAll={isAll}
          hasMore={list.hasNextPage || selected.size < rows.length}
          onAll={() => setAll(true)}
          onAct={action => setAsked({ action, target })}
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
      />
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
function useNewRows(filter: ReturnType<typeof filterOf>, rows: readonly Task[]): number {
  const client = useQueryClient()
  const interval = useInterval(3_000)
  const head = useQuery({ ...taskHeadQuery({ ...filter }), refetchInterval: interval })
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
