import { describe, expect, it } from 'vitest'
import type { Alerts } from '../../src/engine/alerts/alerts.ts'
import { keepAlerts } from '../../src/engine/alerts/keep-alerts.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** What the pass asks of alerts, in order. */
function start(doubles: Partial<Alerts> = {}, heartbeatMs = 5_000) {
  const clock = createVirtualClock()
  const calls: string[] = []
  const note = (call: string) => async () => {
    calls.push(call)
    return 0
  }
  const alerts = {
    lookInTurn: note('look'),
    deliver: async () => void (await note('deliver')()),
    noticeOthers: async () => void (await note('others')()),
    prune: async () => void (await note('prune')()),
    ...doubles,
  }
  const log = { ...silent, child: () => log }
  const parts = { clock, log, heartbeatMs, leaseMs: 3 * heartbeatMs, isShared: true }
  const kept = keepAlerts({ ...parts, alerts: alerts as unknown as Alerts }) // Only what the pass asks for.
  return { clock, calls, kept, count: (call: string) => calls.filter(each => each === call).length }
}

describe('the pass of alerts', () => {
  it('looks for nothing for one lease after the start, and every few seconds then', async () => {
    const { clock, count } = start()
    await clock.advance(14_999)
    expect(count('look')).toBe(0)
    await clock.advance(60_001)
    expect(count('look')).toBe(13)
    expect(count('others')).toBe(15)
  })

  it('looks as often as workers are heard, once a second at most', async () => {
    const { clock, count } = start({}, 100)
    await clock.advance(10_000)
    expect(count('look')).toBe(10)
  })

  it('looks for nothing for one lease where the store was away', async () => {
    let isAway = false
    let looks = 0
    const { clock } = start({
      lookInTurn: async () => {
        looks += 1
        if (isAway) throw new Error('away')
        return 0
      },
    })
    await clock.advance(20_000)
    expect(looks).toBe(2)
    isAway = true
    await clock.advance(5_000)
    isAway = false
    expect(looks).toBe(3)
    await clock.advance(14_000)
    expect(looks).toBe(3)
    await clock.advance(1_000)
    expect(looks).toBe(4)
  })

  it('delivers at once what a look found, and never twice at a time', async () => {
    let finish = (): void => {}
    let deliveries = 0
    const { clock, count } = start({
      lookInTurn: async () => 1,
      deliver: () => {
        deliveries += 1
        return new Promise(resolve => {
          finish = resolve
        })
      },
    })
    await clock.advance(60_000)
    expect(deliveries).toBe(1)
    finish()
    await clock.advance(5_000)
    expect(deliveries).toBe(2)
    expect(count('prune')).toBe(0)
    finish()
    await clock.advance(600_000)
    expect(count('prune')).toBe(1)
  })

  it('ends when what is under way has ended', async () => {
    let finish = (): void => {}
    const { clock, kept } = start({
      deliver: () =>
        new Promise(resolve => {
          finish = resolve
        }),
    })
    await clock.advance(5_000)
    let isStopped = false
    const stopping = kept.stop().then(() => {
      isStopped = true
    })
    await clock.rest()
    expect(isStopped).toBe(false)
    finish()
    await stopping
    expect(clock.timers()).toBe(0)
  })
})
