import { describe, expect, it } from 'vitest'
import { LeaseLostError } from '../src/index.ts'
import { keepers, nextBeat, settled, turns } from './held-worker.ts'
import type { SchedulerDouble } from './scheduler-double.ts'
import { createGate, until } from './until.ts'
import type { VirtualClock } from './virtual-clock.ts'

describe.each(keepers)('leases, kept %s', (_, start) => {
  it('are extended with every heartbeat, by task and epoch', async () => {
    const { scheduler, clock, run } = await start()
    await run('a')
    await run('b')
    const beat = await nextBeat(scheduler, clock)
    expect(beat).toMatchObject({
      status: 'busy',
      current_tasks: [
        { task_id: 'a', epoch: 1 },
        { task_id: 'b', epoch: 1 },
      ],
    })
    for (let more = 0; more < 10; more += 1) await nextBeat(scheduler, clock)
    scheduler.reap()
    expect(scheduler.stored('a').task.status).toBe('running')
  })

  it('that the scheduler calls lost abort the handler, and nothing is settled', async () => {
    const { scheduler, clock, run } = await start()
    const ctx = await run('a')
    scheduler.stored('a').epoch += 1
    await nextBeat(scheduler, clock)
    expect(ctx.signal.reason).toBeInstanceOf(LeaseLostError)
    await turns()
    expect(settled(scheduler)).toHaveLength(0)
    expect((await nextBeat(scheduler, clock)).current_tasks).toEqual([])
  })

  it('end here when the scheduler cannot be reached until they do', async () => {
    const { scheduler, worker, clock, run } = await start()
    const ctx = await run('a')
    await nextBeat(scheduler, clock)
    await scheduler.goAway()
    let aliveFor = 0
    for (; !ctx.signal.aborted && aliveFor < 60_000; aliveFor += 100) {
      clock.advance(100)
      await turns()
    }
    expect(ctx.signal.reason).toBeInstanceOf(LeaseLostError)
    // A lease is 15 s, counted from when the last heartbeat was sent.
    expect(aliveFor).toBeGreaterThan(14_000)
    expect(aliveFor).toBeLessThanOrEqual(15_000)
    await until('the slot is free', () => worker.status().slotsUsed === 0)
    await scheduler.comeBack()
    scheduler.reap()
    for (let step = 0; step < 100 && scheduler.stored('a').epoch === 1; step += 1) {
      clock.advance(100)
      await turns()
    }
    // It was claimed anew, by the same worker. What the first run gives back is stale then, and changes nothing.
    await untilSettled(scheduler, clock)
    expect(settled(scheduler)).toEqual([{ task_id: 'a', epoch: 1, outcome: 'released' }])
    expect(scheduler.stored('a')).toMatchObject({ epoch: 2, settled: null, task: { status: 'running', attempt: 2 } })
    await nextBeat(scheduler, clock)
    expect(worker.status().running).toMatchObject([{ taskId: 'a', epoch: 2 }])
  })

  it('that ended here while the scheduler was away are given back, so that its absence is charged to nobody', async () => {
    const { scheduler, clock, gate, run } = await start()
    await run('a')
    await passOutage(scheduler, clock)
    await untilSettled(scheduler, clock)
    expect(settled(scheduler)[0]).toEqual({ task_id: 'a', epoch: 1, outcome: 'released' })
    for (let step = 0; step < 100 && scheduler.stored('a').epoch === 1; step += 1) {
      clock.advance(100)
      await turns()
    }
    expect(scheduler.stored('a')).toMatchObject({ epoch: 2, task: { attempt: 1 } })
    gate.open('done')
    await until('the second run counts', () => scheduler.stored('a').task.status === 'completed')
  })

  it('that ended here are named in heartbeats until the handler has returned, and what it returns is not kept', async () => {
    const { scheduler, clock, gate, run } = await start({ heedsSignal: false, slots: 1 })
    const ctx = await run('a')
    await passOutage(scheduler, clock)
    expect(ctx.signal.reason).toBeInstanceOf(LeaseLostError)
    for (let beat = 0; beat < 4; beat += 1) {
      expect((await nextBeat(scheduler, clock)).current_tasks).toEqual([{ task_id: 'a', epoch: 1 }])
      scheduler.reap()
    }
    expect(scheduler.stored('a')).toMatchObject({ epoch: 1, task: { status: 'running' } })
    expect(settled(scheduler)).toHaveLength(0)
    gate.open('late')
    await untilSettled(scheduler, clock)
    expect(settled(scheduler)[0]).toEqual({ task_id: 'a', epoch: 1, outcome: 'released' })
  })

  it('that ended here are given back after a while when the handler never returns', async () => {
    const { scheduler, worker, clock, run, told } = await start({ heedsSignal: false, slots: 1 })
    await run('a')
    await passOutage(scheduler, clock)
    await untilSettled(scheduler, clock)
    expect(told.join()).toContain('has ignored its signal for 30 s')
    expect(settled(scheduler)).toEqual([{ task_id: 'a', epoch: 1, outcome: 'released' }])
    expect(worker.status().running).toContainEqual(expect.objectContaining({ taskId: 'a', epoch: 1 }))
  })

  it('that ended here and have passed on are not given back any more', async () => {
    const { scheduler, clock, gate, run } = await start({ heedsSignal: false, slots: 1 })
    await run('a')
    await passOutage(scheduler, clock)
    scheduler.stored('a').epoch += 1
    await nextBeat(scheduler, clock)
    expect((await nextBeat(scheduler, clock)).current_tasks).toEqual([])
    gate.open('late')
    await turns()
    expect(settled(scheduler)).toHaveLength(0)
  })

  it('are asked for again within a heartbeat, however long the scheduler was away', async () => {
    const { scheduler, clock, run } = await start({ heartbeatSeconds: 0.2 })
    await run('a')
    scheduler.fail(/heartbeat/, { status: 503, body: '' }, 1_000)
    const tries: number[] = []
    for (let step = 0; step < 1_000; step += 1) {
      clock.advance(10)
      await turns()
      tries.push(scheduler.seenAt(/heartbeat/).length)
    }
    // After the first, no 200 ms (and one step for the reply) pass without a try.
    const begun = tries.findIndex(count => count > 0)
    const pauses = tries.slice(begun + 21).filter((count, at) => count === tries[begun + at])
    expect(tries.at(-1)).toBeGreaterThan(1)
    expect(pauses).toEqual([])
  })

  it('of a claim that was long under way are confirmed before anything runs', async () => {
    const { scheduler, clock, contexts } = await start()
    const { opened, open } = createGate()
    scheduler.fail(/claim/, { until: opened })
    clock.advance(5_000)
    await until('a claim is held up', () => scheduler.seenAt(/claim/).length === 2)
    scheduler.add({ task_type: 'held', task_id: 'gone' })
    scheduler.add({ task_type: 'held', task_id: 'kept' })
    // More than half a lease passes before the reply, and meanwhile one of the two goes to somebody else.
    for (let step = 0; step < 80; step += 1) {
      clock.advance(100)
      await turns()
    }
    scheduler.fail(/heartbeat/, { until: stealWhenAsked(scheduler) })
    open()
    await until('the other runs', () => contexts.length === 1)
    expect(contexts[0]?.taskId).toBe('kept')
  })
})

/** The scheduler is away for longer than a lease, and forgets nothing. */
async function passOutage(scheduler: SchedulerDouble, clock: VirtualClock): Promise<void> {
  await scheduler.goAway()
  for (let step = 0; step < 170; step += 1) {
    clock.advance(100)
    await turns()
  }
  await scheduler.comeBack()
}

async function untilSettled(scheduler: SchedulerDouble, clock: VirtualClock): Promise<void> {
  for (let step = 0; step < 400 && settled(scheduler).length === 0; step += 1) {
    clock.advance(100)
    await turns()
  }
}

/** Passes task `gone` to another worker at the next look. */
async function stealWhenAsked(scheduler: SchedulerDouble): Promise<void> {
  const before = scheduler.seenAt(/heartbeat/).length
  await until('it is asked', () => scheduler.seenAt(/heartbeat/).length > before)
  scheduler.stored('gone').epoch += 1
}
