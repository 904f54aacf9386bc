import { describe, expect, it } from 'vitest'
import { bodyOf, draftOf, emptyDraft } from './drafts.ts'

describe('a draft', () => {
  it('leaves out what was left empty', () => {
    expect(bodyOf({ ...emptyDraft, type: 'add' })).toEqual({ task_type: 'add' })
  })

  it('reads numbers from their texts, and a local time as an instant', () => {
    const draft = {
      ...emptyDraft,
      type: 'add',
      labels: [['a', '1, 2:3'] as const, ['', 'nothing'] as const],
      dependencies: ['one', 'two'],
      proceeds: true,
      delay: '1.5',
      at: '2030-01-31T09:00',
    }
    expect(bodyOf(draft)).toEqual({
      task_type: 'add',
      delay: 1.5,
      run_at: new Date('2030-01-31T09:00').toISOString(),
      dependencies: ['one', 'two'],
      on_dependency_failure: 'proceed',
      labels: { a: '1, 2:3' },
    })
  })

  it('of a task says again what the task was, whatever its labels are made of', () => {
    const task = {
      task_id: 't',
      task_type: 'add',
      queue: 'default',
      name: null,
      description: 'Words',
      payload: { x: 1 },
      priority: 7,
      priority_source: 'declared' as const,
      status: 'failed' as const,
      worker_id: null,
      dependencies: ['parent'],
      timeout: null,
      max_retries: 5,
      attempt: 1,
      idempotency_key: 'key',
      run_at: null,
      created_at: '2030-01-01T00:00:00.000Z',
      started_at: null,
      completed_at: null,
      result: null,
      error: null,
      progress: null,
      labels: { 'k:1': 'a, b' },
      submitted_by: null,
      trace: null,
    }
    expect(bodyOf(draftOf(task))).toEqual({
      task_type: 'add',
      payload: { x: 1 },
      priority: 7,
      description: 'Words',
      timeout: null,
      labels: { 'k:1': 'a, b' },
    })
  })
})
