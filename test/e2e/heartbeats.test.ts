import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BatchReply, Task } from '@tasklane/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { call, createStage, root, type Stage, until } from '../support/processes.ts'

const recordingTasks = join(root, 'test/fixtures/recording-tasks.mjs')
/** Leases of three seconds. */
const env = { HEARTBEAT_INTERVAL: '1' }
/** More than two of them, without a turn of the event loop. */
const computeMs = 7_000

let stage: Stage
beforeEach(() => {
  stage = createStage()
})
afterEach(() => stage.close())

async function submit(url: string, type: string, payload: unknown): Promise<string> {
  const { status, body } = await call<BatchReply>(url, 'POST', '/api/tasks/batch', {
    tasks: [{ task_type: type, payload }],
  })
  expect(status).toBe(201)
  return String(body.tasks[0]?.task_id)
}

function untilTask(url: string, id: string, what: string, isGood: (task: Task) => boolean): Promise<Task> {
  return until(
    async () => (await call<Task>(url, 'GET', `/api/tasks/${id}`)).body,
    isGood,
    () => `task ${id} ${what}`,
  )
}

describe('a handler that computes for longer than two leases', () => {
  it('keeps its task and those of its neighbours, and its progress is seen meanwhile', async () => {
    const { url } = await stage.scheduler({ env })
    const folder = stage.folder()
    const record = join(folder, 'record')
    const gate = join(folder, 'gate')
    const worker = stage.worker(url, [recordingTasks, '--worker-id', 'busy', '--concurrency', '2'], {
      RECORD_FILE: record,
    })
    const neighbour = await submit(url, 'gated', { gate })
    await untilTask(url, neighbour, 'runs', task => task.status === 'running')
    const computing = await submit(url, 'computing', { ms: computeMs })
    const seen = await untilTask(url, computing, 'tells progress', task => task.progress !== null)
    expect(seen).toMatchObject({ status: 'running', progress: { percent: 50 } })
    // Somebody who would take what is lost.
    stage.worker(url, [recordingTasks, '--worker-id', 'vulture'], { RECORD_FILE: record })

    const done = await untilTask(url, computing, 'ends', task => task.status === 'completed')
    writeFileSync(gate, '')
    const other = await untilTask(url, neighbour, 'ends', task => task.status === 'completed')

    expect(done).toMatchObject({ attempt: 1, result: { by: 'busy', epoch: 1, isAborted: false } })
    expect(other).toMatchObject({ attempt: 1, result: { by: 'busy', epoch: 1 } })
    const starts = readFileSync(record, 'utf8').match(/"event":"start"/g)
    expect(starts).toHaveLength(2)
    await until(
      worker.stderr,
      text => text.includes('blocked'),
      () => 'the block to be told',
    )
    expect(worker.stderr().match(/The event loop was blocked for/g)).toHaveLength(1)
  })

  it('loses its task when its worker is killed in the middle', async () => {
    const { url } = await stage.scheduler({ env })
    const record = join(stage.folder(), 'record')
    const doomed = stage.worker(url, [recordingTasks, '--worker-id', 'doomed'], { RECORD_FILE: record })
    const id = await submit(url, 'computing', { ms: 2_000 })
    await untilTask(url, id, 'tells progress', task => task.progress !== null)
    doomed.kill('SIGKILL')
    await doomed.exited
    stage.worker(url, [recordingTasks, '--worker-id', 'heir'], { RECORD_FILE: record })
    const done = await untilTask(url, id, 'ends', task => task.status === 'completed')
    expect(done).toMatchObject({ attempt: 2, result: { by: 'heir', epoch: 2 } })
  })
})

