import { useSyncExternalStore } from 'react'
import { readSearch, type TaskSearch } from './task-filter.ts'

/** The present filters, order and columns under a name. */
export interface SavedView {
  readonly name: string
  readonly search: TaskSearch
  /** Null leaves them as they are. */
  readonly hiddenColumns: readonly string[] | null
}

export const builtInViews: readonly SavedView[] = [
  { name: 'Failed today', search: { status: 'failed', since: '24h' }, hiddenColumns: null },
  { name: 'Running longest', search: { status: 'running', sort: '-ran' }, hiddenColumns: null },
  { name: 'Waiting longest', search: { status: 'pending', sort: '-wait' }, hiddenColumns: null },
  { name: 'Scheduled', search: { status: 'scheduled' }, hiddenColumns: null },
]

export const viewsMax = 50
export const viewNameCharsMax = 60

const key = 'tasklane.views'
const listeners = new Set<() => void>()
let views = read()

export function useSavedViews(): readonly SavedView[] {
  return useSyncExternalStore(listen, () => views)
}

/** One name stands for one view: saving under it again replaces it. */
export function saveView(view: SavedView): void {
  const others = views.filter(({ name }) => name !== view.name)
  write([...others, view].slice(-viewsMax))
}

export function renameView(from: string, to: string): void {
  const others = views.filter(({ name }) => name === from || name !== to)
  write(others.map(view => (view.name === from ? { ...view, name: to } : view)))
}

export function deleteView(name: string): void {
  write(views.filter(view => view.name !== name))
}

/** Whether both ask for the same, whatever the order in which it was said. */
export function isSameSearch(one: TaskSearch, other: TaskSearch): boolean {
  return textOf(one) === textOf(other)
}

function textOf(search: TaskSearch): string {
  return JSON.stringify(Object.entries(search).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function write(next: readonly SavedView[]): void {
  views = next
  try {
    localStorage.setItem(key, JSON.stringify(next))
  } catch {
    // Storage is closed or full: the views hold for this page only.
  }
  for (const tell of listeners) tell()
}

function listen(tell: () => void): () => void {
  listeners.add(tell)
  window.addEventListener('storage', onStorage)
  return () => {
    listeners.delete(tell)
    window.removeEventListener('storage', onStorage)
  }
}

/** Another page of this browser saved one. */
function onStorage(event: StorageEvent): void {
  if (event.key !== key) return
  views = read()
  for (const tell of listeners) tell()
}

function read(): readonly SavedView[] {
  try {
    return readViews(JSON.parse(localStorage.getItem(key) ?? '[]'))
  } catch {
    return []
  }
}

/** What stands in the storage may be of another version, or anybody's. */
export function readViews(stored: unknown): readonly SavedView[] {
  if (!Array.isArray(stored)) return []
  return stored.flatMap((each: unknown) => {
    if (typeof each !== 'object' || each === null || !('name' in each) || typeof each.name !== 'string') return []
    const search = 'search' in each && typeof each.search === 'object' ? { ...each.search } : {}
    const hidden: unknown = 'hiddenColumns' in each ? each.hiddenColumns : null
    const names = Array.isArray(hidden) ? hidden.filter(name => typeof name === 'string') : null
    return { name: each.name.slice(0, viewNameCharsMax), search: readSearch(search), hiddenColumns: names }
  })
}
