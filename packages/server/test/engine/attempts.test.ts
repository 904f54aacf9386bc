import { describe, expect, it } from 'vitest'
import { jsonText, taskId, workerId } from '../../src/core/task.ts'
import type { WorkerResult } from '../../src/engine/engine.ts'
import { draft, json } from '../support/drafts.ts'
import { leaseMs, startNode, stateOf, type TestNode } from './harness.ts'

const boom: Pick<WorkerResult, 'outcome' | 'error'> = {
  outcome: 'failed',
  error: { code: 'boom', message: 'It broke.' },
}

/** Past the reaper's first grace, with one registered worker. */
async function settledNode(): Promise<TestNode> {
  const node = await startNode()
  await node.clock.advance(leaseMs + 1_200)
  await node.register('w1')
  return node
}

/** Lets the worker fall silent until its lease has been reaped. */
async function loseLease(node: TestNode): Promise<void> {
  await node.clock.advance(leaseMs + 1_200)
}

async function errorOf(node: TestNode, id: string): Promise<unknown> {
  return JSON.parse((await node.engine.task(taskId(id))).error ?? 'null')
}

describe('a failing task', () => {
  it('is tried again after 1, 2, 4, 8 and 16 s, give or take the jitter, and then has failed', async () => {
    const node = await settledNode()
    await node.engine.submit([draft('a')])
    for (const seconds of [1, 2, 4, 8, 16]) {
      await node.settle(await node.claimOne('w1'), boom)
      expect(await stateOf(node, 'a')).toBe('scheduled')
      await node.clock.advance(seconds * 900 - 1)
      expect(await stateOf(node, 'a')).toBe('scheduled')
      await node.clock.advance(seconds * 200 + 1)
      expect(await stateOf(node, 'a')).toBe('pending')
    }
    await node.settle(await node.claimOne('w1'), boom)
    expect(await node.engine.task(taskId('a'))).toMatchObject({ state: 'failed', attempt: 6, crashes: 0 })
    expect(await errorOf(node, 'a')).toEqual({ code: 'boom', message: 'It broke.' })
    expect(node.events.filter(event => event.kind === 'attempt_failed').map(event => event.willRetry)).toEqual([
      ...Array(5).fill(true),
      false,
    ])
  })

  it('has failed at once where the error is permanent', async () => {
    const node = await settledNode()
    await node.engine.submit([draft('a')])
    await node.settle(await node.claimOne('w1'), { ...boom, isRetryable: false })
    expect(await node.engine.task(taskId('a'))).toMatchObject({ state: 'failed', attempt: 1 })
  })

  it('waits as long as the worker says', async () => {
    const node = await settledNode()
    await node.engine.submit([draft('a')])
    await node.settle(await node.claimOne('w1'), { ...boom, retryAfterMs: 90_000 })
    expect((await node.engine.task(taskId('a'))).runAtMs).toBe(node.clock.now() + 90_000)
  })

  it('keeps an error with a code and a message always', async () => {
    const node = await settledNode()
    await node.engine.submit([draft('a', { maxRetries: 0 }), draft('b', { maxRetries: 0 })])
    await node.settle(await node.claimOne('w1'), { outcome: 'failed', error: { message: 'Only this.', stack: 'at x' } })
    await node.settle(await node.claimOne('w1'), { outcome: 'failed', error: null })
    expect(await errorOf(node, 'a')).toEqual({ code: 'error', message: 'Only this.', stack: 'at x' })
    expect(await errorOf(node, 'b')).toEqual({ code: 'error', message: 'The worker gave no reason.' })
  })

  it('has failed for good where its result cannot be kept', async () => {
    const node = await settledNode()
    await node.engine.submit([draft('a')])
    const task = await node.claimOne('w1')
    const fault = 'The result is 2 MiB; it may have 1 MiB.'
    const result = {
      taskId: task.id,
      epoch: task.epoch,
      outcome: 'completed',
      result: null,
      error: null,
      isRetryable: true,
      retryAfterMs: null,
      resultFault: fault,
    } as const
    expect(await node.engine.settle(workerId('w1'), [result])).toEqual([
      { task_id: 'a', verdict: 'applied', detail: fault },
    ])
    expect(await errorOf(node, 'a')).toEqual({ code: 'result_invalid', message: fault })
    expect(await stateOf(node, 'a')).toBe('failed')
  })
})

