import { TasklaneClient } from '@tasklane/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openLink } from '../chaos/proxy.ts'
import { call, createStage, type Running, type Stage, until } from '../support/processes.ts'
import { type FreshDatabase, freshDatabase, postgresServer } from '../support/servers/postgres.ts'
import { median } from './median.ts'

describe.skipIf((await postgresServer()) === null)('tasklane serve on PostgreSQL', () => {
  let stage: Stage
  let database: FreshDatabase
  beforeEach(async () => {
    stage = createStage()
    database = await freshDatabase()
  })
  afterEach(async () => {
    await stage.close()
    await database.drop()
  })

  it('starts as the README says, makes its tables, and runs a task', async () => {
    const serving = stage.run('npx', ['--no-install', 'tasklane', 'serve', '--port', '0'], {
      env: { DATABASE_URL: database.url },
    })
    const url = await urlOf(serving)
    stage.worker(url, ['--worker-id', 'w1'])
    const client = new TasklaneClient({ url })
    const task = await client.submit('add', { x: 1, y: 2 })
    expect(await client.wait(task.taskId)).toMatchObject({ status: 'completed', result: 3 })
    await client.close()
    // The address of the database is told, its password is not.
    const { port, password } = new URL(database.url)
    expect(serving.stderr()).toContain(port)
    if (password !== '') expect(serving.stderr()).not.toContain(password)
  })

  it('hears of other nodes at once, and looks by itself while it cannot', async () => {
    const { hostname, port } = new URL(database.url)
    const hints = await openLink(
      () => Number(port),
      () => ({ request: () => {}, reply: () => {} }),
    )
    const hintsUrl = new URL(database.url)
    hintsUrl.port = new URL(hints.url).port
    expect(hostname).toMatch(/^(127\.0\.0\.1|localhost)$/)
    const asked = await urlOf(serve({ DATABASE_URL: database.url }))
    const waiting = await urlOf(serve({ DATABASE_URL: database.url, TASKLANE_HINTS_URL: hintsUrl.href }))
    try {
      await call(waiting, 'POST', '/api/workers/register', {
        ...{ worker_id: 'w1', capabilities: ['*'], max_concurrent_tasks: 1, instance: 'one' },
      })
      const heard = await passTasks(asked, waiting, 20)
      hints.setMode('cut')
      const looked = await passTasks(asked, waiting, 3)
      expect(hints.hits()).toBeGreaterThan(0)
      hints.setMode('pass')
      await passTasks(asked, waiting, 1)
      const told = (what: string, ms: Passed): string =>
        `${what}: submit to claim ${median(ms.claims)} ms, settle to result ${median(ms.results)} ms`
      process.stderr.write(`\n${told('Median of 20 with hints', heard)}; ${told('of 3 without', looked)}.\n`)
    } finally {
      await hints.close()
    }
  })

  function serve(env: Record<string, string>): Running {
    return stage.run('npx', ['--no-install', 'tasklane', 'serve', '--port', '0'], { env })
  }
})

interface Passed {
  readonly claims: readonly number[]
  readonly results: readonly number[]
}

let number = 0

/** Submits and settles at one node; the worker and whoever wants the result wait at the other. */
async function passTasks(asked: string, waiting: string, count: number): Promise<Passed> {
  const claims: number[] = []
  const results: number[] = []
  for (let round = 0; round < count; round += 1) {
    number += 1
    const claiming = call<{ tasks: { task_id: string; epoch: number }[] }>(waiting, 'POST', '/api/workers/w1/claim', {
      ...{ limit: 1, wait: 30, request_id: `request-${number}` },
    })
    const submittedMs = performance.now()
    await call(asked, 'POST', '/api/tasks', { task_id: `task-${number}`, task_type: 'any' })
    const [task] = (await claiming).body.tasks
    claims.push(performance.now() - submittedMs)
    expect(task).toMatchObject({ task_id: `task-${number}`, epoch: 1 })
    const resulting = call(waiting, 'GET', `/api/tasks/task-${number}/result?wait=30`)
    const settledMs = performance.now()
    const settled = await call(asked, 'POST', '/api/workers/w1/settle', {
      results: [{ task_id: `task-${number}`, epoch: 1, outcome: 'completed', result: number }],
    })
    expect(settled.body).toMatchObject({ results: [{ verdict: 'applied' }] })
    expect((await resulting).body).toMatchObject({ status: 'completed', result: number })
    results.push(performance.now() - settledMs)
  }
  return { claims, results }
}

async function urlOf(serving: Running): Promise<string> {
  const line = await until(
    () => serving.stdout().split('\n')[0] ?? '',
    first => first !== '',
    () => `the scheduler to listen; it said: ${serving.stderr()}`,
  )
  return line.trim()
}
