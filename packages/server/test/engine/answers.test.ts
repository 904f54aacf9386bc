import { describe, expect, it } from 'vitest'
import { taskId, workerId } from '../../src/core/task.ts'
import type { BulkAsk } from '../../src/engine/engine.ts'
import { draft, everyTask, json, names } from '../support/drafts.ts'
import { codeOf, startNode, stateOf, watch } from './harness.ts'

const signal = new AbortController().signal

describe('waiting for a result', () => {
  it('ends with the task as soon as it has ended', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1')
    await node.engine.submit([draft('a')])
    const waits = [1, 2].map(() => watch(node.engine.waitForResult(taskId('a'), 30_000, signal)))
    const task = await node.claimOne('w1')
    expect(waits.map(wait => wait.isSettled())).toEqual([false, false])
    await node.settle(task, { outcome: 'completed', result: json({ sum: 3 }) })
    await node.clock.rest()
    expect(waits.map(wait => wait.value())).toMatchObject(
      Array(2).fill({ state: 'completed', result: json({ sum: 3 }) }),
    )
    expect(node.clock.timers()).toBe(0)
  })

  it('ends at once for a finished task, and with no wait', async () => {
    const node = await startNode({ isStarted: false })
    await node.engine.submit([draft('a'), draft('b')])
    await node.engine.cancel(taskId('a'), null)
    expect(await node.engine.waitForResult(taskId('a'), 30_000, signal)).toMatchObject({ state: 'cancelled' })
    expect(await node.engine.waitForResult(taskId('b'), 0, signal)).toMatchObject({ state: 'pending' })
  })

  it('ends with the unfinished task when time is up or the asker has gone', async () => {
    const node = await startNode({ isStarted: false })
    await node.engine.submit([draft('a')])
    const caller = new AbortController()
    const patient = watch(node.engine.waitForResult(taskId('a'), 2_000, signal))
    const leaves = watch(node.engine.waitForResult(taskId('a'), 30_000, caller.signal))
    await node.clock.advance(1_999)
    expect(patient.isSettled()).toBe(false)
    caller.abort()
    await node.clock.advance(1)
    expect([patient.value()?.state, leaves.value()?.state]).toEqual(['pending', 'pending'])
    expect(node.clock.timers()).toBe(0)
  })

  it('hears of a task that its parent took along', async () => {
    const node = await startNode({ isStarted: false })
    await node.engine.submit([draft('parent'), draft('child', { dependencies: ['parent'] })])
    const wait = watch(node.engine.waitForResult(taskId('child'), 30_000, signal))
    await node.clock.rest()
    await node.engine.cancel(taskId('parent'), null)
    await node.clock.rest()
    expect(wait.value()).toMatchObject({ state: 'cancelled' })
  })

  it('does not know a task that does not exist', async () => {
    const node = await startNode({ isStarted: false })
    expect(await codeOf(node.engine.waitForResult(taskId('ghost'), 30_000, signal))).toBe('task_unknown')
    expect(node.clock.timers()).toBe(0)
  })
})

describe('why', () => {
  it('says for each state what a task waits for', async () => {
    const node = await startNode({ isStarted: false })
    const why = async (id: string) => {
      const { reasons } = await node.engine.why(taskId(id))
      return reasons.map(reason => [reason.code, reason.detail])
    }
    await node.engine.submit([
      draft('a'),
      draft('b'),
      draft('later', { delayMs: 60_000 }),
      draft('child', { dependencies: ['a', 'later'] }),
    ])
    expect(await why('child')).toEqual([
      ['waits_for_parents', 'It is blocked by 2 unfinished parents: a (pending), later (scheduled).'],
    ])
    expect(await why('later')).toEqual([['waits_for_time', expect.stringContaining('in 60 s')]])
    expect(await why('b')).toEqual([
      ['no_capable_worker', "No worker that is alive can run type 'noop' from queue 'default'; start one that can."],
      ['rank', "It is rank 2 of 2 in queue 'default'."],
    ])
    await node.register('w1', { slots: 1 })
    const a = await node.claimOne('w1')
    expect(await why('b')).toEqual([
      ['no_free_slot', 'All 1 slot of the 1 worker that can run it are taken.'],
      ['rank', "It is rank 1 of 1 in queue 'default'."],
    ])
    expect(await why('a')).toEqual([['running', 'It is running on worker w1, attempt 1.']])
    await node.engine.cancel(a.id, null)
    expect((await why('a')).map(([code]) => code)).toEqual(['cancelling', 'running'])
    await node.engine.setQueue('default', { isPaused: true })
    expect((await why('b')).map(([code]) => code)).toEqual(['queue_paused', 'no_free_slot', 'rank'])
    await node.settle(a, { outcome: 'completed' })
    expect(await why('a')).toEqual([['finished', 'It is not waiting: it has been completed.']])
    expect(await codeOf(node.engine.why(taskId('ghost')))).toBe('task_unknown')
  })

  it('counts a worker that was not heard for a lease as gone', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1')
    await node.engine.submit([draft('a')])
    await node.clock.advance(15_001)
    expect((await node.engine.why(taskId('a'))).reasons[0]?.code).toBe('no_capable_worker')
    expect(await node.engine.worker(workerId('w1'))).toMatchObject({ status: 'lost' })
  })
})

