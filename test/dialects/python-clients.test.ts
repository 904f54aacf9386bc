import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Attempt, Stats, Task } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { call, type Running, type Stage, until } from '../support/processes.ts'
import { client, python, runClient, setUp } from './python.ts'

/**
 * The programs of the other systems' users: real processes, unchanged, that know nothing of Tasklane. They run at the same
 * time, since one of them has to wait until a lease has run out.
 */
describe.skipIf(python === null).concurrent('the pull scheduler’s own programs', () => {
  it('a client that submits with dependencies and waits, and a worker that runs them', async context => {
    const stage = setUp(context)
    const { url } = await stage.scheduler({ env: { TASKLANE_RETRY_BASE: '0.05' } })
    const diary = join(stage.folder(), 'diary')
    await startWorker(stage, url, 'w1', diary, 'register')
    const submit = stage.run(String(python), [client('pull_submit.py'), url])
    expect((await submit.exited).code, submit.stderr()).toBe(0)
    const { diamond, status } = JSON.parse(submit.stdout())
    expect(status).toMatchObject({
      total_tasks: 8,
      tasks_by_status: { PENDING: 0, RUNNING: 0, COMPLETED: 4, FAILED: 2, TIMED_OUT: 0, CANCELED: 2 },
      active_workers: 1,
      worker_details: { w1: { status: 'active' } },
    })
    const ran = readDiary(diary).map(line => line.split(' ')[1])
    expect(ran.filter(id => diamond.includes(id))).toEqual([diamond[0], diamond[2], diamond[1], diamond[3]])
    const results = await Promise.all(diamond.map(async (id: string) => (await taskOf(url, id)).result))
    expect(results).toEqual([3, 7, 5, 15])
  })

  it('a worker that is killed while it runs: its task ends exactly once, through another', async context => {
    const stage = setUp(context)
    const { url } = await stage.scheduler()
    const diary = join(stage.folder(), 'diary')
    const victim = await startWorker(stage, url, 'victim', diary)
    const id = await add(url, 'hang', ['over'])
    await until(
      () => readDiary(diary),
      lines => lines.length === 1,
      () => `the victim to run; it said ${victim.stderr()}`,
    )
    const child = await add(url, 'add', [1, 2], [id])
    victim.kill('SIGKILL')
    const other = await startWorker(stage, url, 'other', diary)
    const ended = await until(
      () => taskOf(url, child),
      task => task.status === 'completed',
      () => `the child to end; the other worker said ${other.stderr()}`,
    )
    expect(ended.result).toBe(3)
    expect(await taskOf(url, id)).toMatchObject({ status: 'completed', result: 'over', worker_id: 'other' })
    expect(readDiary(diary)).toEqual([`victim ${id}`, `other ${id}`, `other ${child}`])
    expect(await outcomesOf(url, id)).toEqual(['crashed', 'completed'])
  })

  it('two workers of the same id: every task ends once, none is charged twice', async context => {
    const stage = setUp(context)
    const { url } = await stage.scheduler()
    await Promise.all(['one', 'two'].map(() => startWorker(stage, url, 'twin', join(stage.folder(), 'diary'))))
    const ids: string[] = []
    for (let at = 0; at < 20; at += 1) ids.push(await add(url, 'slow', [0.02]))
    for (const id of ids) {
      await until(
        () => taskOf(url, id),
        task => task.status === 'completed',
        () => `task ${id} of the twins`,
      )
      expect(await outcomesOf(url, id)).toEqual(['completed'])
    }
  })

  it('a scheduler that is killed under a running task: the worker reports to the next one, and nothing is run again', async context => {
    const stage = setUp(context)
    const first = await stage.scheduler()
    const diary = join(stage.folder(), 'diary')
    await startWorker(stage, first.url, 'w1', diary)
    const id = await add(first.url, 'slow', [1])
    await until(
      () => readDiary(diary),
      lines => lines.length === 1,
      () => 'the worker to run',
    )
    first.running.kill('SIGKILL')
    await first.running.exited
    await stage.scheduler({ data: first.data, port: Number(new URL(first.url).port) })
    await until(
      () => taskOf(first.url, id),
      task => task.status === 'completed',
      () => 'the report to arrive',
    )
    expect(await taskOf(first.url, id)).toMatchObject({ result: 'w1', attempt: 1 })
    expect(readDiary(diary)).toHaveLength(1)
  })

  it('a task of theirs runs on Tasklane’s own workers, and a task of the API on theirs', async context => {
    const stage = setUp(context)
    const { url } = await stage.scheduler()
    stage.worker(url, ['--worker-id', 'own'])
    const sum = await add(url, 'add', [2, 3])
    await until(
      () => taskOf(url, sum),
      task => task.status === 'completed',
      () => 'Tasklane’s own worker',
    )
    expect(await taskOf(url, sum)).toMatchObject({ result: 5, worker_id: 'own' })
    // No own worker runs this type; the first submit in their dialect makes it known to theirs.
    await startWorker(stage, url, 'w1', join(stage.folder(), 'diary'))
    await add(url, 'slow', [0])
    const named = await call<Task>(url, 'POST', '/api/tasks', { task_type: 'slow', payload: { seconds: 0 } })
    await until(
      () => taskOf(url, named.body.task_id),
      task => task.status === 'completed',
      () => 'their worker',
    )
    expect(await taskOf(url, named.body.task_id)).toMatchObject({ result: 'w1' })
  })
})

