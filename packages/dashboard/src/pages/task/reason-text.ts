import type { Task, Why } from '@tasklane/protocol'

/** The scheduler's own sentence; where that names a moment, in the way in which this page tells moments. */
export function reasonText(
  { code, detail, facts }: Why['reasons'][number],
  { run_at }: Pick<Task, 'run_at'>,
  tell: (at: Date) => string,
): string {
  const { paused_at } = facts
  if (typeof paused_at === 'string') return detail.replace(paused_at, tell(new Date(paused_at)))
  if (run_at === null) return detail
  const at = tell(new Date(run_at))
  if (code === 'waits_for_time') return `It is scheduled for ${at}.`
  if (code === 'waits_for_retry') return `Attempt ${String(facts.attempt)} ended badly; the next one is due at ${at}.`
  return detail
}
