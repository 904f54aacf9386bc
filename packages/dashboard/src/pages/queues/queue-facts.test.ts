import type { Queue, StatsPoint } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { depthHistory, drainText } from './queue-facts.ts'

function queue(pending: number, comes: number, goes: number, paused = false): Queue {
  const counts = { pending, running: 0, blocked: 0, scheduled: 0, completed: 0, failed: 0, cancelled: 0 }
  return {
    name: 'q',
    paused,
    pause: null,
    counts,
    depth: pending,
    oldest_age: null,
    submitted_per_second: comes,
    finished_per_second: goes,
  }
}

function point(submitted: number, completed: number): StatsPoint {
  // What a history of depth reads of a point.
  return { submitted, completed, failed: 0, cancelled: 0 } as StatsPoint
}

describe('what is told of a queue', () => {
  it('is when it will be empty, if it will', () => {
    expect(drainText(queue(0, 5, 0))).toBe('empty')
    expect(drainText(queue(120, 1, 3))).toBe('about 1 m')
    expect(drainText(queue(120, 3, 1))).toBe('grows')
    expect(drainText(queue(120, 3, 3))).toBe('stays as it is')
    expect(drainText(queue(120, 0, 0))).toBe('nothing leaves it')
    expect(drainText(queue(120, 0, 9, true))).toBe('paused')
  })

  it('is how deep it was, counted back from now', () => {
    expect(depthHistory(5, [point(10, 2), point(0, 3)])).toEqual([0, 8, 5])
    expect(depthHistory(0, [point(4, 0)])).toEqual([0, 0])
    expect(depthHistory(7, [])).toEqual([7])
  })
})
