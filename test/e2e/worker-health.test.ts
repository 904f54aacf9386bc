import { afterEach, beforeEach, expect, it } from 'vitest'
import { call, createStage, type Stage, until } from '../support/processes.ts'

let stage: Stage
beforeEach(() => {
  stage = createStage()
})
afterEach(() => stage.close())

it('a worker tells its health and its counts on a port of its own, from before it is registered to its end', async () => {
  const { url, data, running } = await stage.scheduler()
  const worker = stage.worker(url, ['--worker-id', 'w1', '--json', '--http-port', '0'])
  const lines = (): Record<string, unknown>[] =>
    worker
      .stdout()
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line))
  await until(
    lines,
    all => all.some(line => line.event === 'started'),
    () => `the worker to start; it said: ${worker.stderr()}`,
  )
  const http = String(lines().find(line => line.event === 'listening')?.url)
  expect(await call(http, 'GET', '/health')).toMatchObject({ status: 200, body: { status: 'ok', worker_id: 'w1' } })

  await call(url, 'POST', '/api/tasks', { task_id: 'a', task_type: 'add', payload: { x: 1, y: 2 } })
  await call(url, 'GET', '/api/tasks/a/result?wait=30')
  const metrics = async (): Promise<string> => (await fetch(`${http}/metrics`)).text()
  expect(await metrics()).toContain('tasklane_worker_handlers_total{type="add",outcome="completed"} 1\n')

  running.kill('SIGKILL')
  await running.exited
  await until(
    () => call(http, 'GET', '/health'),
    health => health.status === 503,
    () => 'the worker to miss its scheduler',
  )
  expect((await call(http, 'GET', '/health')).body).toMatchObject({ status: 'disconnected' })
  expect((await call(http, 'GET', '/livez')).status).toBe(200)
  await stage.scheduler({ data, port: Number(new URL(url).port) })
  await until(
    () => call(http, 'GET', '/health'),
    health => health.status === 200,
    () => 'the worker to find it again',
  )

  worker.kill('SIGTERM')
  expect(await worker.exited).toMatchObject({ code: 0 })
  await expect(fetch(`${http}/livez`)).rejects.toThrow()
})
