import { describe, expect, it } from 'vitest'
import { createVirtualClock, type VirtualClock } from '../../support/virtual-clock.ts'
import { type Node, startNode } from '../harness.ts'

const most = Number.MAX_SAFE_INTEGER

async function submit(node: Node, path: string, body: object): Promise<string> {
  const answer = await node.call('POST', path, body)
  expect([answer.status, Object.keys(answer.body)]).toEqual([200, ['task_id']])
  return String(answer.body.task_id)
}

async function status(node: Node, id: string): Promise<object> {
  const answer = await node.call('GET', `/status/${id}/`)
  expect(answer.status).toBe(200)
  return answer.body
}

describe('submits', () => {
  it.each([
    ['/add', 'add', { x: 1, y: 2 }],
    ['/multiply/', 'multiply', { x: -1.5, y: most / 3 }],
    ['/upper_case', 'upper_case', { text: 'straße' }],
  ])('%s are tasks of the built-in type %s, with five retries', async (path, type, payload) => {
    const node = await startNode()
    const id = await submit(node, path, { ...payload, unknown: 'field' })
    const task = (await node.call('GET', `/api/tasks/${id}`)).body
    expect(task).toMatchObject({ task_type: type, payload, max_retries: 5, queue: 'default' })
  })

  it('are exact to the last whole number that JSON can carry, and refused beyond', async () => {
    const node = await startNode()
    await submit(node, '/add', { x: most - 1, y: 1 })
    await submit(node, '/add', { x: -most, y: 0 })
    await submit(node, '/multiply', { x: 6_361 * 69_431, y: 20_394_401 })
    for (const [path, body] of [
      ['/add', { x: most, y: 1 }],
      ['/add', { x: -most, y: -1 }],
      ['/multiply', { x: 2 ** 27, y: 2 ** 26 }],
      ['/multiply', { x: 1e300, y: 1e-300 }],
      ['/add', { x: '1', y: 2 }],
      ['/add', { x: 1 }],
      ['/add', { x: null, y: 2 }],
      ['/upper_case', { text: 5 }],
      ['/upper_case', {}],
    ] as const) {
      const answer = await node.call('POST', path, body)
      expect(answer.status, JSON.stringify(body)).toBe(422)
      expect(answer.body.detail).toMatch(/^.+\.$/)
    }
    const literal = await node.call('POST', '/add', '{"x": 9007199254740992, "y": 0}')
    expect(literal.status).toBe(422)
    expect((await node.call('GET', '/api/tasks')).body.tasks).toHaveLength(3)
  })
})

it('POST /upper_case refuses a text whose capitals no result could hold', async () => {
  const node = await startNode()
  // One letter of two bytes becomes three of two bytes each.
  await submit(node, '/upper_case', { text: 'ΐ'.repeat(150_000) })
  const answer = await node.call('POST', '/upper_case', { text: 'ΐ'.repeat(200_000) })
  expect(answer).toMatchObject({ status: 413, body: { code: 'payload_too_large' } })
})

describe('GET /status/{task_id}', () => {
  it('stands beside the totals of the pull scheduler', async () => {
    const node = await startNode()
    const id = await submit(node, '/add', { x: 1, y: 2 })
    for (const path of ['/status', '/status/']) {
      expect((await node.call('GET', path)).body).toMatchObject({ total_tasks: 1, tasks_by_status: { PENDING: 1 } })
    }
    expect(await status(node, id)).toMatchObject({ task_id: id, status: 'PENDING' })
  })

  it('tells tasks that were added to the pull scheduler, and those that wait for others', async () => {
    const node = await startNode()
    const added = await node.call('POST', '/add_task', { func_name: 'f', args: [1] })
    await node.call('POST', '/api/tasks', { task_type: 'a', task_id: 'b', dependencies: [added.body.task_id] })
    await node.call('POST', '/api/tasks', { task_type: 'a', task_id: 'c', delay: 60 })
    for (const id of [String(added.body.task_id), 'b', 'c']) {
      expect(await status(node, id)).toEqual({ task_id: id, status: 'PENDING', result: null })
    }
  })

  it('tells a task’s life in the words of Celery', async () => {
    const clock = createVirtualClock()
    const node = await startNode({ clock })
    await node.call('POST', '/api/workers/register', { worker_id: 'w1', capabilities: ['*'] })
    const id = await submit(node, '/add', { x: 1, y: 2 })
    expect(await status(node, id)).toEqual({ task_id: id, status: 'PENDING', result: null })
    await settle(node, clock, id, { outcome: 'failed', error: { message: 'boom' } })
    expect(await status(node, id)).toEqual({ task_id: id, status: 'RETRY', result: 'boom' })
    await clock.advance(60_000)
    expect(await status(node, id)).toMatchObject({ status: 'RETRY' })
    await settle(node, clock, id, { outcome: 'completed', result: 3 }, async () => {
      expect(await status(node, id)).toEqual({ task_id: id, status: 'STARTED', result: null })
    })
    expect(await status(node, id)).toEqual({ task_id: id, status: 'SUCCESS', result: 3 })
  })

  it('tells failures and revocations', async () => {
    const clock = createVirtualClock()
    const node = await startNode({ clock })
    await node.call('POST', '/api/workers/register', { worker_id: 'w1', capabilities: ['*'] })
    const failed = await submit(node, '/add', { x: 1, y: 2 })
    await settle(node, clock, failed, { outcome: 'failed', error: { message: 'no' }, retryable: false })
    expect(await status(node, failed)).toEqual({ task_id: failed, status: 'FAILURE', result: 'no' })
    const revoked = await submit(node, '/add', { x: 1, y: 2 })
    await node.call('POST', `/api/tasks/${revoked}/cancel`)
    expect(await status(node, revoked)).toMatchObject({ status: 'REVOKED', result: expect.any(String) })
  })

  it('has any id that it does not know for pending, and tells tasks of other dialects, too', async () => {
    const node = await startNode()
    expect(await status(node, 'ghost')).toEqual({ task_id: 'ghost', status: 'PENDING', result: null })
    expect(await status(node, 'a"b%5C')).toMatchObject({ task_id: 'a"b\\', status: 'PENDING' })
    await node.call('POST', '/tasks', { name: 'n', task_id: 'a', dependencies: [] })
    expect(await status(node, 'a')).toMatchObject({ status: 'PENDING' })
    await node.call('PUT', '/tasks/a/complete')
    expect(await status(node, 'a')).toEqual({ task_id: 'a', status: 'SUCCESS', result: null })
  })
})

async function settle(
  node: Node,
  clock: VirtualClock,
  id: string,
  result: object,
  whileRunning: () => Promise<void> = async () => {},
): Promise<void> {
  await clock.rest()
  const claim = await node.call('POST', '/api/workers/w1/claim', { limit: 1 })
  const [task] = claim.body.tasks as { task_id: string; epoch: number }[]
  expect(task?.task_id).toBe(id)
  await whileRunning()
  const results = [{ task_id: id, epoch: task?.epoch, ...result }]
  const answer = await node.call('POST', '/api/workers/w1/settle', { results })
  expect(answer.body.results).toEqual([{ task_id: id, verdict: 'applied' }])
}
