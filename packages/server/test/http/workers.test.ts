import { limits } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { Problem } from '../../src/core/problem.ts'
import { taskId } from '../../src/core/task.ts'
import { startNode, until } from './harness.ts'

const worker = { worker_id: 'w1', capabilities: ['*'] }

describe('POST /api/workers/register', () => {
  it('answers 201 with the heartbeat that the scheduler wants', async () => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/workers/register', {
      ...worker,
      max_concurrent_tasks: 4,
      labels: { zone: 'a' },
    })
    expect(answer).toMatchObject({ status: 201, body: { worker_id: 'w1', heartbeat_interval: 5, lease_seconds: 15 } })
    expect((await call('GET', '/api/workers/w1')).body).toMatchObject({
      worker_id: 'w1',
      status: 'active',
      capabilities: ['*'],
      max_concurrent_tasks: 4,
      labels: { zone: 'a' },
    })
    expect((await call('GET', '/api/workers')).body.workers).toHaveLength(1)
  })

  it.each([
    [{ capabilities: ['a'] }, '/worker_id'],
    [{ worker_id: 'w' }, '/capabilities'],
    [{ worker_id: 'w', capabilities: [] }, '/capabilities'],
    [{ worker_id: 'w 1', capabilities: ['a'] }, '/worker_id'],
    [{ worker_id: 'w', capabilities: ['a b'] }, '/capabilities/0'],
    [{ worker_id: 'w', capabilities: ['a'], queues: ['*x'] }, '/queues/0'],
    [{ worker_id: 'w', capabilities: ['a'], max_concurrent_tasks: 0 }, '/max_concurrent_tasks'],
    [{ worker_id: 'w', capabilities: Array.from({ length: 1_001 }, () => 'a') }, '/capabilities'],
    [{ worker_id: 'w', capabilities: ['a'], role: 'admin' }, '/role'],
  ])('refuses %j', async (body, pointer) => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/workers/register', body)
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer }] } })
  })

  it('refuses schemas of more than 1 MiB together', async () => {
    const { call } = await startNode()
    const types = { a: { title: 'x'.repeat(limits.workerTypesBytesMax) } }
    const answer = await call('POST', '/api/workers/register', { ...worker, types })
    expect(answer).toMatchObject({ status: 413, body: { errors: [{ pointer: '/types' }] } })
  })
})

