import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callAt } from '../chaos/api.ts'
import type { SchedulerLives } from '../chaos/scheduler.ts'
import { until } from '../support/processes.ts'
import { hasPrivatePostgres } from '../support/servers/postgres.ts'
import { type Rehearsal, rehearse } from './rehearsal.ts'

const leaseMs = 3_000

describe.skipIf(!(await hasPrivatePostgres()))('three nodes whose database is away', () => {
  let rehearsal: Rehearsal
  beforeEach(async () => {
    rehearsal = await rehearse({ heartbeatMs: leaseMs / 3, workerNames: ['sdk-1', 'sdk-2', 'sdk-3', 'raw-1'] })
  })
  afterEach(() => rehearsal.close())

  it('refuse clearly, wait, and go on by themselves, without a lease lost: after its crash, and when it grants no connection', async () => {
    const { server } = rehearsal.postgres
    await server.stop('immediate')
    const awayFromMs = performance.now()
    for (const node of rehearsal.nodes) await expectUnavailable(node)
    // Longer than any lease: who was not heard meanwhile must not be taken for dead afterwards.
    await until(
      () => performance.now() - awayFromMs,
      ms => ms > leaseMs * 1.5,
      () => 'a lease and a half',
    )
    await server.start()
    await rehearsal.ready()
    await rehearsal.progress(15)
    // And one that is over before anybody could have noticed a silence.
    await server.restart('immediate')
    await rehearsal.ready()
    await rehearsal.progress(10)
    await refuseConnections()
    const outcome = await rehearsal.end()
    expect(outcome.breaches).toEqual([])
    expect(outcome.attemptsBy.crashed ?? 0).toBe(0)
    expect(outcome.finished).toBe(outcome.submitted)
  }, 120_000)

  /** Nodes stay up while none is granted, work with fewer than they would like, and take all when they may. */
  async function refuseConnections(): Promise<void> {
    await rehearsal.postgres.limitConnections(0)
    for (const node of rehearsal.nodes) {
      await expectUnavailable(node)
      // The first refusals tell of connections that were broken, the later ones of those that are not granted.
      await until(
        () => callAt(node.port(), 'GET', '/readyz'),
        reply => JSON.stringify(reply?.body).includes('no connection left'),
        () => `${node.name} to say why`,
      )
    }
    // Fewer than the nodes would like.
    await rehearsal.postgres.limitConnections(8)
    await rehearsal.progress(15)
    await rehearsal.postgres.limitConnections(-1)
    await rehearsal.ready()
    await rehearsal.progress(15)
  }
})

/** Every kind of call is answered 503 and says when to come again; health says what is wrong. */
async function expectUnavailable(node: SchedulerLives): Promise<void> {
  await until(
    () => callAt(node.port(), 'GET', '/readyz'),
    reply => reply?.status === 503,
    () => `${node.name} not ready`,
  )
  const submitted = { task_type: 'work', payload: { kind: 'work', ms: 0, failures: 0 } }
  const calls = [
    ['POST', '/api/tasks', submitted],
    ['GET', '/api/tasks', undefined],
    ['POST', '/api/workers/sdk-1/heartbeat', { current_tasks: [] }],
    ['GET', '/readyz', undefined],
  ] as const
  for (const [method, path, body] of calls) {
    const reply = await callAt(node.port(), method, path, body, 15_000)
    expect(reply, `${node.name}: ${method} ${path}`).toMatchObject({
      status: 503,
      body: { code: 'store_unavailable' },
      retryAfter: expect.stringMatching(/^[1-9]\d*$/),
    })
  }
  const health = await callAt(node.port(), 'GET', '/health')
  expect(health).toMatchObject({ status: 503, body: { status: 'unavailable', store: 'unavailable' } })
  expect(await callAt(node.port(), 'GET', '/livez')).toMatchObject({ status: 200 })
}
