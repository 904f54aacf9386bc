import type { Json, Task } from '@tasklane/protocol'
import { createShared } from '../parts/store.ts'

export type Pair = readonly [key: string, value: string]

/** What the form of a submit holds; numbers and times as typed. */
export interface Draft {
  readonly type: string
  readonly payload: Json
  readonly queue: string
  readonly priority: number | null
  readonly name: string
  readonly description: string
  readonly delay: string
  /** Local time, as its field says it. */
  readonly at: string
  readonly timeout: string
  readonly hasNoTimeout: boolean
  readonly retries: string
  readonly dependencies: readonly string[]
  readonly proceeds: boolean
  readonly labels: readonly Pair[]
  readonly key: string
  /** Of a task that is run again: what it was, to see what is different now. */
  readonly origin: { readonly id: string; readonly payload: Json } | null
}

export const emptyDraft: Draft = {
  type: '',
  payload: null,
  queue: '',
  priority: null,
  name: '',
  description: '',
  delay: '',
  at: '',
  timeout: '',
  hasNoTimeout: false,
  retries: '',
  dependencies: [],
  proceeds: false,
  labels: [],
  key: '',
  origin: null,
}

/** The draft of the open drawer; null while it is closed. */
export const submitDrawer = createShared<Draft | null>(null)

/** A task as it would be submitted again; only what differs from the scheduler's own defaults is said. */
export function draftOf(task: Task): Draft {
  return {
    ...emptyDraft,
    type: task.task_type,
    payload: task.payload,
    queue: task.queue === 'default' ? '' : task.queue,
    priority: task.priority_source === 'declared' ? task.priority : null,
    name: task.name ?? '',
    description: task.description ?? '',
    timeout: task.timeout === null || task.timeout === 300 ? '' : String(task.timeout),
    hasNoTimeout: task.timeout === null,
    retries: task.max_retries === 5 ? '' : String(task.max_retries),
    labels: Object.entries(task.labels),
    origin: { id: task.task_id, payload: task.payload },
  }
}

/** The body of the call; fields that were left empty are left out, so that the scheduler's own defaults hold. */
export function bodyOf(draft: Draft): Record<string, Json> {
  const labels = Object.fromEntries(draft.labels.filter(([key]) => key.trim() !== ''))
  return {
    task_type: draft.type,
    ...(draft.payload === null ? {} : { payload: draft.payload }),
    ...(draft.queue === '' ? {} : { queue: draft.queue }),
    ...(draft.priority === null ? {} : { priority: draft.priority }),
    ...(draft.name === '' ? {} : { name: draft.name }),
    ...(draft.description === '' ? {} : { description: draft.description }),
    ...(draft.delay === '' ? {} : { delay: Number(draft.delay) }),
    ...(draft.at === '' ? {} : { run_at: instantOf(draft.at) }),
    ...(draft.hasNoTimeout ? { timeout: null } : draft.timeout === '' ? {} : { timeout: Number(draft.timeout) }),
    ...(draft.retries === '' ? {} : { max_retries: Number(draft.retries) }),
    ...(draft.dependencies.length === 0 ? {} : { dependencies: draft.dependencies }),
    ...(draft.dependencies.length > 0 && draft.proceeds ? { on_dependency_failure: 'proceed' } : {}),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(draft.key === '' ? {} : { idempotency_key: draft.key }),
  }
}

/** A time that is none goes as it is: the scheduler says what is wrong with it. */
function instantOf(local: string): string {
  const ms = Date.parse(local)
  return Number.isNaN(ms) ? local : new Date(ms).toISOString()
}

const keptKey = 'tasklane.draft'

/** What was begun and not submitted is there again when the drawer opens next, in this tab and for this person. */
export function keepDraft(who: string, draft: Draft): void {
  try {
    sessionStorage.setItem(keptKey, JSON.stringify({ who, draft }))
  } catch {
    // Storage is closed or full: the draft lasts as long as the drawer.
  }
}

export function keptDraft(who: string): Draft | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(keptKey) ?? 'null')
    if (typeof kept !== 'object' || kept === null || !('who' in kept) || kept.who !== who || !('draft' in kept))
      return null
    // Only this file writes it; fields that a newer version added are filled in.
    return { ...emptyDraft, ...(kept.draft as Partial<Draft>) }
  } catch {
    return null
  }
}

export function forgetDraft(): void {
  try {
    sessionStorage.removeItem(keptKey)
  } catch {
    // As above.
  }
}

export function isEmptyDraft(draft: Draft): boolean {
  return JSON.stringify(draft) === JSON.stringify(emptyDraft)
}
