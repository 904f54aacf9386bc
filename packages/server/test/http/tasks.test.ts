import { describe, expect, it } from 'vitest'
import { startNode } from './harness.ts'

async function withTasks(...ids: readonly string[]) {
  const node = await startNode()
  await node.call('POST', '/api/tasks/batch', { tasks: ids.map(id => ({ task_id: id, task_type: 'a' })) })
  return node
}

const idsOf = (body: Record<string, unknown>) => (body.tasks as { task_id: string }[]).map(task => task.task_id)

describe('GET /api/tasks', () => {
  it('lists newest first and goes on by cursor', async () => {
    const { call } = await withTasks('a', 'b', 'c')
    const first = await call('GET', '/api/tasks?limit=2')
    expect(idsOf(first.body)).toEqual(['c', 'b'])
    const second = await call('GET', `/api/tasks?limit=2&cursor=${first.body.next_cursor}`)
    expect(idsOf(second.body)).toEqual(['a'])
    expect(second.body.next_cursor).toBeNull()
  })

  it('skips by offset', async () => {
    const { call } = await withTasks('a', 'b', 'c')
    expect(idsOf((await call('GET', '/api/tasks?status=pending&limit=10&offset=1')).body)).toEqual(['b', 'a'])
  })

  it('filters by lists of states, types and queues, by label and by text', async () => {
    const { call } = await startNode()
    await call('POST', '/api/tasks', { task_id: 'one', task_type: 'x', queue: 'q1', labels: { team: 'red' } })
    await call('POST', '/api/tasks', {
      task_id: 'two',
      task_type: 'y',
      queue: 'q2',
      labels: { team: 'blue' },
      delay: 60,
    })
    await call('POST', '/api/tasks', { task_id: 'three', task_type: 'z', name: 'Third one' })
    const list = async (query: string) => idsOf((await call('GET', `/api/tasks?${query}`)).body)
    expect(await list('task_type=x,y')).toEqual(['two', 'one'])
    expect(await list('queue=q1')).toEqual(['one'])
    expect(await list('status=scheduled,completed')).toEqual(['two'])
    expect(await list('label=team')).toEqual(['two', 'one'])
    expect(await list('label=team%3Ared')).toEqual(['one'])
    expect(await list('q=third+one')).toEqual(['three'])
    expect(await list('q=%25')).toEqual([])
    expect(await list(`q=${encodeURIComponent("' OR 1=1--")}`)).toEqual([])
  })

  it.each([
    ['limit=0', 'limit', 'it takes a number from 1 to 500.'],
    ['limit=501', 'limit', 'it takes a number from 1 to 500.'],
    ['limit=1000000000', 'limit', 'it takes a number from 1 to 500.'],
    ['limit=1e2', 'limit', "Query parameter 'limit' is '1e2'; it takes a whole number."],
    ['limit=1.5', 'limit', 'it takes a whole number.'],
    ['limit=', 'limit', "is ''; it takes a whole number."],
    ['offset=100001', 'offset', 'it takes a number from 0 to 100000.'],
    ['offset=-1', 'offset', 'it takes a number from 0 to 100000.'],
    ['offset=1&cursor=x', 'offset', 'exclude each other'],
    ['limit=1&limit=2', 'limit', "Query parameter 'limit' is given 2 times; give it once."],
    ['status=done', 'status', "Status 'done' is unknown; known are blocked, scheduled"],
    ['status=', 'status', 'is unknown'],
    ['stauts=pending', 'stauts', "did you mean 'status'?"],
    ['sort=created_at', 'sort', 'is unknown'],
    ['id[]=1', 'id[]', 'is unknown'],
    ['a[__proto__][x]=1', 'a[__proto__][x]', 'is unknown'],
    ['__proto__=1', '__proto__', 'is unknown'],
    ['queue=a,,b', 'queue', 'empty or overlong entry'],
    ['label=:x', 'label', 'has no key'],
    ['q=%00', 'q', 'holds U+0000'],
    [`q=${'x'.repeat(257)}`, 'q', 'has 257 characters; it takes up to 256.'],
  ])('refuses ?%s', async (query, pointer, sentence) => {
    const { call } = await startNode()
    const answer = await call('GET', `/api/tasks?${query}`)
    expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', errors: [{ pointer }] } })
    expect(answer.body.detail).toContain(sentence)
  })

  it('refuses a query that is no percent-encoding with 400', async () => {
    const { call } = await startNode()
    expect(await call('GET', '/api/tasks?q=%zz')).toMatchObject({ status: 400, body: { code: 'request_invalid' } })
    expect((await call('GET', '/api/tasks?q=%ff')).status).toBe(400)
  })

  it('refuses a cursor that is none, and one of another filter', async () => {
    const { call } = await withTasks('a', 'b')
    expect(await call('GET', '/api/tasks?cursor=nonsense')).toMatchObject({
      status: 422,
      body: { code: 'cursor_invalid' },
    })
    const page = await call('GET', '/api/tasks?limit=1')
    const other = await call('GET', `/api/tasks?limit=1&queue=default&cursor=${page.body.next_cursor}`)
    expect(other).toMatchObject({ status: 422, body: { code: 'cursor_invalid' } })
  })
})