describe('a bulk call', () => {
  const ask: BulkAsk = {
    action: 'cancel',
    target: { filter: everyTask },
    priority: null,
    reason: 'all',
    withDependents: false,
    isDryRun: false,
  }

  it('goes through all that match, page by page', async () => {
    const node = await startNode({ isStarted: false })
    for (const prefix of ['a', 'b']) await node.engine.submit(names(prefix, 700).map(id => draft(id)))
    await node.engine.submit([draft('other', { type: 'other' })])
    const filter = { ...everyTask, types: ['noop'] }
    expect(await node.engine.bulk({ ...ask, target: { filter }, isDryRun: true })).toEqual({
      action: 'cancel',
      dry_run: true,
      matched: 1_400,
      verdicts: {},
    })
    expect(await node.engine.bulk({ ...ask, target: { filter } })).toMatchObject({
      matched: 1_400,
      verdicts: { cancelled: 1_400 },
    })
    expect(await node.store.counts()).toMatchObject({ cancelled: 1_400, pending: 1 })
  })

  it('tells a verdict for each id, named twice or unknown ones included', async () => {
    const node = await startNode({ isStarted: false })
    await node.engine.submit([draft('a'), draft('b')])
    await node.engine.cancel(taskId('b'), null)
    const ids = ['a', 'b', 'a', 'ghost'].map(taskId)
    expect((await node.engine.bulk({ ...ask, target: { ids } })).verdicts).toEqual({
      cancelled: 1,
      finished: 1,
      unknown: 1,
    })
  })

  it('wakes those who wait for what it moves', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1')
    await node.engine.submit([draft('a')])
    await node.engine.cancel(taskId('a'), null)
    const claim = watch(node.claim('w1', { waitMs: 30_000 }))
    await node.clock.rest()
    await node.engine.bulk({ ...ask, action: 'retry' })
    await node.clock.rest()
    expect(claim.value()).toMatchObject([{ id: 'a' }])
  })

  it('retries parents before their children, so that a family of many pages keeps its order', async () => {
    const node = await startNode({ isStarted: false })
    await node.engine.submit([draft('parent')])
    await node.engine.submit(names('child', 600).map(id => draft(id, { dependencies: ['parent'] })))
    await node.engine.bulk(ask)
    await node.engine.bulk({ ...ask, action: 'retry' })
    expect(await node.store.counts()).toMatchObject({ pending: 1, blocked: 600, cancelled: 0 })
  })

  it('deletes children before their parents', async () => {
    const node = await startNode({ isStarted: false })
    await node.engine.submit([draft('parent'), draft('child', { dependencies: ['parent'] })])
    await node.engine.bulk(ask)
    expect((await node.engine.bulk({ ...ask, action: 'delete' })).verdicts).toEqual({ removed: 2 })
  })
})

describe('a list', () => {
  it('ends where the texts are as many as a reply can hold, and goes on after its cursor', async () => {
    const node = await startNode({ isStarted: false })
    const large = (id: string) => draft(id, { payload: json('x'.repeat(1_000_000)) })
    await node.engine.submit(names('a', 40).map(large))
    const first = await node.engine.tasks(everyTask, { limit: 100, cursor: null, offset: 0 })
    expect(first.tasks).toHaveLength(33)
    const second = await node.engine.tasks(everyTask, { limit: 100, cursor: first.nextCursor, offset: 0 })
    expect([second.tasks.length, second.nextCursor]).toEqual([7, null])
  })

  it('has no cursor where its last page is full', async () => {
    const node = await startNode({ isStarted: false })
    await node.engine.submit(names('a', 4).map(id => draft(id)))
    expect(await node.engine.tasks(everyTask, { limit: 4, cursor: null, offset: 0 })).toMatchObject({
      nextCursor: null,
    })
  })

  it('goes on after its cursor and ends with none', async () => {
    const node = await startNode({ isStarted: false })
    await node.engine.submit(names('t', 5).map(id => draft(id)))
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof node.engine.tasks>> = await node.engine.tasks(everyTask, {
        limit: 2,
        cursor,
        offset: 0,
      })
      seen.push(...page.tasks.map(task => task.id))
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(seen).toEqual(['t-4', 't-3', 't-2', 't-1', 't-0'])
  })

  it('refuses the cursor of another list', async () => {
    const node = await startNode({ isStarted: false })
    await node.engine.submit(names('t', 3).map(id => draft(id)))
    const { nextCursor } = await node.engine.tasks(everyTask, { limit: 1, cursor: null, offset: 0 })
    const other = { ...everyTask, types: ['mail'] }
    expect(await codeOf(node.engine.tasks(other, { limit: 1, cursor: nextCursor, offset: 0 }))).toBe('cursor_invalid')
  })
})

