import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { type SchedulerDouble, startSchedulerDouble } from './scheduler-double.ts'
import { until } from './until.ts'

async function startHeldTask(): Promise<{ readonly scheduler: SchedulerDouble; readonly child: ChildProcess }> {
  const scheduler = await startSchedulerDouble({}, onTestFinished)
  const script = fileURLToPath(new URL('./signal-worker.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=@tasklane/source', '--import', 'tsx', script], {
    env: { ...process.env, TASKLANE_URL: scheduler.url },
    stdio: ['pipe', 'inherit', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  scheduler.add({ task_type: 'held', task_id: 'a' })
  await until('the task runs', () => scheduler.stored('a').task.status === 'running')
  return { scheduler, child }
}

it('finishes what runs at SIGTERM, says farewell, and the process ends by itself', async () => {
  const { scheduler, child } = await startHeldTask()
  const claims = scheduler.seenAt(/claim/).length
  child.kill('SIGTERM')
  child.stdin?.write('last words\n')
  const [code] = await once(child, 'exit')
  expect(code).toBe(0)
  expect(scheduler.stored('a').task).toMatchObject({ status: 'completed', result: 'last words', attempt: 1 })
  expect(() => scheduler.worker('w1')).toThrow()
  expect(scheduler.seenAt(/claim/).length).toBeLessThanOrEqual(claims + 2)
})

it('ends at once at the second signal', async () => {
  const { scheduler, child } = await startHeldTask()
  child.kill('SIGTERM')
  // The first was heard when the claim that waited for work has been cut off and asked for the last time.
  await until('it drains', () => scheduler.seenAt(/claim/).some(each => (each.body as { wait: number }).wait === 0))
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  expect(code).toBe(143)
  expect(scheduler.stored('a').task.status).toBe('running')
})
