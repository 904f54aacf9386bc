import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStage, type Stage, until } from '../support/processes.ts'
import { curl } from './python.ts'

/** Lines as they stand in the READMEs of the systems that Tasklane replaces. */
describe.skipIf(curl === null)('curl', () => {
  let stage: Stage
  let url: string
  let guardedUrl: string
  const password = 'a-password-that-nobody-guesses'
  beforeAll(async () => {
    stage = createStage()
    const env = { TASKLANE_AUTH: 'required', SECRET_KEY: randomUUID(), TASKLANE_ADMIN_PASSWORD: password }
    const [open, guarded] = await Promise.all([stage.scheduler(), stage.scheduler({ env })])
    url = open.url
    guardedUrl = guarded.url
    stage.worker(url, ['--worker-id', 'own'])
  })
  afterAll(() => stage.close())

  /** Runs a line and returns its JSON; what is in braces is filled in. */
  async function run(
    line: string,
    names: Readonly<Record<string, string>> = {},
    at: string = url,
  ): Promise<Record<string, unknown>> {
    const filled = line.replaceAll('http://localhost:8000', at).replace(/\{(\w+)\}/g, (all, name) => names[name] ?? all)
    const shell = stage.run('/bin/sh', ['-c', filled.replace(/^curl/, `curl -sS`)])
    expect((await shell.exited).code, shell.stderr()).toBe(0)
    const text = shell.stdout()
    return text === '' ? {} : JSON.parse(text)
  }

  /** Asks again until it is so. */
  function runUntil(line: string, names: Readonly<Record<string, string>>, status: string): Promise<unknown> {
    return until(
      () => run(line, names),
      told => told.status === status,
      () => `${line} to tell ${status}`,
    )
  }

  it('the challenge', async () => {
    const task = await run(`curl -X POST http://localhost:8000/api/tasks \\
      -H "Content-Type: application/json" \\
      -d '{"task_type": "multiply", "payload": {"x": 6, "y": 7}, "priority": 5}'`)
    const done = await runUntil('curl http://localhost:8000/api/tasks/{id}', { id: String(task.task_id) }, 'completed')
    expect(done).toMatchObject({ result: 42 })
    const listed = await run('curl "http://localhost:8000/api/tasks?status=completed&limit=10&offset=0"')
    expect(listed.tasks).toMatchObject([{ task_id: task.task_id }])
  })

  it('the advanced system', async () => {
    const login = await run(
      'curl -X POST "http://localhost:8000/token" -d "username=admin&password={password}"',
      { password },
      guardedUrl,
    )
    const token = String(login.access_token)
    const task = await run(
      `curl -X POST "http://localhost:8000/tasks" -H "Authorization: Bearer {token}" -H "Content-Type: application/json" -d '{"name": "Task 1", "description": "This is task 1"}'`,
      { token },
      guardedUrl,
    )
    expect(task).toMatchObject({ id: 1, name: 'Task 1', status: 'pending', priority: 5, user_id: 1 })
    await run(
      'curl -X PUT "http://localhost:8000/tasks/1/complete" -H "Authorization: Bearer {token}"',
      { token },
      guardedUrl,
    )
    const read = await run(
      'curl "http://localhost:8000/tasks/1" -H "Authorization: Bearer {token}"',
      { token },
      guardedUrl,
    )
    expect(read).toMatchObject({ id: 1, status: 'completed' })
    expect(await run('curl "http://localhost:8000/tasks/1"', {}, guardedUrl)).toMatchObject({ status: 401 })
  })

  it('the arithmetic system', async () => {
    const lines = {
      5: `curl -X POST "http://localhost:8000/add" -H "Content-Type: application/json" -d '{"x": 2, "y": 3}'`,
      6: `curl -X POST "http://localhost:8000/multiply" -H "Content-Type: application/json" -d '{"x": 2, "y": 3}'`,
      HELLO: `curl -X POST "http://localhost:8000/upper_case" -H "Content-Type: application/json" -d '{"text": "hello"}'`,
    }
    for (const [expected, line] of Object.entries(lines)) {
      const { task_id } = await run(line)
      const names = { task_id: String(task_id) }
      const told = await runUntil('curl "http://localhost:8000/status/{task_id}"', names, 'SUCCESS')
      expect(String(Reflect.get(Object(told), 'result'))).toBe(expected)
    }
  })

  it('the system on RabbitMQ and Redis', async () => {
    const task = await run(
      `curl -X POST http://localhost:8000/tasks/ -H 'Content-Type: application/json' -d '{"type": "add", "data": {"x": 1, "y": 2}}'`,
    )
    const done = await runUntil('curl http://localhost:8000/tasks/{id}', { id: String(task.task_id) }, 'completed')
    expect(done).toMatchObject({ result: 3 })
    expect(Reflect.get(Object(await run('curl http://localhost:8000/tasks/')), 'tasks')).not.toEqual([])
    expect(await run('curl http://localhost:8000/workers/')).toMatchObject({ workers: [{ worker_id: 'own' }] })
    expect(await run('curl http://localhost:8000/workers/own')).toMatchObject({ worker_id: 'own', status: 'active' })
    expect(await run('curl http://localhost:8000/health')).toMatchObject({ status: 'ok' })
  })

  it('the pull scheduler', async () => {
    await run('curl -X POST http://localhost:8000/register_worker/worker-1')
    const added = await run(`curl -X POST http://localhost:8000/add_task \\
      -H "Content-Type: application/json" \\
      -d '{"func_name": "process_data", "args": [1, 2, 3], "kwargs": {"verbose": true}, "priority": 5, "timeout": 60}'`)
    const task_id = String(added.task_id)
    const task = await run('curl http://localhost:8000/get_task/worker-1')
    expect(task).toMatchObject({
      task_id,
      func: 'process_data',
      args: [1, 2, 3],
      kwargs: { verbose: true },
      timeout: 60,
    })
    await run('curl -X PUT http://localhost:8000/heartbeat/worker-1')
    const reported = await run(
      `curl -X POST http://localhost:8000/task_status -H 'Content-Type: application/json' -d '{"task_id": "{task_id}", "status": "COMPLETED", "result": 6, "error_message": null, "worker_id": "worker-1"}'`,
      { task_id },
    )
    expect(reported).toMatchObject({ status: 'COMPLETED', applied: true })
    expect(await run('curl http://localhost:8000/get_task/worker-1')).toEqual({})
    const unwanted = await run(
      `curl -X POST "http://localhost:8000/scheduler/add_task" -H "Content-Type: application/json" -d '{"func_name":"process_data"}'`,
    )
    await run('curl -X POST http://localhost:8000/cancel_task/{task_id}', { task_id: String(unwanted.task_id) })
    expect(await run('curl http://localhost:8000/status')).toMatchObject({
      tasks_by_status: { PENDING: 0, RUNNING: 0, FAILED: 0, TIMED_OUT: 0, CANCELED: 1 },
      worker_details: { 'worker-1': { status: 'active', current_task: null } },
    })
    await run('curl -X DELETE http://localhost:8000/unregister_worker/worker-1')
    const { worker_details } = await run('curl http://localhost:8000/status')
    expect(worker_details).not.toHaveProperty('worker-1')
  })
})