describe('POST /api/workers/{id}/claim', () => {
  it('hands out tasks with their fence, lease and parents', async () => {
    const { call, running } = await startNode()
    const { epoch } = await running('p')
    await call('POST', '/api/tasks', { task_id: 'c', task_type: 'a', dependencies: ['p'] })
    const results = [{ task_id: 'p', epoch, outcome: 'completed', result: [1, 'two'] }]
    await call('POST', '/api/workers/w1/settle', { results })
    const answer = await call('POST', '/api/workers/w1/claim', { limit: 10 })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({
      tasks: [
        {
          task_id: 'c',
          status: 'running',
          worker_id: 'w1',
          epoch: 1,
          attempt: 1,
          parents: { p: { status: 'completed', result: [1, 'two'], error: null } },
        },
      ],
    })
    expect(answer.text).toMatch(/"lease_expires_at":"\d{4}-\d\d-\d\dT[^"]*Z"/)
  })

  it('leaves out of a sparse claim just what is null or empty', async () => {
    const { call, running } = await startNode()
    const { epoch } = await running('p')
    const results = [{ task_id: 'p', epoch, outcome: 'completed', result: 7 }]
    await call('POST', '/api/workers/w1/settle', { results })
    const rich = {
      name: 'Ä "name"',
      description: 'd',
      payload: [0],
      dependencies: ['p'],
      timeout: 0.5,
      labels: { team: 'a' },
      idempotency_key: 'k"',
    }
    await call('POST', '/api/tasks', { task_id: 'rich', task_type: 'a', ...rich })
    await call('POST', '/api/tasks', { task_id: 'bare', task_type: 'a', timeout: null })
    const ask = { limit: 2, request_id: 'r' }
    const full = await call('POST', '/api/workers/w1/claim', ask)
    const sparse = await call('POST', '/api/workers/w1/claim', { ...ask, sparse: true })
    const isSaid = (value: unknown) =>
      value !== null && JSON.stringify(value) !== '{}' && JSON.stringify(value) !== '[]'
    const said = (full.body.tasks as object[]).map(task =>
      Object.fromEntries(Object.entries(task).filter(([, value]) => isSaid(value))),
    )
    expect(said).toHaveLength(2)
    expect(sparse.body.tasks).toEqual(said)
    expect((sparse.body.tasks as object[])[0]).toMatchObject({ ...rich, parents: { p: { result: 7 } } })
  })

  it('tells where to page through parents that are too large for the reply', async () => {
    const { call, running } = await startNode()
    const result = 'x'.repeat(600_000)
    for (const id of ['p1', 'p2']) {
      const { epoch } = await running(id)
      await call('POST', '/api/workers/w1/settle', { results: [{ task_id: id, epoch, outcome: 'completed', result }] })
    }
    await call('POST', '/api/tasks', { task_id: 'c', task_type: 'a', dependencies: ['p1', 'p2'] })
    const [task] = (await call('POST', '/api/workers/w1/claim')).body.tasks as Record<string, unknown>[]
    expect(task).toMatchObject({ parents_url: '/api/tasks/c/parents?from=0' })
    expect(task).not.toHaveProperty('parents')
    const first = await call('GET', String(task?.parents_url))
    expect(first.body).toMatchObject({
      parents: { p1: { status: 'completed', result } },
      next: '/api/tasks/c/parents?from=1',
    })
    const second = await call('GET', String(first.body.next))
    expect(Object.keys(second.body.parents as object)).toEqual(['p2'])
    expect(second.body.next).toBeNull()
    expect((await call('GET', '/api/tasks/c/parents?from=2')).body).toEqual({ parents: {}, next: null })
  })

  it('tells a pruned parent as completed, with an error that says its result is gone', async () => {
    const node = await startNode({
      engine: () => ({ parents: async () => [{ id: taskId('p'), state: null, result: null, error: null }] }),
    })
    await node.call('POST', '/api/tasks', { task_id: 'p', task_type: 'a' })
    await node.call('POST', '/api/tasks', { task_id: 'c', task_type: 'a', dependencies: ['p'] })
    const page = await node.call('GET', '/api/tasks/c/parents')
    expect(page.body.parents).toMatchObject({ p: { status: 'completed', result: null, error: { code: 'pruned' } } })
  })

  it('wakes a waiting claim by a submit', async () => {
    const { call } = await startNode()
    await call('POST', '/api/workers/register', worker)
    const waiting = call('POST', '/api/workers/w1/claim', { wait: 30 })
    await call('POST', '/api/tasks', { task_id: 't', task_type: 'a' })
    expect((await waiting).body.tasks).toMatchObject([{ task_id: 't' }])
  })

  it('answers an empty list when there is nothing', async () => {
    const { call } = await startNode()
    await call('POST', '/api/workers/register', worker)
    expect((await call('POST', '/api/workers/w1/claim')).body).toEqual({ tasks: [] })
  })

  it('hands the same tasks out again for the same request_id', async () => {
    const { call } = await startNode()
    await call('POST', '/api/workers/register', worker)
    await call('POST', '/api/tasks', { task_id: 't', task_type: 'a' })
    await call('POST', '/api/tasks', { task_id: 'u', task_type: 'a' })
    const first = await call('POST', '/api/workers/w1/claim', { request_id: 'r1' })
    const repeat = await call('POST', '/api/workers/w1/claim', { request_id: 'r1' })
    expect(repeat.body.tasks).toMatchObject([
      { task_id: (first.body.tasks as { task_id: string }[])[0]?.task_id, epoch: 1 },
    ])
  })

  it.each([
    [{ limit: 0 }, '/limit'],
    [{ limit: 501 }, '/limit'],
    [{ limit: 1e9 }, '/limit'],
    [{ wait: 31 }, '/wait'],
    [{ wait: -1 }, '/wait'],
    [{ max: 1 }, '/max'],
  ])('refuses %j', async (body, pointer) => {
    const { call } = await startNode()
    await call('POST', '/api/workers/register', worker)
    const answer = await call('POST', '/api/workers/w1/claim', body)
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer }] } })
  })

  it('refuses a worker that nobody registered, and one that drains', async () => {
    const { call } = await startNode()
    for (const id of ['w1', '%00', 'a%20b']) {
      const answer = await call('POST', `/api/workers/${id}/claim`)
      expect(answer).toMatchObject({ status: 404, body: { code: 'worker_unknown' } })
    }
    await call('POST', '/api/workers/register', worker)
    expect((await call('POST', '/api/workers/w1/drain')).body).toMatchObject({ worker_id: 'w1', status: 'draining' })
    expect(await call('POST', '/api/workers/w1/claim')).toMatchObject({
      status: 409,
      body: { code: 'worker_draining' },
    })
  })
})

