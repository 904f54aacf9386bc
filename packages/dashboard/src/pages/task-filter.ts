import type { TaskFilterQuery } from '@tasklane/protocol'

/** The filters as they stand in the address. */
export interface TaskSearch {
  readonly status?: string
  readonly type?: string
  readonly queue?: string
  readonly worker?: string
  readonly label?: string
  readonly q?: string
  readonly since?: string
  readonly pmin?: string
  readonly pmax?: string
  readonly fingerprint?: string
  /** The order of the rows; no filter. */
  readonly sort?: string
}

const names = [
  'status',
  'type',
  'queue',
  'worker',
  'label',
  'q',
  'since',
  'pmin',
  'pmax',
  'fingerprint',
  'sort',
] as const

export const spans: Readonly<Record<string, readonly [text: string, minutes: number]>> = {
  '15m': ['Last 15 minutes', 15],
  '1h': ['Last hour', 60],
  '6h': ['Last 6 hours', 360],
  '24h': ['Last 24 hours', 1_440],
  '7d': ['Last 7 days', 10_080],
}

/** Reads an address that anyone may have written: what is no text is left out. */
export function readSearch(given: Record<string, unknown>): TaskSearch {
  const search: Record<string, string> = {}
  for (const name of names) {
    const value = given[name]
    if (typeof value === 'number' || (typeof value === 'string' && value !== '')) search[name] = String(value)
  }
  return search
}

/** @param now the moment from which `since` counts back; kept by the caller, or each look would be another question */
export function filterOf(search: TaskSearch, now: number): TaskFilterQuery {
  const span = search.since === undefined ? undefined : spans[search.since]
  const query = {
    status: search.status,
    task_type: search.type,
    queue: search.queue,
    worker_id: search.worker,
    label: search.label,
    q: search.q,
    priority_min: search.pmin,
    priority_max: search.pmax,
    fingerprint: search.fingerprint,
    created_after: span === undefined ? undefined : new Date(now - span[1] * 60_000).toISOString(),
  }
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined))
}

/** In a body numbers are numbers; in an address everything is text. */
export function bodyFilterOf(search: TaskSearch, now: number): TaskFilterQuery {
  const entries = Object.entries(filterOf(search, now))
  return Object.fromEntries(
    entries.map(([name, value]) => [name, name.startsWith('priority_') ? Number(value) : value]),
  )
}

export function isFiltered(search: TaskSearch): boolean {
  return Object.keys(search).some(name => name !== 'sort')
}
