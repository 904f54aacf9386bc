import { limits, problems } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { Problem } from '../../src/core/problem.ts'
import { startNode } from './harness.ts'

const known: readonly (readonly [path: string, allow: string])[] = [
  ['/api/tasks', 'GET, HEAD, OPTIONS, POST'],
  ['/api/tasks/batch', 'DELETE, GET, HEAD, OPTIONS, PATCH, POST'],
  ['/api/tasks/bulk', 'DELETE, GET, HEAD, OPTIONS, PATCH, POST'],
  ['/api/tasks/some-id', 'DELETE, GET, HEAD, OPTIONS, PATCH'],
  ['/api/tasks/some-id/', 'DELETE, GET, HEAD, OPTIONS, PATCH'],
  ['/api/tasks/some-id/attempts', 'GET, HEAD, OPTIONS'],
  ['/api/tasks/some-id/logs', 'GET, HEAD, OPTIONS'],
  ['/api/tasks/some-id/graph', 'GET, HEAD, OPTIONS'],
  ['/api/tasks/some-id/why', 'GET, HEAD, OPTIONS'],
  ['/api/tasks/some-id/parents', 'GET, HEAD, OPTIONS'],
  ['/api/tasks/some-id/result', 'GET, HEAD, OPTIONS'],
  ['/api/tasks/some-id/cancel', 'OPTIONS, POST'],
  ['/api/tasks/some-id/retry', 'OPTIONS, POST'],
  ['/api/workers', 'GET, HEAD, OPTIONS'],
  ['/api/workers/w1', 'DELETE, GET, HEAD, OPTIONS'],
  ['/api/workers/w1/claim', 'OPTIONS, POST'],
  ['/api/workers/w1/heartbeat', 'OPTIONS, POST'],
  ['/api/workers/w1/settle', 'OPTIONS, POST'],
  ['/api/workers/w1/logs', 'OPTIONS, POST'],
  ['/api/workers/w1/drain', 'OPTIONS, POST'],
  ['/api/queues', 'GET, HEAD, OPTIONS'],
  ['/api/queues/default', 'GET, HEAD, OPTIONS, PATCH'],
  ['/api/stats', 'GET, HEAD, OPTIONS'],
  ['/health', 'GET, HEAD, OPTIONS'],
  ['/livez', 'GET, HEAD, OPTIONS'],
  ['/readyz', 'GET, HEAD, OPTIONS'],
  ['/openapi.json', 'GET, HEAD, OPTIONS'],
]

describe('methods', () => {
  it.each(known)('%s takes %s, tells so to OPTIONS, and refuses PUT with 405', async (path, allow) => {
    const { call } = await startNode()
    const options = await call('OPTIONS', path)
    expect(options).toMatchObject({ status: 204, text: '' })
    expect(options.headers.allow).toBe(allow)
    const put = await call('PUT', path, 'not even JSON', { 'content-type': 'text/plain' })
    expect(put).toMatchObject({
      status: 405,
      body: { code: 'method_not_allowed', detail: expect.stringContaining(allow) },
    })
    expect(put.headers.allow).toBe(allow)
  })

  it('answers HEAD like GET, without a body', async () => {
    const { call } = await startNode()
    expect(await call('HEAD', '/api/tasks')).toMatchObject({ status: 200, text: '' })
    expect((await call('HEAD', '/api/tasks/nobody')).status).toBe(404)
  })

  it('answers 404 to every method at an address that is none, and reads no body there', async () => {
    const { call } = await startNode()
    for (const path of ['/nope', '/api', '/api/nope', '/api/tasks/a/b/c', '/api/Tasks', '/../etc/passwd']) {
      for (const method of ['GET', 'POST', 'PUT', 'OPTIONS', 'DELETE'] as const) {
        const answer = await call(method, path, method === 'POST' ? 'x' : undefined, { 'content-type': 'text/plain' })
        expect(answer).toMatchObject({ status: 404, body: { code: 'not_found', status: 404 } })
      }
    }
  })

  it('refuses a path that is no percent-encoding with 400', async () => {
    const { call } = await startNode()
    for (const path of ['/api/tasks/%zz', '/api/tasks/%ff', '/%']) {
      expect(await call('GET', path)).toMatchObject({ status: 400, body: { code: 'request_invalid' } })
    }
  })

  it('answers 404 to a name longer than any can be', async () => {
    const { call } = await startNode()
    expect(await call('GET', `/api/tasks/${'x'.repeat(2_000)}`)).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    })
  })
})

