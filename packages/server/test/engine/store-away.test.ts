import { describe, expect, it } from 'vitest'
import { Problem } from '../../src/core/problem.ts'
import { taskId } from '../../src/core/task.ts'
import { draft } from '../support/drafts.ts'
import { codeOf, startNode, watch } from './harness.ts'

/** Longer than any pause between two passes. */
const sweepMs = 1_200
const signal = new AbortController().signal

describe('a node whose store is away', () => {
  it('says that it is not ready, also when the store says nothing at all', async () => {
    const node = await startNode()
    expect(await codeOf(node.engine.checkReady())).toBe('none')
    await node.clock.advance(sweepMs)
    let speak = (): void => {}
    node.silence = new Promise(resolve => {
      speak = resolve
    })
    const asked = watch(codeOf(node.engine.checkReady()))
    await node.clock.advance(10_000)
    expect(asked.value()).toBe('store_unavailable')
    speak()
    await node.clock.advance(sweepMs)
    expect(await codeOf(node.engine.checkReady())).toBe('none')
  })

  it('sends those who wait to other nodes, where there are others', async () => {
    const node = await startNode({ isShared: true })
    await node.register('w1')
    await node.engine.submit([draft('a', { runAtMs: node.clock.now() + 60_000 })])
    const claim = watch(codeOf(node.claim('w1', { waitMs: 30_000 })))
    const result = watch(codeOf(node.engine.waitForResult(taskId('a'), 30_000, signal)))
    await node.clock.advance(sweepMs)
    expect([claim.isSettled(), result.isSettled()]).toEqual([false, false])
    node.outage = new Problem('store_unavailable')
    await node.clock.advance(sweepMs)
    expect([claim.value(), result.value()]).toEqual(['store_unavailable', 'store_unavailable'])
  })

  it('lets them wait where it is alone', async () => {
    const node = await startNode()
    await node.register('w1')
    const claim = watch(node.claim('w1', { waitMs: 30_000 }))
    await node.clock.rest()
    node.outage = new Problem('store_unavailable')
    await node.clock.advance(3 * sweepMs)
    expect(claim.isSettled()).toBe(false)
    node.outage = null
    await node.engine.submit([draft('a')])
    await node.clock.advance(sweepMs)
    expect(claim.value()?.map(task => task.id)).toEqual(['a'])
  })
})
