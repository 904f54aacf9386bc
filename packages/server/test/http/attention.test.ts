import type { Attention, AttentionItem } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { bearer, startGuarded } from './auth/guarded.ts'
import { type Node, startNode } from './harness.ts'

async function attention(node: Node): Promise<readonly Partial<AttentionItem>[]> {
  const { status, body } = await node.call('GET', '/api/attention')
  expect(status).toBe(200)
  return (body as unknown as Attention).items // The document says so, and every answer is held against it elsewhere.
}

async function submit(node: Node, id: string, type: string, queue: string): Promise<void> {
  expect((await node.call('POST', '/api/tasks', { task_id: id, task_type: type, queue })).status).toBe(201)
}

describe('what needs attention', () => {
  it('is nothing where all is well', async () => {
    const node = await startNode()
    await node.running('a')
    expect((await node.call('GET', '/api/attention')).body).toEqual({ items: [], more: 0 })
  })

  it('are queues and types that no live worker serves, until one comes', async () => {
    const node = await startNode()
    const register = (worker: object) => node.call('POST', '/api/workers/register', worker)
    await submit(node, 'a', 'mail', 'post')
    await submit(node, 'b', 'scan', 'post')
    await submit(node, 'c', 'scan', 'air')
    expect(await attention(node)).toMatchObject([
      { kind: 'queue_unserved', queue: 'post', count: 2, task_type: null, since: expect.stringMatching(/Z$/) },
      { kind: 'queue_unserved', queue: 'air', count: 1, task_id: 'c' },
    ])
    await register({ worker_id: 'w1', capabilities: ['mail'], queues: ['post', 'air'] })
    expect(await attention(node)).toMatchObject([
      { kind: 'type_unserved', queue: 'air', task_type: 'scan', task_id: 'c' },
      { kind: 'type_unserved', queue: 'post', task_type: 'scan', task_id: 'b' },
    ])
    await node.call('PATCH', '/api/queues/air', { paused: true })
    expect((await attention(node)).map(item => item.kind)).toEqual(['type_unserved', 'queue_paused'])
    await register({ worker_id: 'w2', capabilities: ['*'], queues: ['*'] })
    expect(await attention(node)).toMatchObject([
      { kind: 'queue_paused', queue: 'air', count: 1, detail: "Queue 'air' is paused; 1 task waits." },
    ])
    await node.call('PATCH', '/api/queues/air', { paused: true, reason: 'No aircraft' })
    expect(await attention(node)).toMatchObject([
      { detail: "Queue 'air' is paused: No aircraft; 1 task waits.", pause: { by: null, reason: 'No aircraft' } },
    ])
  })

  it('are groups of failures, lost workers, and what waits too long', async () => {
    const clock = createVirtualClock()
    const node = await startNode({ clock })
    const { epoch } = await node.running('bad')
    const error = { code: 'broken', message: 'No disk' }
    const results = [{ task_id: 'bad', epoch, outcome: 'failed', error, retryable: false }]
    await node.call('POST', '/api/workers/w1/settle', { results })
    await submit(node, 'slow', 'mail', 'post')
    await clock.advance(61_000)
    expect(await attention(node)).toMatchObject([
      { kind: 'queue_unserved', queue: 'post' },
      { kind: 'worker_lost', worker_id: 'w1' },
      { kind: 'failing', count: 1, task_id: 'bad', detail: "Type 'noop' failed once: No disk" },
    ])
    await node.call('POST', '/api/workers/register', { worker_id: 'w1', capabilities: ['*'] })
    const [failing, waiting] = await attention(node)
    expect(failing?.kind).toBe('failing')
    expect(waiting).toMatchObject({ kind: 'waiting_long', queue: 'post', task_type: 'mail', task_id: 'slow' })
    expect(waiting?.detail).toBe("The first 'mail' in the line of queue 'post' has waited for 61 s; 1 task waits.")
  })

  it('is told to viewers, and refused to who sees its own tasks only', async () => {
    const node = await startGuarded()
    const as = async (role: 'viewer' | 'submitter') =>
      node.call('GET', '/api/attention', undefined, bearer(await node.bearerOf(await node.user(role, role))))
    expect((await as('viewer')).status).toBe(200)
    expect((await as('submitter')).status).toBe(403)
  })

  it('tells ten of a kind, and how many more there are', async () => {
    const node = await startNode()
    for (let at = 0; at < 13; at += 1) await submit(node, `t${at}`, 'mail', `q${at}`)
    const { body } = await node.call('GET', '/api/attention')
    expect([(body.items as unknown[]).length, body.more]).toEqual([10, 3])
  })
})
