import { defineTask, LeaseLostError, TaskCancelledError, TasklaneWorker } from '@tasklane/sdk'
import { describe, expect, it, onTestFinished } from 'vitest'
import { simulate } from '../../packages/cli/src/builtins/waiting.ts'
import { listen, startNode, until } from '../../packages/server/test/http/harness.ts'

const ignore = () => {}
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore }

/** A scheduler and a worker of the SDK, in this process, over a real socket. */
async function startBoth() {
  const node = await startNode()
  const url = `http://127.0.0.1:${await listen(node)}`
  const reasons: unknown[] = []
  const finished: string[] = []
  const patient = defineTask({
    type: 'patient',
    run: async (_input: null, ctx) => {
      if (ctx.signal.aborted) return
      await new Promise<void>(resolve => ctx.signal.addEventListener('abort', () => resolve()))
      reasons.push(ctx.signal.reason)
      throw ctx.signal.reason
    },
  })
  const quick = defineTask({ type: 'quick', run: async (_input: null, ctx) => void finished.push(ctx.taskId) })
  const worker = new TasklaneWorker({
    url,
    workerId: 'w1',
    tasks: [patient, quick, simulate],
    slots: 1,
    heartbeatMs: 100,
    signals: false,
    logger: silent,
  })
  onTestFinished(() => worker.stop({ graceMs: 0 }))
  await worker.start()
  const isRunning = (id: string) =>
    until(async () => (await node.call('GET', `/tasks/${id}`)).body.status === 'running')
  return { ...node, reasons, finished, isRunning }
}

describe('a worker whose task is taken from it', () => {
  it('by a completion by hand stops the handler, settles nothing, and goes on with the next', async () => {
    const { call, reasons, finished, isRunning } = await startBoth()
    await call('POST', '/tasks', { type: 'patient', task_id: 'a' })
    await isRunning('a')
    await call('POST', '/tasks', { type: 'quick', task_id: 'b' })
    expect((await call('PUT', '/tasks/1/complete')).body).toMatchObject({ status: 'completed' })
    // The only slot is free again: the handler has ended.
    await until(() => finished.includes('b'))
    expect(reasons).toEqual([expect.any(LeaseLostError)])
    const { body: task } = await call('GET', '/tasks/a')
    expect(task).toMatchObject({ status: 'completed', error: null, attempt: 1 })
    // It was this try that was called off, not the task.
    expect((await call('GET', '/api/tasks/a/attempts')).body.attempts).toMatchObject([{ outcome: 'cancelled' }])
  })

  it('by dialect B’s DELETE stops the handler, and the task ends as cancelled', async () => {
    const { call, reasons, isRunning } = await startBoth()
    await call('POST', '/tasks', { type: 'patient', task_id: 'a' })
    await isRunning('a')
    expect((await call('DELETE', '/tasks/a')).body).toMatchObject({ status: 'running' })
    await until(async () => (await call('GET', '/status/a')).body.status === 'REVOKED')
    expect(reasons).toEqual([expect.any(TaskCancelledError)])
  })

  it('lets a simulated task of dialect A run to its end, or be completed before', async () => {
    const { call, isRunning, finished } = await startBoth()
    await call('POST', '/tasks', { name: 'short', description: 'd', payload: { seconds: 0.01 } })
    await until(async () => (await call('GET', '/tasks/1')).body.status === 'completed')
    expect((await call('GET', '/tasks/1')).body).toMatchObject({ result: { slept: 0.002, priority: 5 } })
    const { body } = await call('POST', '/tasks', { name: 'long', description: 'd', payload: { seconds: 80_000 } })
    await isRunning(String(body.task_id))
    await call('PUT', '/tasks/2/complete')
    await call('POST', '/tasks', { type: 'quick', task_id: 'next' })
    await until(() => finished.includes('next'))
  })
})
