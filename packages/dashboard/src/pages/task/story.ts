import { type Attempt, isFinished, type Task } from '@tasklane/protocol'
import { span } from '../../parts/format.ts'

/** One attempt of a task on its line of time: how long it waited before, how it ran, and where it went from there. */
export interface Step {
  readonly attempt: Attempt
  /** When the wait before it began. */
  readonly waitedFromMs: number
  readonly fromMs: number
  /** Null while it runs. */
  readonly toMs: number | null
  /** What became of the task by it, in a few words. */
  readonly branch: string
}

export function storyOf(task: Task, attempts: readonly Attempt[]): readonly Step[] {
  // Attempts that were started by hand anew come after an end; their wait is told from the end before.
  let waitedFromMs = Date.parse(task.created_at)
  return attempts.map((attempt, index) => {
    const fromMs = Date.parse(attempt.started_at)
    const toMs = attempt.ended_at === null ? null : Date.parse(attempt.ended_at)
    const step = { attempt, waitedFromMs: Math.min(waitedFromMs, fromMs), fromMs, toMs }
    waitedFromMs = toMs ?? fromMs
    return { ...step, branch: branchOf(task, attempt, attempts[index + 1], toMs) }
  })
}

function branchOf(task: Task, attempt: Attempt, next: Attempt | undefined, endMs: number | null): string {
  if (attempt.outcome === 'running') return 'runs now'
  const then = nextOf(task, next, endMs)
  switch (attempt.outcome) {
    case 'completed':
      return 'done'
    case 'cancelled':
      return 'cancelled'
    case 'released':
      return `given back, uncharged; ${then}`
    case 'crashed':
      return `lost its lease; ${then}`
    case 'timeout':
      return `took longer than ${task.timeout ?? '?'} s; ${then}`
    case 'failed':
      return then
  }
}

function nextOf(task: Task, next: Attempt | undefined, endMs: number | null): string {
  if (next !== undefined && endMs !== null) {
    const pause = Date.parse(next.started_at) - endMs
    return next.attempt <= 1 && pause > 0 ? `started anew after ${span(pause)}` : `tried again after ${span(pause)}`
  }
  if (task.status === 'failed') return isOutOfTries(task) ? 'no retries left' : 'not to be retried'
  if (isFinished(task.status)) return task.status
  if (task.status === 'scheduled') return 'waits for its next try'
  return 'back in the queue'
}

function isOutOfTries({ attempt, max_retries }: Task): boolean {
  return attempt > max_retries
}

export interface Times {
  /** In all, before and between its attempts; null where it never ran. */
  readonly waitedMs: number
  readonly ranMs: number
}

export function timesOf(steps: readonly Step[], nowMs: number): Times {
  let waitedMs = 0
  let ranMs = 0
  for (const { waitedFromMs, fromMs, toMs } of steps) {
    waitedMs += fromMs - waitedFromMs
    ranMs += Math.max(0, (toMs ?? nowMs) - fromMs)
  }
  return { waitedMs, ranMs }
}

/** Seconds that are left at the pace so far; null where that would be a guess. */
export function etaMs(task: Task, nowMs: number): number | null {
  const percent = task.progress?.percent ?? 0
  if (task.status !== 'running' || task.started_at === null || percent < 1 || percent >= 100) return null
  const ranMs = nowMs - Date.parse(task.started_at)
  return ranMs < 1_000 ? null : (ranMs / percent) * (100 - percent)
}
