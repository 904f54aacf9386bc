import { describe, expect, it } from 'vitest'
import { startPullNode } from './pull-client.ts'

const time = expect.stringMatching(/^2030-01-01T00:00:\d\d\.\d{3}\+00:00$/)

describe('GET /get_task', () => {
  it('hands out a task with every field', async () => {
    const node = await startPullNode()
    const id = await node.add('resize', { args: ['a.png'], kwargs: { width: 10 }, priority: 4, timeout: 30 })
    expect(await node.get('w1')).toEqual({
      task_id: id,
      func: 'resize',
      args: ['a.png'],
      kwargs: { width: 10 },
      priority: 4,
      dependencies: [],
      status: 'RUNNING',
      created_at: time,
      started_at: time,
      completed_at: null,
      worker_id: 'w1',
      timeout: 30,
      retries: 0,
      max_retries: 2,
    })
  })

  it('answers 204 without a body where there is none, at once', async () => {
    const node = await startPullNode()
    const answer = await node.call('GET', '/get_task/w1')
    expect([answer.status, answer.text]).toEqual([204, ''])
  })

  it('hands the same task out again while it is held, and to nobody else', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    const other = await node.add('f')
    const first = await node.get('w1')
    expect(first?.task_id).toBe(id)
    expect(await node.get('w1')).toEqual(first)
    expect((await node.get('w2'))?.task_id).toBe(other)
    expect(await node.get('w3')).toBeNull()
    expect(await node.attempts(id)).toMatchObject([{ attempt: 1, epoch: 1, outcome: 'running' }])
  })

  it('hands two that ask at once under one id the same task', async () => {
    const node = await startPullNode()
    await node.add('f')
    await node.add('f')
    await node.beat('w1')
    const got = await Promise.all([node.get('w1'), node.get('w1'), node.get('w1')])
    expect(new Set(got.map(task => task?.task_id)).size).toBe(1)
    expect((await node.call('GET', '/status')).body.tasks_by_status).toMatchObject({ PENDING: 1, RUNNING: 1 })
  })

  it('is not taken by a HEAD', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    expect((await node.call('HEAD', '/get_task/w1')).status).toBe(405)
    expect((await node.task(id)).status).toBe('pending')
  })

  it('is not taken by a browser that follows a link, whatever page it is on', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    const headers = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    for (const site of ['cross-site', 'same-origin', 'none']) {
      const answer = await node.call('GET', '/get_task/w1', undefined, { ...headers, 'sec-fetch-site': site })
      expect([answer.status, answer.body.code], site).toEqual([403, 'origin_not_allowed'])
    }
    const image = { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image', 'sec-fetch-site': 'cross-site' }
    expect((await node.call('GET', '/get_task/w1', undefined, image)).status).toBe(403)
    expect((await node.task(id)).status).toBe('pending')
    // The page of the documentation may try it out.
    const own = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', 'sec-fetch-site': 'same-origin' }
    expect((await node.call('GET', '/get_task/w1', undefined, own)).status).toBe(200)
  })

  it('gives a draining worker nothing new, and what it holds again', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    await node.add('g')
    await node.getOne('w1')
    await node.call('POST', '/api/workers/w1/drain')
    expect((await node.get('w1'))?.task_id).toBe(id)
    await node.report('w1', id, 'COMPLETED')
    // A type that the worker has not heard of must not end its drain.
    await node.add('new')
    expect(await node.get('w1')).toBeNull()
    expect((await node.call('GET', '/api/workers/w1')).body.status).toBe('draining')
  })

  it('refuses what can be no id of a worker', async () => {
    const node = await startPullNode()
    for (const path of ['/get_task/a%20b', '/heartbeat/%00', `/register_worker/${'x'.repeat(200)}`]) {
      const method = path.startsWith('/get') ? 'GET' : path.startsWith('/heart') ? 'PUT' : 'POST'
      expect((await node.call(method, path)).status, path).toBe(422)
    }
  })
})