describe('POST /api/workers/{id}/heartbeat', () => {
  it('takes bare ids and leases, keeps progress, and tells what is lost', async () => {
    const { call, running } = await startNode()
    const { epoch } = await running('t')
    const answer = await call('POST', '/api/workers/w1/heartbeat', {
      status: 'busy',
      current_tasks: [
        { task_id: 't', epoch, progress: { percent: 40, message: 'half\u0000way' } },
        'other',
        'no id\u0000',
      ],
      system_info: { cpu_usage: 12.5, memory_usage: 50, disk_usage: 1, sdk: 'py\u0000/1', hostname: 'not kept' },
    })
    expect(answer).toMatchObject({ status: 200, body: { cancel: [], lost: ['other', 'no id\u0000'], drain: false } })
    expect((await call('GET', '/api/tasks/t')).body.progress).toEqual({ percent: 40, message: 'half\ufffdway' })
    expect((await call('GET', '/api/workers/w1')).body).toMatchObject({
      system_info: { cpu_usage: 12.5, memory_usage: 50, disk_usage: 1, sdk: 'py\ufffd/1' },
      current_tasks: ['t'],
    })
  })

  it('brings requests to cancel', async () => {
    const { call, running } = await startNode()
    await running('t')
    await call('POST', '/api/tasks/t/cancel')
    expect((await call('POST', '/api/workers/w1/heartbeat')).body).toMatchObject({ cancel: ['t'] })
  })

  it('answers 404 to a worker that nobody knows, so that it registers again', async () => {
    const { call } = await startNode()
    expect(await call('POST', '/api/workers/w9/heartbeat', {})).toMatchObject({
      status: 404,
      body: { code: 'worker_unknown' },
    })
  })

  it.each([
    [{ current_tasks: [{ task_id: 't' }] }, '/current_tasks/0/epoch', "Field 'current_tasks.0.epoch' is missing."],
    [{ current_tasks: [7] }, '/current_tasks/0', "Field 'current_tasks.0' is 7; it takes a string or an object."],
    [
      { current_tasks: [{ task_id: 't', epoch: 1, progress: { percent: 101 } }] },
      '/current_tasks/0/progress/percent',
      'from 0 to 100',
    ],
    [{ current_tasks: [{ task_id: 't', epoch: 0 }] }, '/current_tasks/0/epoch', 'it takes a number from 1 to'],
    [{ system_info: { sdk: 'x'.repeat(129) } }, '/system_info/sdk', 'it takes up to 128'],
    [{ system_info: { cpu_usage: 101 } }, '/system_info/cpu_usage', 'from 0 to 100'],
  ])('refuses %j with one sentence', async (body, pointer, sentence) => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/workers/w1/heartbeat', body)
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer }] } })
    expect(answer.body.errors).toHaveLength(1)
    expect(answer.body.detail).toContain(sentence)
  })
})

