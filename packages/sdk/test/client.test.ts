import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import {
  ApiError,
  type ClientOptions,
  defineTask,
  InputInvalidError,
  TaskCancelledError,
  TaskFailedError,
  TasklaneClient,
  taskItem,
  UnexpectedReplyError,
  UnreachableError,
  UsageError,
  WaitTimeoutError,
} from '../src/index.ts'
import { type DoubleOptions, startSchedulerDouble } from './scheduler-double.ts'
import { createGate, until } from './until.ts'
import { createVirtualClock } from './virtual-clock.ts'

async function setup(options: ClientOptions & DoubleOptions = {}) {
  const scheduler = await startSchedulerDouble(options, onTestFinished)
  const client = new TasklaneClient({ url: scheduler.url, ...options })
  onTestFinished(() => client.close())
  return { scheduler, client }
}

describe('submitting', () => {
  it('sends a lone submit by itself, with an id made here', async () => {
    const { scheduler, client } = await setup()
    const task = await client.submit('add', { x: 1, y: 2 })
    expect(task).toMatchObject({ status: 'pending', outcome: 'created' })
    expect(task.taskId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/)
    expect(scheduler.seen.map(each => each.body)).toEqual([
      { atomic: false, tasks: [{ task_type: 'add', task_id: task.taskId, payload: { x: 1, y: 2 } }] },
    ])
  })

  it('sends what is submitted together together, a thousand at a time', async () => {
    const { scheduler, client } = await setup()
    const tasks = await Promise.all(Array.from({ length: 1_500 }, (_, n) => client.submit('noop', n)))
    expect(batchSizes(scheduler.seen)).toEqual([1_000, 500])
    expect(new Set(tasks.map(task => task.taskId)).size).toBe(1_500)
    expect(tasks.every((task, n) => scheduler.stored(task.taskId).task.payload === n)).toBe(true)
  })

  it('gathers what is submitted while a request is under way', async () => {
    const { scheduler, client } = await setup()
    const { opened, open } = createGate()
    scheduler.fail(/batch/, { until: opened })
    const first = client.submit('noop')
    await until('the first request is there', () => scheduler.seen.length === 1)
    const later = [client.submit('noop')]
    await turns()
    later.push(client.submit('noop'))
    await turns()
    open()
    await Promise.all([first, ...later])
    expect(batchSizes(scheduler.seen)).toEqual([1, 2])
  })

  it('keeps a batch below half of what a body may hold', async () => {
    const { scheduler, client } = await setup()
    const megabyte = 'x'.repeat(1_000_000)
    await Promise.all(Array.from({ length: 20 }, () => client.submit('noop', megabyte)))
    expect(batchSizes(scheduler.seen)).toEqual([8, 8, 4])
  })

  it('gives each of a batch its own outcome', async () => {
    const { client } = await setup()
    await client.submit('noop', 1, { taskId: 'taken' })
    const [same, other, orphan, fine] = await Promise.allSettled([
      client.submit('noop', 1, { taskId: 'taken' }),
      client.submit('noop', 2, { taskId: 'taken' }),
      client.submit('noop', 3, { dependsOn: 'nobody' }),
      client.submit('noop', 4),
    ])
    expect(same).toMatchObject({ status: 'fulfilled', value: { outcome: 'existing', taskId: 'taken' } })
    expect(other).toMatchObject({ reason: { name: 'ApiError', code: 'task_conflict', status: 409 } })
    expect(orphan).toMatchObject({ reason: { name: 'ApiError', code: 'dependency_unknown', status: 422 } })
    expect(fine).toMatchObject({ status: 'fulfilled', value: { outcome: 'created' } })
  })

  it('finds the one that spoils a batch when the whole request is refused', async () => {
    const { scheduler, client } = await setup()
    const refusal = { status: 422, body: JSON.stringify({ code: 'text_invalid', detail: 'Half a character.' }) }
    // The whole, then the first half, then the first of it.
    scheduler.fail(/batch/, refusal, 3)
    const outcomes = await Promise.allSettled(['a', 'b', 'c', 'd'].map(taskId => client.submit('noop', 1, { taskId })))
    expect(outcomes.map(each => each.status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled'])
    expect(outcomes[0]).toMatchObject({ reason: { code: 'text_invalid' } })
  })

  it('submits once when the first reply is lost', async () => {
    const { scheduler, client } = await setup()
    scheduler.fail(/batch/, 'lose_reply')
    const task = await client.submit('noop', { n: 1 })
    expect(task.outcome).toBe('existing')
    expect(scheduler.seen).toHaveLength(2)
    expect(scheduler.seen[1]?.body).toEqual(scheduler.seen[0]?.body)
  })

  it('lets the idempotency key stand for the id', async () => {
    const { scheduler, client } = await setup()
    const first = await client.submit('noop', 1, { idempotencyKey: 'order-7' })
    const second = await client.submit('noop', 1, { idempotencyKey: 'order-7' })
    expect(second).toMatchObject({ taskId: first.taskId, outcome: 'existing' })
    expect(scheduler.seen[0]?.body).not.toHaveProperty('tasks.0.task_id')
  })

  it('writes every option as the wire has it', async () => {
    const { scheduler, client } = await setup()
    const parent = await client.submit('noop', null, { taskId: 'parent' })
    scheduler.add({ task_type: 'noop', task_id: 'other' })
    await client.submit('noop', null, {
      taskId: 'child',
      priority: 9,
      dependsOn: [parent, 'other'],
      onDependencyFailure: 'proceed',
      timeout: '5m',
      maxRetries: 2,
      queue: 'slow',
      runAt: new Date('2030-01-01T00:00:00Z'),
      name: 'Child',
      description: 'Of two',
      labels: { team: 'a' },
    })
    expect(scheduler.seen.at(-1)?.body).toHaveProperty('tasks.0', {
      task_type: 'noop',
      task_id: 'child',
      priority: 9,
      dependencies: ['parent', 'other'],
      on_dependency_failure: 'proceed',
      timeout: 300,
      max_retries: 2,
      queue: 'slow',
      run_at: '2030-01-01T00:00:00.000Z',
      name: 'Child',
      description: 'Of two',
      labels: { team: 'a' },
      payload: null,
    })
  })

  it('takes defaults from the definition and lets options win', async () => {
    const { scheduler, client } = await setup()
    const resize = defineTask({
      type: 'resize',
      retries: 1,
      timeout: '30s',
      queue: 'images',
      priority: 7,
      run: () => 1,
    })
    await client.submit(resize, null, { timeout: null, priority: 8 })
    expect(scheduler.seen[0]?.body).toMatchObject({
      tasks: [{ task_type: 'resize', max_retries: 1, timeout: null, queue: 'images', priority: 8 }],
    })
  })

  it('refuses before sending what no scheduler would take', async () => {
    const { scheduler, client } = await setup()
    const sized = defineTask({ type: 'sized', input: z.object({ width: z.number() }), run: () => null })
    const wrong: unknown = { width: 'wide' }
    // The compiler would refuse it; data from elsewhere has no types.
    await expect(client.submit(sized, wrong as { width: number })).rejects.toThrow(InputInvalidError)
    await expect(client.submit('noop', 10n)).rejects.toThrow(/The payload is not JSON/)
    await expect(client.submit('noop', 'a\u0000b')).rejects.toThrow(/U\+0000/)
    await expect(client.submit('noop', 'x'.repeat(1_048_577))).rejects.toThrow(/may have 1048576/)
    await expect(client.submit('noop', 1, { delay: 1, runAt: new Date() })).rejects.toThrow(/say one of them/)
    expect(scheduler.seen).toHaveLength(0)
  })

  it('sends the payload, not what its schema makes of it', async () => {
    const { scheduler, client } = await setup()
    const dated = defineTask({
      type: 'dated',
      input: z.object({ on: z.string().transform(on => new Date(on)) }),
      run: () => null,
    })
    await client.submit(dated, { on: '2030-01-01' })
    expect(scheduler.seen[0]?.body).toMatchObject({ tasks: [{ payload: { on: '2030-01-01' } }] })
  })

  it('leaves the line when its signal aborts', async () => {
    const { scheduler, client } = await setup()
    const leaving = new AbortController()
    const submitting = client.submit('noop', 1, { signal: leaving.signal })
    leaving.abort(new Error('changed my mind'))
    await expect(submitting).rejects.toThrow('changed my mind')
    await client.submit('noop', 2)
    expect(scheduler.seen.flatMap(each => (each.body as { tasks: unknown[] }).tasks)).toHaveLength(1)
  })

  it('answers what was submitted before it was closed, and refuses what comes later', async () => {
    const { client } = await setup()
    const submitting = client.submit('noop')
    await Promise.resolve()
    const closing = client.close()
    await expect(submitting).resolves.toMatchObject({ outcome: 'created' })
    await closing
    await expect(client.submit('noop')).rejects.toThrow('The client is closed')
  })

  it('may be closed by several who each wait for the answers', async () => {
    const { scheduler, client } = await setup()
    const { opened, open } = createGate()
    scheduler.fail(/batch/, { until: opened })
    const submitting = client.submit('noop')
    await until('the request is there', () => scheduler.seen.length === 1)
    let closed = 0
    for (let closer = 0; closer < 3; closer += 1) {
      void client.close().then(() => {
        closed += 1
      })
    }
    await turns()
    expect(closed).toBe(0)
    open()
    await submitting
    await until('all three are told', () => closed === 3)
  })
})

describe('submitting many', () => {
  it('takes all or nothing by default', async () => {
    const { scheduler, client } = await setup()
    const tasks = await client.submitMany([
      { task: 'noop', taskId: 'a' },
      { task: 'noop', taskId: 'b', dependsOn: 'a' },
    ])
    expect(tasks.map(task => task.taskId)).toEqual(['a', 'b'])
    expect(scheduler.seen[0]?.body).toMatchObject({ atomic: true })
    await expect(client.submitMany([{ task: 'noop', dependsOn: 'nobody' }])).rejects.toMatchObject({
      code: 'dependency_unknown',
    })
    const many = Array.from({ length: 1_001 }, () => ({ task: 'noop' }))
    await expect(client.submitMany(many)).rejects.toThrow(/1001 tasks cannot be submitted all or nothing/)
  })

  it('cuts a long list, parents before children, and answers in the order given', async () => {
    const { scheduler, client } = await setup()
    const noop = defineTask({ type: 'noop', run: (n: number) => n })
    const children = Array.from({ length: 1_200 }, (_, n) =>
      taskItem(noop, n, { taskId: `c${n}`, dependsOn: 'parent' }),
    )
    const tasks = await client.submitMany(
      [...children, taskItem(noop, -1, { taskId: 'parent' }), { task: 'noop', dependsOn: 'nobody', taskId: 'orphan' }],
      {
        atomic: false,
      },
    )
    expect(batchSizes(scheduler.seen)).toEqual([1_000, 202])
    expect(tasks.map(task => task.taskId)).toEqual([...children.map(child => child.taskId), 'parent', 'orphan'])
    expect(tasks.slice(0, -1).every(task => task.outcome === 'created')).toBe(true)
    expect(tasks.at(-1)).toMatchObject({ outcome: 'refused', error: { code: 'dependency_unknown' } })
  })
})

describe('waiting', () => {
  it('gives the result of a task that completed', async () => {
    const { scheduler, client } = await setup()
    const add = defineTask({ type: 'add', run: ({ x, y }: { x: number; y: number }) => x + y })
    const task = await client.submit(add, { x: 1, y: 2 })
    const result = task.result()
    await until('it is waited for', () => scheduler.seenAt(/result/).length === 1)
    finish(scheduler, task.taskId, { status: 'completed', result: 3 })
    expect(await result).toBe(3)
  })

  it('throws how else it ended', async () => {
    const { scheduler, client } = await setup()
    scheduler.add({ task_type: 'noop', task_id: 'failed' })
    scheduler.add({ task_type: 'noop', task_id: 'cancelled' })
    finish(scheduler, 'failed', { status: 'failed', attempt: 6, error: { code: 'boom', message: 'It broke.' } })
    finish(scheduler, 'cancelled', { status: 'cancelled' })
    await expect(client.result('failed')).rejects.toThrow(TaskFailedError)
    await expect(client.result('failed')).rejects.toThrow('Task failed (noop) failed after 6 attempts: boom: It broke.')
    await expect(client.result('cancelled')).rejects.toThrow(TaskCancelledError)
    expect(await client.wait('failed')).toMatchObject({ status: 'failed' })
  })

  it('polls again until the deadline, then says how to go on', async () => {
    const clock = createVirtualClock()
    const { scheduler, client } = await setup({ clock })
    scheduler.add({ task_type: 'noop', task_id: 'slow' })
    const waiting = client.wait('slow', { timeoutMs: 40_000 })
    const outcome = expect(waiting).rejects.toThrow(WaitTimeoutError)
    await until('the first poll', () => scheduler.seenAt(/result\?wait=30$/).length === 1)
    clock.advance(30_000)
    await until('the second poll', () => scheduler.seenAt(/result\?wait=10$/).length === 1)
    clock.advance(10_000)
    await outcome
    await expect(waiting).rejects.toThrow("after 40 s (it is pending). It goes on; to wait again: client.wait('slow')")
  })

  it('sits out a restart of the scheduler', async () => {
    const { scheduler, client } = await setup()
    scheduler.add({ task_type: 'noop', task_id: 'a' })
    const waiting = client.wait('a')
    await until('it is waited for', () => scheduler.seenAt(/result/).length === 1)
    await scheduler.goAway()
    finish(scheduler, 'a', { status: 'completed' })
    await scheduler.comeBack()
    expect(await waiting).toMatchObject({ status: 'completed' })
  })

  it('ends when its signal aborts', async () => {
    const { scheduler, client } = await setup()
    scheduler.add({ task_type: 'noop', task_id: 'a' })
    const leaving = new AbortController()
    const waiting = client.wait('a', { signal: leaving.signal })
    await until('it is waited for', () => scheduler.seenAt(/result/).length === 1)
    leaving.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })
})

describe('when things go wrong', () => {
  it('tells what the scheduler said', async () => {
    const { client } = await setup()
    const error = await client.get('nobody').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({
      status: 404,
      code: 'task_unknown',
      detail: 'No task nobody exists.',
      requestId: 'r-1',
    })
  })

  it('asks once for what is refused, and again for what fails', async () => {
    const { scheduler, client } = await setup()
    await expect(client.get('nobody')).rejects.toThrow(ApiError)
    expect(scheduler.seen).toHaveLength(1)
    scheduler.add({ task_type: 'noop', task_id: 'a' })
    scheduler.fail(/tasks\/a/, { status: 500, body: '' })
    scheduler.fail(/tasks\/a/, 'lose_reply')
    expect(await client.get('a')).toMatchObject({ task_id: 'a' })
    expect(scheduler.seen).toHaveLength(4)
  })

  it('does not repeat a verb that may have been done, unless nothing was taken', async () => {
    const { scheduler, client } = await setup()
    scheduler.add({ task_type: 'noop', task_id: 'a' })
    scheduler.fail(/cancel/, { status: 500, body: '' })
    await expect(client.cancel('a')).rejects.toMatchObject({ status: 500, code: 'http_500' })
    expect(scheduler.seen).toHaveLength(1)
    const busy = { status: 503, body: JSON.stringify({ code: 'overloaded', detail: 'Too much.' }) }
    scheduler.fail(/cancel/, busy)
    expect(await client.cancel('a')).toMatchObject({ status: 'cancelled' })
  })

  it('waits as long as it is asked to', async () => {
    const clock = createVirtualClock()
    const { scheduler, client } = await setup({ clock })
    scheduler.add({ task_type: 'noop', task_id: 'a' })
    scheduler.fail(/tasks\/a/, { status: 429, body: '', headers: { 'retry-after': '7' } })
    const got = client.get('a')
    await until('it is refused', () => scheduler.seen.length === 1)
    await turns()
    clock.advance(6_999)
    await turns()
    expect(scheduler.seen).toHaveLength(1)
    clock.advance(1)
    expect(await got).toMatchObject({ task_id: 'a' })
  })

  it('gives up on a scheduler that does not answer, naming it and the way out', async () => {
    const clock = createVirtualClock()
    const { scheduler, client } = await setup({ clock, retries: 0, timeoutMs: 1_000 })
    scheduler.fail(/tasks/, 'hang')
    const got = client.get('a')
    const outcome = expect(got).rejects.toThrow(UnreachableError)
    await until('it is asked', () => scheduler.seen.length === 1)
    clock.advance(1_000)
    await outcome
    await expect(got).rejects.toThrow(`${scheduler.url} cannot be reached: no answer within 1 s. Is it running?`)
    await expect(got).rejects.toThrow('TASKLANE_URL')
    await expect(got).rejects.toMatchObject({ wasSent: true })
  })

  it('knows that a refused connection carried nothing', async () => {
    const { scheduler, client } = await setup({ retries: 0 })
    await scheduler.goAway()
    await expect(client.cancel('a')).rejects.toMatchObject({ name: 'UnreachableError', wasSent: false })
  })

  it('says so when something else answers', async () => {
    const { scheduler, client } = await setup({ retries: 0 })
    scheduler.fail(/tasks/, { status: 200, body: '<html>' })
    await expect(client.get('a')).rejects.toThrow(UnexpectedReplyError)
    scheduler.fail(/tasks/, { status: 404, body: '<html>' })
    await expect(client.get('a')).rejects.toThrow(/is this a Tasklane scheduler/)
    scheduler.fail(/batch/, { status: 201, body: '{"tasks":[]}' })
    await expect(client.submit('noop')).rejects.toThrow('1 tasks were submitted and 0 receipts came back')
  })

  it('survives a server that closes kept connections', async () => {
    const { scheduler, client } = await setup({ retries: 0 })
    scheduler.add({ task_type: 'noop', task_id: 'a' })
    await client.get('a')
    scheduler.fail(/cancel/, 'lose_request')
    expect(await client.cancel('a')).toMatchObject({ status: 'cancelled' })
  })
})

describe('the other calls', () => {
  it('go where the wire has them', async () => {
    const { scheduler, client } = await setup()
    const task = { task_id: 'a/b' }
    scheduler.answer('GET', '/api/tasks?status=pending%2Crunning&task_type=add&label=team%3Aa&limit=10', {
      tasks: [],
      next_cursor: null,
    })
    scheduler.answer('POST', '/api/tasks/a%2Fb/retry', task)
    scheduler.answer('PATCH', '/api/tasks/a%2Fb', task)
    scheduler.answer('DELETE', '/api/tasks/a%2Fb', undefined, 204)
    scheduler.answer('GET', '/api/tasks/a%2Fb/attempts', { attempts: [{ attempt: 1 }] })
    scheduler.answer('GET', '/api/tasks/a%2Fb/logs?after=3', { logs: [], next_after: null })
    scheduler.answer('GET', '/api/tasks/a%2Fb/why', { reasons: [] })
    scheduler.answer('GET', '/api/tasks/a%2Fb/graph', { nodes: [] })
    scheduler.answer('POST', '/api/tasks/bulk', { matched: 2 })
    scheduler.answer('GET', '/api/workers', { workers: [{ worker_id: 'w' }] })
    scheduler.answer('GET', '/api/workers/w', { worker_id: 'w' })
    scheduler.answer('POST', '/api/workers/w/drain', { worker_id: 'w' })
    scheduler.answer('DELETE', '/api/workers/w', undefined, 204)
    scheduler.answer('GET', '/api/queues', { queues: [{ name: 'default' }] })
    scheduler.answer('PATCH', '/api/queues/default', { name: 'default' })
    scheduler.answer('GET', '/api/stats', { total: 1 })
    scheduler.answer('GET', '/health', { status: 'stopping' }, 503)

    await client.list({ status: ['pending', 'running'], taskType: 'add', label: 'team:a', limit: 10 })
    expect(await client.retry('a/b', { withDependents: true })).toEqual(task)
    expect(await client.reprioritise('a/b', 9)).toEqual(task)
    expect(await client.remove('a/b')).toBeUndefined()
    expect(await client.attempts('a/b')).toEqual([{ attempt: 1 }])
    expect(await client.logs('a/b', { after: 3 })).toEqual({ logs: [], next_after: null })
    expect(await client.why('a/b')).toEqual({ reasons: [] })
    expect(await client.graph('a/b')).toEqual({ nodes: [] })
    expect(await client.bulk({ action: 'cancel', filter: { taskType: ['a', 'b'] }, dryRun: true })).toEqual({
      matched: 2,
    })
    expect(await client.workers()).toEqual([{ worker_id: 'w' }])
    expect(await client.worker('w')).toEqual({ worker_id: 'w' })
    await client.drainWorker('w')
    await client.removeWorker('w')
    expect(await client.queues()).toEqual([{ name: 'default' }])
    await client.pauseQueue('default')
    await client.pauseQueue('default', { reason: 'Deploying' })
    await client.resumeQueue('default')
    expect(await client.stats()).toEqual({ total: 1 })
    expect(await client.health()).toEqual({ status: 'stopping' })

    const bodies = scheduler.seen.filter(each => each.body !== null).map(each => each.body)
    expect(bodies).toEqual([
      { with_dependents: true },
      { priority: 9 },
      { action: 'cancel', filter: { task_type: 'a,b' }, dry_run: true },
      {},
      { paused: true },
      { paused: true, reason: 'Deploying' },
      { paused: false },
    ])
  })

  it('walk through all pages', async () => {
    const { scheduler, client } = await setup()
    scheduler.answer('GET', '/api/tasks?status=failed&limit=2', {
      tasks: [{ task_id: 'a' }, { task_id: 'b' }],
      next_cursor: 'n',
    })
    scheduler.answer('GET', '/api/tasks?status=failed&limit=2&cursor=n', {
      tasks: [{ task_id: 'c' }],
      next_cursor: null,
    })
    const ids: string[] = []
    for await (const task of client.listAll({ status: 'failed', pageSize: 2 })) ids.push(task.task_id)
    expect(ids).toEqual(['a', 'b', 'c'])
  })

  it('carry the token, keep the path of the address, and use one connection', async () => {
    const { scheduler } = await setup()
    const client = new TasklaneClient({ url: `${scheduler.url}/tasklane/`, token: 'secret' })
    onTestFinished(() => client.close())
    scheduler.answer('GET', '/tasklane/api/stats', { total: 1 })
    await client.stats()
    expect(scheduler.seen[0]?.headers).toMatchObject({ authorization: 'Bearer secret', connection: 'keep-alive' })
  })

  it('refuse an address or a token that cannot be right', () => {
    expect(() => new TasklaneClient({ url: 'localhost:8000' })).toThrow(UsageError)
    expect(() => new TasklaneClient({ url: 'http://me:secret@host' })).toThrow(/TASKLANE_TOKEN/)
    expect(() => new TasklaneClient({ url: 'http://host', token: 'a b' })).toThrow(/copy it again/)
    expect(() => new TasklaneClient({ url: [] })).toThrow(/is empty/)
  })
})

function batchSizes(seen: readonly { readonly body: unknown }[]): readonly number[] {
  return seen.map(each => (each.body as { tasks: unknown[] }).tasks.length)
}

function finish(
  scheduler: Awaited<ReturnType<typeof setup>>['scheduler'],
  taskId: string,
  end: Partial<ReturnType<typeof scheduler.stored>['task']>,
): void {
  const stored = scheduler.stored(taskId)
  stored.task = { ...stored.task, ...end }
  // Any new task makes the double look at its waiters again.
  scheduler.add({ task_type: 'other', task_id: `after-${taskId}` })
}

/** Lets what is ready on real sockets happen, where nothing is expected to. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    const { opened, open } = createGate()
    setImmediate(open)
    await opened
  }
}
