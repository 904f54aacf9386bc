import type { SettleRequest } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineTask, PermanentError, RetryAfter, type TaskContext, TasklaneWorker, UsageError } from '../src/index.ts'
import type { SchedulerDouble } from './scheduler-double.ts'
import { createGate, until } from './until.ts'
import { startWorker } from './worker-setup.ts'

const add = defineTask({ type: 'add', run: ({ x, y }: { x: number; y: number }) => x + y })
const noop = defineTask({ type: 'noop', run: () => undefined })

describe('running tasks', () => {
  it('claims, runs and settles what its handlers can do', async () => {
    const { scheduler } = await startWorker([add, noop])
    scheduler.add({ task_type: 'add', task_id: 'a', payload: { x: 1, y: 2 } })
    scheduler.add({ task_type: 'noop', task_id: 'b' })
    await finished(scheduler, 'a', 'b')
    expect(scheduler.stored('a').task).toMatchObject({ status: 'completed', result: 3 })
    expect(scheduler.stored('b').task).toMatchObject({ status: 'completed', result: null })
  })

  it('never runs more at a time than it has slots', async () => {
    let running = 0
    let most = 0
    const gate = createGate()
    const slow = defineTask({
      type: 'slow',
      run: async () => {
        running += 1
        most = Math.max(most, running)
        await gate.opened
        running -= 1
      },
    })
    const { scheduler, worker } = await startWorker([slow], { slots: 3 })
    for (let n = 0; n < 8; n += 1) scheduler.add({ task_type: 'slow', task_id: `t${n}` })
    await until('all slots are used', () => running === 3)
    expect(worker.status()).toMatchObject({ state: 'running', slots: 3, slotsUsed: 3, isConnected: true })
    expect(worker.status().running.map(task => task.taskId)).toEqual(['t0', 't1', 't2'])
    gate.open()
    await finished(scheduler, ...Array.from({ length: 8 }, (_, n) => `t${n}`))
    expect(most).toBe(3)
  })

  it('uses a free slot while the others are busy for long', async () => {
    const gate = createGate()
    const slow = defineTask({ type: 'slow', run: () => gate.opened })
    const { scheduler } = await startWorker([slow, noop], { slots: 8 })
    for (let n = 0; n < 7; n += 1) scheduler.add({ task_type: 'slow', task_id: `s${n}` })
    await until('seven run', () => scheduler.stored('s6').task.status === 'running')
    scheduler.add({ task_type: 'noop', task_id: 'quick' })
    await finished(scheduler, 'quick')
    gate.open()
    await finished(scheduler, 's6')
  })

  it('settles what finishes together together', async () => {
    const { scheduler } = await startWorker([noop], { slots: 500 })
    for (let n = 0; n < 1_000; n += 1) scheduler.add({ task_type: 'noop', task_id: `t${n}` })
    await until('all are done', () => settled(scheduler).length === 1_000)
    expect(settled(scheduler).every(result => result.outcome === 'completed')).toBe(true)
    // The first claim woke for the first task alone; the rest come in batches.
    expect(scheduler.seenAt(/settle/).length).toBeLessThan(50)
    expect(new Set(settled(scheduler).map(result => result.task_id)).size).toBe(1_000)
  })

  it('tells the handler all it may want to know', async () => {
    let told: TaskContext | undefined
    const look = defineTask({
      type: 'look',
      run: (_, ctx) => {
        told = ctx
      },
    })
    const { scheduler } = await startWorker([look])
    scheduler.add({ task_type: 'other', task_id: 'parent' })
    scheduler.stored('parent').task = { ...scheduler.stored('parent').task, status: 'completed', result: 7 }
    scheduler.add({ task_type: 'look', task_id: 'a', dependencies: ['parent'], priority: 8 })
    await finished(scheduler, 'a')
    expect(told).toMatchObject({ taskId: 'a', type: 'look', attempt: 1, epoch: 1, priority: 8, workerId: 'w1' })
    expect(told?.task.task_id).toBe('a')
    expect(told?.parents).toEqual({ parent: { status: 'completed', result: 7, error: null } })
    expect(told?.signal.aborted).toBe(false)
  })

  it('reads the results of many parents page by page before it runs', async () => {
    const merge = defineTask({ type: 'merge', run: (_, ctx) => Object.keys(ctx.parents) })
    const { scheduler } = await startWorker([merge])
    const parent = { status: 'completed', result: 1, error: null }
    scheduler.answer('GET', '/api/tasks/m/parents', { parents: { a: parent }, next: '/api/tasks/m/parents?from=1' })
    scheduler.answer('GET', '/api/tasks/m/parents?from=1', { parents: { b: parent, c: parent }, next: null })
    scheduler.add({ task_type: 'other', task_id: 'm0' })
    const stored = scheduler.add({ task_type: 'merge', task_id: 'm', dependencies: ['m0'] })
    stored.parentsUrl = '/api/tasks/m/parents'
    await finished(scheduler, 'm')
    expect(stored.task.result).toEqual(['a', 'b', 'c'])
  })

  it('hands over the results of parents whatever their ids', async () => {
    const odd = '__proto__'
    const merge = defineTask({ type: 'merge', run: (_, { parents }) => [Object.keys(parents), parents[odd]?.result] })
    const { scheduler } = await startWorker([merge])
    scheduler.add({ task_type: 'other', task_id: odd })
    scheduler.stored(odd).task = { ...scheduler.stored(odd).task, status: 'completed', result: 1 }
    // Written as JSON, since in a literal the name would set the prototype.
    const paged: unknown = JSON.parse(
      '{"parents":{"__proto__":{"status":"completed","result":1,"error":null}},"next":null}',
    )
    scheduler.answer('GET', '/api/tasks/paged/parents', paged)
    scheduler.add({ task_type: 'merge', task_id: 'paged' }).parentsUrl = '/api/tasks/paged/parents'
    scheduler.add({ task_type: 'merge', task_id: 'claimed', dependencies: [odd] })
    await finished(scheduler, 'paged', 'claimed')
    expect(scheduler.stored('claimed').task.result).toEqual([[odd], 1])
    expect(scheduler.stored('paged').task.result).toEqual([[odd], 1])
  })

  it('gives a task back whose parents cannot be read, and never asks elsewhere', async () => {
    const merge = defineTask({ type: 'merge', run: () => 1 })
    const { scheduler, told } = await startWorker([merge])
    scheduler.add({ task_type: 'merge', task_id: 'm' }).parentsUrl = 'http://elsewhere/'
    await until('it is released', () => settled(scheduler).some(result => result.outcome === 'released'))
    expect(told.join()).toContain("'http://elsewhere/' is no path of the scheduler")
  })

  it('hands the handler what the schema makes of the payload', async () => {
    const dated = defineTask({
      type: 'dated',
      input: z.object({ on: z.string().transform(on => new Date(on)) }),
      run: ({ on }) => on.getTime(),
    })
    const { scheduler } = await startWorker([dated])
    scheduler.add({ task_type: 'dated', task_id: 'a', payload: { on: '2030-01-01T00:00:00Z' } })
    await finished(scheduler, 'a')
    expect(scheduler.stored('a').task.result).toBe(Date.UTC(2030, 0, 1))
  })

  it('gives back what it has no handler for, without spinning', async () => {
    const { scheduler, told } = await startWorker([noop], { capabilities: ['*'] })
    scheduler.add({ task_type: 'unheard', task_id: 'a' })
    await until('it is released', () => settled(scheduler).length > 0)
    expect(settled(scheduler)[0]).toEqual({ task_id: 'a', epoch: 1, outcome: 'released' })
    expect(told.join()).toContain("of type 'unheard', which this worker has no handler for")
  })
})

