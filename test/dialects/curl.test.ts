import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStage, type Stage } from '../support/processes.ts'
import { curl } from './python.ts'

/** Lines as they stand in the READMEs of the systems that Tasklane replaces. */
describe.skipIf(curl === null)('curl', () => {
  let stage: Stage
  let url: string
  beforeAll(async () => {
    stage = createStage()
    url = (await stage.scheduler()).url
  })
  afterAll(() => stage.close())

  /** Runs a line and returns its JSON; what is in braces is filled in. */
  async function run(line: string, names: Readonly<Record<string, string>> = {}): Promise<Record<string, unknown>> {
    const filled = line
      .replaceAll('http://localhost:8000', url)
      .replace(/\{(\w+)\}/g, (all, name) => names[name] ?? all)
    const shell = stage.run('/bin/sh', ['-c', filled.replace(/^curl/, `curl -sS`)])
    expect((await shell.exited).code, shell.stderr()).toBe(0)
    const text = shell.stdout()
    return text === '' ? {} : JSON.parse(text)
  }

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
      total_tasks: 2,
      tasks_by_status: { COMPLETED: 1, CANCELED: 1 },
      active_workers: 1,
    })
    await run('curl -X DELETE http://localhost:8000/unregister_worker/worker-1')
    expect(await run('curl http://localhost:8000/status')).toMatchObject({ active_workers: 0, worker_details: {} })
  })
})
