import type { Task } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { patchTask } from './patch.ts'

// Only what a patch looks at.
const task = { task_id: 'a', status: 'running', worker_id: 'w', attempt: 1, progress: null, completed_at: null } as Task

describe('a row that is patched by an event', () => {
  it('keeps what the event does not say', () => {
    const next = patchTask(task, new Map([['a', { task_id: 'a', progress: { percent: 40 } }]]))
    expect(next).toMatchObject({ status: 'running', worker_id: 'w', progress: { percent: 40 } })
  })

  it('is the same object where nothing is new, so that it is not drawn again', () => {
    expect(patchTask(task, new Map([['a', { task_id: 'a', status: 'running' as const }]]))).toBe(task)
    expect(patchTask(task, new Map())).toBe(task)
  })

  it('has an end when it has ended', () => {
    expect(patchTask(task, new Map([['a', { task_id: 'a', status: 'failed' as const }]])).completed_at).not.toBeNull()
  })
})