describe('which tasks a worker gets', () => {
  it('only those of types that were submitted in this dialect', async () => {
    const node = await startPullNode()
    await node.call('POST', '/api/tasks', { task_id: 'foreign', task_type: 'their_type', priority: 10 })
    await node.call('POST', '/api/tasks', { task_id: 'shared', task_type: 'f', payload: { x: 1 }, priority: 9 })
    expect(await node.get('w1')).toBeNull()
    const own = await node.add('f')
    const got = await node.getOne('w1')
    expect(got).toMatchObject({ task_id: 'shared', func: 'f', args: [], kwargs: { x: 1 } })
    await node.report('w1', 'shared', 'COMPLETED')
    expect((await node.get('w1'))?.task_id).toBe(own)
    await node.report('w1', own, 'COMPLETED')
    expect(await node.get('w1')).toBeNull()
    expect((await node.call('GET', '/api/workers/w1')).body.capabilities).toEqual(['f'])
  })

  it('also after the last of them is gone', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    await node.call('POST', `/cancel_task/${id}`)
    await node.call('DELETE', `/api/tasks/${id}`)
    await node.call('POST', '/api/tasks', { task_id: 'later', task_type: 'f' })
    expect((await node.get('w1'))?.task_id).toBe('later')
  })

  it('all where it registered so, and those that it named', async () => {
    const node = await startPullNode()
    for (const type of ['a', 'b', 'c']) await node.call('POST', '/api/tasks', { task_id: type, task_type: type })
    expect((await node.call('POST', '/register_worker/some?capabilities=c,%20b&more=1&more=2')).status).toBe(200)
    await node.call('POST', '/register_worker/every?capabilities=*')
    expect((await node.get('some'))?.task_id).toBe('b')
    expect((await node.get('every'))?.task_id).toBe('a')
    await node.report('every', 'a', 'COMPLETED')
    expect((await node.get('every'))?.task_id).toBe('c')
    expect((await node.call('POST', '/register_worker/bad?capabilities=a,,b')).status).toBe(422)
  })

  it.each([
    ['nothing', undefined, [], {}],
    ['a list', [1, 2], [1, 2], {}],
    ['an object', { x: 1 }, [], { x: 1 }],
    ['a text', 'a', ['a'], {}],
    ['false', false, [false], {}],
    ['a call', { args: [1], kwargs: { y: 2 } }, [1], { y: 2 }],
    ['nearly a call', { args: [1], kwargs: [] }, [], { args: [1], kwargs: [] }],
    ['more than a call', { args: [], kwargs: {}, z: 1 }, [], { args: [], kwargs: {}, z: 1 }],
  ])('is called with what the payload says: %s', async (_, payload, args, kwargs) => {
    const node = await startPullNode()
    await node.call('POST', '/register_worker/w1?capabilities=*')
    await node.call('POST', '/api/tasks', { task_type: 'f', payload })
    expect(await node.get('w1')).toMatchObject({ args, kwargs })
  })

  it('does not list more types than a worker may name', async () => {
    const node = await startPullNode()
    for (let at = 0; at <= 1_000; at += 1) await node.add(`f${at}`)
    await node.call('POST', '/api/tasks', { task_type: 'foreign', priority: 10 })
    expect((await node.get('w1'))?.func).toBe('f0')
    expect((await node.call('GET', '/api/workers/w1')).body).toMatchObject({ capabilities: ['*'], queues: ['pull'] })
  })
})