describe('a refusal', () => {
  it('says for each verb what is in its way', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1')
    await node.engine.submit([draft('done'), draft('parent'), draft('child', { dependencies: ['parent'] })])
    await node.settle(await node.claimOne('w1'), { outcome: 'completed' })
    await node.settle(await node.claimOne('w1'), { outcome: 'completed' })
    const { engine } = node
    const [done, ghost, parent, child] = ['done', 'ghost', 'parent', 'child'].map(taskId)
    if (done === undefined || ghost === undefined || parent === undefined || child === undefined) return
    expect(await codeOf(engine.cancel(done, null))).toBe('task_finished')
    expect(await codeOf(engine.completeByHand(done, null))).toBe('task_finished')
    expect(await codeOf(engine.retry(done, false))).toBe('task_not_retryable')
    expect(await codeOf(engine.reprioritise(done, 9))).toBe('task_not_waiting')
    expect(await codeOf(engine.remove(child))).toBe('task_unfinished')
    expect(await codeOf(engine.remove(parent))).toBe('task_needed')
    for (const call of [
      engine.task(ghost),
      engine.cancel(ghost, null),
      engine.retry(ghost, false),
      engine.remove(ghost),
    ]) {
      expect(await codeOf(call)).toBe('task_unknown')
    }
    expect(await codeOf(engine.queue('nowhere'))).toBe('queue_unknown')
    expect(await codeOf(engine.worker(workerId('ghost')))).toBe('worker_unknown')
    expect(await codeOf(engine.heartbeat({ workerId: workerId('ghost'), systemInfo: null, currentTasks: null }))).toBe(
      'worker_unknown',
    )
  })

  it('names the cycle, the double and the task that depends on itself, before the store is asked', async () => {
    const node = await startNode({ isStarted: false })
    const submit = (...drafts: Parameters<typeof draft>[]) =>
      codeOf(node.engine.submit(drafts.map(each => draft(...each))))
    expect(await submit(['a', { dependencies: ['b'] }], ['b', { dependencies: ['a'] }])).toBe('dependency_cycle')
    expect(await submit(['a'], ['a'])).toBe('task_conflict')
    expect(await submit(['a', { dependencies: ['a'] }])).toBe('dependency_self')
    expect(node.exchanges).toEqual([])
    await expect(
      node.engine.submit([draft('a', { dependencies: ['b'] }), draft('b', { dependencies: ['a'] })]),
    ).rejects.toThrow(/a → b → a|b → a → b/)
  })
})

describe('the totals', () => {
  it('tell tasks, workers, rates and times', async () => {
    const node = await startNode({ isStarted: false })
    await node.register('w1', { slots: 4 })
    await node.engine.submit([draft('a'), draft('b')])
    await node.clock.advance(1_000)
    const a = await node.claimOne('w1')
    await node.clock.advance(3_000)
    await node.settle(a, { outcome: 'completed' })
    expect(await node.engine.stats()).toMatchObject({
      tasks: { completed: 1, pending: 1 },
      total: 2,
      workers: { active: 1, draining: 0, lost: 0, slots: 4 },
      rates: { submitted_per_second: 0.5, completed_per_second: 0.25, failed_per_second: 0 },
      wait_ms: { p50: 1_000, p95: 1_000 },
      run_ms: { p50: 3_000, p95: 3_000 },
      uptime_seconds: 4,
    })
    expect(await node.engine.queue('default')).toMatchObject({ depth: 1, oldest_age: 4, finished_per_second: 0.25 })
    expect(await stateOf(node, 'b')).toBe('pending')
  })
})

it('numbers name the tasks in the order of their acceptance', async () => {
  const { engine } = await startNode({ isStarted: false })
  await engine.submit([draft('a'), draft('b')])
  expect([(await engine.taskByNumber(1)).id, (await engine.taskByNumber(2)).id]).toEqual(['a', 'b'])
  expect(await codeOf(engine.taskByNumber(3))).toBe('task_unknown')
})