describe('failing', () => {
  const throws = (type: string, thrown: () => unknown) =>
    defineTask({
      type,
      run: () => {
        throw thrown()
      },
    })

  it('says what was thrown, with a code that is safe', async () => {
    const coded = throws('coded', () => Object.assign(new Error('No file.'), { code: 'ENOENT' }))
    const unsafe = throws('unsafe', () => Object.assign(new RangeError('Bad.'), { code: 'a b\n' }))
    const odd = throws('odd', () => ({ a: 1 }))
    const caused = throws('caused', () => new Error('Outer.', { cause: new Error('Inner.') }))
    const { scheduler } = await startWorker([coded, unsafe, odd, caused])
    for (const task_type of ['coded', 'unsafe', 'odd', 'caused']) scheduler.add({ task_type, task_id: task_type })
    await until('all are settled', () => settled(scheduler).length === 4)
    const errorOf = (id: string) => scheduler.stored(id).settled?.error
    expect(errorOf('coded')).toMatchObject({ code: 'ENOENT', message: 'No file.' })
    expect(errorOf('unsafe')).toMatchObject({ code: 'RangeError', message: 'Bad.' })
    expect(errorOf('odd')).toEqual({ code: 'error', message: 'The handler threw {"a":1}.' })
    expect(errorOf('caused')?.stack).toContain('Caused by: Error: Inner.')
    expect(scheduler.stored('coded').settled).not.toHaveProperty('retryable')
  })

  it('is settled whatever was thrown, also what cannot be read, and frees its slot', async () => {
    const unreadable = () => {
      throw new Error('Nobody reads this.')
    }
    const thrown: Readonly<Record<string, () => unknown>> = {
      message: () => Object.assign(new Error('x'), { message: { code: 42 } }),
      stack: () => Object.assign(new Error('Odd.'), { stack: 42, cause: Object.assign(new Error(), { stack: {} }) }),
      name: () => Object.assign(new Error(''), { name: Symbol('odd') }),
      getter: () => Object.defineProperty(new Error('x'), 'code', { get: unreadable }),
      proxy: () => new Proxy({}, { get: unreadable, has: unreadable, getPrototypeOf: unreadable }),
      bare: () => Object.create(null),
      written: () => ({
        toJSON: () => {
          throw Object.create(null)
        },
      }),
      never: () => Object.assign(new RetryAfter(1, 'Soon.'), { seconds: Number.NaN }),
      permanent: () => Object.assign(new PermanentError('x'), { message: null }),
    }
    const types = Object.keys(thrown)
    const { scheduler, worker } = await startWorker(types.map(type => throws(type, () => thrown[type]?.())))
    for (const task_type of types) scheduler.add({ task_type, task_id: task_type })
    await until('all are settled', () => settled(scheduler).length === types.length)
    expect(worker.status().slotsUsed).toBe(0)
    const told = (id: string) => scheduler.stored(id).settled
    const unread = { code: 'error', message: 'The handler threw something that cannot be read.' }
    expect(told('message')).toMatchObject({ outcome: 'failed', error: { code: 'Error', message: 'Error' } })
    expect(told('stack')?.error).toEqual({ code: 'Error', message: 'Odd.' })
    expect(told('name')).toMatchObject({ outcome: 'failed', error: { code: 'error' } })
    expect(told('getter')?.error).toEqual(unread)
    expect(told('proxy')?.error).toEqual(unread)
    expect(told('bare')?.error).toEqual({ code: 'error', message: 'The handler threw {}.' })
    expect(told('written')?.error?.message).toBe('The handler threw something that is no Error.')
    expect(told('never')).not.toHaveProperty('retry_after')
    expect(told('permanent')).toMatchObject({ retryable: false, error: { message: 'PermanentError' } })
  })

  it('is for good where the handler says so, or later where it says when', async () => {
    const permanent = throws('permanent', () => new PermanentError('Gone.', { code: 'gone' }))
    const later = throws('later', () => new RetryAfter(90, 'Busy.'))
    const { scheduler } = await startWorker([permanent, later])
    scheduler.add({ task_type: 'permanent', task_id: 'p' })
    scheduler.add({ task_type: 'later', task_id: 'l' })
    await until('both are settled', () => settled(scheduler).length === 2)
    expect(scheduler.stored('p').settled).toMatchObject({ retryable: false, error: { code: 'gone', message: 'Gone.' } })
    expect(scheduler.stored('l').settled).toMatchObject({ retry_after: 90, error: { code: 'RetryAfter' } })
  })

  it('is for good when the payload does not fit', async () => {
    const sized = defineTask({ type: 'sized', input: z.object({ size: z.object({ w: z.number() }) }), run: () => 1 })
    const { scheduler } = await startWorker([sized])
    scheduler.add({ task_type: 'sized', task_id: 'a', payload: { size: { w: 'wide' } } })
    await finished(scheduler, 'a')
    expect(scheduler.stored('a').settled).toMatchObject({ outcome: 'failed', retryable: false })
    expect(scheduler.stored('a').task.error).toMatchObject({ code: 'input_invalid' })
    expect(scheduler.stored('a').task.error?.message).toContain('size.w: ')
  })

  it('is for good when the result cannot be kept, and says why', async () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    const results: Readonly<Record<string, () => object | string>> = {
      bigint: () => ({ n: 1n }),
      cycle: () => cycle,
      long: () => 'x'.repeat(1_048_577),
      nul: () => 'a\u0000b',
      integer: () => ({ n: 2 ** 60 }),
      code: () => () => 1,
    }
    const { scheduler } = await startWorker(Object.entries(results).map(([type, run]) => defineTask({ type, run })))
    for (const task_type of Object.keys(results)) scheduler.add({ task_type, task_id: task_type })
    await finished(scheduler, ...Object.keys(results))
    const errors = Object.keys(results).map(id => scheduler.stored(id).task.error)
    expect(errors.every(error => error?.code === 'result_invalid')).toBe(true)
    expect(errors.map(error => error?.message)).toEqual([
      expect.stringContaining('BigInt'),
      expect.stringContaining('circular'),
      expect.stringContaining('may have 1048576'),
      expect.stringContaining('U+0000'),
      expect.stringContaining('beyond ±(2^53 − 1)'),
      expect.stringContaining('a function, which JSON cannot hold'),
    ])
  })

  it('mends text that no store could keep', async () => {
    const broken = throws('broken', () => new Error('a\u0000b\ud800c'))
    const { scheduler } = await startWorker([broken])
    scheduler.add({ task_type: 'broken', task_id: 'a', max_retries: 0 })
    await finished(scheduler, 'a')
    expect(scheduler.stored('a').task.error?.message).toBe('a\ufffdb\ufffdc')
  })
})

