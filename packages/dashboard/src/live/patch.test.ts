import { QueryClient, QueryObserver } from '@tanstack/react-query'
import type { Task } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { patchCache, patchTask } from './patch.ts'

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

describe('what is shown', () => {
  it('is patched, and no younger for it: what is read again after a while would never be in a flood', () => {
    const client = new QueryClient()
    const queryKey = ['tasks', 'head', { q: 'a' }]
    client.setQueryData(queryKey, { tasks: [task], next_cursor: null }, { updatedAt: 1_000 })
    const stop = new QueryObserver(client, { queryKey, staleTime: Infinity }).subscribe(() => {})
    patchCache(client, new Map([['a', { task_id: 'a', status: 'failed' as const }]]))
    stop()
    expect(client.getQueryData(queryKey)).toMatchObject({ tasks: [{ status: 'failed' }] })
    expect(client.getQueryState(queryKey)?.dataUpdatedAt).toBe(1_000)
    client.clear()
  })
})
