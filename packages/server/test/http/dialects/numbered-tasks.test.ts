import { describe, expect, it } from 'vitest'
import { createVirtualClock } from '../../support/virtual-clock.ts'
import { type Answer, type Node, startNode } from '../harness.ts'

async function submit(node: Node, body: object): Promise<Answer> {
  const answer = await node.call('POST', '/tasks/', body)
  expect(answer.status, answer.text).toBe(201)
  return answer
}

describe('POST /tasks of dialect A', () => {
  it('takes a name and a description, and counts from 1', async () => {
    const node = await startNode()
    const { body } = await submit(node, { name: 'Report', description: 'of the month' })
    expect(body).toMatchObject({
      id: 1,
      name: 'Report',
      description: 'of the month',
      status: 'pending',
      priority: 5,
      priority_source: 'default',
      completed_at: null,
      user_id: 1,
      task_type: 'simulate',
    })
    expect(body.created_at).toEqual(expect.any(String))
    expect((await submit(node, { name: 'Another' })).body).toMatchObject({ id: 2, description: null })
  })

  it('passes over what it does not know, and takes null for absent', async () => {
    const node = await startNode()
    const body = { name: 'n', description: null, priority: null, user_id: 7, status: 'done', id: 99, deadline: {} }
    expect((await submit(node, body)).body).toMatchObject({ id: 1, user_id: 1, status: 'pending', description: null })
  })

  it.each([
    ['nothing', {}],
    ['nulls', { name: null, task_type: null }],
    ['a name that is no text', { name: 5 }],
    ['a priority that is a text', { name: 'n', priority: '5' }],
    ['a priority out of range', { name: 'n', priority: 11 }],
    ['a name that is too long', { name: 'n'.repeat(257) }],
  ])('refuses %s', async (_, body) => {
    const node = await startNode()
    const answer = await node.call('POST', '/tasks', body)
    expect(answer.status, answer.text).toBe(422)
    expect(answer.body.detail).toMatch(/^.+\.$/)
    expect((await node.call('GET', '/tasks')).body.tasks).toEqual([])
  })
})

describe('POST /tasks of dialect B', () => {
  it.each([
    ['task_type', 'payload'],
    ['type', 'data'],
    ['type', 'params'],
  ])('takes a type as %s and a payload as %s', async (type, payload) => {
    const node = await startNode()
    const { body } = await submit(node, { [type]: 'mail', [payload]: { to: 'x' }, priority: 8.5, max_retries: 1 })
    expect(body).toMatchObject({ task_type: 'mail', payload: { to: 'x' }, priority: 8.5, max_retries: 1, id: 1 })
  })

  it('takes a name beside a type, dependencies, and no time limit where it says so', async () => {
    const node = await startNode()
    await submit(node, { type: 'load', task_id: 'a' })
    const { body } = await submit(node, { type: 'mail', name: 'Mail', dependencies: ['a'], timeout: null })
    expect(body).toMatchObject({ task_type: 'mail', name: 'Mail', status: 'blocked', timeout: null })
    expect((await submit(node, { type: 'mail' })).body.timeout).toBe(300)
  })

  it('repeats a submit, and refuses what stands in the way', async () => {
    const node = await startNode()
    const first = await submit(node, { type: 'mail', task_id: 'a', data: 1 })
    const again = await node.call('POST', '/tasks', { type: 'mail', task_id: 'a', data: 1 })
    expect([again.status, again.body]).toEqual([200, first.body])
    expect((await node.call('POST', '/tasks', { type: 'mail', task_id: 'a', data: 2 })).status).toBe(409)
  })
})

