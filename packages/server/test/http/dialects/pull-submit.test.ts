import { describe, expect, it } from 'vitest'
import { type PullNode, startPullNode } from './pull-client.ts'

describe('POST /add_task', () => {
  it('submits a call of a function, which the API tells as a task of that type', async () => {
    const node = await startPullNode()
    const parent = await node.add('load')
    const answer = await node.call('POST', '/add_task', {
      func_name: 'add',
      args: [1, 2],
      kwargs: { round: true },
      priority: 7.5,
      dependencies: [parent],
      timeout: 30,
      something_else: 'that is passed over',
    })
    expect(answer.status).toBe(201)
    expect(answer.body).toEqual({ message: 'Task added', task_id: expect.any(String) })
    expect(answer.headers).not.toHaveProperty('warning')
    expect(await node.task(String(answer.body.task_id))).toMatchObject({
      task_type: 'add',
      payload: { args: [1, 2], kwargs: { round: true } },
      priority: 7.5,
      dependencies: [parent],
      timeout: 30,
      max_retries: 2,
      status: 'blocked',
    })
  })

  it('takes what is absent or null for the least that could be meant', async () => {
    const node = await startPullNode()
    const absent = await node.add('f')
    const nulls = await node.add('f', { args: null, kwargs: null, priority: null, dependencies: null, timeout: null })
    for (const id of [absent, nulls]) {
      const expected = {
        payload: { args: [], kwargs: {} },
        priority: 1,
        dependencies: [],
        timeout: null,
        max_retries: 2,
      }
      expect(await node.task(id)).toMatchObject(expected)
    }
  })

  it.each([
    [0, 1],
    [-3, 1],
    [0.5, 1],
    [11, 10],
    [1e300, 10],
  ])('clamps the priority %d to %d and says so', async (asked, given) => {
    const node = await startPullNode()
    const answer = await node.call('POST', '/add_task', { func_name: 'f', priority: asked })
    expect(answer.headers.warning).toBe(`299 - "Priority ${asked} is outside 1 to 10; the task has priority ${given}."`)
    expect((await node.task(String(answer.body.task_id))).priority).toBe(given)
  })

  it.each([
    ['no function', {}],
    ['a function that is no name', { func_name: '<lambda>' }],
    ['arguments that are no list', { func_name: 'f', args: 'ab' }],
    ['named arguments that are no object', { func_name: 'f', kwargs: [1] }],
    ['a priority that is a text', { func_name: 'f', priority: '5' }],
    ['a time limit of nothing', { func_name: 'f', timeout: 0 }],
    ['a parent that does not exist', { func_name: 'f', dependencies: ['ghost'] }],
  ])('refuses %s', async (_, body) => {
    const node = await startPullNode()
    const answer = await node.call('POST', '/add_task', body)
    expect(answer.status, answer.text).toBe(422)
    expect(answer.body.detail).toMatch(/^.+\.$/)
  })

  it('repeats a submit under an Idempotency-Key', async () => {
    const node = await startPullNode()
    const submit = () => node.call('POST', '/add_task', { func_name: 'f' }, { 'idempotency-key': 'k1' })
    const [first, again] = [await submit(), await submit()]
    expect([first.status, again.status]).toEqual([201, 200])
    expect(again.body.task_id).toBe(first.body.task_id)
  })

  it('cancels the children of a parent that fails', async () => {
    const node = await startPullNode()
    const parent = await node.add('f')
    const child = await node.add('g', { dependencies: [parent] })
    for (let tries = 0; tries < 3; tries += 1) {
      await node.clock.advance(10_000)
      const task = await node.getOne('w1')
      expect(task).toMatchObject({ task_id: parent, retries: tries, max_retries: 2 })
      await node.report('w1', parent, 'FAILED', { error_message: 'boom' })
    }
    expect(await node.task(parent)).toMatchObject({ status: 'failed', attempt: 3, error: { message: 'boom' } })
    expect(await node.task(child)).toMatchObject({ status: 'cancelled', error: { code: 'dependency_failed' } })
  })
})

describe('POST /cancel_task', () => {
  it('ends a waiting task, and says the same again', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    for (let times = 0; times < 2; times += 1) {
      const answer = await node.call('POST', `/cancel_task/${id}`)
      expect(answer.status).toBe(200)
      expect(answer.body).toMatchObject({ task_id: id, status: 'CANCELED' })
    }
    expect(await node.get('w1')).toBeNull()
  })

  it('marks a running one, which ends as cancelled when its worker asks for more', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    await node.getOne('w1')
    expect((await node.call('POST', `/cancel_task/${id}`)).body).toMatchObject({ status: 'RUNNING' })
    expect((await node.beat('w1')).body).toMatchObject({ cancel: [id] })
    expect(await node.get('w1')).toBeNull()
    expect((await node.task(id)).status).toBe('cancelled')
  })

  it('refuses what has ended otherwise, and what it does not know', async () => {
    const node = await startPullNode()
    const id = await node.add('f')
    await node.getOne('w1')
    await node.report('w1', id, 'COMPLETED')
    expect((await node.call('POST', `/cancel_task/${id}`)).status).toBe(409)
    expect((await node.call('POST', '/cancel_task/ghost')).status).toBe(404)
    expect((await node.call('POST', '/cancel_task/%20')).status).toBe(404)
  })
})