describe('POST /task_status', () => {
  it('completes with a result, and takes the same word again', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    await node.getOne('w1')
    for (let times = 0; times < 2; times += 1) {
      const answer = await node.report('w1', id, 'COMPLETED', { result: { sum: 3 }, error_message: null })
      expect(answer.status).toBe(200)
      expect(answer.body).toMatchObject({ task_id: id, status: 'COMPLETED', applied: true })
    }
    expect(await node.task(id)).toMatchObject({ status: 'completed', result: { sum: 3 }, worker_id: 'w1' })
  })

  it('tries a failure again, and a repeated word takes no second try', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    await node.getOne('w1')
    for (let times = 0; times < 3; times += 1) {
      expect((await node.report('w1', id, 'FAILED', { error_message: 'boom' })).body.applied).toBe(true)
    }
    expect(await node.task(id)).toMatchObject({ status: 'scheduled', attempt: 1, error: { message: 'boom' } })
    await node.clock.advance(2_000)
    expect(await node.get('w2')).toMatchObject({ task_id: id, retries: 1 })
  })

  it('ends as cancelled what the worker says was called off', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    await node.getOne('w1')
    expect((await node.report('w1', id, 'CANCELED', { error_message: 'not wanted' })).body.applied).toBe(true)
    expect((await node.report('w1', id, 'CANCELED')).body.applied).toBe(true)
    expect(await node.task(id)).toMatchObject({
      status: 'cancelled',
      error: { code: 'cancelled', message: 'not wanted' },
    })
  })

  it('changes nothing where the worker does not hold the task', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    const before = await node.report('w1', id, 'COMPLETED')
    expect([before.status, before.body.applied, before.body.status]).toEqual([200, false, null])
    await node.getOne('w1')
    for (const word of ['COMPLETED', 'FAILED', 'TIMED_OUT', 'CANCELED']) {
      const foreign = await node.report('w2', id, word)
      expect([foreign.status, foreign.body.applied, foreign.body.status]).toEqual([200, false, null])
    }
    await node.report('w1', id, 'COMPLETED', { result: 1 })
    const late = await node.report('w1', id, 'FAILED')
    expect([late.status, late.body.applied, late.body.status]).toEqual([200, false, null])
    expect(await node.task(id)).toMatchObject({ status: 'completed', result: 1 })
  })

  it('does not take the word of a worker whose lease went to another', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    await node.getOne('w1')
    await node.clock.advance(17_000)
    expect((await node.get('w2'))?.task_id).toBe(id)
    const zombie = await node.report('w1', id, 'COMPLETED', { result: 'late' })
    expect(zombie.body).toMatchObject({ applied: false, status: null })
    await node.report('w2', id, 'COMPLETED', { result: 'right' })
    expect(await node.task(id)).toMatchObject({ status: 'completed', result: 'right' })
    expect(await node.attempts(id)).toMatchObject([{ outcome: 'crashed' }, { outcome: 'completed' }])
  })

  it.each([
    ['NaN', 'NaN', 'not JSON'],
    ['Infinity in a list', '[1, -Infinity]', 'not JSON'],
    ['an integer beyond 2^53', '123456789012345678901234567890', '2^53'],
    ['a lone surrogate', '"\\udc80"', 'surrogate'],
    ['__proto__', '{"__proto__": {"polluted": true}}', '__proto__'],
    ['more than a mebibyte', JSON.stringify('x'.repeat(1_100_000)), 'bytes'],
  ])('fails a task whose result cannot be kept, so that it is not run for ever: %s', async (_, result, word) => {
    const node = await startPullNode()
    const id = await node.add('f')
    await node.getOne('w1')
    const body = `{"task_id": "${id}", "status": "COMPLETED", "result": ${result}, "error_message": null, "worker_id": "w1"}`
    const answer = await node.call('POST', '/task_status', body)
    expect([answer.status, answer.body.applied]).toEqual([200, true])
    const error = { code: 'result_invalid', message: expect.stringContaining(word) }
    expect(await node.task(id)).toMatchObject({ status: 'failed', result: null, error })
  })

  it('repairs what a traceback cannot be kept with', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    await node.getOne('w1')
    const body = `{"task_id": "${id}", "status": "FAILED", "error_message": "bad \\udc80 \\u0000 byte", "worker_id": "w1"}`
    expect((await node.call('POST', '/task_status', body)).body.applied).toBe(true)
    expect(await node.task(id)).toMatchObject({ error: { message: 'bad \ufffd \ufffd byte' } })
  })

  it('refuses a word, a task and a body that it does not know', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    expect((await node.report('w1', id, 'DONE')).status).toBe(422)
    expect((await node.report('w1', 'ghost', 'COMPLETED')).status).toBe(404)
    expect((await node.report('w1', 'no id', 'COMPLETED')).status).toBe(404)
    expect((await node.call('POST', '/task_status', '{"task_id": NaN}')).status).toBe(400)
    expect((await node.call('POST', '/task_status', { task_id: id, status: 'COMPLETED' })).status).toBe(422)
  })
})

