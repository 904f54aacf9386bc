import type { Stats } from '@tasklane/protocol'
import { describe, expect, it, type TestContext } from 'vitest'
import { call, createStage, type Stage } from '../support/processes.ts'
import { client, python } from './python.ts'

/** The programs of the other systems' users, unchanged, against a real scheduler with workers of its own. */
describe.skipIf(python === null).concurrent('a client in Python', () => {
  it('of the challenge: submits, lists, and a worker that registers and beats', async context => {
    const stage = setUp(context)
    const { url } = await stage.scheduler()
    stage.worker(url, ['--worker-id', 'own'])
    expect(await run(stage, 'challenge.py', url)).toEqual({ ok: true })
  })

  it('of the arithmetic system: 150 mixed tasks, polled until SUCCESS, all with the right result', async context => {
    const stage = setUp(context)
    const { url } = await stage.scheduler()
    for (const id of ['one', 'two']) stage.worker(url, ['--worker-id', id])
    expect(await run(stage, 'arithmetic_producer.py', url)).toEqual({ right: 150 })
    const { body } = await call<Stats>(url, 'GET', '/api/stats')
    expect([body.total, body.tasks.completed]).toEqual([150, 150])
  })

  it('of the system on RabbitMQ and Redis: with trailing slashes', async context => {
    const stage = setUp(context)
    const { url } = await stage.scheduler()
    stage.worker(url, ['--worker-id', 'worker-1'])
    expect(await run(stage, 'rabbit.py', url)).toEqual({ results: [3, 12, 'STRASSE'], worker: 'worker-1' })
  })
})

/** The tests run at the same time: each says for itself when it is over. */
function setUp({ onTestFinished }: TestContext): Stage {
  const stage = createStage()
  onTestFinished(() => stage.close())
  return stage
}

/** What the program prints at its end, once all that it asserts held. */
async function run(stage: Stage, name: string, ...args: readonly string[]): Promise<unknown> {
  const running = stage.run(String(python), [client(name), ...args])
  expect((await running.exited).code, running.stderr()).toBe(0)
  return JSON.parse(running.stdout())
}