describe('settling', () => {
  it('is repeated until there is a verdict', async () => {
    const { scheduler } = await startWorker([noop])
    scheduler.fail(/settle/, 'lose_request')
    scheduler.fail(/settle/, { status: 500, body: '' }, 2)
    scheduler.fail(/settle/, 'lose_reply')
    scheduler.add({ task_type: 'noop', task_id: 'a' })
    await finished(scheduler, 'a')
    await until('the verdict was heard', () => scheduler.seenAt(/settle/).length === 5)
    const bodies = scheduler.seenAt(/settle/).map(each => each.body)
    expect(bodies.every(body => JSON.stringify(body) === JSON.stringify(bodies[0]))).toBe(true)
  })

  it('takes a late verdict as the truth', async () => {
    const gate = createGate()
    const slow = defineTask({ type: 'slow', run: () => gate.opened })
    const { scheduler, worker, told } = await startWorker([slow])
    const stored = scheduler.add({ task_type: 'slow', task_id: 'a' })
    await until('it runs', () => worker.status().slotsUsed === 1)
    stored.epoch += 1
    gate.open()
    await until('it is told', () => told.some(line => line.includes('came too late')))
    expect(stored.settled).toBeNull()
    await until('it is forgotten', () => worker.status().settling === 0)
  })

  it('finds the one that a whole call is refused for', async () => {
    const gate = createGate()
    const slow = defineTask({ type: 'slow', run: () => gate.opened })
    const { scheduler, worker } = await startWorker([slow])
    for (const task_id of ['a', 'b']) scheduler.add({ task_type: 'slow', task_id })
    await until('both run', () => worker.status().slotsUsed === 2)
    scheduler.fail(/settle/, { status: 422, body: JSON.stringify({ code: 'text_invalid', detail: 'Half.' }) }, 2)
    gate.open()
    await finished(scheduler, 'a', 'b')
    expect(scheduler.stored('a').task).toMatchObject({ status: 'failed', error: { code: 'result_invalid' } })
    expect(scheduler.stored('b').task).toMatchObject({ status: 'completed' })
  })
})

