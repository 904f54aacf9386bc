import { describe, expect, it } from 'vitest'
import type { EngineEvent } from '../../src/engine/engine.ts'
import { keepHistory, readHistory } from '../../src/engine/history.ts'
import { createMemoryStore } from '../../src/stores/memory/memory-store.ts'
import { draft } from '../support/drafts.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

async function setUp() {
  const clock = createVirtualClock()
  const store = createMemoryStore({ clock })
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => log }
  const node = () => {
    const listeners = new Set<(event: EngineEvent) => void>()
    const observe = (listener: (event: EngineEvent) => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
    const kept = keepHistory({ engine: { observe }, store, clock, log })
    return { kept, tell: (event: EngineEvent) => listeners.forEach(listener => void listener(event)) }
  }
  const read = (stepMs: number, minutes = 2, queue: string | null = null) =>
    readHistory(store, clock.now(), { minutes, stepMs, queue })
  return { clock, store, node, read }
}

const submitted = (queue: string, count: number): EngineEvent => ({ kind: 'submitted', queue, type: 't', count })
const ended = (queue: string, waitMs: number): EngineEvent => {
  return { kind: 'ended', queue, type: 't', state: 'completed', waitMs, runMs: 1 }
}

describe('the history of rates', () => {
  it('adds up over nodes and over a restart, by the minute and by five seconds', async () => {
    const { clock, store, node, read } = await setUp()
    const [one, other] = [node(), node()]
    one.tell(submitted('a', 3))
    other.tell(submitted('b', 4))
    other.tell({ kind: 'attempt_failed', as: 'failed', willRetry: true })
    for (const waitMs of [10, 10, 10, 1_000]) one.tell(ended('a', waitMs))
    await clock.advance(5_000)
    await one.kept.stop()
    const again = node()
    again.tell(submitted('a', 1))
    await clock.advance(5_000)
    expect((await read(60_000)).points.at(-1)).toMatchObject({ submitted: 8, completed: 4, retried: 1, failed: 0 })
    expect((await read(60_000)).points.at(-1)?.wait_p95_ms).toBeGreaterThanOrEqual(1_000)
    expect((await read(60_000, 2, 'a')).points.at(-1)).toMatchObject({ submitted: 4, retried: null, workers: null })
    const fine = (await read(5_000)).points
    expect(fine.slice(-3).map(point => point.submitted)).toEqual([7, 1, 0])
    await other.kept.stop()
    await again.kept.stop()
    expect(await store.history({ stepMs: 60_000, queue: 'b', fromMs: 0, limit: 10 })).toHaveLength(1)
    expect(clock.timers()).toBe(0)
  })

  it('tells levels where a node looked, and nothing where none did', async () => {
    const { clock, store, node, read } = await setUp()
    await store.exchange({ settles: [], submits: [{ drafts: [draft('a'), draft('b')] }], beats: [], claims: [] })
    const one = node()
    await clock.advance(60_000)
    const { points, step } = await read(60_000, 3)
    expect(step).toBe(60)
    expect(points.map(point => point.waiting)).toEqual([null, 2, null])
    expect(points[0]).toMatchObject({ submitted: 0, wait_p95_ms: null, slots: null })
    await one.kept.stop()
  })

  it('counts nothing twice, and loses nothing, while the store is away', async () => {
    const { clock, store, read } = await setUp()
    let isAway = true
    const putHistory: typeof store.putHistory = cells =>
      isAway ? Promise.reject(new Error('away')) : store.putHistory(cells)
    const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => log }
    let tell = (_: EngineEvent): void => {}
    const observe = (listener: (event: EngineEvent) => void) => {
      tell = listener
      return () => {}
    }
    const kept = keepHistory({ engine: { observe }, store: { ...store, putHistory }, clock, log })
    tell(submitted('a', 2))
    await clock.advance(10_000)
    isAway = false
    tell(submitted('a', 3))
    await clock.advance(10_000)
    await kept.stop()
    expect((await read(60_000)).points.at(-1)?.submitted).toBe(5)
  })
})