describe('POST /tasks of both', () => {
  it('takes every field of the API proper', async () => {
    const node = await startNode()
    await submit(node, { type: 'a', task_id: 'parent' })
    const fields = {
      task_id: 'a',
      task_type: 'mail',
      payload: [1, 2],
      priority: 8.5,
      dependencies: ['parent'],
      timeout: 12.5,
      max_retries: 3,
      queue: 'reports',
      name: 'A name',
      description: 'A description',
      labels: { team: 'blue' },
      idempotency_key: 'k1',
    }
    const answer = await submit(node, { ...fields, on_dependency_failure: 'proceed', delay: 60 })
    expect(answer.body).toMatchObject({ ...fields, status: 'blocked' })
    expect(answer.headers.location).toBe('/tasks/a')
  })

  it('takes null for whatever a model of Python leaves out', async () => {
    const node = await startNode()
    const names = ['task_id', 'priority', 'dependencies', 'on_dependency_failure', 'max_retries', 'queue', 'run_at']
    const more = ['delay', 'name', 'description', 'labels', 'idempotency_key', 'payload', 'data', 'params', 'type']
    const nulls = Object.fromEntries([...names, ...more].map(name => [name, null]))
    const { body } = await submit(node, { ...nulls, task_type: 'mail' })
    expect(body).toMatchObject({ priority: 5, dependencies: [], max_retries: 5, queue: 'default', payload: null })
  })

  it('knows a submit again by the header Idempotency-Key', async () => {
    const node = await startNode()
    const again = (path: string, body: object) => node.call('POST', path, body, { 'idempotency-key': 'k1' })
    const first = await again('/tasks', { type: 'mail', data: 1 })
    expect(await again('/tasks', { task_type: 'mail', payload: 1 })).toMatchObject({ status: 200, body: first.body })
    for (const [path, body] of [
      ['/tasks', { name: 'a' }],
      ['/add', { x: 1, y: 2 }],
    ] as const) {
      expect(await again(path, body)).toMatchObject({ status: 409, body: { code: 'task_conflict' } })
    }
  })
})

describe('reading /tasks', () => {
  it('asks the store for nothing that cannot be an id', async () => {
    const node = await startNode({
      engine: () => ({
        task: async () => {
          throw new Error('asked')
        },
      }),
    })
    for (const name of ['a%00b', 'a%20b', '%F0%9F%98%80', 'x'.repeat(200)]) {
      expect((await node.call('GET', `/tasks/${name}`)).status, name).toBe(404)
      expect((await node.call('PUT', `/tasks/${name}/complete`)).status, name).toBe(404)
      expect((await node.call('DELETE', `/tasks/${name}`)).status, name).toBe(404)
      expect((await node.call('GET', `/status/${name}`)).body).toMatchObject({ status: 'PENDING' })
    }
  })

  it('finds a task by its exact id first, and then by its number', async () => {
    const node = await startNode()
    await submit(node, { name: 'first' })
    await submit(node, { name: 'second', task_id: '1' })
    const read = async (id: string) => (await node.call('GET', `/tasks/${id}/`)).body
    expect(await read('1')).toMatchObject({ name: 'second', id: 2 })
    expect(await read('2')).toMatchObject({ name: 'second' })
    for (const id of ['3', '0', '01', '-1', '1e0', '99999999999999999999', 'ghost']) {
      expect((await node.call('GET', `/tasks/${id}`)).status, id).toBe(404)
    }
  })

  it('lists newest first, with the filters of the API and those of such clients', async () => {
    const node = await startNode()
    for (const name of ['a', 'b', 'c']) await submit(node, { name, type: name === 'b' ? 'mail' : 'simulate' })
    const names = async (query: string) => {
      const { body } = await node.call('GET', `/tasks/${query}`)
      return (body.tasks as { name: string }[]).map(task => task.name)
    }
    expect(await names('')).toEqual(['c', 'b', 'a'])
    expect(await names('?skip=1&limit=1')).toEqual(['b'])
    expect(await names('?offset=2&unknown=5')).toEqual(['a'])
    expect(await names('?task_type=mail&status=pending')).toEqual(['b'])
    const page = await node.call('GET', '/tasks?limit=2')
    expect(await names(`?limit=2&cursor=${page.body.next_cursor}`)).toEqual(['a'])
    expect((await node.call('GET', '/tasks?limit=many')).status).toBe(422)
    expect((await node.call('GET', '/api/tasks')).body.tasks).toHaveLength(3)
  })
})

