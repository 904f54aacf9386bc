import { describe, expect, it } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import { draft } from '../support/drafts.ts'
import { driveStore } from '../support/store-driver.ts'
import { startNode, stateOf, watch } from './harness.ts'

describe('a node that stops', () => {
  it('has given back what a claim got that had ended, once it has stopped', async () => {
    let isHeld = false
    let goOn = (): void => {}
    const held = new Promise<void>(resolve => {
      goOn = resolve
    })
    const node = await startNode({
      afterExchange: async ({ claims }) => {
        if (isHeld && claims.length > 0) await held
      },
    })
    await node.register('w1')
    const claim = watch(node.claim('w1', { waitMs: 30_000 }))
    await node.clock.rest()
    // Of this one the node hears at its next pass only, and asks on behalf of who waits.
    await driveStore(node.store).submit(draft('a'))
    isHeld = true
    await node.clock.advance(1_200)
    expect(await stateOf(node, 'a')).toBe('running')
    node.engine.beginStop()
    const stopped = node.engine.stop().then(() => node.store.task(taskId('a')))
    goOn()
    expect(await stopped).toMatchObject({ state: 'pending', attempt: 0 })
    expect(claim.value()).toEqual([])
  })
})
