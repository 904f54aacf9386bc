import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BatchReply, Stats, Task } from '@tasklane/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { call, createStage, root, type Stage, until } from '../support/processes.ts'

const recordingTasks = join(root, 'test/fixtures/recording-tasks.mjs')
/** Leases of 1.5 s: faults are noticed within the test, and a busy machine's stalls stay shorter. */
const env = { HEARTBEAT_INTERVAL: '0.5' }

let stage: Stage
beforeEach(() => {
  stage = createStage()
})
afterEach(() => stage.close())

interface RecordedLine {
  readonly event: 'start' | 'end'
  readonly task: string
  readonly epoch: number
  readonly worker: string
}

function readRecord(file: string): readonly RecordedLine[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => line !== '')
  return lines.map(line => JSON.parse(line) as RecordedLine) // The fixture wrote it.
}

async function submitMany(url: string, tasks: readonly Record<string, unknown>[]): Promise<readonly string[]> {
  const { status, body } = await call<BatchReply>(url, 'POST', '/api/tasks/batch', { tasks })
  expect(status).toBe(201)
  return body.tasks.map(task => String(task.task_id))
}

function allFinished(url: string, total: number): Promise<Stats> {
  return until(
    async () => (await call<Stats>(url, 'GET', '/api/stats')).body,
    stats => stats.tasks.completed + stats.tasks.failed + stats.tasks.cancelled === total,
    () => `${total} tasks to finish`,
    60_000,
  )
}

async function read(url: string, id: string): Promise<Task> {
  return (await call<Task>(url, 'GET', `/api/tasks/${id}`)).body
}

describe('a worker dies', () => {
  it('gives the tasks of a killed worker to others, which finish every one', async () => {
    const { url } = await stage.scheduler({ env })
    const folder = stage.folder()
    const record = join(folder, 'record')
    const gate = join(folder, 'gate')
    const args = [recordingTasks, '--concurrency', '5']
    const doomed = stage.worker(url, [...args, '--worker-id', 'doomed'], { RECORD_FILE: record })
    const ids = await submitMany(
      url,
      Array.from({ length: 8 }, () => ({ task_type: 'gated', payload: { gate } })),
    )
    await until(
      () => readOrEmpty(record),
      lines => lines.length === 5,
      () => 'five tasks to start',
    )

    doomed.kill('SIGKILL')
    await doomed.exited
    writeFileSync(gate, '')
    stage.worker(url, [...args, '--worker-id', 'heir'], { RECORD_FILE: record })
    const stats = await allFinished(url, ids.length)

    expect(stats.tasks.completed).toBe(8)
    const tasks = await Promise.all(ids.map(id => read(url, id)))
    expect(tasks.map(task => task.worker_id)).toEqual(ids.map(() => 'heir'))
    // Five ran twice, which is allowed and told; nothing ended twice.
    expect(readRecord(record).filter(line => line.event === 'start')).toHaveLength(13)
    expect(readRecord(record).filter(line => line.event === 'end')).toHaveLength(8)
  })

  it('fails a task that kills every worker that touches it, and no other', async () => {
    const { url } = await stage.scheduler({ env })
    const record = join(stage.folder(), 'record')
    const [poison, innocent] = await submitMany(url, [
      { task_type: 'suicidal', max_retries: 50, priority: 9 },
      { task_type: 'quick', payload: 'survivor' },
    ])
    for (let life = 0; life < 3; life += 1) {
      const worker = stage.worker(url, [recordingTasks, '--concurrency', '1', '--worker-id', 'lemming'], {
        RECORD_FILE: record,
      })
      expect((await worker.exited).signal).toBe('SIGKILL')
    }
    stage.worker(url, [recordingTasks, '--worker-id', 'calm'], { RECORD_FILE: record })
    await allFinished(url, 2)

    expect((await read(url, String(poison))).error?.code).toBe('poisoned')
    expect((await read(url, String(innocent))).result).toEqual({ echo: 'survivor', by: 'calm' })
  })

  it('refuses the settle of a worker that was stopped past its lease, and keeps the other worker’s result', async () => {
    const { url } = await stage.scheduler({ env })
    const folder = stage.folder()
    const gate = join(folder, 'gate')
    const zombieGate = join(folder, 'zombie-gate')
    const [id] = await submitMany(url, [{ task_type: 'gated', payload: { gate } }])
    const zombie = stage.run(process.execPath, [
      join(root, 'test/fixtures/zombie-worker.mjs'),
      url,
      'zombie',
      zombieGate,
    ])
    await until(
      () => zombie.stdout(),
      text => text.includes('claimed'),
      () => 'the zombie to claim',
    )
    zombie.kill('SIGSTOP')

    writeFileSync(gate, '')
    stage.worker(url, [recordingTasks, '--worker-id', 'living'], { RECORD_FILE: join(folder, 'record') })
    await allFinished(url, 1)
    zombie.kill('SIGCONT')
    writeFileSync(zombieGate, '')
    await zombie.exited

    expect(zombie.stdout()).toContain('"verdict":"stale"')
    expect((await read(url, String(id))).result).toEqual({ by: 'living', epoch: 2 })
  })

  it('stops a handler of its own whose lease ran out while the process was paused', async () => {
    const { url } = await stage.scheduler({ env })
    const folder = stage.folder()
    const record = join(folder, 'record')
    const gate = join(folder, 'gate')
    const [id] = await submitMany(url, [{ task_type: 'gated', payload: { gate } }])
    const paused = stage.worker(url, [recordingTasks, '--worker-id', 'paused'], { RECORD_FILE: record })
    await until(
      () => readOrEmpty(record),
      lines => lines.length === 1,
      () => 'the task to start',
    )
    paused.kill('SIGSTOP')
    stage.worker(url, [recordingTasks, '--worker-id', 'living'], { RECORD_FILE: record })
    await until(
      () => readOrEmpty(record),
      lines => lines.length === 2,
      () => 'the task to start elsewhere',
    )
    paused.kill('SIGCONT')
    // Only a worker that is alive again and has given up its task takes this one.
    const [next] = await submitMany(url, [{ task_type: 'quick', payload: 1 }])
    await until(
      () => read(url, String(next)),
      task => task.status === 'completed',
      () => 'another task to end',
    )
    writeFileSync(gate, '')
    await allFinished(url, 2)

    expect((await read(url, String(id))).worker_id).toBe('living')
    const attempts = await call<{ attempts: { outcome: string }[] }>(url, 'GET', `/api/tasks/${id}/attempts`)
    expect(attempts.body.attempts.map(attempt => attempt.outcome)).toEqual(['crashed', 'completed'])
  })
})