describe('POST /api/workers/{id}/settle with a claim', () => {
  const results = [{ task_id: 't', epoch: 1, outcome: 'completed', result: 7 }]

  it('claims what the results release, in the same reply', async () => {
    const { call, running } = await startNode()
    await running('t')
    await call('POST', '/api/tasks', { task_id: 'child', task_type: 'noop', dependencies: ['t'] })
    await call('POST', '/api/tasks', { task_id: 'other', task_type: 'noop' })
    const claim = { limit: 5, request_id: 'r', sparse: true }
    const answer = await call('POST', '/api/workers/w1/settle', { results, claim })
    expect(answer).toMatchObject({ status: 200, body: { results: [{ task_id: 't', verdict: 'applied' }] } })
    const tasks = answer.body.tasks as { task_id: string }[]
    expect(tasks.map(task => task.task_id).sort()).toEqual(['child', 'other'])
    expect(tasks.find(task => task.task_id === 'child')).toMatchObject({ epoch: 1, parents: { t: { result: 7 } } })
    // Repeated, it answers the same: no result counts twice and no task is handed out twice.
    const again = await call('POST', '/api/workers/w1/settle', { results, claim })
    expect(again.body.results).toEqual(answer.body.results)
    expect((again.body.tasks as object[]).length).toBe(2)
    expect((await call('GET', '/api/tasks/child')).body).toMatchObject({ status: 'running', attempt: 1 })
  })

  it('takes one whole task if nothing else is said, and says nothing of tasks without a claim', async () => {
    const { call, running } = await startNode()
    await running('t')
    for (const id of ['a', 'b']) await call('POST', '/api/tasks', { task_id: id, task_type: 'noop' })
    const { body } = await call('POST', '/api/workers/w1/settle', { results, claim: {} })
    expect(body.tasks).toMatchObject([{ task_id: 'a', name: null, labels: {} }])
    expect(Object.keys((await call('POST', '/api/workers/w1/settle', { results })).body)).toEqual(['results'])
  })

  it('does not wait for work', async () => {
    const { call, running } = await startNode()
    await running('t')
    const answer = await call('POST', '/api/workers/w1/settle', { results, claim: { limit: 3 } })
    expect(answer.body).toEqual({ results: [{ task_id: 't', verdict: 'applied' }], tasks: [] })
    const refused = await call('POST', '/api/workers/w1/settle', { results, claim: { wait: 1 } })
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: '/claim/wait' }] } })
  })

  it('counts the results of a worker that may not claim', async () => {
    const { call, running } = await startNode()
    await running('t')
    await call('POST', '/api/tasks', { task_id: 'a', task_type: 'noop' })
    await call('POST', '/api/workers/w1/drain')
    const draining = await call('POST', '/api/workers/w1/settle', { results, claim: {} })
    expect(draining.body).toEqual({ results: [{ task_id: 't', verdict: 'applied' }], tasks: [] })
    for (const id of ['stranger', 'a%20b']) {
      const unknown = await call('POST', `/api/workers/${id}/settle`, { results, claim: {} })
      expect(unknown).toMatchObject({ status: 200, body: { results: [{ task_id: 't' }], tasks: [] } })
    }
    expect((await call('GET', '/api/tasks/a')).body.status).toBe('pending')
  })

  it('gives the tasks back where the settle failed', async () => {
    const { call, running } = await startNode({
      engine: () => ({
        settle: async () => {
          throw new Problem('store_unavailable')
        },
      }),
    })
    await running('t')
    await call('POST', '/api/tasks', { task_id: 'a', task_type: 'noop' })
    const answer = await call('POST', '/api/workers/w1/settle', { results, claim: {} })
    expect(answer).toMatchObject({ status: 503, body: { code: 'store_unavailable' } })
    await until(async () => (await call('GET', '/api/tasks/a')).body.status === 'pending')
    expect((await call('GET', '/api/tasks/a')).body.attempt).toBe(0)
  })

  it('claims nothing for a node that stops', async () => {
    const { app, call, running } = await startNode()
    await running('t')
    await call('POST', '/api/tasks', { task_id: 'a', task_type: 'noop' })
    app.beginStop()
    const answer = await call('POST', '/api/workers/w1/settle', { results, claim: {} })
    expect(answer.body).toEqual({ results: [{ task_id: 't', verdict: 'applied' }], tasks: [] })
  })

  it('tells a fault of its own in the claim, and counts the results', async () => {
    const { call, log, running } = await startNode({
      engine: real => ({
        claim: ask => (ask.limit === 2 ? Promise.reject(new Error('broken')) : real.claim(ask)),
      }),
    })
    await running('t')
    const answer = await call('POST', '/api/workers/w1/settle', { results, claim: { limit: 2 } })
    expect(answer.body).toEqual({ results: [{ task_id: 't', verdict: 'applied' }], tasks: [] })
    expect(log).toContainEqual(expect.objectContaining({ level: 'error', fields: { err: new Error('broken') } }))
  })
})