describe('the thread of the leases', () => {
  it('is gone when the worker has stopped, and the process ends by itself', async () => {
    const { url } = await stage.scheduler({ env })
    const lone = stage.run(process.execPath, [join(root, 'test/fixtures/lone-worker.mjs'), url, '1'])
    expect(await lone.exited).toEqual({ code: 0, signal: null })
    expect(JSON.parse(lone.stdout())).toEqual({ attempt: 1, during: 1, after: 0 })
    expect(lone.stderr()).toBe('')
  })

  it('is missed where workers are not allowed: one warning, and the worker works', async () => {
    const { url } = await stage.scheduler({ env })
    const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission'
    const script = join(root, 'test/fixtures/lone-worker.mjs')
    const lone = stage.run(process.execPath, [flag, '--allow-fs-read=*', script, url, '0'])
    expect(await lone.exited).toEqual({ code: 0, signal: null })
    expect(JSON.parse(lone.stdout())).toEqual({ attempt: 1, during: 0, after: 0 })
    expect(lone.stderr().match(/Heartbeats have no thread of their own/g)).toHaveLength(1)
  })

  it('is missed where a bundle has no address of its own: one warning, and the worker works', async () => {
    const { url } = await stage.scheduler({ env })
    const folder = stage.folder()
    const file = join(installInto(folder), 'worker/start-lease-thread.js')
    const text = readFileSync(file, 'utf8')
    expect(text).toContain('import.meta.url')
    // As bundlers write it where the output is CommonJS.
    writeFileSync(file, text.replaceAll('import.meta.url', '({}).url'))
    cpSync(join(root, 'test/fixtures/lone-worker.mjs'), join(folder, 'main.mjs'))
    const lone = stage.run(process.execPath, [join(folder, 'main.mjs'), url, '0'])
    expect(await lone.exited).toEqual({ code: 0, signal: null })
    expect(JSON.parse(lone.stdout())).toEqual({ attempt: 1, during: 0, after: 0 })
    expect(lone.stderr().match(/Heartbeats have no thread of their own/g)).toHaveLength(1)
  })

  it('is missed where a bundle left it out: one warning, and heartbeats come from the other thread', async () => {
    const { url } = await stage.scheduler({ env })
    const folder = stage.folder()
    rmSync(join(installInto(folder), 'worker/lease-thread.js'))
    cpSync(recordingTasks, join(folder, 'tasks.mjs'))
    writeFileSync(join(folder, 'main.mjs'), mainOfBundle)
    const record = join(folder, 'record')
    const gate = join(folder, 'gate')
    const bundled = stage.run(process.execPath, [join(folder, 'main.mjs')], {
      env: { TASKLANE_URL: url, WORKER_ID: 'bundled', RECORD_FILE: record },
    })
    const id = await submit(url, 'gated', { gate })
    // The lease it was claimed with lasts no longer than this: what is held then was extended.
    const claimed = await untilTask(url, id, 'runs', task => task.status === 'running')
    const endsMs = Date.parse(String(claimed.started_at)) + 4_000
    const held = await until(
      async () => (await call<Task>(url, 'GET', `/api/tasks/${id}`)).body,
      () => Date.now() > endsMs,
      () => 'the first lease to be over',
    )
    expect(held).toMatchObject({ status: 'running', attempt: 1 })
    writeFileSync(gate, '')
    const done = await untilTask(url, id, 'ends', task => task.status === 'completed')
    expect(done).toMatchObject({ attempt: 1, result: { by: 'bundled', epoch: 1 } })
    expect(bundled.stderr().match(/Heartbeats have no thread of their own/g)).toHaveLength(1)
  })
})

/** @returns the folder of the SDK's modules */
function installInto(folder: string): string {
  const modules = join(folder, 'node_modules/@tasklane')
  mkdirSync(modules, { recursive: true })
  for (const name of ['protocol', 'sdk']) {
    cpSync(join(root, 'packages', name, 'dist'), join(modules, name, 'dist'), { recursive: true })
    cpSync(join(root, 'packages', name, 'package.json'), join(modules, name, 'package.json'))
  }
  return join(modules, 'sdk/dist')
}

const mainOfBundle = `
import { TasklaneWorker } from '@tasklane/sdk'
import { gated } from './tasks.mjs'

await new TasklaneWorker({ tasks: [gated] }).start()
`
