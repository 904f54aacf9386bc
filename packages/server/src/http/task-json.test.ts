import { describe, expect, it } from 'vitest'
import { jsonText, taskId, workerId } from '../core/task.ts'
import type { ClaimedTask } from '../ports/store.ts'
import { claimJson } from './task-json.ts'

const plain: ClaimedTask = {
  number: 1,
  id: taskId('a'),
  type: 'noop',
  queue: 'default',
  name: null,
  description: null,
  payload: null,
  priority: 5,
  prioritySource: 'default',
  dependencies: [],
  onDependencyFailure: 'cancel',
  timeoutMs: null,
  maxRetries: 3,
  runAtMs: null,
  labels: null,
  idempotencyKey: null,
  submittedBy: null,
  trace: null,
  state: 'running',
  attempt: 1,
  crashes: 0,
  epoch: 1,
  workerId: workerId('w1'),
  createdAtMs: 1_000,
  startedAtMs: 2_000,
  finishedAtMs: null,
  cancelRequestedAtMs: null,
  result: null,
  error: null,
  progress: null,
  leaseExpiresAtMs: 3_000,
  parents: [],
}

const text = 'a "quoted" line\n'
const json = jsonText({ [text]: 1 })
const otherwise: readonly Partial<ClaimedTask>[] = [
  { id: taskId('b') },
  { type: 'other' },
  { queue: 'other' },
  { name: text },
  { description: text },
  { payload: json },
  { priority: 6 },
  { prioritySource: 'declared' },
  { dependencies: [taskId('p')], parents: [{ id: taskId('p'), state: 'completed', result: json, error: null }] },
  { parents: null },
  { timeoutMs: 1_500 },
  { maxRetries: 4 },
  { runAtMs: 500 },
  { labels: json },
  { idempotencyKey: text },
  { submittedBy: text },
  { trace: text },
  { attempt: 2 },
  { epoch: 2 },
  { workerId: workerId('w2') },
  { createdAtMs: 1_001 },
  { startedAtMs: 2_001 },
  { error: json },
  { leaseExpiresAtMs: 3_001 },
]

function readTasks(isSparse: boolean, ...tasks: readonly ClaimedTask[]): readonly Record<string, unknown>[] {
  return JSON.parse(claimJson(tasks, isSparse)).tasks
}

/** The whole form without what is null or empty. */
function withoutNothing(task: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(task).filter(([, value]) => value !== null && !['[]', '{}'].includes(JSON.stringify(value))),
  )
}

describe('claimJson', () => {
  it.each(otherwise)('tells in a sparse claim what differs from the task before: %o', difference => {
    const odd: ClaimedTask = { ...plain, ...difference }
    const [before, own, after] = readTasks(true, plain, odd, plain)
    expect(own).not.toEqual(before)
    expect(after).toEqual(before)
    expect([before, own]).toEqual(readTasks(false, plain, odd).map(withoutNothing))
  })

  it('is an empty list where nothing was claimed', () => {
    expect([claimJson([], true), claimJson([])]).toEqual(['{"tasks":[]}', '{"tasks":[]}'])
  })
})