describe('POST /api/workers/{id}/settle', () => {
  const settle = (outcome: string, rest: object = {}) => ({ task_id: 't', epoch: 1, outcome, ...rest })

  it('answers one verdict a result, in order, and the same again when repeated', async () => {
    const { call, running } = await startNode()
    await running('t')
    const results = [
      { task_id: 'nobody', epoch: 1, outcome: 'completed' },
      settle('completed', { result: 3 }),
      { task_id: '\u0000', epoch: 1, outcome: 'failed' },
    ]
    const answer = await call('POST', '/api/workers/w1/settle', { results })
    expect(answer.status).toBe(200)
    expect(answer.body.results).toMatchObject([
      { task_id: 'nobody', verdict: 'unknown' },
      { task_id: 't', verdict: 'applied' },
      { task_id: '\u0000', verdict: 'unknown' },
    ])
    expect((await call('POST', '/api/workers/w1/settle', { results })).body).toEqual(answer.body)
    const stale = await call('POST', '/api/workers/w1/settle', { results: [settle('failed')] })
    expect(stale).toMatchObject({ status: 200, body: { results: [{ verdict: 'stale' }] } })
  })

  it('answers 200 to a worker that nobody knows, whatever its name', async () => {
    const { call, running } = await startNode()
    await running('t')
    for (const id of ['stranger', '%00', 'a%20b']) {
      const answer = await call('POST', `/api/workers/${id}/settle`, { results: [settle('completed')] })
      expect(answer.status).toBe(200)
      expect(answer.body.results).not.toMatchObject([{ verdict: 'applied' }])
    }
    expect((await call('GET', '/api/tasks/t')).body.status).toBe('running')
  })

  it.each([
    ['U+0000', '"a\\u0000b"', 'U+0000'],
    ['half a surrogate pair', '{"a":["\\ud800"]}', 'surrogate'],
    ['an integer beyond 2^53', '{"n":123456789012345678901234567890}', 'send it as a string'],
    ['nesting of a hundred thousand', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'nested'],
    ['infinity', '1e999', '64-bit float'],
    ['__proto__', '{"__proto__":{}}', '__proto__'],
    ['more than 1 MiB', `"${'x'.repeat(limits.resultBytesMax)}"`, 'takes up to 1048576'],
  ])('fails only the task whose result holds %s', async (_what, result, sentence) => {
    const { call, running } = await startNode()
    await running('bad')
    await running('good')
    const text = `{"results":[{"task_id":"bad","epoch":1,"outcome":"completed","result":${result}},{"task_id":"good","epoch":1,"outcome":"completed","result":{"ok":true}}]}`
    const answer = await call('POST', '/api/workers/w1/settle', text)
    expect(answer.status).toBe(200)
    expect(answer.body.results).toMatchObject([
      { task_id: 'bad', verdict: 'applied', detail: expect.stringContaining(sentence) },
      { task_id: 'good', verdict: 'applied' },
    ])
    expect((await call('GET', '/api/tasks/bad')).body).toMatchObject({
      status: 'failed',
      result: null,
      error: { code: 'result_invalid' },
    })
    expect((await call('GET', '/api/tasks/good')).body).toMatchObject({ status: 'completed', result: { ok: true } })
  })

  it('finds the faulty result however the body is written', async () => {
    const { call, running } = await startNode()
    await running('t')
    const text =
      '{ "results" : [] , "\\u0072esults" : [ { "error" : { "message" : "a ] } \\" , b" } , "\\u0072esult" : "\\u0000" , "outcome" : "completed" , "task_id" : "t" , "epoch" : 1 } ] }'
    const answer = await call('POST', '/api/workers/w1/settle', text)
    expect(answer.body.results).toMatchObject([
      { task_id: 't', verdict: 'applied', detail: expect.stringContaining('U+0000') },
    ])
  })

  it('repairs and cuts the error of a worker instead of refusing it', async () => {
    const { call, running } = await startNode()
    await running('t')
    const message = `a\u0000b\ud800c ${'é'.repeat(100_000)}`
    const error = { code: 'boom', message, stack: '"\n'.repeat(100_000) }
    const answer = await call('POST', '/api/workers/w1/settle', {
      results: [settle('failed', { error, retryable: false })],
    })
    expect(answer.body.results).toMatchObject([{ verdict: 'applied' }])
    const kept = (await call('GET', '/api/tasks/t')).body.error as unknown as {
      code: string
      message: string
      stack: string
    }
    expect(kept.code).toBe('boom')
    expect(kept.message.slice(0, 8)).toBe('a\ufffdb\ufffdc éé')
    expect(kept.message).toContain('…')
    expect(kept.stack).toContain('…')
    expect(Buffer.byteLength(JSON.stringify(kept))).toBeLessThanOrEqual(limits.errorBytesMax)
  })

  it('gives a released task back without charging it', async () => {
    const { call, running } = await startNode()
    await running('t')
    await call('POST', '/api/workers/w1/settle', { results: [settle('released')] })
    expect((await call('GET', '/api/tasks/t')).body).toMatchObject({ status: 'pending', attempt: 0 })
  })

  it.each([
    [{}, '/results'],
    [{ results: [] }, '/results'],
    [{ results: [{ task_id: 't', epoch: 1 }] }, '/results/0/outcome'],
    [{ results: [{ task_id: 't', epoch: '1', outcome: 'completed' }] }, '/results/0/epoch'],
    [{ results: [{ task_id: 't', epoch: 1, outcome: 'done' }] }, '/results/0/outcome'],
    [{ results: [{ task_id: 't', epoch: 1, outcome: 'failed', error: 'text' }] }, '/results/0/error'],
    [{ results: [{ task_id: 't', epoch: 1, outcome: 'failed', retry_after: -1 }] }, '/results/0/retry_after'],
    [{ results: Array.from({ length: 1_001 }, () => ({ task_id: 't', epoch: 1, outcome: 'completed' })) }, '/results'],
  ])('refuses %j', async (body, pointer) => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/workers/w1/settle', body)
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer }] } })
  })

  it('refuses a body that is no JSON, also where a result holds a fault', async () => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/workers/w1/settle', '{"results":[{"task_id":"t","result":"\\u0000"]}')
    expect(answer).toMatchObject({ status: 400, body: { code: 'json_invalid' } })
  })
})

