import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callAt } from '../chaos/api.ts'
import { until } from '../support/processes.ts'
import { hasPrivatePostgres } from '../support/servers/postgres.ts'
import { isReady, type Rehearsal, rehearse } from './rehearsal.ts'

/** By then a node that does not hear its database must say so. */
const noticedWithinMs = 10_000

describe.skipIf(!(await hasPrivatePostgres()))('a node that is cut off from the database', () => {
  let rehearsal: Rehearsal
  beforeEach(async () => {
    // Leases of six seconds.
    rehearsal = await rehearse({ heartbeatMs: 2_000, workerNames: ['sdk-1', 'sdk-2', 'sdk-3'] })
  })
  afterEach(() => rehearsal.close())

  it('says so, is left by all, and is ready again when it hears it: after a reset and after a silence', async () => {
    const { postgres } = rehearsal
    const node = rehearsal.node(0)
    const links = [postgres.storeLinks[0], postgres.hintLinks[0]]
    for (const mode of ['cut', 'stall'] as const) {
      for (const link of links) link?.setMode(mode)
      await until(
        () => callAt(node.port(), 'GET', '/readyz', undefined, noticedWithinMs),
        reply => reply?.status === 503,
        () => `${node.name} to say that it is not ready (${mode})`,
        noticedWithinMs,
      )
      expect(await Promise.all(rehearsal.nodes.map(isReady))).toEqual([false, true, true])
      await rehearsal.progress(40)
      for (const link of links) link?.setMode('pass')
      await rehearsal.ready()
      await rehearsal.progress(10)
    }
    const outcome = await rehearsal.end()
    expect(outcome.breaches).toEqual([])
    // Whoever ran something there kept it: the leases were prolonged elsewhere.
    expect(outcome.attemptsBy.crashed ?? 0).toBe(0)
    expect(outcome.executedTwice).toBe(0)
    expect(outcome.finished).toBe(outcome.submitted)
  }, 150_000)
})
