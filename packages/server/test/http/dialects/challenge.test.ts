import { describe, expect, it } from 'vitest'
import { createVirtualClock } from '../../support/virtual-clock.ts'
import { startNode } from '../harness.ts'

/** Dialect C is the API proper: its clients send and read these fields, and no others. */
describe('a client of the challenge', () => {
  it('submits a task and reads it back, field for field', async () => {
    const { call } = await startNode()
    const submitted = await call('POST', '/api/tasks', {
      task_id: 'resize-1',
      task_type: 'image_processing',
      payload: { url: 'https://example.com/image.jpg' },
      priority: 5,
      dependencies: [],
      timeout: 300,
      max_retries: 3,
    })
    expect(submitted).toMatchObject({ status: 201, body: { task_id: 'resize-1', status: 'pending' } })
    for (const url of ['/api/tasks/resize-1', '/api/tasks/resize-1/']) {
      expect(await call('GET', url)).toMatchObject({
        status: 200,
        body: {
          task_id: 'resize-1',
          task_type: 'image_processing',
          status: 'pending',
          payload: { url: 'https://example.com/image.jpg' },
          priority: 5,
          dependencies: [],
          timeout: 300,
          max_retries: 3,
          worker_id: null,
          created_at: expect.stringMatching(/Z$/),
          started_at: null,
          completed_at: null,
          result: null,
          error: null,
        },
      })
    }
    expect(await call('GET', '/api/tasks/nobody')).toMatchObject({
      status: 404,
      body: { detail: expect.stringMatching(/^No task has the id 'nobody'.*\.$/) },
    })
  })

  it('submits with a type alone, and lists page by page', async () => {
    const { call } = await startNode()
    for (let count = 0; count < 12; count += 1)
      await call('POST', '/api/tasks/', { task_type: 't', payload: { count } })
    const page = async (offset: number) => {
      const { status, body } = await call('GET', `/api/tasks?status=pending&limit=10&offset=${offset}`)
      const tasks = body.tasks as { status: string; payload: { count: number } }[]
      expect([status, tasks.every(task => task.status === 'pending')]).toEqual([200, true])
      return tasks.map(task => task.payload.count)
    }
    expect(await page(0)).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2])
    expect(await page(10)).toEqual([1, 0])
    expect(await page(20)).toEqual([])
  })

  it('has a worker that registers, beats, and is seen, until it is silent', async () => {
    const clock = createVirtualClock()
    const { call } = await startNode({ clock })
    const registration = { worker_id: 'worker-001', capabilities: ['image_processing'], max_concurrent_tasks: 5 }
    expect(await call('POST', '/api/workers/register', registration)).toMatchObject({
      status: 201,
      body: { worker_id: 'worker-001', heartbeat_interval: 5 },
    })
    const system_info = { cpu_usage: 45.2, memory_usage: 62.1, disk_usage: 30.5, gpu_usage: 5 }
    const beat = await call('POST', '/api/workers/worker-001/heartbeat', {
      status: 'active',
      current_tasks: [],
      system_info,
    })
    expect(beat).toMatchObject({ status: 200, body: { cancel: [], lost: [], drain: false } })
    const seen = async () => Object((await call('GET', '/api/workers')).body).workers
    expect(await seen()).toMatchObject([
      {
        worker_id: 'worker-001',
        status: 'active',
        capabilities: ['image_processing'],
        max_concurrent_tasks: 5,
        current_tasks: [],
        system_info: { cpu_usage: 45.2, memory_usage: 62.1, disk_usage: 30.5 },
      },
    ])
    await clock.advance(16_000)
    expect(await seen()).toMatchObject([{ worker_id: 'worker-001', status: 'lost' }])
    expect(await call('POST', '/api/workers/nobody/heartbeat', { status: 'active' })).toMatchObject({ status: 404 })
  })

  it('is refused a field that it misspelt, where the dialects pass over it', async () => {
    const { call } = await startNode()
    const body = { task_type: 'a', prioritty: 8 }
    expect(await call('POST', '/api/tasks', body)).toMatchObject({
      status: 422,
      body: { detail: "Field 'prioritty' is unknown; did you mean 'priority'?" },
    })
    expect((await call('POST', '/tasks', body)).status).toBe(201)
  })
})