describe('one task', () => {
  it.each([
    ['GET', ''],
    ['GET', '/attempts'],
    ['GET', '/logs'],
    ['GET', '/graph'],
    ['GET', '/why'],
    ['GET', '/parents'],
    ['GET', '/result'],
    ['POST', '/cancel'],
    ['POST', '/retry'],
    ['DELETE', ''],
  ] as const)('%s /api/tasks/{id}%s answers 404 for an id nobody has', async (method, path) => {
    const { call } = await startNode()
    for (const id of [
      'nobody',
      'constructor',
      '%00',
      '..%2f..%2fetc',
      '%F0%9F%98%80',
      "'%20OR%201=1--",
      'x'.repeat(500),
    ]) {
      const answer = await call(method, `/api/tasks/${id}${path}`)
      expect(answer).toMatchObject({ status: 404, body: { code: 'task_unknown' } })
    }
  })

  it('refuses query parameters that a call does not know', async () => {
    const { call } = await withTasks('a')
    const answer = await call('GET', '/api/tasks/a?verbose=1')
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer: 'verbose' }] } })
    expect(answer.body.detail).toBe("Query parameter 'verbose' is unknown; this call takes none.")
  })

  it('tells its tries, why it waits, and its neighbourhood', async () => {
    const { call, running } = await startNode()
    await running('p')
    await call('POST', '/api/tasks', { task_id: 'c', task_type: 'a', dependencies: ['p'] })
    expect((await call('GET', '/api/tasks/p/attempts')).body).toMatchObject({
      attempts: [{ attempt: 1, epoch: 1, worker_id: 'w1', ended_at: null, outcome: 'running', error: null }],
    })
    expect((await call('GET', '/api/tasks/c/why')).body).toMatchObject({
      task_id: 'c',
      status: 'blocked',
      reasons: [{ code: 'waits_for_parents' }],
    })
    expect((await call('GET', '/api/tasks/c/graph')).body).toMatchObject({
      edges: [{ parent: 'p', child: 'c', on_failure: 'cancel' }],
      truncated: false,
      edges_truncated: false,
    })
  })

  it('tells the error of a failed try', async () => {
    const { call, running } = await startNode()
    const { epoch } = await running('t')
    const error = { code: 'boom', message: 'It went wrong.' }
    const results = [{ task_id: 't', epoch, outcome: 'failed', error, retryable: false }]
    await call('POST', '/api/workers/w1/settle', { results })
    expect((await call('GET', '/api/tasks/t/attempts')).body).toMatchObject({
      attempts: [{ outcome: 'failed', error }],
    })
    expect((await call('GET', '/api/tasks/t')).body).toMatchObject({ status: 'failed', error })
  })

  it('pages through its log lines', async () => {
    const { call, running } = await startNode()
    const { epoch } = await running('t')
    const logs = ['one', 'two', 'three'].map(message => ({ task_id: 't', epoch, message }))
    expect((await call('POST', '/api/workers/w1/logs', { logs })).body).toEqual({ accepted: 3, dropped: 0 })
    const first = (await call('GET', '/api/tasks/t/logs?limit=2')).body
    expect(first).toMatchObject({ logs: [{ message: 'one', level: 'info', epoch }, { message: 'two' }] })
    const second = (await call('GET', `/api/tasks/t/logs?limit=2&after=${first.next_after}`)).body
    expect(second).toMatchObject({ logs: [{ message: 'three' }], next_after: null })
    expect((await call('GET', '/api/tasks/t/logs?limit=1001')).status).toBe(422)
  })

  it('cancels a waiting task once', async () => {
    const { call } = await withTasks('a')
    const answer = await call('POST', '/api/tasks/a/cancel', { reason: 'not needed' })
    expect(answer).toMatchObject({ status: 200, body: { status: 'cancelled', error: { code: 'cancelled' } } })
    expect(await call('POST', '/api/tasks/a/cancel')).toMatchObject({ status: 409, body: { code: 'task_finished' } })
  })

  it('retries what was cancelled and refuses to retry what waits', async () => {
    const { call } = await withTasks('a')
    expect(await call('POST', '/api/tasks/a/retry')).toMatchObject({
      status: 409,
      body: { code: 'task_not_retryable' },
    })
    await call('POST', '/api/tasks/a/cancel')
    expect(await call('POST', '/api/tasks/a/retry', {})).toMatchObject({
      status: 200,
      body: { status: 'pending', error: null },
    })
  })

  it('changes a priority until the task runs', async () => {
    const { call, running } = await startNode()
    await call('POST', '/api/tasks', { task_id: 'a', task_type: 'x', delay: 60 })
    expect(await call('PATCH', '/api/tasks/a', { priority: 9.5 })).toMatchObject({
      status: 200,
      body: { priority: 9.5 },
    })
    expect((await call('PATCH', '/api/tasks/a', { priority: 10.5 })).status).toBe(422)
    expect((await call('PATCH', '/api/tasks/a')).body.detail).toBe("Field 'priority' is missing.")
    await running('r')
    expect(await call('PATCH', '/api/tasks/r', { priority: 1 })).toMatchObject({
      status: 409,
      body: { code: 'task_not_waiting' },
    })
  })

  it('deletes what has finished, and nothing else', async () => {
    const { call } = await withTasks('a')
    expect(await call('DELETE', '/api/tasks/a')).toMatchObject({ status: 409, body: { code: 'task_unfinished' } })
    await call('POST', '/api/tasks/a/cancel')
    expect(await call('DELETE', '/api/tasks/a')).toMatchObject({ status: 204, text: '' })
    expect((await call('GET', '/api/tasks/a')).status).toBe(404)
  })
})