describe('headers', () => {
  it('echoes a sane X-Request-Id in header and problem, and makes one otherwise', async () => {
    const { call } = await startNode()
    const mine = await call('GET', '/api/tasks/x', undefined, { 'x-request-id': 'abc-123' })
    expect(mine.headers['x-request-id']).toBe('abc-123')
    expect(mine.body.request_id).toBe('abc-123')
    for (const bad of ['has space', 'x'.repeat(129), '"; drop', 'é']) {
      const answer = await call('GET', '/api/tasks/x', undefined, { 'x-request-id': bad })
      expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
      expect(answer.body.request_id).toBe(answer.headers['x-request-id'])
    }
  })

  it('forbids sniffing and storing, and opens nothing to other origins', async () => {
    const { call } = await startNode()
    for (const path of ['/api/tasks', '/api/nope', '/health', '/api/tasks/%zz']) {
      const { headers } = await call('GET', path, undefined, { origin: 'http://evil.example' })
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['cache-control']).toBe('no-store')
      expect(Object.keys(headers).filter(name => name.startsWith('access-control'))).toEqual([])
    }
  })
})

describe('problems', () => {
  it('have the members of RFC 9457 and a code of the table', async () => {
    const { call } = await startNode()
    const { body, headers } = await call('GET', '/api/tasks/nobody')
    expect(headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(body).toEqual({
      type: 'urn:tasklane:problem:task_unknown',
      title: problems.task_unknown.title,
      status: 404,
      detail: expect.stringMatching(/\.$/),
      code: 'task_unknown',
      request_id: headers['x-request-id'],
    })
  })

  it('tell nothing of a fault of our own but the request id, which the log has too', async () => {
    const node = await startNode({
      engine: () => ({
        stats: async () => {
          throw new Error('secret detail')
        },
      }),
    })
    const answer = await node.call('GET', '/api/stats')
    expect(answer).toMatchObject({ status: 500, body: { code: 'internal_error' } })
    expect(answer.text).not.toContain('secret')
    const line = node.log.find(entry => entry.level === 'error')
    expect(line?.fields).toMatchObject({ request_id: answer.body.request_id, err: { message: 'secret detail' } })
  })

  it.each(['store_unavailable', 'outcome_unknown', 'overloaded', 'stopping'] as const)(
    'say when to come back: %s',
    async code => {
      const node = await startNode({
        engine: () => ({
          submit: async () => {
            throw new Problem(code)
          },
        }),
      })
      const answer = await node.call('POST', '/api/tasks', { task_type: 'a' })
      expect(answer).toMatchObject({ status: 503, body: { code } })
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    },
  )
})

describe('the log', () => {
  it('has refusals at info, and what went well at debug', async () => {
    const node = await startNode()
    await node.call('POST', '/api/tasks', { task_type: 'a' })
    await node.call('GET', '/api/tasks/nobody')
    const levels = node.log.filter(entry => 'status' in entry.fields).map(entry => [entry.level, entry.fields.status])
    expect(levels).toEqual([
      ['debug', 201],
      ['info', 404],
    ])
  })

  it('has slow requests at info, but not long polls', async () => {
    const node = await startNode({ settings: { slowRequestMs: -1 } })
    await node.call('GET', '/api/tasks')
    await node.call('POST', '/api/tasks', { task_id: 't', task_type: 'a' })
    await node.call('GET', '/api/tasks/t/result')
    expect(node.log.filter(entry => entry.message === 'Request was slow').map(entry => entry.fields.url)).toEqual([
      '/api/tasks',
      '/api/tasks',
    ])
  })
})

describe('a node that stops', () => {
  it('takes no new work but lets work end', async () => {
    const { app, call, running } = await startNode()
    const { epoch } = await running('t')
    app.beginStop()
    for (const [method, path] of [
      ['POST', '/api/tasks'],
      ['GET', '/api/tasks'],
      ['POST', '/api/workers/register'],
      ['POST', '/api/workers/w1/claim'],
    ] as const) {
      const answer = await call(method, path, method === 'POST' ? {} : undefined)
      expect(answer).toMatchObject({ status: 503, body: { code: 'stopping' } })
      expect(answer.headers).toMatchObject({ connection: 'close', 'retry-after': '1' })
    }
    const log = { task_id: 't', epoch, message: 'still here' }
    expect((await call('POST', '/api/workers/w1/logs', { logs: [log] })).body).toEqual({ accepted: 1, dropped: 0 })
    expect((await call('POST', '/api/workers/w1/heartbeat', {})).status).toBe(200)
    const settled = await call('POST', '/api/workers/w1/settle', {
      results: [{ task_id: 't', epoch, outcome: 'completed' }],
    })
    expect(settled.body.results).toMatchObject([{ verdict: 'applied' }])
    expect(settled.headers.connection).toBe('close')
    expect((await call('DELETE', '/api/workers/w1')).status).toBe(204)
  })

  it('is alive but not ready', async () => {
    const { app, call } = await startNode()
    expect(await call('GET', '/livez')).toMatchObject({ status: 200, body: { status: 'ok' } })
    expect(await call('GET', '/readyz')).toMatchObject({ status: 200, body: { status: 'ok', store: 'ok' } })
    expect((await call('GET', '/health')).body).toMatchObject({ status: 'ok', store: 'ok', version: '0.0.0-test' })
    app.beginStop()
    expect((await call('GET', '/livez')).status).toBe(200)
    const ready = await call('GET', '/readyz')
    expect(ready).toMatchObject({ status: 503, body: { code: 'stopping' } })
    expect(ready.headers['retry-after']).toBe('1')
    expect(await call('GET', '/health')).toMatchObject({ status: 503, body: { status: 'stopping', store: 'ok' } })
  })

  it('is not ready without its store', async () => {
    const { call } = await startNode({
      engine: () => ({
        checkReady: async () => {
          throw new Problem('store_unavailable')
        },
      }),
    })
    expect(await call('GET', '/readyz')).toMatchObject({ status: 503, body: { code: 'store_unavailable' } })
    expect(await call('GET', '/health')).toMatchObject({
      status: 503,
      body: { status: 'unavailable', store: 'unavailable' },
    })
    expect((await call('GET', '/livez')).status).toBe(200)
  })
})

describe('queues and stats', () => {
  it('pauses and resumes a queue, and makes it where it does not exist', async () => {
    const { call } = await startNode()
    expect(await call('PATCH', '/api/queues/q1', { paused: true })).toMatchObject({
      status: 200,
      body: { name: 'q1', paused: true, pause: { at: expect.stringMatching(/Z$/), by: null, reason: null } },
    })
    expect((await call('GET', '/api/queues/q1')).body.paused).toBe(true)
    expect((await call('PATCH', '/api/queues/q1', { paused: false })).body).toMatchObject({
      paused: false,
      pause: null,
    })
    expect((await call('GET', '/api/queues')).body.queues).toMatchObject([{ name: 'q1', depth: 0 }])
    expect((await call('PATCH', '/api/queues/a%2Fb', { paused: true })).body.name).toBe('a/b')
  })

  it('keeps the reason of a pause, trimmed, and tells it to a task that waits', async () => {
    const { call } = await startNode()
    await call('POST', '/api/tasks', { task_id: 'a', task_type: 'noop', queue: 'mail' })
    const pause = async (reason: unknown) =>
      (await call('PATCH', '/api/queues/mail', { paused: true, reason })).body.pause
    expect(await pause('  Deploying the new mailer\n')).toMatchObject({ by: null, reason: 'Deploying the new mailer' })
    for (const none of [null, '', '  ']) expect(await pause(none)).toMatchObject({ reason: 'Deploying the new mailer' })
    expect((await call('GET', '/api/queues')).body.queues).toMatchObject([
      { pause: { reason: 'Deploying the new mailer' } },
    ])
    expect((await call('GET', '/api/tasks/a/why')).body.reasons).toMatchObject([
      {
        code: 'queue_paused',
        detail: expect.stringMatching(/^Its queue 'mail' is paused since \S+Z: Deploying the new mailer; resume it /),
        facts: { queue: 'mail', paused_by: null, pause_reason: 'Deploying the new mailer' },
      },
      { code: 'no_capable_worker' },
      { code: 'rank' },
    ])
  })

  it('refuses a reason that is too long, none, or one for resuming', async () => {
    const { call } = await startNode()
    const longest = 'x'.repeat(limits.pauseReasonCharsMax)
    expect((await call('PATCH', '/api/queues/q1', { paused: true, reason: longest })).status).toBe(200)
    for (const body of [
      { paused: true, reason: `${longest}x` },
      { paused: true, reason: 7 },
      { paused: false, reason: 'It works again' },
    ]) {
      expect(await call('PATCH', '/api/queues/q1', body)).toMatchObject({
        status: 422,
        body: { code: 'validation_failed', errors: [{ pointer: '/reason' }] },
      })
    }
    expect((await call('GET', '/api/queues/q1')).body).toMatchObject({ paused: true, pause: { reason: longest } })
    expect((await call('PATCH', '/api/queues/q1', { paused: false, reason: ' ' })).body.paused).toBe(false)
  })

  it('refuses what is no name or no setting', async () => {
    const { call } = await startNode()
    const named = await call('PATCH', '/api/queues/a%20b', { paused: true })
    expect(named).toMatchObject({ status: 422, body: { code: 'validation_failed' } })
    expect(named.body.detail).toContain("Queue name 'a b' contains a space")
    expect((await call('PATCH', '/api/queues/q1', {})).body.errors).toMatchObject([{ pointer: '/paused' }])
    expect((await call('PATCH', '/api/queues/q1', { paused: 'yes' })).body.detail).toBe(
      "Field 'paused' is 'yes'; it takes true or false.",
    )
    expect(await call('GET', '/api/queues/nobody')).toMatchObject({ status: 404, body: { code: 'queue_unknown' } })
    expect((await call('GET', '/api/queues/%00')).status).toBe(404)
  })

  it('tells totals', async () => {
    const { call } = await startNode()
    await call('POST', '/api/tasks', { task_type: 'a' })
    expect((await call('GET', '/api/stats')).body).toMatchObject({
      total: 1,
      tasks: { pending: 1 },
      version: '0.0.0-test',
    })
  })
})