describe('GET /status', () => {
  it('counts in its own words, and tells the workers', async () => {
    const node = await startPullNode()
    await endAs(node, 'COMPLETED')
    await endAs(node, 'FAILED')
    await endAs(node, 'TIMED_OUT')
    await endAs(node, 'TIMED_OUT')
    await endAs(node, 'CANCELED')
    const running = await node.add('f')
    await node.getOne('w1')
    await node.add('child', { dependencies: [running] })
    await node.call('POST', '/api/tasks', { task_type: 'foreign' })
    await node.call('POST', '/api/tasks', { task_type: 'foreign', delay: 60 })
    await node.beat('w2')
    const answer = await node.call('GET', '/status/')
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({
      total_tasks: 9,
      tasks_by_status: { PENDING: 3, RUNNING: 1, COMPLETED: 1, FAILED: 1, TIMED_OUT: 2, CANCELED: 1 },
      active_workers: 2,
      worker_details: { w1: { status: 'active', current_task: running }, w2: { current_task: null } },
    })
    expect(answer.text).toContain('+00:00"')
    expect(answer.text).not.toMatch(/\dZ"/)
  })

  it('tells silent workers apart', async () => {
    const node = await startPullNode()
    await node.beat('w1')
    await node.clock.advance(20_000)
    const { body } = await node.call('GET', '/status')
    expect(body).toMatchObject({ active_workers: 0, worker_details: { w1: { status: 'lost' } } })
  })
})

/** Submits a task and lets a worker say this of it until it has ended. */
async function endAs(node: PullNode, word: string): Promise<void> {
  const id = await node.add('f')
  for (let tries = 0; tries < 3; tries += 1) {
    const task = await node.get('w1')
    if (task === null) return
    expect(task.task_id).toBe(id)
    await node.report('w1', id, word)
    await node.clock.advance(10_000)
  }
}

describe('a task of this dialect', () => {
  it('is told by the other dialects in their words', async () => {
    const node = await startPullNode()
    const id = await node.add('f', { args: [1] })
    const told = async () => (await node.call('GET', `/status/${id}`)).body.status
    expect(await told()).toBe('PENDING')
    await node.getOne('w1')
    expect(await told()).toBe('STARTED')
    await node.report('w1', id, 'TIMED_OUT')
    expect(await told()).toBe('RETRY')
    await node.clock.advance(2_000)
    await node.getOne('w1')
    await node.report('w1', id, 'COMPLETED', { result: 7 })
    expect((await node.call('GET', `/status/${id}`)).body).toMatchObject({ status: 'SUCCESS', result: 7 })
    for (const name of [id, '1']) {
      expect((await node.call('GET', `/tasks/${name}`)).body).toMatchObject({ id: 1, task_id: id, status: 'completed' })
    }
    expect((await node.call('GET', '/workers/w1/')).body).toMatchObject({ worker_id: 'w1' })
  })
})

describe('the prefix /scheduler', () => {
  it('answers every call', async () => {
    const node = await startPullNode()
    const added = await node.call('POST', '/scheduler/add_task/', { func_name: 'f', priority: 3 })
    expect(added.status).toBe(201)
    expect((await node.call('POST', '/scheduler/register_worker/w1')).status).toBe(200)
    expect((await node.call('PUT', '/scheduler/heartbeat/w1/')).status).toBe(200)
    const task = await node.call('GET', '/scheduler/get_task/w1')
    expect(task.body.task_id).toBe(added.body.task_id)
    const report = { task_id: task.body.task_id, status: 'COMPLETED', result: 1, worker_id: 'w1' }
    expect((await node.call('POST', '/scheduler/task_status', report)).body.applied).toBe(true)
    expect((await node.call('GET', '/scheduler/status')).body.total_tasks).toBe(1)
    expect((await node.call('POST', '/scheduler/cancel_task/ghost')).status).toBe(404)
    expect((await node.call('DELETE', '/scheduler/unregister_worker/w1')).status).toBe(200)
    expect((await node.call('DELETE', '/scheduler/unregister/w1')).status).toBe(200)
  })
})
