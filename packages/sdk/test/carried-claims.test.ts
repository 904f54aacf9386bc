import type { ClaimRequest, SettleRequest } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { defineTask } from '../src/index.ts'
import type { SchedulerDouble } from './scheduler-double.ts'
import { createGate, until } from './until.ts'
import { startWorker } from './worker-setup.ts'

const noop = defineTask({ type: 'noop', run: () => undefined })
const refusal = (status: number, code: string) => ({ status, body: JSON.stringify({ code, detail: 'No.' }) })

function addAll(scheduler: SchedulerDouble, count: number): readonly string[] {
  const ids = Array.from({ length: count }, (_, n) => `t${n}`)
  for (const id of ids) scheduler.add({ task_type: 'noop', task_id: id })
  return ids
}

function areDone(scheduler: SchedulerDouble, ids: readonly string[]): boolean {
  return ids.every(id => scheduler.stored(id).task.status === 'completed')
}

/** Claims of the calls that settle, in their order; undefined where a call had none. */
function carried(scheduler: SchedulerDouble): readonly (ClaimRequest | undefined)[] {
  return scheduler.seenAt(/settle/).map(({ body }) => (body as SettleRequest).claim)
}

describe('a claim that goes along with results', () => {
  it('brings the next task in the reply to the last result', async () => {
    const { scheduler } = await startWorker([noop], { slots: 1 })
    const ids = addAll(scheduler, 20)
    await until('all are done', () => areDone(scheduler, ids))
    // The first task came to a claim that waited; the last result brought nothing, and a claim waits again.
    await until('a claim waits', () => scheduler.seenAt(/claim/).length === 2)
    expect(carried(scheduler)).toHaveLength(20)
    expect(new Set(carried(scheduler).map(claim => claim?.request_id)).size).toBe(20)
    expect(carried(scheduler)).toEqual(Array(20).fill(expect.objectContaining({ limit: 1, sparse: true })))
  })

  it('waits by itself, under the same name, where it found nothing', async () => {
    const { scheduler } = await startWorker([noop], { slots: 1 })
    addAll(scheduler, 1)
    await until('a claim waits again', () => scheduler.seenAt(/claim/).length === 2)
    const waiting = scheduler.seenAt(/claim/)[1]?.body as ClaimRequest
    expect(waiting.wait).toBeGreaterThan(0)
    expect(waiting.request_id).toBe(carried(scheduler)[0]?.request_id)
    scheduler.add({ task_type: 'noop', task_id: 'next' })
    await until('the next is done', () => areDone(scheduler, ['next']))
  })

  it('loses nothing with the reply', async () => {
    const { scheduler } = await startWorker([noop], { slots: 1 })
    scheduler.fail(/settle/, 'lose_reply', 2)
    const ids = addAll(scheduler, 3)
    await until('all are done', () => areDone(scheduler, ids))
    expect(ids.map(id => scheduler.stored(id).epoch)).toEqual([1, 1, 1])
    const [first, second, third] = carried(scheduler)
    expect([second, third]).toEqual([first, first])
  })

  it('is left out once a scheduler does not know of it, and nobody is troubled', async () => {
    const { scheduler, told } = await startWorker([noop], { slots: 1 })
    scheduler.fail(/settle/, refusal(422, 'validation_failed'))
    const ids = addAll(scheduler, 3)
    await until('all are done', () => areDone(scheduler, ids))
    expect(carried(scheduler).map(claim => claim !== undefined)).toEqual([true, false, false, false])
    expect(told.filter(line => !line.startsWith('info'))).toEqual([])
  })

  it('is asked by itself where the call was refused for another reason', async () => {
    const { scheduler } = await startWorker([noop], { slots: 1 })
    scheduler.fail(/settle/, refusal(413, 'payload_too_large'))
    const ids = addAll(scheduler, 2)
    await until('all are done', () => areDone(scheduler, ids))
    expect(carried(scheduler).map(claim => claim !== undefined)).toEqual([true, false, true])
    expect(ids.map(id => scheduler.stored(id).epoch)).toEqual([1, 1])
  })

  it('is told by its own call that the worker drains', async () => {
    const gate = createGate()
    const held = defineTask({ type: 'held', run: () => gate.opened })
    const { scheduler, worker } = await startWorker([held], { slots: 1 })
    scheduler.add({ task_type: 'held', task_id: 'a' })
    await until('it runs', () => worker.status().slotsUsed === 1)
    scheduler.worker('w1').isDraining = true
    scheduler.add({ task_type: 'held', task_id: 'b' })
    gate.open()
    await worker.done
    expect(scheduler.stored('a').task.status).toBe('completed')
    expect(scheduler.stored('b').task).toMatchObject({ status: 'pending', attempt: 0 })
  })

  it('gives back what comes with the answer when the worker is about to stop', async () => {
    const answered = createGate()
    const { scheduler, worker } = await startWorker([noop], { slots: 1 })
    scheduler.fail(/settle/, { until: answered.opened })
    addAll(scheduler, 2)
    await until('the result is on its way', () => carried(scheduler).length === 1)
    const stopping = worker.stop({ graceMs: 5_000 })
    answered.open()
    await stopping
    expect(scheduler.stored('t0').task.status).toBe('completed')
    expect(scheduler.stored('t1').task).toMatchObject({ status: 'pending', attempt: 0 })
  })

  it('does not hold up a stop where the answer never comes', async () => {
    const { scheduler, worker } = await startWorker([noop], { slots: 1 })
    scheduler.fail(/settle/, 'withhold_reply')
    addAll(scheduler, 2)
    await until('the result has arrived', () => areDone(scheduler, ['t0']))
    await until('the next is claimed', () => scheduler.stored('t1').task.status === 'running')
    await worker.stop({ graceMs: 0 })
    expect(scheduler.stored('t1').task).toMatchObject({ status: 'pending', attempt: 0 })
  })
})