describe('claiming', () => {
  it('asks again with the same request id when the reply is lost, and runs the tasks once', async () => {
    let runs = 0
    const counted = defineTask({
      type: 'counted',
      run: () => {
        runs += 1
      },
    })
    const { scheduler, worker } = await startWorker([add])
    await worker.stop()
    scheduler.add({ task_type: 'counted', task_id: 'a' })
    scheduler.fail(/claim/, 'lose_reply')
    await startWorker([counted], { scheduler, workerId: 'w2' })
    await finished(scheduler, 'a')
    const claims = scheduler.seenAt(/w2\/claim/).map(each => each.body as { request_id: string })
    expect(claims[1]?.request_id).toBe(claims[0]?.request_id)
    expect(claims[2]?.request_id).not.toBe(claims[0]?.request_id)
    expect(runs).toBe(1)
    expect(scheduler.stored('a').epoch).toBe(1)
  })

  it('keeps two claims under way where it has many slots, one where it has few', async () => {
    const many = await startWorker([noop], { slots: 1_000 })
    await until('both are there', () => many.scheduler.seenAt(/claim/).length === 2)
    expect(many.scheduler.seenAt(/claim/).map(each => each.body)).toMatchObject([{ limit: 500 }, { limit: 500 }])
    const few = await startWorker([noop], { slots: 4 })
    await until('it is there', () => few.scheduler.seenAt(/claim/).length === 1)
    expect(few.scheduler.seenAt(/claim/)[0]?.body).toMatchObject({ limit: 4, wait: 5 })
  })
})

