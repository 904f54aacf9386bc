import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PermanentError, TaskCancelledError, TaskTimeoutError } from '../src/index.ts'
import { keepers, nextBeat, settled, turns } from './held-worker.ts'
import { createGate, until } from './until.ts'

describe.each(keepers)('time limits, kept %s', (_, start) => {
  it('aborts an attempt at its limit and settles it as timeout, whatever the handler does later', async () => {
    const { scheduler, worker, clock, gate, run } = await start({ heedsSignal: false })
    const ctx = await run('a', 2)
    clock.advance(1_990)
    expect(ctx.signal.aborted).toBe(false)
    clock.advance(60)
    expect(ctx.signal.reason).toBeInstanceOf(TaskTimeoutError)
    await until('it is settled', () => settled(scheduler).length === 1)
    expect(settled(scheduler)[0]).toEqual({
      task_id: 'a',
      epoch: 1,
      outcome: 'failed',
      error: { code: 'timeout', message: 'The attempt ran past its time limit of 2 s.' },
    })
    // Its work goes on, so its slot is still used.
    expect(worker.status()).toMatchObject({ slotsUsed: 1, running: [{ taskId: 'a' }] })
    gate.open('late')
    await until('the slot is free', () => worker.status().slotsUsed === 0)
    await turns()
    expect(settled(scheduler)).toHaveLength(1)
  })

  it('hands the slot out again when a handler never returns, and says so', async () => {
    const { scheduler, worker, clock, run, told } = await start({ heedsSignal: false })
    await run('a', 2)
    clock.advance(2_050)
    await until('it is settled', () => settled(scheduler).length === 1)
    for (let beat = 0; beat < 7; beat += 1) await nextBeat(scheduler, clock)
    await until('the slot is free', () => worker.status().slotsUsed === 0)
    expect(told.join()).toContain('has ignored its signal for 30 s')
    expect(worker.status().running).toHaveLength(1)
  })

  it('are none where the task has none', async () => {
    const { scheduler, clock, run } = await start()
    const ctx = await run('a', null)
    for (let beat = 0; beat < 20; beat += 1) await nextBeat(scheduler, clock)
    expect(ctx.signal.aborted).toBe(false)
  })
})

describe.each(keepers)('cancelling, kept %s', (_, start) => {
  it('aborts the handler, and what it throws then is a cancel', async () => {
    const { scheduler, clock, run } = await start()
    const ctx = await run('a')
    scheduler.stored('a').isCancelling = true
    await nextBeat(scheduler, clock)
    expect(ctx.signal.reason).toBeInstanceOf(TaskCancelledError)
    await until('it is settled', () => settled(scheduler).length === 1)
    expect(settled(scheduler)[0]).toMatchObject({ outcome: 'failed', error: { code: 'cancelled' } })
    expect(scheduler.stored('a').task.status).toBe('cancelled')
  })

  it('lets a success stand that still arrives', async () => {
    const { scheduler, clock, gate, run } = await start({ heedsSignal: false })
    await run('a')
    scheduler.stored('a').isCancelling = true
    await nextBeat(scheduler, clock)
    gate.open('done')
    await until('it is settled', () => settled(scheduler).length === 1)
    expect(scheduler.stored('a').task).toMatchObject({ status: 'completed', result: 'done' })
  })

  it('does not wait for a handler that ignores it', async () => {
    const { scheduler, worker, clock, run } = await start({ heedsSignal: false })
    await run('a')
    scheduler.stored('a').isCancelling = true
    await nextBeat(scheduler, clock)
    expect(settled(scheduler)).toHaveLength(0)
    await nextBeat(scheduler, clock)
    await nextBeat(scheduler, clock)
    await nextBeat(scheduler, clock)
    await until('it is settled', () => settled(scheduler).length === 1)
    expect(settled(scheduler)[0]).toMatchObject({ outcome: 'failed', error: { code: 'cancelled' } })
    expect(worker.status().slotsUsed).toBe(1)
  })
})

