import { taskStates } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { acceptedRecord, type TaskRecord, taskId } from './task.ts'
import { explain, type WhyFacts } from './why.ts'

const nowMs = Date.UTC(2030, 0, 1)
const task: TaskRecord = acceptedRecord(
  {
    id: taskId('a'),
    type: 'mail',
    queue: 'letters',
    name: null,
    description: null,
    payload: null,
    priority: 5,
    prioritySource: 'default',
    dependencies: [],
    onDependencyFailure: 'cancel',
    timeoutMs: null,
    maxRetries: 5,
    runAtMs: null,
    delayMs: null,
    labels: null,
    idempotencyKey: null,
    submittedBy: null,
    isOwnOnly: false,
    trace: null,
  },
  { number: 1, state: 'pending', createdAtMs: nowMs, runAtMs: null, error: null },
)
const facts: WhyFacts = {
  task,
  nowMs,
  pause: null,
  waitingFor: { count: 0, first: [] },
  position: { before: 0, pending: 1 },
  positionMax: 10_000,
  capable: { workers: 2, slots: 8, freeSlots: 3 },
  claimedPerSecond: null,
}
const details = (more: Partial<WhyFacts>) => explain({ ...facts, ...more }).reasons.map(reason => reason.detail)

it('has a reason for every state', () => {
  for (const state of taskStates) {
    expect(explain({ ...facts, task: { ...task, state } })).toMatchObject({
      task_id: 'a',
      status: state,
      reasons: [{}],
    })
  }
})

describe('a pending task', () => {
  it('is told its rank, with separators, and about how long', () => {
    const position = { before: 1_203, pending: 3_310 }
    expect(details({ position, claimedPerSecond: 30.1 })).toEqual([
      "It is rank 1,204 of 3,310 in queue 'letters', about 40 s.",
    ])
    expect(details({ position })).toEqual(["It is rank 1,204 of 3,310 in queue 'letters'."])
  })

  it('is told no more than was counted', () => {
    const position = { before: 10_000, pending: 50_000 }
    expect(details({ position, claimedPerSecond: 30 })).toEqual([
      "It is beyond rank 10,000 of 50,000 in queue 'letters'.",
    ])
  })

  it('is told every reason that holds, the strongest first', () => {
    const none = { workers: 0, slots: 0, freeSlots: 0 }
    const pause = { atMs: 0, by: 'anna', reason: 'Deploying' }
    const { reasons } = explain({ ...facts, pause, capable: none })
    expect(reasons.map(reason => reason.code)).toEqual(['queue_paused', 'no_capable_worker', 'rank'])
    expect(reasons[0]?.detail).toContain('is paused since 1970-01-01T00:00:00.000Z by anna: Deploying; resume it')
    expect(reasons[0]?.facts).toMatchObject({ paused_by: 'anna', pause_reason: 'Deploying' })
  })

  it('is told that all slots are taken', () => {
    expect(details({ capable: { workers: 1, slots: 1, freeSlots: 0 } })[0]).toBe(
      'All 1 slot of the 1 worker that can run it are taken.',
    )
  })
})

it('a blocked task is told the first of its parents, and how many more', () => {
  const first = [
    { id: 'p1', state: 'running' },
    { id: 'p2', state: 'blocked' },
  ]
  expect(details({ task: { ...task, state: 'blocked' }, waitingFor: { count: 5, first } })).toEqual([
    'It is blocked by 5 unfinished parents: p1 (running), p2 (blocked) and 3 more.',
  ])
})

it('a scheduled task is told its time, a retry also what went before', () => {
  const scheduled: TaskRecord = { ...task, state: 'scheduled', runAtMs: nowMs + 61_400 }
  expect(details({ task: scheduled })).toEqual(['It is scheduled for 2030-01-01T00:01:01.400Z, in 61 s.'])
  expect(explain({ ...facts, task: { ...scheduled, attempt: 2 } }).reasons).toMatchObject([
    { code: 'waits_for_retry', facts: { attempt: 2, seconds: 61 } },
  ])
})

it('a finished task is told so', () => {
  expect(details({ task: { ...task, state: 'failed' } })).toEqual(['It is not waiting: it has failed.'])
  expect(details({ task: { ...task, state: 'cancelled' } })).toEqual(['It is not waiting: it has been cancelled.'])
})
