import { readSearch, type TaskSearch } from '../task-filter.ts'

/** The list of tasks with its filters, or a short list on another page. */
export type Origin =
  | { readonly kind: 'list'; readonly search: TaskSearch }
  | { readonly kind: 'page'; readonly ids: readonly string[]; readonly path: string; readonly text: string }

let origin: Origin = { kind: 'list', search: {} }

/** Told by the router at every move: the list of tasks that was open last is the one to walk over. */
export function rememberPlace(pathname: string, search: Record<string, unknown>): void {
  if (pathname === '/tasks') origin = { kind: 'list', search: readSearch(search) }
}

/** Told by a list on another page when one of its tasks is opened. */
export function rememberPage(ids: readonly string[], text: string): void {
  origin = { kind: 'page', ids, path: location.hash, text }
}

export function cameFrom(): Origin {
  return origin
}
