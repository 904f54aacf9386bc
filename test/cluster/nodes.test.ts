import { TasklaneClient } from '@tasklane/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hasPrivatePostgres } from '../support/servers/postgres.ts'
import { type Rehearsal, rehearse } from './rehearsal.ts'

describe.skipIf(!(await hasPrivatePostgres()))('three nodes under load', () => {
  let rehearsal: Rehearsal
  beforeEach(async () => {
    // Leases of six seconds.
    rehearsal = await rehearse({ heartbeatMs: 2_000, workerNames: ['sdk-1', 'sdk-2', 'sdk-3', 'raw-1'] })
  })
  afterEach(() => rehearsal.close())

  it('go on when one after the other is killed or told to stop, and nobody loses a lease or sees an error', async () => {
    const sdk = useSdk(rehearsal.urls)
    // Killed, and away for a while: whoever was served by it is served by the others.
    await rehearsal.node(0).kill()
    await rehearsal.progress(25)
    await rehearsal.node(0).start()
    await rehearsal.ready()
    // Another release is rolled out.
    for (const node of rehearsal.nodes) {
      expect(await node.stop(15_000), node.name).toEqual({ code: 0, signal: null })
      await rehearsal.progress(10)
      await node.start()
      await rehearsal.ready()
    }
    await rehearsal.progress(10)
    const { errors, ended } = await sdk.end()
    expect(errors).toEqual([])
    expect(ended).toBeGreaterThan(0)
    const outcome = await rehearsal.end()
    expect(outcome.breaches).toEqual([])
    expect(outcome.attemptsBy.crashed ?? 0).toBe(0)
    expect(outcome.finished).toBe(outcome.submitted)
  }, 120_000)
})

/** An application that knows all nodes, and does nothing about errors itself. */
function useSdk(urls: readonly string[]): {
  end(): Promise<{ readonly errors: readonly string[]; readonly ended: number }>
} {
  const client = new TasklaneClient({ url: urls })
  const errors: string[] = []
  let isOver = false
  let ended = 0
  const use = async (): Promise<void> => {
    while (!isOver) {
      try {
        const payload = { kind: 'work', ms: 100, failures: 0 }
        const task = await client.submit('work', payload, { queue: 'main', priority: 10, maxRetries: 5 })
        await client.wait(task.taskId)
        ended += 1
      } catch (error) {
        errors.push(String(error))
      }
    }
  }
  const using = Promise.all([use(), use(), use()])
  return {
    end: async () => {
      isOver = true
      await using
      await client.close()
      return { errors, ended }
    },
  }
}
