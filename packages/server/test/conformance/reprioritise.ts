import { expect } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import { draft } from '../support/drafts.ts'
import type { Topic } from './topic.ts'

export const reprioritiseTopic: Topic = test => {
  test('moves a pending task to its new place', async bench => {
    await bench.submit(draft('a'), draft('b'), draft('c'))
    const { verdicts, changes } = await bench.store.reprioritise([
      { id: taskId('c'), priority: 10 },
      { id: taskId('a'), priority: 1.5 },
    ])
    expect(verdicts).toEqual(['changed', 'changed'])
    expect(changes).toEqual({ ready: [], ended: [], hasLeftovers: false })
    expect(await bench.task('c')).toMatchObject({ priority: 10, prioritySource: 'declared', state: 'pending' })
    expect((await bench.claim()).map(task => task.id)).toEqual(['c', 'b', 'a'])
  })

  test('counts for scheduled and blocked tasks when they become pending', async bench => {
    await bench.submit(
      draft('later', { delayMs: 10 }),
      draft('parent', { priority: 10 }),
      draft('child', { dependencies: ['parent'] }),
      draft('plain'),
    )
    await bench.store.reprioritise([
      { id: taskId('later'), priority: 8 },
      { id: taskId('child'), priority: 9 },
    ])
    await bench.clock.advance(10)
    await bench.store.promote(10)
    await bench.complete(await bench.claimOne())
    expect((await bench.claim()).map(task => task.id)).toEqual(['child', 'later', 'plain'])
  })

  test('keeps the age of the task', async bench => {
    await bench.submit(draft('old', { priority: 1 }))
    await bench.clock.advance(1_000)
    await bench.submit(draft('young'))
    await bench.store.reprioritise([{ id: taskId('old'), priority: 5 }])
    expect((await bench.claim()).map(task => task.id)).toEqual(['old', 'young'])
  })

  test('lets running, finished and unknown tasks be', async bench => {
    await bench.complete(await bench.submitAndClaim(draft('done')))
    await bench.submitAndClaim(draft('running'))
    const changes = ['done', 'running', 'ghost'].map(id => ({ id: taskId(id), priority: 9 }))
    expect((await bench.store.reprioritise(changes)).verdicts).toEqual(['not_waiting', 'not_waiting', 'unknown'])
    expect(await bench.task('running')).toMatchObject({ priority: 5, prioritySource: 'default' })
  })

  test('the last of two changes to one task stands', async bench => {
    await bench.submit(draft('a'))
    const changes = [9, 2].map(priority => ({ id: taskId('a'), priority }))
    expect((await bench.store.reprioritise(changes)).verdicts).toEqual(['changed', 'changed'])
    expect((await bench.task('a')).priority).toBe(2)
  })
}
