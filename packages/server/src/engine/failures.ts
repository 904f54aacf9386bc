import type { FailureGroup } from '@tasklane/protocol'
import { readFailure } from '../core/fingerprint.ts'
import type { Store } from '../ports/store.ts'

/** So many failed tasks are looked at, those that failed last: about 20 ms of a store's time. */
const failuresMax = 50_000
const groupsMax = 200
/** A message may be as long as an error may be; the whole of it is on the sample's own page. */
const messageCharsMax = 1_000

/** Failed tasks by their cause, those first that failed last. */
export async function readFailures(store: Store, withinMs: number): Promise<readonly FailureGroup[]> {
  const groups = await store.failures({ withinMs, most: failuresMax, limit: groupsMax })
  return groups.map(({ error, ...group }) => {
    const { code, message } = readFailure(error)
    return {
      fingerprint: group.fingerprint,
      task_type: group.type,
      code,
      message: message.slice(0, messageCharsMax),
      count: group.count,
      first_at: new Date(group.firstAtMs).toISOString(),
      last_at: new Date(group.lastAtMs).toISOString(),
      sample_task_id: group.sample,
    }
  })
}
