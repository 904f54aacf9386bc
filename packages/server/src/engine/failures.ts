import type { FailureGroup, FailureGroups } from '@tasklane/protocol'
import { readFailure } from '../core/fingerprint.ts'
import type { Store } from '../ports/store.ts'

/** So many failed tasks are looked at, those that failed last; into so many bars, and so many of each group one by one. */
const everything = { most: 50_000, cells: 24, newest: 20 }
/** Where nobody looks at the bars. */
export const inPassing = { most: 10_000, cells: 1, newest: 1 }
export const groupsDefault = 100
export const groupsMax = 500
/** A message may be as long as an error may be; the whole of it is on the sample's own page. */
const messageCharsMax = 1_000

/** Failed tasks by their cause, those first that failed last. */
export async function readFailures(
  store: Pick<Store, 'failures'>,
  withinMs: number,
  limit: number,
  bounds = everything,
): Promise<FailureGroups> {
  // One more than is told tells whether there are more.
  const groups = await store.failures({ ...bounds, withinMs, limit: limit + 1 })
  const looked = groups.reduce((sum, group) => sum + group.count, 0)
  return {
    groups: groups.slice(0, limit).map(toGroup),
    truncated: groups.length > limit,
    complete: groups.length > limit || looked < bounds.most,
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