describe('the scheduler dies', () => {
  it('loses no submit that was answered, whatever moment it is killed at', async () => {
    const record = join(stage.folder(), 'record')
    let scheduler = await stage.scheduler({ env })
    const { data } = scheduler
    const port = Number(new URL(scheduler.url).port)
    const worker = stage.worker(scheduler.url, [recordingTasks, '--concurrency', '20'], { RECORD_FILE: record })
    const accepted: string[] = []
    let isOver = false
    const submitting = (async () => {
      for (let batch = 0; !isOver; batch += 1) {
        const tasks = Array.from({ length: 20 }, (_, at) => ({ task_type: 'quick', payload: { batch, at } }))
        const reply = await call<BatchReply>(scheduler.url, 'POST', '/api/tasks/batch', { tasks }).catch(() => null)
        // No answer is no promise: such a batch may be there or not.
        if (reply?.status === 201) accepted.push(...reply.body.tasks.map(task => String(task.task_id)))
      }
    })()

    for (let life = 1; life <= 3; life += 1) {
      const before = accepted.length
      await until(
        () => accepted.length,
        count => count >= before + 100,
        () => 'a hundred more tasks to be accepted',
      )
      scheduler.running.kill('SIGKILL')
      await scheduler.running.exited
      scheduler = await stage.scheduler({ env, data, port })
    }
    isOver = true
    await submitting
    await until(
      async () => (await call<Stats>(scheduler.url, 'GET', '/api/stats')).body.tasks,
      ({ pending, running, scheduled }) => pending + running + scheduled === 0,
      () => 'everything to end',
      60_000,
    )

    const tasks = await Promise.all(accepted.map(id => read(scheduler.url, id)))
    expect(tasks.filter(task => task.status !== 'completed')).toEqual([])
    expect(new Set(accepted).size).toBe(accepted.length)
    // The worker is the same process that began: it survived three schedulers.
    expect(worker.process.exitCode).toBeNull()
    const ended = new Map<string, Set<number>>()
    for (const line of readRecord(record)) {
      if (line.event === 'end') ended.set(line.task, (ended.get(line.task) ?? new Set()).add(line.epoch))
    }
    expect(accepted.filter(id => !ended.has(id))).toEqual([])
  })

  it('refuses a second process on the file, and starts right after a kill', async () => {
    const first = await stage.scheduler({ env })
    const second = stage.run(process.execPath, [
      join(root, 'packages/cli/bin/tasklane.js'),
      'serve',
      '--port',
      '0',
      '--data',
      first.data,
    ])
    expect((await second.exited).code).not.toBe(0)
    expect(second.stderr()).toContain(first.data)
    expect(second.stderr()).not.toContain('database is locked')
    expect(second.stderr()).not.toMatch(/^\s+at /m)

    first.running.kill('SIGKILL')
    const third = await stage.scheduler({ env, data: first.data })
    expect((await call(third.url, 'GET', '/readyz')).status).toBe(200)
  })

  it('finishes what is under way on SIGTERM, and exits cleanly', async () => {
    const { url, running, data } = await stage.scheduler({ env })
    await call(url, 'POST', '/api/workers/register', { worker_id: 'waiting', capabilities: ['*'] })
    const waiting = call<{ tasks: unknown[] }>(url, 'POST', '/api/workers/waiting/claim', { wait: 30 })
    const submits = Array.from({ length: 50 }, (_, at) =>
      call(url, 'POST', '/api/tasks', { task_type: 'other', payload: at }),
    )
    const ended = Promise.allSettled(submits)
    const answered = await Promise.all(submits.slice(0, 10))
    running.kill('SIGTERM')
    expect(await running.exited).toEqual({ code: 0, signal: null })
    const statuses = (await ended).map(each => (each.status === 'fulfilled' ? each.value.status : 0))
    await waiting.catch(() => {})

    const again = await stage.scheduler({ env, data })
    const stats = (await call<Stats>(again.url, 'GET', '/api/stats')).body
    expect(answered.every(reply => reply.status === 201)).toBe(true)
    expect(stats.total).toBeGreaterThanOrEqual(statuses.filter(status => status === 201).length)
  })
})

function readOrEmpty(file: string): readonly RecordedLine[] {
  try {
    return readRecord(file).filter(line => line.event === 'start')
  } catch {
    return []
  }
}
