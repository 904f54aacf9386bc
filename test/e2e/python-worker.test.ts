import { join } from 'node:path'
import type { Task, Worker } from '@tasklane/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { call, createStage, root, type Stage, until } from '../support/processes.ts'
import { findOrInstall, programOnPath } from '../support/servers/find-or-install.ts'

const python = await findOrInstall({
  name: 'Python 3',
  packages: ['python3'],
  find: () => programOnPath('python3', 'python'),
})

let stage: Stage
beforeEach(() => {
  stage = createStage()
})
afterEach(() => stage.close())

describe.skipIf(python === null)('a worker in Python’s standard library', () => {
  it('runs tasks, reports failures as its handlers mean them, and leaves politely', async () => {
    const { url } = await stage.scheduler({ env: { TASKLANE_RETRY_BASE: '0.05' } })
    const worker = stage.run(String(python), [
      join(root, 'examples/python-worker/worker.py'),
      '--url',
      url,
      '--worker-id',
      'py1',
    ])
    const submit = async (task: Record<string, unknown>) =>
      String((await call<Task>(url, 'POST', '/api/tasks', task)).body.task_id)
    const counted = await submit({ task_type: 'word_count', payload: { text: 'one two three' } })
    const retried = await submit({ task_type: 'fail', payload: { retryable: true }, max_retries: 1 })
    const refused = await submit({ task_type: 'fail', payload: { retryable: false }, max_retries: 5 })
    const finished = (id: string) =>
      until(
        async () => (await call<Task>(url, 'GET', `/api/tasks/${id}/result?wait=5`)).body,
        task => task.status === 'completed' || task.status === 'failed',
        () => `task ${id}; the worker said ${worker.stderr()}`,
      )

    expect(await finished(counted)).toMatchObject({
      status: 'completed',
      result: { words: 3, longest: 'three' },
      worker_id: 'py1',
    })
    expect(await finished(retried)).toMatchObject({ status: 'failed', attempt: 2, error: { code: 'ValueError' } })
    expect(await finished(refused)).toMatchObject({ status: 'failed', attempt: 1, error: { code: 'PermanentError' } })

    const [registered] = (await call<{ workers: Worker[] }>(url, 'GET', '/api/workers')).body.workers
    expect(registered?.labels).toEqual({ version: '1.0' })
    worker.kill('SIGTERM')
    expect((await worker.exited).code).toBe(0)
    expect((await call<{ workers: Worker[] }>(url, 'GET', '/api/workers')).body.workers).toEqual([])
  })
})
