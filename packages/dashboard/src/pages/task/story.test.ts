import type { Attempt, AttemptOutcome, Task } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { etaMs, storyOf, timesOf } from './story.ts'

function at(seconds: number): string {
  return new Date(1_000_000 + seconds * 1_000).toISOString()
}

function attempt(number: number, from: number, to: number | null, outcome: AttemptOutcome): Attempt {
  return {
    attempt: number,
    epoch: number,
    worker_id: 'w',
    started_at: at(from),
    ended_at: to === null ? null : at(to),
    outcome,
    error: null,
  }
}

// What the story reads of a task; the rest of it has no say.
function task(facts: Partial<Task>): Task {
  return {
    created_at: at(0),
    timeout: 30,
    max_retries: 2,
    attempt: 1,
    status: 'running',
    progress: null,
    ...facts,
  } as Task
}

describe('the story of a task', () => {
  it('tells the wait before each attempt and the branch that it took', () => {
    const attempts = [
      attempt(1, 5, 7, 'failed'),
      attempt(2, 9, 39, 'timeout'),
      attempt(3, 50, 51, 'crashed'),
      attempt(3, 52, 53, 'released'),
      attempt(3, 60, 61, 'failed'),
    ]
    const steps = storyOf(task({ status: 'failed', attempt: 3 }), attempts)
    expect(steps.map(step => step.branch)).toEqual([
      'tried again after 2.0 s',
      'took longer than 30 s; tried again after 11 s',
      'lost its lease; tried again after 1.0 s',
      'given back, uncharged; tried again after 7.0 s',
      'no retries left',
    ])
    expect(timesOf(steps, 0)).toEqual({ waitedMs: 26_000, ranMs: 35_000 })
  })

  it('tells an end that was no matter of retries, and a new start', () => {
    expect(storyOf(task({ status: 'failed', attempt: 1 }), [attempt(1, 1, 2, 'failed')])[0]?.branch).toBe(
      'not to be retried',
    )
    expect(storyOf(task({ status: 'scheduled' }), [attempt(1, 1, 2, 'failed')])[0]?.branch).toBe(
      'waits for its next try',
    )
    const anew = [attempt(1, 1, 2, 'failed'), { ...attempt(1, 10, null, 'running'), epoch: 2 }]
    expect(storyOf(task({}), anew).map(step => step.branch)).toEqual(['started anew after 8.0 s', 'runs now'])
  })

  it('guesses what is left from the pace so far, and only where there is one', () => {
    const now = Date.parse(at(20))
    const running = task({ started_at: at(0), progress: { percent: 25 } })
    expect(etaMs(running, now)).toBe(60_000)
    expect(etaMs(task({ started_at: at(0), progress: { percent: 0 } }), now)).toBeNull()
    expect(etaMs(task({ ...running, status: 'completed' }), now)).toBeNull()
  })
})
