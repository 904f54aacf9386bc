import { limits } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { startNode } from './harness.ts'

describe('POST /api/tasks/batch', () => {
  it('submits all tasks at once, with dependencies inside the batch', async () => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/tasks/batch', {
      tasks: [
        { task_id: 'child', task_type: 'a', dependencies: ['parent'] },
        { task_id: 'parent', task_type: 'a' },
      ],
    })
    expect(answer.status).toBe(201)
    expect(answer.body).toEqual({
      tasks: [
        { task_id: 'child', status: 'blocked', outcome: 'created' },
        { task_id: 'parent', status: 'pending', outcome: 'created' },
      ],
    })
  })

  it('answers 200 where all of it existed before', async () => {
    const { call } = await startNode()
    const batch = { tasks: [{ task_id: 'a', task_type: 'x' }] }
    await call('POST', '/api/tasks/batch', batch)
    const repeat = await call('POST', '/api/tasks/batch', batch)
    expect(repeat).toMatchObject({ status: 200, body: { tasks: [{ task_id: 'a', outcome: 'existing' }] } })
  })

  it('refuses the whole batch for one bad task and points at it', async () => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/tasks/batch', {
      tasks: [{ task_type: 'a' }, { task_type: 'a', queue: 'x y' }],
    })
    expect(answer.status).toBe(422)
    expect(answer.body.errors).toMatchObject([{ pointer: '/tasks/1/queue' }])
    expect((await call('GET', '/api/tasks')).body.tasks).toEqual([])
  })

  it('refuses the whole batch for one that cannot be kept, and points at it', async () => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/tasks/batch', {
      tasks: [{ task_type: 'a' }, { task_type: 'a', payload: '\u0000' }],
    })
    expect(answer).toMatchObject({ status: 422, body: { code: 'text_invalid', errors: [{ pointer: '/tasks/1' }] } })
  })

  it('refuses a cycle and names it', async () => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/tasks/batch', {
      tasks: [
        { task_id: 'a', task_type: 'x', dependencies: ['b'] },
        { task_id: 'b', task_type: 'x', dependencies: ['a'] },
      ],
    })
    expect(answer).toMatchObject({ status: 422, body: { code: 'dependency_cycle' } })
    expect(answer.body.detail).toMatch(/a.*b.*a|b.*a.*b/)
  })

  it('refuses an empty batch and one of 1,001', async () => {
    const { call } = await startNode()
    expect((await call('POST', '/api/tasks/batch', { tasks: [] })).body.detail).toContain('is an empty list')
    const tasks = Array.from({ length: limits.batchTasksMax + 1 }, () => ({ task_type: 'a' }))
    const answer = await call('POST', '/api/tasks/batch', { tasks })
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer: '/tasks' }] } })
    expect(answer.body.detail).toBe("Field 'tasks' has 1001 entries; it takes up to 1000.")
  })

  it('refuses the header Idempotency-Key, which could only mean one task', async () => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/tasks/batch', { tasks: [{ task_type: 'a' }] }, { 'idempotency-key': 'k' })
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer: 'Idempotency-Key' }] } })
  })
})

describe('a batch with atomic: false', () => {
  it('refuses each bad task by itself and submits the others', async () => {
    const { call } = await startNode()
    await call('POST', '/api/tasks', { task_id: 'old', task_type: 'a' })
    const big = 'x'.repeat(limits.payloadBytesMax)
    const parts = [
      '{"task_id":"ok","task_type":"a"}',
      '{"task_type":"a b"}',
      '{"task_type":"a","payload":"\\u0000"}',
      `{"task_type":"a","payload":"${big}"}`,
      '{"task_id":"old","task_type":"a"}',
      '{"task_id":"old","task_type":"other"}',
      '{"task_type":"a","dependencies":["nobody"]}',
      '{"task_type":"a","payload":{"__proto__":1}}',
      '"no object"',
      `{"task_type":"a","payload":${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
      '{"task_id":"last","task_type":"a"}',
    ]
    const answer = await call('POST', '/api/tasks/batch', `{"atomic":false,"tasks":[${parts.join(',')}]}`)
    expect(answer.status).toBe(201)
    const tasks = answer.body.tasks as { outcome: string; error?: { code: string; detail: string } }[]
    expect(tasks.map(task => task.error?.code ?? task.outcome)).toEqual([
      'created',
      'validation_failed',
      'text_invalid',
      'payload_too_large',
      'existing',
      'task_conflict',
      'dependency_unknown',
      'text_invalid',
      'validation_failed',
      'text_invalid',
      'created',
    ])
    for (const task of tasks) if (task.outcome === 'refused') expect(task.error?.detail).toMatch(/\.$/)
    expect((await call('GET', '/api/tasks')).body.tasks).toHaveLength(3)
  })

  it('answers 200 where every task was refused', async () => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/tasks/batch', { atomic: false, tasks: [{}] })
    expect(answer).toMatchObject({
      status: 200,
      body: { tasks: [{ task_id: null, status: null, outcome: 'refused', error: { code: 'validation_failed' } }] },
    })
  })

  it('still refuses a batch whose own form is wrong', async () => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/tasks/batch', { atomic: false, tasks: [{ task_type: 'a' }], retry: 1 })
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer: '/retry' }] } })
    expect((await call('POST', '/api/tasks/batch', '{"atomic":false,"tasks":[{"task_type":"\\u0000"}')).status).toBe(
      400,
    )
  })
})