describe.each(keepers)('speaking, kept %s', (_, start) => {
  it('tells progress soon, the latest word, at most four times a second', async () => {
    const { scheduler, clock, run } = await start()
    const ctx = await run('a')
    ctx.progress(10)
    await until('a beat brings it', () => {
      clock.advance(10)
      return scheduler.stored('a').progress?.percent === 10
    })
    const beats = scheduler.worker('w1').beats.length
    await turns()
    for (let percent = 11; percent <= 150; percent += 1) ctx.progress(percent, 'x'.repeat(300))
    ctx.progress(Number.NaN)
    clock.advance(200)
    await turns()
    expect(scheduler.worker('w1').beats).toHaveLength(beats)
    clock.advance(50)
    await until('the next brings the last', () => scheduler.stored('a').progress?.percent === 100)
    expect(scheduler.worker('w1').beats).toHaveLength(beats + 1)
    expect(scheduler.stored('a').progress?.message).toHaveLength(256)
  })

  it('brings log lines in order, before the task is settled', async () => {
    const { scheduler, gate, run } = await start()
    const ctx = await run('a')
    ctx.log.info('one')
    ctx.log.error('two\u0000')
    gate.open('done')
    await until('it is settled', () => settled(scheduler).length === 1)
    expect(scheduler.stored('a').logs).toEqual(['info: one', 'error: two\ufffd'])
    ctx.log.info('too late')
    ctx.progress(50)
    await turns()
    expect(scheduler.stored('a').logs).toHaveLength(2)
  })

  it('settles also when the log cannot be sent', async () => {
    const { scheduler, clock, gate, run } = await start()
    const ctx = await run('a')
    ctx.log.info('one')
    scheduler.fail(/logs/, { status: 500, body: '' }, 2)
    gate.open('done')
    for (let step = 0; step < 100 && settled(scheduler).length === 0; step += 1) {
      clock.advance(10)
      await turns()
    }
    expect(scheduler.stored('a').task.status).toBe('completed')
    expect(scheduler.stored('a').logs).toEqual([])
  })

  it('tells how the machine is, and what the worker is built on', async () => {
    const { scheduler, clock } = await start()
    const beat = await nextBeat(scheduler, clock)
    expect(beat.status).toBe('idle')
    expect(beat.system_info?.memory_usage).toBeGreaterThan(0)
    let later = await nextBeat(scheduler, clock)
    // The disk is looked at in the background, which takes its time on a busy machine.
    for (let more = 0; more < 100 && later.system_info?.disk_usage === undefined; more += 1) {
      later = await nextBeat(scheduler, clock)
    }
    const { sdk, ...usage } = later.system_info ?? {}
    expect(sdk).toBe(`tasklane-sdk/${packageVersion()} node/${process.versions.node}`)
    for (const value of Object.values(usage)) {
      expect(value).toBeGreaterThanOrEqual(0)
      expect(value).toBeLessThanOrEqual(100)
    }
    expect(later.system_info).toHaveProperty('disk_usage')
  })
})

