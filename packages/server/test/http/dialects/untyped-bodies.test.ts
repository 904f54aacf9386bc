import { describe, expect, it } from 'vitest'
import { startNode } from '../harness.ts'

/** Python's `requests.post(url, data=json.dumps(…))` says nothing of what it sends, and FastAPI takes it for JSON. */
describe('a body without a Content-Type', () => {
  it.each([
    ['/tasks', '{"name": "a", "description": "b"}', 201],
    ['/tasks/', '{"type": "a", "data": {"x": 1}}', 201],
    ['/add', '{"x": 1, "y": 2}', 200],
    ['/multiply', '{"x": 1, "y": 2}', 200],
    ['/upper_case', '{"text": "a"}', 200],
    ['/add_task', '{"func_name": "f"}', 201],
    ['/scheduler/add_task', '{"func_name": "f"}', 201],
    ['/add', '{"x": 1,', 400],
    ['/add', '{"x": 1}', 422],
  ])('is JSON at %s: %s', async (url, payload, status) => {
    const { app } = await startNode()
    expect((await app.inject({ method: 'POST', url, payload })).statusCode).toBe(status)
  })

  it('is refused under /api, and one that says that it is another thing everywhere', async () => {
    const { app } = await startNode()
    const body = { method: 'POST', payload: '{"task_type": "a"}' } as const
    expect((await app.inject({ ...body, url: '/api/tasks' })).statusCode).toBe(415)
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', '']) {
      const headers = { 'content-type': type }
      expect((await app.inject({ ...body, url: '/tasks', headers })).statusCode, type).toBe(415)
    }
  })
})

describe('a call without a body', () => {
  it.each([
    ['PUT', '/tasks/a/complete', undefined],
    ['PUT', '/tasks/a/complete', '{}'],
    ['DELETE', '/tasks/a', undefined],
    ['DELETE', '/tasks/a/', '{}'],
    ['GET', '/tasks/a', undefined],
    ['GET', '/status/a', undefined],
  ] as const)('may say that it is JSON all the same: %s %s %s', async (method, url, payload) => {
    const { app, call } = await startNode()
    await call('POST', '/tasks', { name: 'a', task_id: 'a' })
    const headers = { 'content-type': 'application/json', ...(payload === undefined ? { 'content-length': '0' } : {}) }
    const body = payload === undefined ? {} : { payload }
    expect((await app.inject({ method, url, headers, ...body })).statusCode).toBe(200)
  })
})