describe('registering', () => {
  it('tells what it can do, and the schemas of its inputs', async () => {
    const sized = defineTask({ type: 'sized', input: z.object({ width: z.number() }), run: () => 1 })
    const untold = defineTask({ type: 'untold', input: z.object({ at: z.date() }), run: () => 1 })
    const { scheduler, worker } = await startWorker([sized, untold, noop], {
      slots: 7,
      queues: ['q'],
      labels: { zone: 'a' },
    })
    expect(worker.workerId).toBe('w1')
    expect(scheduler.worker('w1').registration).toEqual({
      worker_id: 'w1',
      capabilities: ['sized', 'untold', 'noop'],
      queues: ['q'],
      max_concurrent_tasks: 7,
      labels: { zone: 'a' },
      instance: worker.status().instance,
      types: { sized: expect.objectContaining({ type: 'object', properties: { width: { type: 'number' } } }) },
    })
  })

  it('waits for a scheduler that is not there yet', async () => {
    const { scheduler, worker } = await startWorker([noop])
    await worker.stop()
    await scheduler.goAway()
    const starting = startWorker([noop], { scheduler, workerId: 'w2' })
    await scheduler.comeBack()
    const { worker: second } = await starting
    expect(second.status().state).toBe('running')
  })

  it('fails to start when it is refused', async () => {
    const { scheduler } = await startWorker([noop])
    scheduler.fail(/register/, { status: 422, body: JSON.stringify({ code: 'validation_failed', detail: 'No.' }) })
    await expect(startWorker([noop], { scheduler, workerId: 'w2' })).rejects.toMatchObject({
      code: 'validation_failed',
    })
  })

  it('names all settings that cannot be right', () => {
    const make = () =>
      new TasklaneWorker({ tasks: [noop, noop], workerId: 'a b', slots: 0, capabilities: ['zip'], heartbeatMs: -1 })
    expect(make).toThrow(UsageError)
    for (const fault of [
      /'a b' is not a name/,
      /slots is 0/,
      /defined twice/,
      /No handler is given for zip/,
      /heartbeatMs/,
    ]) {
      expect(make).toThrow(fault)
    }
  })
})

describe('when the scheduler is away', () => {
  it('goes on after a restart, with results that waited', async () => {
    const gate = createGate()
    const slow = defineTask({ type: 'slow', run: () => gate.opened })
    const { scheduler, worker, told } = await startWorker([slow, noop])
    scheduler.add({ task_type: 'slow', task_id: 'a' })
    await until('it runs', () => worker.status().slotsUsed === 1)
    await scheduler.goAway()
    gate.open()
    await until('the outage is noticed', () => !worker.status().isConnected)
    await scheduler.comeBack()
    await finished(scheduler, 'a')
    expect(scheduler.stored('a').task).toMatchObject({ status: 'completed', attempt: 1 })
    scheduler.add({ task_type: 'noop', task_id: 'b' })
    await finished(scheduler, 'b')
    expect(told.filter(line => line.includes('keeps trying')).length).toBeLessThan(5)
    expect(told).toContain('info: The scheduler answers again.')
  })

  it('registers again when it has been forgotten, and goes on', async () => {
    const { scheduler } = await startWorker([noop])
    await scheduler.goAway()
    scheduler.forgetWorkers()
    await scheduler.comeBack()
    await until('it is known again', () => scheduler.seenAt(/register/).length === 2)
    scheduler.add({ task_type: 'noop', task_id: 'a' })
    await finished(scheduler, 'a')
  })
})

function settled(scheduler: SchedulerDouble): SettleRequest['results'] {
  return scheduler.seenAt(/settle/).flatMap(each => (each.body as SettleRequest).results)
}

async function finished(scheduler: SchedulerDouble, ...taskIds: readonly string[]): Promise<void> {
  await until(`${taskIds.length} tasks finish`, () =>
    taskIds.every(id => ['completed', 'failed', 'cancelled'].includes(scheduler.stored(id).task.status)),
  )
}
