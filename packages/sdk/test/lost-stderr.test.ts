import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { startSchedulerDouble } from './scheduler-double.ts'
import { until } from './until.ts'

/** A device that is always full; only Linux has it. */
const fullDisk = '/dev/full'
const hasFullDisk = await access(fullDisk).then(
  () => true,
  () => false,
)

it.skipIf(!hasFullDisk)('a worker whose stderr lies on a full disk goes on', async () => {
  const file = await open(fullDisk, 'w')
  onTestFinished(() => file.close())
  await runTaskWhereStderrIsLost(file.fd)
})

it('a worker whose stderr nobody reads any more goes on', async () => {
  await runTaskWhereStderrIsLost('pipe')
})

/** The worker has something to say before its task runs, and says it where no line can be written. */
async function runTaskWhereStderrIsLost(stderr: number | 'pipe'): Promise<void> {
  const scheduler = await startSchedulerDouble({}, onTestFinished)
  scheduler.fail(/register/, { status: 503, body: '' }, 2)
  const script = fileURLToPath(new URL('./signal-worker.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=@tasklane/source', '--import', 'tsx', script], {
    env: { ...process.env, TASKLANE_URL: scheduler.url },
    stdio: ['pipe', 'inherit', stderr],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  // Closes the reading end of the pipe, where there is one.
  child.stderr?.destroy()
  scheduler.add({ task_type: 'held', task_id: 'a' })
  await until('the task runs', () => scheduler.stored('a').task.status === 'running' || child.exitCode !== null)
  expect(child.exitCode).toBeNull()
  child.kill('SIGTERM')
  child.stdin?.write('last words\n')
  const [code] = await once(child, 'exit')
  expect(code).toBe(0)
  expect(scheduler.stored('a').task).toMatchObject({ status: 'completed', result: 'last words' })
}
