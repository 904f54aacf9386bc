import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { TaskPage } from '@tasklane/protocol'
import { useMemo } from 'react'
import { filterOf, type TaskSearch } from '../task-filter.ts'
import { lastList } from './came-from.ts'

/** The list somebody came from, in its order, so that one task leads to the next. */
export interface Walk {
  readonly ids: readonly string[]
  readonly search: TaskSearch
}

let walk: Walk | null = null

/** The neighbours of a task in the list one came from, and the way back to it. */
export function useWalk(id: string) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const found = useMemo(() => findWalk(client, id), [client, id])
  const at = found?.ids.indexOf(id) ?? -1
  const to = (next: string | undefined) =>
    next === undefined ? null : () => void navigate({ to: '/tasks/$id', params: { id: next } })
  return {
    search: found?.search ?? {},
    place: found === null ? null : { at: at + 1, of: found.ids.length },
    previous: at > 0 ? to(found?.ids[at - 1]) : null,
    next: at >= 0 ? to(found?.ids[at + 1]) : null,
  }
}

function findWalk(client: QueryClient, id: string): Walk | null {
  const ids = idsOf(client, lastList())
  if (ids.includes(id)) walk = { ids, search: lastList() }
  // The list may be gone from the cache when one has read for long: what was seen of it still leads on.
  return walk?.ids.includes(id) === true ? walk : null
}

/** @returns the rows of the list with these filters, as they were shown last */
function idsOf(client: QueryClient, search: TaskSearch): readonly string[] {
  const wanted = keyOf(filterOf(search, 0))
  const [newest] = client
    .getQueryCache()
    .findAll({ queryKey: ['tasks', 'list'] })
    .filter(({ queryKey }) => keyOf(queryKey[2]) === wanted)
    .sort((one, other) => other.state.dataUpdatedAt - one.state.dataUpdatedAt)
  // The key stands for this shape; api/queries.ts makes it.
  const data = newest?.state.data as { readonly pages: readonly TaskPage[] } | undefined
  return [...new Set((data?.pages ?? []).flatMap(page => page.tasks.map(task => task.task_id)))]
}

/** The moment from which a list counts back is another at each look. */
function keyOf(filter: unknown): string {
  if (typeof filter !== 'object' || filter === null) return ''
  const named = Object.entries(filter).filter(([name]) => name !== 'created_after')
  return JSON.stringify(named.sort(([one], [other]) => (one < other ? -1 : 1)))
}
