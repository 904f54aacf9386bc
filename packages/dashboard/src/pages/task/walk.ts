import { type InfiniteData, type QueryClient, type QueryKey, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { TaskPage } from '@tasklane/protocol'
import { useMemo } from 'react'
import { get, type Query } from '../../api/http.ts'
import { pageRows } from '../../api/queries.ts'
import { toastError } from '../../shell/toasts.tsx'
import { filterOf, type TaskSearch } from '../task-filter.ts'
import { orderOf, sortRows } from '../task-sort.ts'
import { cameFrom, type Origin } from './came-from.ts'

/** The list somebody came from, in its order, so that one task leads to the next. */
export interface Walk {
  readonly ids: readonly string[]
  readonly origin: Origin
  /** Of a list that goes on: what stands behind its last row. */
  readonly more: (() => Promise<string | undefined>) | null
}

/** Kept beyond the cache of the list: who has read for long can still go on. */
let walk: Walk | null = null

/** The neighbours of a task in the list one came from, and the way back to it. */
export function useWalk(id: string) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const found = useMemo(() => findWalk(client, id), [client, id])
  const at = found?.ids.indexOf(id) ?? -1
  const go = (next: string | undefined) =>
    next === undefined ? Promise.resolve() : navigate({ to: '/tasks/$id', params: { id: next } })
  const to = (next: string | undefined) => (next === undefined ? null : () => void go(next).catch(toastError))
  const more = found?.more ?? null
  const isLast = found !== null && at === found.ids.length - 1
  return {
    origin: found?.origin ?? ({ kind: 'list', search: {} } satisfies Origin),
    place: found === null ? null : { at: at + 1, of: found.ids.length, hasMore: more !== null },
    previous: at > 0 ? to(found?.ids[at - 1]) : null,
    next: isLast && more !== null ? () => void more().then(go).catch(toastError) : to(found?.ids[at + 1]),
  }
}

function findWalk(client: QueryClient, id: string): Walk | null {
  const origin = cameFrom()
  const fresh = origin.kind === 'page' ? { ids: origin.ids, origin, more: null } : walkOver(client, origin.search)
  if (fresh.ids.includes(id)) walk = fresh
  return walk?.ids.includes(id) === true ? walk : null
}

type Pages = InfiniteData<TaskPage>

/** The rows of the list with these filters, as they were shown last. */
function walkOver(client: QueryClient, search: TaskSearch): Walk {
  const wanted = keyOf(filterOf(search, 0))
  const [newest] = client
    .getQueryCache()
    .findAll({ queryKey: ['tasks', 'list'] })
    .filter(({ queryKey }) => keyOf(queryKey[2]) === wanted)
    .sort((one, other) => other.state.dataUpdatedAt - one.state.dataUpdatedAt)
  // The key stands for this shape; api/queries.ts makes it.
  const data = newest?.state.data as Pages | undefined
  const order = orderOf(search.sort)
  // In the order in which the list showed them.
  const rows = sortRows(
    (data?.pages ?? []).flatMap(page => page.tasks),
    order,
    Date.now(),
  )
  const ids = [...new Set(rows.map(task => task.task_id))]
  const cursor = data?.pages.at(-1)?.next_cursor ?? null
  const more =
    newest === undefined || cursor === null || order !== null ? null : () => readOn(client, newest.queryKey, cursor)
  return { ids, origin: { kind: 'list', search }, more }
}

/** The next page of a list goes where the list itself would put it. @returns its first task */
async function readOn(client: QueryClient, key: QueryKey, cursor: string): Promise<string | undefined> {
  const filter = key[2] as Query // As above.
  const page = await get<TaskPage>('api/tasks', { ...filter, limit: pageRows, cursor })
  client.setQueryData(key, (old: Pages | undefined) =>
    old === undefined || old.pages.at(-1)?.next_cursor !== cursor
      ? old
      : { pages: [...old.pages, page], pageParams: [...old.pageParams, cursor] },
  )
  return page.tasks[0]?.task_id
}

/** The moment from which a list counts back is another at each look. */
function keyOf(filter: unknown): string {
  if (typeof filter !== 'object' || filter === null) return ''
  const named = Object.entries(filter).filter(([name]) => name !== 'created_after')
  return JSON.stringify(named.sort(([one], [other]) => (one < other ? -1 : 1)))
}