describe.each(keepers)('stopping, kept %s', (_, start) => {
  it('lets handlers finish, then says farewell', async () => {
    const { scheduler, worker, clock, gate, run } = await start()
    await run('a')
    const stopping = worker.stop()
    gate.open('done')
    await turns()
    // The claim that waited for work is cut off.
    clock.advance(200)
    await stopping
    await worker.done
    expect(scheduler.stored('a').task.status).toBe('completed')
    expect(scheduler.seen.at(-1)).toMatchObject({ method: 'DELETE', path: '/api/workers/w1' })
    expect(worker.status()).toMatchObject({ state: 'stopped', slotsUsed: 0 })
  })

  it('gives back what does not finish within the grace, without counting the attempt', async () => {
    const { scheduler, worker, clock, run } = await start()
    const ctx = await run('a')
    const stopping = worker.stop({ graceMs: 3_000 })
    await turns()
    clock.advance(2_999)
    expect(ctx.signal.aborted).toBe(false)
    clock.advance(1)
    await turns()
    expect(ctx.signal.reason).toMatchObject({ name: 'ShutdownError' })
    await stopping
    expect(settled(scheduler)).toEqual([{ task_id: 'a', epoch: 1, outcome: 'released' }])
    expect(scheduler.stored('a').task).toMatchObject({ status: 'pending', attempt: 0 })
  })

  it('gives back what ignores its signal', async () => {
    const { scheduler, worker, clock, run } = await start({ heedsSignal: false })
    await run('a')
    const stopping = worker.stop({ graceMs: 0 })
    for (let step = 0; step < 20; step += 1) {
      clock.advance(100)
      await turns()
    }
    await stopping
    expect(scheduler.stored('a').task).toMatchObject({ status: 'pending', attempt: 0 })
  })

  it('gives back what a claim brings that was under way', async () => {
    const { scheduler, worker, clock, contexts } = await start()
    scheduler.fail(/claim/, { until: Promise.resolve() })
    const stopping = worker.stop()
    scheduler.add({ task_type: 'held', task_id: 'a' })
    for (let step = 0; step < 5; step += 1) {
      clock.advance(100)
      await turns()
    }
    await stopping
    expect(contexts).toHaveLength(0)
    expect(settled(scheduler)).toEqual([{ task_id: 'a', epoch: 1, outcome: 'released' }])
    expect(scheduler.stored('a').task).toMatchObject({ status: 'pending', attempt: 0 })
  })

  it('gives back at once what is just being confirmed, and starts none of it', async () => {
    const { scheduler, worker, clock, contexts } = await start()
    const { opened, open } = createGate()
    scheduler.fail(/claim/, { until: opened })
    clock.advance(5_000)
    await until('a claim is held up', () => scheduler.seenAt(/claim/).length === 2)
    scheduler.add({ task_type: 'held', task_id: 'a' })
    for (let step = 0; step < 80; step += 1) {
      clock.advance(100)
      await turns()
    }
    const beats = scheduler.seenAt(/heartbeat/).length
    scheduler.fail(/heartbeat/, 'hang', 100)
    open()
    await until('it asks', () => scheduler.seenAt(/heartbeat/).length > beats)
    let isOver = false
    const stopping = worker.stop({ graceMs: 3_000 }).then(() => {
      isOver = true
    })
    for (let step = 0; step < 10; step += 1) {
      clock.advance(10)
      await turns()
    }
    expect({ isOver, handlers: contexts.length }).toEqual({ isOver: true, handlers: 0 })
    await stopping
    expect(settled(scheduler)).toEqual([{ task_id: 'a', epoch: 1, outcome: 'released' }])
    expect(worker.status().slotsUsed).toBe(0)
  })

  it('asks once more for the tasks of a claim it cuts off', async () => {
    const { scheduler, worker, clock, contexts } = await start()
    scheduler.fail(/claim/, 'withhold_reply')
    clock.advance(5_000)
    await until('the next claim is there', () => scheduler.seenAt(/claim/).length === 2)
    scheduler.add({ task_type: 'held', task_id: 'a' })
    await until('it has the task', () => scheduler.stored('a').epoch === 1)
    const stopping = worker.stop()
    clock.advance(200)
    await stopping
    expect(contexts).toHaveLength(0)
    expect(settled(scheduler)).toEqual([{ task_id: 'a', epoch: 1, outcome: 'released' }])
  })

  it('is what a drain asked by the scheduler means', async () => {
    const { scheduler, worker, clock, gate, run } = await start()
    await run('a')
    scheduler.worker('w1').isDraining = true
    await nextBeat(scheduler, clock)
    gate.open('done')
    await worker.done
    expect(scheduler.stored('a').task.status).toBe('completed')
    expect(() => scheduler.worker('w1')).toThrow()
  })

  it('ends in bounded time when the scheduler is away', async () => {
    const { scheduler, worker, clock, gate, run, told } = await start()
    await run('a')
    await scheduler.goAway()
    let isOver = false
    const stopping = worker.stop({ graceMs: 1_000 }).then(() => {
      isOver = true
    })
    gate.open(new PermanentError('It failed.'))
    let tookMs = 0
    for (; !isOver && tookMs < 60_000; tookMs += 100) {
      clock.advance(100)
      await turns()
    }
    await stopping
    expect(tookMs).toBeLessThan(15_000)
    expect(told.join()).toContain('their tasks will run again')
  })
})

function packageVersion(): string {
  return String(JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')).version)
}
