import { describe, expect, it } from 'vitest'
import { bearer, startGuarded } from './auth/guarded.ts'
import { type Node, startNode } from './harness.ts'

async function fail(node: Node, id: string, message: string): Promise<void> {
  const { epoch } = await node.running(id)
  await node.call('POST', '/api/workers/w1/settle', {
    results: [{ task_id: id, epoch, outcome: 'failed', error: { code: 'broken', message }, retryable: false }],
  })
}

describe('failures', () => {
  it('are told in groups, listed by group, and retried together', async () => {
    const node = await startNode()
    for (const [at, id] of ['a', 'b'].entries()) await fail(node, id, `Row ${at} of "list-${at}.csv" is bad`)
    await fail(node, 'c', 'No disk')
    const { groups } = (await node.call('GET', '/api/failures')).body as { groups: Record<string, unknown>[] }
    expect(groups.map(({ count, sample_task_id }) => ({ count, sample_task_id }))).toEqual([
      { count: 1, sample_task_id: 'c' },
      { count: 2, sample_task_id: 'b' },
    ])
    expect(groups[1]).toMatchObject({
      task_type: 'noop',
      code: 'broken',
      message: 'Row 1 of "list-1.csv" is bad',
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      first_at: expect.stringMatching(/Z$/),
    })
    expect(groups[1]).toMatchObject({ newest: { count: 2, queues: ['default'], workers: ['w1'], used_up: 0 } })
    const trend: unknown = groups[1]?.trend
    expect(trend).toEqual([...Array.from({ length: 23 }, () => 0), 2])
    expect((await node.call('GET', '/api/failures?limit=1')).body).toMatchObject({ truncated: true, groups: [{}] })
    const print = String(groups[1]?.fingerprint)
    expect((await node.call('GET', `/api/tasks?fingerprint=${print}&count=true`)).body).toMatchObject({
      tasks: [{ task_id: 'b' }, { task_id: 'a' }],
      total: 2,
      total_is_exact: true,
    })
    const retry = { action: 'retry', filter: { fingerprint: print } }
    expect((await node.call('POST', '/api/tasks/bulk', retry)).body).toMatchObject({ verdicts: { requeued: 2 } })
    expect((await node.call('GET', '/api/failures')).body.groups).toHaveLength(1)
  })

  it('are bounded in time, and refused to who sees its own tasks only', async () => {
    const node = await startNode()
    expect((await node.call('GET', '/api/failures?hours=0')).status).toBe(422)
    const none = { groups: [], truncated: false, complete: true }
    expect((await node.call('GET', '/api/failures?hours=744')).body).toEqual(none)
    const guarded = await startGuarded()
    const headers = bearer(await guarded.bearerOf(await guarded.user('sam', 'submitter')))
    expect((await guarded.call('GET', '/api/failures', undefined, headers)).status).toBe(403)
  })
})

describe('the list of tasks', () => {
  it('filters by creation and priority, and says what is wrong with a time', async () => {
    const node = await startNode()
    for (const priority of [2, 5, 9]) {
      await node.call('POST', '/api/tasks', { task_id: `p${priority}`, task_type: 't', priority })
    }
    const ids = async (query: string) =>
      ((await node.call('GET', `/api/tasks?${query}`)).body.tasks as { task_id: string }[]).map(task => task.task_id)
    expect(await ids('priority_min=5')).toEqual(['p9', 'p5'])
    expect(await ids('priority_max=5&limit=1')).toEqual(['p5'])
    expect(await ids('created_after=2001-01-01T00:00:00Z&created_before=2100-01-01T00:00:00Z')).toHaveLength(3)
    expect(await ids('created_before=2001-01-01T00:00:00Z')).toEqual([])
    const refusal = await node.call('GET', '/api/tasks?created_after=yesterday')
    expect([refusal.status, refusal.text]).toEqual([422, expect.stringContaining('RFC 3339')])
    const page = await node.call('GET', '/api/tasks?limit=1&count=true')
    expect(page.body).toMatchObject({ total: 3, total_is_exact: true })
    expect((await node.call('GET', '/api/tasks')).body).not.toHaveProperty('total')
    expect((await node.call('GET', '/api/tasks?count=maybe')).status).toBe(422)
  })
})

describe('types', () => {
  it('are what live workers take, with schema and queues', async () => {
    const node = await startNode()
    const schema = { type: 'object', properties: { to: { type: 'string' } } }
    const register = (worker: object) => node.call('POST', '/api/workers/register', worker)
    await register({ worker_id: 'w1', capabilities: ['mail', 'scan'], queues: ['q1'], types: { mail: schema } })
    await register({ worker_id: 'w2', capabilities: ['mail'], queues: ['q2', 'q1'] })
    await register({ worker_id: 'w3', capabilities: ['*'], types: { any: true } })
    expect((await node.call('GET', '/api/types')).body).toEqual({
      types: [
        { task_type: 'any', schema: true, queues: null, workers: 1 },
        { task_type: 'mail', schema, queues: ['q1', 'q2'], workers: 2 },
        { task_type: 'scan', schema: null, queues: ['q1'], workers: 1 },
      ],
    })
    await node.call('POST', '/api/workers/w1/drain')
    expect((await node.call('GET', '/api/types')).text).not.toContain('scan')
  })
})

describe('a reply that is asked for again', () => {
  it('is not sent again while it is the same', async () => {
    const node = await startNode()
    await node.call('POST', '/api/tasks', { task_id: 'a', task_type: 't' })
    for (const url of ['/api/tasks', '/api/tasks?status=pending', '/api/workers', '/api/failures', '/api/types']) {
      const first = await node.call('GET', url)
      const tag = String(first.headers.etag)
      expect([first.status, tag]).toEqual([200, expect.stringMatching(/^W\/"[\w-]+"$/)])
      for (const known of [tag, `"other", ${tag}`, tag.slice(2)]) {
        const again = await node.call('GET', url, undefined, { 'if-none-match': known })
        expect([again.status, again.text, again.headers.etag], known).toEqual([304, '', tag])
      }
    }
    const { etag } = (await node.call('GET', '/api/tasks')).headers
    await node.call('POST', '/api/tasks/a/cancel', {})
    const changed = await node.call('GET', '/api/tasks', undefined, { 'if-none-match': String(etag) })
    expect([changed.status, changed.headers.etag === etag]).toEqual([200, false])
  })

  it('has a tag only where it is polled, and never where it is a refusal', async () => {
    const node = await startNode()
    expect((await node.call('GET', '/health')).headers).not.toHaveProperty('etag')
    const refusal = await node.call('GET', '/api/queues/ghost', undefined, { 'if-none-match': '*' })
    expect([refusal.status, refusal.headers.etag]).toEqual([404, undefined])
  })
})

describe('the history of rates', () => {
  it('is told in as many points as were asked for, of steps that are kept', async () => {
    const node = await startNode()
    const points = async (query: string) => (await node.call('GET', `/api/stats/history${query}`)).body.points
    expect(await points('')).toHaveLength(60)
    expect(await points('?minutes=5&step=5')).toHaveLength(60)
    expect(await points('?minutes=1440&step=3600&queue=default')).toHaveLength(24)
    for (const query of ['?step=7', '?step=90', '?minutes=6&step=5', '?minutes=0', '?queue=a%20b']) {
      expect((await node.call('GET', `/api/stats/history${query}`)).status, query).toBe(422)
    }
  })
})
