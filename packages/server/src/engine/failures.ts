import type { FailureGroup, FailureGroups } from '@tasklane/protocol'
import { readFailure } from '../core/fingerprint.ts'
import type { Store } from '../ports/store.ts'

/** So many failed tasks are looked at, those that failed last. */
const failuresMax = 50_000
export const groupsDefault = 100
export const groupsMax = 500
/** Bars of a trend. */
const cells = 24
/** Of each group so many are looked at one by one. */
const newest = 20
/** A message may be as long as an error may be; the whole of it is on the sample's own page. */
const messageCharsMax = 1_000

/** Failed tasks by their cause, those first that failed last. */
export async function readFailures(store: Store, withinMs: number, limit: number): Promise<FailureGroups> {
  // One more than is told tells whether there are more.
  const groups = await store.failures({ withinMs, most: failuresMax, limit: limit + 1, cells, newest })
  const looked = groups.reduce((sum, group) => sum + group.count, 0)
  return {
    groups: groups.slice(0, limit).map(toGroup),
    truncated: groups.length > limit,
    complete: groups.length > limit || looked < failuresMax,
  }
}

function toGroup(group: Awaited<ReturnType<Store['failures']>>[number]): FailureGroup {
  const { code, message } = readFailure(group.error)
  return {
    fingerprint: group.fingerprint,
    task_type: group.type,
    code,
    message: message.slice(0, messageCharsMax),
    count: group.count,
    first_at: new Date(group.firstAtMs).toISOString(),
    last_at: new Date(group.lastAtMs).toISOString(),
    sample_task_id: group.sample,
    trend: group.trend,
    newest: {
      count: group.newest.count,
      queues: group.newest.queues,
      workers: group.newest.workers,
      used_up: group.newest.usedUp,
    },
  }
}