describe('PUT /tasks/{n}/complete', () => {
  it('completes a waiting task, its children go on, and once more changes nothing', async () => {
    const node = await startNode()
    await submit(node, { name: 'parent', task_id: 'p' })
    await submit(node, { name: 'child', dependencies: ['p'] })
    const done = await node.call('PUT', '/tasks/1/complete')
    expect([done.status, done.body]).toMatchObject([200, { id: 1, status: 'completed', result: null }])
    expect((await node.call('GET', '/tasks/2')).body.status).toBe('pending')
    const again = await node.call('PUT', '/tasks/p/complete/')
    expect([again.status, again.body]).toEqual([200, done.body])
  })

  it('tells the worker of a running one to stop, whose word is then stale', async () => {
    const node = await startNode()
    const { epoch } = await node.running('a')
    expect((await node.call('PUT', '/tasks/1/complete')).body).toMatchObject({ status: 'completed' })
    const current = { current_tasks: [{ task_id: 'a', epoch }] }
    expect((await node.call('POST', '/api/workers/w1/heartbeat', current)).body).toMatchObject({ lost: ['a'] })
    const results = [{ task_id: 'a', epoch, outcome: 'failed', error: { message: 'late' } }]
    const settled = await node.call('POST', '/api/workers/w1/settle', { results })
    expect(settled.body.results).toEqual([{ task_id: 'a', verdict: 'stale' }])
    expect((await node.call('GET', '/tasks/a')).body.status).toBe('completed')
  })

  it('refuses what has ended otherwise, and what it does not know', async () => {
    const node = await startNode()
    await submit(node, { name: 'a' })
    await node.call('POST', `/api/tasks/${(await node.call('GET', '/tasks/1')).body.task_id}/cancel`)
    expect((await node.call('PUT', '/tasks/1/complete')).status).toBe(409)
    expect((await node.call('PUT', '/tasks/2/complete')).status).toBe(404)
  })
})

describe('DELETE /tasks/{task_id}', () => {
  it('cancels a waiting task, and then deletes it', async () => {
    const node = await startNode()
    await submit(node, { type: 'mail', task_id: 'a' })
    const first = await node.call('DELETE', '/tasks/a')
    expect([first.status, first.body]).toEqual([200, { message: 'Task cancelled', task_id: 'a', status: 'cancelled' }])
    const second = await node.call('DELETE', '/tasks/a/')
    expect([second.status, second.body]).toMatchObject([200, { message: 'Task deleted' }])
    expect((await node.call('DELETE', '/tasks/a')).status).toBe(404)
  })

  it('asks a running one to stop', async () => {
    const node = await startNode()
    await node.running('a')
    expect((await node.call('DELETE', '/tasks/a')).body).toMatchObject({ status: 'running' })
    expect((await node.call('POST', '/api/workers/w1/heartbeat', {})).body).toMatchObject({ cancel: ['a'] })
  })

  it('keeps a finished one that an unfinished child needs', async () => {
    const node = await startNode()
    await submit(node, { type: 'mail', task_id: 'a' })
    await submit(node, { type: 'mail', task_id: 'b', dependencies: ['a'], delay: 60 })
    await node.call('PUT', '/tasks/a/complete')
    expect((await node.call('DELETE', '/tasks/a')).status).toBe(409)
  })
})

describe('/workers', () => {
  it('lists, tells and forgets', async () => {
    const node = await startNode({ clock: createVirtualClock() })
    expect((await node.call('GET', '/workers/')).body).toEqual({ workers: [] })
    await node.running('a')
    expect((await node.call('GET', '/workers')).body.workers).toMatchObject([{ worker_id: 'w1', current_tasks: ['a'] }])
    expect((await node.call('GET', '/workers/w1')).body).toMatchObject({ worker_id: 'w1', status: 'active' })
    const gone = await node.call('DELETE', '/workers/w1/')
    expect([gone.status, gone.body]).toEqual([200, { message: 'Worker removed', worker_id: 'w1' }])
    expect((await node.call('GET', '/workers/w1')).status).toBe(404)
    expect((await node.call('DELETE', '/workers/w1')).status).toBe(404)
    // What it held is there for another.
    expect((await node.call('GET', '/tasks/a')).body).toMatchObject({ status: 'pending', worker_id: null })
  })
})