describe('the life of a worker', () => {
  it('needs no registration: every call of it makes it known', async () => {
    const node = await startPullNode()
    await node.get('asks')
    await node.beat('beats')
    await node.report('reports', await node.add('f'), 'COMPLETED')
    expect((await node.call('POST', '/register_worker/says')).body).toMatchObject({
      worker_id: 'says',
      heartbeat_interval: 5,
      lease_seconds: 15,
    })
    const { workers } = (await node.call('GET', '/api/workers')).body as { workers: { worker_id: string }[] }
    expect(workers.map(worker => worker.worker_id)).toEqual(['asks', 'beats', 'reports', 'says'])
    expect(workers[0]).toMatchObject({ max_concurrent_tasks: 1 })
  })

  it('keeps its task by heartbeats alone, for as long as it takes', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    await node.getOne('w1')
    for (let beats = 0; beats < 20; beats += 1) {
      await node.clock.advance(5_000)
      expect((await node.beat('w1')).status).toBe(200)
      expect(await node.get('w2')).toBeNull()
    }
    expect((await node.report('w1', id, 'COMPLETED')).body.applied).toBe(true)
    expect((await node.task(id)).attempt).toBe(1)
  })

  it('gives its task to another when it is silent, within the budget of crashes', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    for (const worker of ['w1', 'w2', 'w3']) {
      expect((await node.get(worker))?.task_id).toBe(id)
      await node.clock.advance(17_000)
    }
    expect(await node.get('w4')).toBeNull()
    expect(await node.task(id)).toMatchObject({ status: 'failed', error: { code: 'poisoned' } })
  })

  it('ends a try whose time is up, whatever the heartbeats say', async () => {
    const node = await startPullNode()
    const id = await node.add('f', { timeout: 8 })
    await node.getOne('w1')
    for (let beats = 0; beats < 5; beats += 1) {
      await node.clock.advance(5_000)
      await node.beat('w1')
    }
    expect(await node.attempts(id)).toMatchObject([{ outcome: 'timeout' }])
    expect((await node.get('w2'))?.task_id).toBe(id)
    // Whoever asks for work runs none: its try need not be waited for.
    await node.clock.advance(9_000)
    expect(await node.get('w2')).toBeNull()
    expect(await node.attempts(id)).toMatchObject([{ outcome: 'timeout' }, { outcome: 'timeout' }])
  })

  it('is handed its task again after a restart without registration', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    await node.getOne('w1')
    await node.clock.advance(12_000)
    expect((await node.get('w1'))?.task_id).toBe(id)
    // The lease was extended, so that the heartbeats to come are in time.
    await node.clock.advance(10_000)
    expect((await node.report('w1', id, 'COMPLETED')).body.applied).toBe(true)
    expect(await node.task(id)).toMatchObject({ attempt: 1, status: 'completed' })
  })

  it('that registers and then asks has begun anew: a task that kills its worker ends', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    for (let lives = 0; lives < 3; lives += 1) {
      await node.call('POST', '/register_worker/w1')
      expect(await node.get('w1')).toMatchObject({ task_id: id, retries: lives })
      await node.clock.advance(1_000)
    }
    await node.call('POST', '/register_worker/w1')
    expect(await node.get('w1')).toBeNull()
    expect(await node.task(id)).toMatchObject({ status: 'failed', error: { code: 'poisoned' } })
  })

  it('that registers while it runs a task keeps it', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    await node.getOne('w1')
    await node.call('POST', '/register_worker/w1')
    await node.beat('w1')
    expect((await node.report('w1', id, 'COMPLETED')).body.applied).toBe(true)
    expect(await node.attempts(id)).toHaveLength(1)
  })

  it.each(['/unregister_worker/w1', '/unregister/w1'])('gives its task back at once by DELETE %s', async path => {
    const node = await startPullNode()
    const id = await node.add('f')
    await node.getOne('w1')
    expect((await node.call('DELETE', path)).status).toBe(200)
    expect(await node.task(id)).toMatchObject({ status: 'pending', attempt: 0 })
    expect((await node.call('DELETE', path)).status).toBe(200)
    expect((await node.report('w1', id, 'COMPLETED')).body.applied).toBe(false)
    expect((await node.get('w2'))?.task_id).toBe(id)
  })

  it('leaves the tasks that a worker of the API holds alone', async () => {
    const node = await startPullNode()
    const { epoch } = await node.running('t1', 'api')
    await node.beat('api')
    expect((await node.get('api'))?.task_id).toBe('t1')
    const settled = await node.call('POST', '/api/workers/api/settle', {
      results: [{ task_id: 't1', epoch, outcome: 'completed' }],
    })
    expect(settled.body).toEqual({ results: [{ task_id: 't1', verdict: 'applied' }] })
    expect((await node.call('GET', '/api/workers/api')).body.capabilities).toEqual(['*'])
  })
})
