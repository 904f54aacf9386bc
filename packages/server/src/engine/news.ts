import type { TaskState } from '@tasklane/protocol'
import type { JsonText, TaskId, TaskRecord, WorkerId } from '../core/task.ts'
import type { Hint } from '../ports/broker.ts'
import type { Changes, ExchangeBatch, ExchangeOutcome } from '../ports/store.ts'

/** What changed on this node, for whoever watches: as far as it is at hand, since no store is asked for it. */
export type News =
  /** `others` more changed that are not known by name, or on another node: look again. */
  | { readonly kind: 'tasks'; readonly changes: readonly TaskChange[]; readonly others: number }
  /** `others`: at another node. */
  | { readonly kind: 'workers'; readonly ids: readonly WorkerId[]; readonly others: number }
  | { readonly kind: 'queues'; readonly names: readonly string[]; readonly others: number }
  /** `others`: changes of rules and channels, or at another node. */
  | { readonly kind: 'alerts'; readonly numbers: readonly number[]; readonly others: number }

export interface TaskChange {
  readonly id: TaskId
  /** Absent fields are not at hand; null ones are null. */
  readonly type?: string
  readonly queue?: string
  readonly state?: TaskState
  readonly workerId?: WorkerId | null
  readonly attempt?: number
  readonly progress?: JsonText
  readonly submittedBy?: string | null
}

/** What the exchange did to tasks, but for those that ended: `Changes` tell them, here as of every other call. */
export function newsOfExchange(batch: ExchangeBatch, outcome: ExchangeOutcome): News {
  const changes: TaskChange[] = []
  for (const [at, { lease }] of batch.settles.entries()) {
    const state = outcome.settles[at]?.state
    if (state === 'pending' || state === 'scheduled') changes.push({ id: lease.taskId, state, workerId: null })
  }
  for (const [at, { drafts }] of batch.submits.entries()) {
    const verdict = outcome.submits[at]
    if (verdict?.kind !== 'accepted') continue
    for (const [index, receipt] of verdict.receipts.entries()) {
      const draft = drafts[index]
      if (draft === undefined || receipt.existing !== null) continue
      const { type, queue, submittedBy } = draft
      changes.push({
        id: receipt.taskId,
        type,
        queue,
        submittedBy,
        state: receipt.state,
        workerId: null,
        attempt: 0,
      })
    }
  }
  for (const beat of batch.beats) {
    if (beat.held === 'all') continue
    for (const { taskId, progress } of beat.held) if (progress !== null) changes.push({ id: taskId, progress })
  }
  for (const task of outcome.claims.flat()) changes.push(changeOf(task))
  return { kind: 'tasks', changes, others: 0 }
}

/** What ended, and how many became ready that are not told by name. */
export function newsOfChanges({ ready, ended }: Changes): News {
  return {
    kind: 'tasks',
    changes: ended.map(({ id, type, queue, state }) => ({ id, type, queue, state, workerId: null })),
    others: ready.reduce((sum, lane) => sum + lane.count, 0),
  }
}

/** A task as a call left it. */
export function changeOf({ id, type, queue, state, workerId, attempt, submittedBy }: TaskRecord): TaskChange {
  return { id, type, queue, state, workerId, attempt, submittedBy }
}

/** What another node's hint says to whoever watches here. */
export function newsOfHint(hint: Hint): News {
  if (hint.kind === 'ended') return { kind: 'tasks', changes: [], others: hint.taskIds.length }
  if (hint.kind !== 'changed' || hint.what === 'tasks') return { kind: 'tasks', changes: [], others: 1 }
  if (hint.what === 'workers') return { kind: 'workers', ids: [], others: 1 }
  return { kind: 'queues', names: [], others: 1 }
}

/** Whether pages show something of it that no other hint tells: what was claimed, and how far tasks are. */
export function isSeenOnly({ beats }: ExchangeBatch, { claims }: ExchangeOutcome): boolean {
  return (
    claims.some(tasks => tasks.length > 0) ||
    beats.some(({ held }) => held !== 'all' && held.some(({ progress }) => progress !== null))
  )
}