describe('POST /api/workers/{id}/logs', () => {
  it('keeps lines of tasks the worker holds, repairs their text, and counts what it dropped', async () => {
    const { call, running } = await startNode()
    const { epoch } = await running('t')
    const logs = [
      { task_id: 't', epoch, level: 'warn', message: 'a\u0000b\u001b[31m', time: '2026-01-01T00:00:00Z' },
      { task_id: 't', epoch: epoch + 1, message: 'from a lease it does not have' },
      { task_id: 'n\u0000', epoch, message: 'of no task' },
    ]
    expect((await call('POST', '/api/workers/w1/logs', { logs })).body).toEqual({ accepted: 1, dropped: 2 })
    expect((await call('GET', '/api/tasks/t/logs')).body.logs).toMatchObject([
      { level: 'warn', message: 'a\ufffdb\u001b[31m', time: '2026-01-01T00:00:00.000Z' },
    ])
  })

  it.each([
    [{ logs: [] }, '/logs'],
    [{ logs: [{ task_id: 't', epoch: 1, message: 'x'.repeat(8_193) }] }, '/logs/0/message'],
    [{ logs: [{ task_id: 't', epoch: 1, message: 'x', level: 'fatal' }] }, '/logs/0/level'],
    [{ logs: [{ task_id: 't', epoch: 1, message: 'x', time: 'now' }] }, '/logs/0/time'],
  ])('refuses %j', async (body, pointer) => {
    const { call } = await startNode()
    expect(await call('POST', '/api/workers/w1/logs', body)).toMatchObject({
      status: 422,
      body: { errors: [{ pointer }] },
    })
  })
})

describe('the end of a worker', () => {
  it('gives its tasks back at once, uncharged', async () => {
    const { call, running } = await startNode()
    await running('t')
    expect(await call('DELETE', '/api/workers/w1')).toMatchObject({ status: 204, text: '' })
    expect((await call('GET', '/api/tasks/t')).body).toMatchObject({ status: 'pending', attempt: 0, worker_id: null })
    expect(await call('GET', '/api/workers/w1')).toMatchObject({ status: 404, body: { code: 'worker_unknown' } })
    expect((await call('DELETE', '/api/workers/w1')).status).toBe(404)
    expect((await call('POST', '/api/workers/w1/drain')).status).toBe(404)
  })

  it('takes names with a slash, percent-encoded', async () => {
    const { call } = await startNode()
    await call('POST', '/api/workers/register', { ...worker, worker_id: 'host/w1' })
    expect((await call('GET', '/api/workers/host%2Fw1')).body).toMatchObject({ worker_id: 'host/w1' })
  })
})