describe('GET /api/tasks/{id}/result', () => {
  it('answers 200 as soon as the task has finished', async () => {
    const { call, running } = await startNode()
    const { epoch } = await running('t')
    const waiting = call('GET', '/api/tasks/t/result?wait=30')
    const results = [{ task_id: 't', epoch, outcome: 'completed', result: { sum: 3 } }]
    await call('POST', '/api/workers/w1/settle', { results })
    expect(await waiting).toMatchObject({ status: 200, body: { status: 'completed', result: { sum: 3 } } })
  })

  it('answers 202 with the task when time is up', async () => {
    const { call } = await withTasks('a')
    expect(await call('GET', '/api/tasks/a/result')).toMatchObject({ status: 202, body: { status: 'pending' } })
    expect(await call('GET', '/api/tasks/a/result?wait=0.02')).toMatchObject({ status: 202, body: { task_id: 'a' } })
  })

  it('waits thirty seconds at most', async () => {
    const { call } = await withTasks('a')
    expect((await call('GET', '/api/tasks/a/result?wait=31')).body.detail).toBe(
      "Query parameter 'wait' is 31; it takes a number from 0 to 30.",
    )
  })
})

describe('POST /api/tasks/bulk', () => {
  it('counts in a dry run and then acts', async () => {
    const { call } = await withTasks('a', 'b', 'c')
    const filter = { task_type: 'a' }
    const dry = await call('POST', '/api/tasks/bulk', { action: 'cancel', filter, dry_run: true })
    expect(dry.body).toEqual({ action: 'cancel', dry_run: true, matched: 3, verdicts: {} })
    const real = await call('POST', '/api/tasks/bulk', { action: 'cancel', filter, reason: 'enough' })
    expect(real.body).toMatchObject({ matched: 3, verdicts: { cancelled: 3 } })
  })

  it('takes ids, and tells those that nobody has', async () => {
    const { call } = await withTasks('a')
    const answer = await call('POST', '/api/tasks/bulk', { action: 'cancel', ids: ['a', 'nobody', 'a'] })
    expect(answer.body.verdicts).toEqual({ cancelled: 1, unknown: 1 })
  })

  it.each([
    [{}, '/action'],
    [{ action: 'cancel' }, '/ids'],
    [{ action: 'cancel', ids: ['a'], filter: {} }, '/filter'],
    [{ action: 'cancel', ids: [] }, '/ids'],
    [{ action: 'reprioritise', ids: ['a'] }, '/priority'],
    [{ action: 'cancel', ids: ['a'], priority: 1 }, '/priority'],
    [{ action: 'delete', ids: ['a'], reason: 'x' }, '/reason'],
    [{ action: 'cancel', ids: ['a'], with_dependents: true }, '/with_dependents'],
    [{ action: 'drop', ids: ['a'] }, '/action'],
    [{ action: 'cancel', filter: { status: 'done' } }, '/filter/status'],
    [{ action: 'cancel', filter: { $where: '1' } }, '/filter/$where'],
  ])('refuses %j and points at %s', async (body, pointer) => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/tasks/bulk', body)
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer }] } })
  })
})