describe.skipIf(python === null).concurrent('a client in Python', () => {
  it('of the challenge: submits, lists, and a worker that registers and beats', async context => {
    const stage = setUp(context)
    const { url } = await stage.scheduler()
    stage.worker(url, ['--worker-id', 'own'])
    expect(await runClient(stage, 'challenge.py', url)).toEqual({ ok: true })
  })

  it('of the arithmetic system: 150 mixed tasks, polled until SUCCESS, all with the right result', async context => {
    const stage = setUp(context)
    const { url } = await stage.scheduler()
    for (const id of ['one', 'two']) stage.worker(url, ['--worker-id', id])
    expect(await runClient(stage, 'arithmetic_producer.py', url)).toEqual({ right: 150 })
    const { body } = await call<Stats>(url, 'GET', '/api/stats')
    expect([body.total, body.tasks.completed]).toEqual([150, 150])
  })

  it('of the advanced system: logs in as OAuth2 has it, and counts tasks from 1', async context => {
    const stage = setUp(context)
    const password = 'a password that nobody guesses'
    const env = {
      TASKLANE_AUTH: 'required',
      SECRET_KEY: 'k'.repeat(20) + randomUUID(),
      TASKLANE_ADMIN_PASSWORD: password,
    }
    const { url } = await stage.scheduler({ env })
    expect(await runClient(stage, 'advanced.py', url, 'admin', password)).toMatchObject({ task_id: expect.any(String) })
  })

  it('of the system on RabbitMQ and Redis: with trailing slashes', async context => {
    const stage = setUp(context)
    const { url } = await stage.scheduler()
    stage.worker(url, ['--worker-id', 'worker-1'])
    expect(await runClient(stage, 'rabbit.py', url)).toEqual({ results: [3, 12, 'STRASSE'], worker: 'worker-1' })
  })
})

async function startWorker(stage: Stage, url: string, ...args: readonly string[]): Promise<Running> {
  const worker = stage.run(String(python), [client('pull_worker.py'), url, ...args])
  await until(
    () => worker.stdout(),
    text => text.includes('ready') || worker.process.exitCode !== null,
    () => `worker ${args[0]} to start; it said ${worker.stderr()}`,
  )
  return worker
}

async function add(
  url: string,
  func: string,
  args: readonly unknown[],
  dependencies: readonly string[] = [],
): Promise<string> {
  const body = { func_name: func, args, kwargs: {}, priority: 5, dependencies, timeout: null }
  const added = await call(url, 'POST', '/add_task', body)
  expect(added.status).toBe(201)
  return String(added.body.task_id)
}

async function taskOf(url: string, id: string): Promise<Task> {
  return (await call<Task>(url, 'GET', `/api/tasks/${id}`)).body
}

async function outcomesOf(url: string, id: string): Promise<readonly string[]> {
  const { attempts } = (await call<{ attempts: Attempt[] }>(url, 'GET', `/api/tasks/${id}/attempts`)).body
  return attempts.map(attempt => attempt.outcome)
}

/** The runs that workers wrote down, in their order; none as long as there is no diary. */
function readDiary(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').trim().split('\n')
  } catch {
    return []
  }
}
