import { readSearch, type TaskSearch } from '../task-filter.ts'

let lastSearch: TaskSearch = {}

/** Told by the router at every move: the list of tasks that was open last is the one to walk over. */
export function rememberPlace(pathname: string, search: Record<string, unknown>): void {
  if (pathname === '/tasks') lastSearch = readSearch(search)
}

export function lastList(): TaskSearch {
  return lastSearch
}