describe('a task whose worker dies', () => {
  it('is failed as poisoned at the third crash', async () => {
    const node = await settledNode()
    await node.engine.submit([draft('a', { timeoutMs: null })])
    for (const state of ['pending', 'pending', 'failed']) {
      await node.register('w1')
      await node.claimOne('w1')
      await loseLease(node)
      expect(await stateOf(node, 'a')).toBe(state)
    }
    expect(await errorOf(node, 'a')).toMatchObject({ code: 'poisoned', message: expect.stringContaining('3 times') })
    expect(await node.engine.attempts(taskId('a'))).toMatchObject(Array(3).fill({ outcome: 'crashed' }))
  })

  it('has its failures counted apart from its crashes', async () => {
    const node = await settledNode()
    await node.engine.submit([draft('a', { maxRetries: 1, timeoutMs: null })])
    await node.claimOne('w1')
    await loseLease(node)
    await node.settle(await node.claimOne('w1'), { ...boom, retryAfterMs: 0 })
    await node.claimOne('w1')
    await loseLease(node)
    expect(await node.engine.task(taskId('a'))).toMatchObject({ state: 'pending', attempt: 3, crashes: 2 })
    await node.settle(await node.claimOne('w1'), boom)
    expect(await node.engine.task(taskId('a'))).toMatchObject({ state: 'failed', attempt: 4, crashes: 2 })
  })

  it('goes back at once when another process takes over the worker’s id', async () => {
    const node = await settledNode()
    await node.engine.submit([draft('a')])
    const old = await node.claimOne('w1')
    await node.register('w1', { instance: 'two' })
    expect(await node.engine.task(taskId('a'))).toMatchObject({ state: 'pending', crashes: 1 })
    expect(await node.settle(old, { outcome: 'completed' })).toBe('stale')
    expect(node.events).toContainEqual({ kind: 'stale_settle' })
  })

  it('is the scheduler’s word, and not the replaced process’s, also past its deadline', async () => {
    const node = await settledNode()
    await node.engine.submit([draft('a', { timeoutMs: 1_000 })])
    const old = await node.claimOne('w1')
    await node.clock.advance(1_500)
    await node.register('w1', { instance: 'two' })
    expect((await node.engine.attempts(taskId('a')))[0]).toMatchObject({ outcome: 'timeout' })
    expect(await node.settle(old, boom)).toBe('stale')
  })

  it('goes back uncharged when the worker deregisters', async () => {
    const node = await settledNode()
    await node.engine.submit([draft('a')])
    await node.claimOne('w1')
    await node.engine.deregister(workerId('w1'))
    expect(await node.engine.task(taskId('a'))).toMatchObject({ state: 'pending', attempt: 0, crashes: 0 })
  })
})

describe('a task that hangs', () => {
  it('is timed out by the scheduler ten seconds after its limit, however faithfully its worker beats', async () => {
    const node = await settledNode()
    await node.engine.submit([draft('a', { timeoutMs: 20_000 })])
    await node.claimOne('w1')
    for (let second = 0; second < 29; second += 1) {
      await node.clock.advance(1_000)
      await node.beat('w1')
    }
    expect(await stateOf(node, 'a')).toBe('running')
    await node.clock.advance(2_300)
    expect(await node.engine.task(taskId('a'))).toMatchObject({ state: 'scheduled', attempt: 1, crashes: 0 })
    expect(await errorOf(node, 'a')).toMatchObject({ code: 'timeout' })
    expect(await node.engine.attempts(taskId('a'))).toMatchObject([{ outcome: 'timeout' }])
  })

  it('counts the worker’s own time-out as a failure', async () => {
    const node = await settledNode()
    await node.engine.submit([draft('a', { maxRetries: 0 })])
    await node.settle(await node.claimOne('w1'), {
      outcome: 'failed',
      error: { code: 'timeout', message: 'It took longer than 300 s.' },
    })
    expect(await stateOf(node, 'a')).toBe('failed')
    expect(await node.engine.attempts(taskId('a'))).toMatchObject([{ outcome: 'timeout' }])
  })

  it('ends cancelled thirty seconds after somebody asked, where its worker does not listen', async () => {
    const node = await settledNode()
    await node.engine.submit([draft('a', { timeoutMs: null })])
    await node.claimOne('w1')
    await node.engine.cancel(taskId('a'), 'enough')
    for (let second = 0; second < 29; second += 1) {
      await node.clock.advance(1_000)
      expect((await node.beat('w1')).cancel).toEqual(['a'])
    }
    await node.clock.advance(2_300)
    expect(await stateOf(node, 'a')).toBe('cancelled')
    expect(await errorOf(node, 'a')).toEqual({ code: 'cancelled', message: 'enough' })
  })
})

describe('a release', () => {
  it('costs nothing, however often', async () => {
    const node = await settledNode()
    await node.engine.submit([draft('a', { maxRetries: 0 })])
    for (let count = 0; count < 20; count += 1) await node.settle(await node.claimOne('w1'), { outcome: 'released' })
    expect(await node.engine.task(taskId('a'))).toMatchObject({ state: 'pending', attempt: 0, epoch: 20 })
    await node.settle(await node.claimOne('w1'), { outcome: 'completed', result: json(1) })
    expect(await node.engine.task(taskId('a'))).toMatchObject({ state: 'completed', attempt: 1, result: jsonText(1) })
  })
})
