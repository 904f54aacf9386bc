import { join } from 'node:path'
import type { BatchReply, ProblemBody, Stats, Task } from '@tasklane/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, createStage, root, type Stage, until } from '../support/processes.ts'

let stage: Stage
let url: string
beforeAll(async () => {
  stage = createStage()
  url = (await stage.scheduler({ env: { HEARTBEAT_INTERVAL: '1' } })).url
  const record = join(stage.folder(), 'record')
  stage.worker(url, [join(root, 'test/fixtures/recording-tasks.mjs'), '--concurrency', '50'], { RECORD_FILE: record })
})
afterAll(() => stage.close())

const submit = (tasks: readonly Record<string, unknown>[]) =>
  call<BatchReply & ProblemBody>(url, 'POST', '/api/tasks/batch', { tasks })

async function finished(id: string): Promise<Task> {
  return until(
    async () => (await call<Task>(url, 'GET', `/api/tasks/${id}/result?wait=10`)).body,
    task => ['completed', 'failed', 'cancelled'].includes(task.status),
    () => `task ${id} to end`,
    60_000,
  )
}

describe('dependencies, end to end', () => {
  it('runs a diamond of 1,000: one task, 998 that need it, one that needs them all', async () => {
    const middle = Array.from({ length: 998 }, (_, at) => `diamond-${at}`)
    const reply = await submit([
      { task_id: 'diamond-bottom', task_type: 'quick', dependencies: middle },
      ...middle.map(id => ({ task_id: id, task_type: 'quick', dependencies: ['diamond-top'] })),
      { task_id: 'diamond-top', task_type: 'quick' },
    ])
    expect(reply.status).toBe(201)

    const bottom = await finished('diamond-bottom')
    const sides = await Promise.all([middle[0], middle[500], middle[997]].map(id => finished(String(id))))
    const top = await finished('diamond-top')
    expect(bottom.status).toBe('completed')
    for (const side of sides) {
      expect(String(side.started_at) >= String(top.completed_at)).toBe(true)
      expect(String(bottom.started_at) >= String(side.completed_at)).toBe(true)
    }
  })

  it('runs a chain of 1,000, one after the other', async () => {
    const tasks = Array.from({ length: 1_000 }, (_, at) => ({
      task_id: `chain-${at}`,
      task_type: 'quick',
      payload: at,
      dependencies: at === 0 ? [] : [`chain-${at - 1}`],
    }))
    expect((await submit(tasks)).status).toBe(201)

    const last = await finished('chain-999')
    const before = await finished('chain-998')
    expect(last.result).toMatchObject({ echo: 999 })
    expect(String(last.started_at) >= String(before.completed_at)).toBe(true)
  })

  it('refuses a cycle by naming it, and keeps nothing of the batch', async () => {
    const before = (await call<Stats>(url, 'GET', '/api/stats')).body.total
    const reply = await submit([
      { task_id: 'loop-a', task_type: 'quick', dependencies: ['loop-c'] },
      { task_id: 'loop-b', task_type: 'quick', dependencies: ['loop-a'] },
      { task_id: 'loop-c', task_type: 'quick', dependencies: ['loop-b'] },
    ])
    expect(reply.status).toBe(422)
    expect(reply.body.code).toBe('dependency_cycle')
    expect(reply.body.detail).toMatch(/loop-a → loop-b → loop-c|loop-b → loop-c → loop-a|loop-c → loop-a → loop-b/)
    expect((await call<Stats>(url, 'GET', '/api/stats')).body.total).toBe(before)
  })

  it('cancels the descendants of a failed parent, but those that said to proceed', async () => {
    const reply = await submit([
      { task_id: 'fall', task_type: 'failing', max_retries: 0 },
      { task_id: 'fall-child', task_type: 'quick', dependencies: ['fall'] },
      { task_id: 'fall-grandchild', task_type: 'quick', dependencies: ['fall-child'] },
      { task_id: 'fall-heir', task_type: 'quick', dependencies: ['fall'], on_dependency_failure: 'proceed' },
    ])
    expect(reply.status).toBe(201)

    expect(await finished('fall')).toMatchObject({ status: 'failed', error: { message: 'failed on purpose' } })
    expect(await finished('fall-child')).toMatchObject({ status: 'cancelled', error: { code: 'dependency_failed' } })
    expect(await finished('fall-grandchild')).toMatchObject({
      status: 'cancelled',
      error: { code: 'dependency_failed' },
    })
    expect(await finished('fall-heir')).toMatchObject({ status: 'completed' })
  })
})
