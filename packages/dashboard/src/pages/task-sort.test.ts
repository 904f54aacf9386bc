import type { Task } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { nextSort, orderOf, sortRows } from './task-sort.ts'

function task(id: string, fields: Partial<Task>): Task {
  const times = { created_at: '2026-01-01T00:00:00Z', run_at: null, started_at: null, completed_at: null }
  return { task_id: id, ...times, priority: 5, attempt: 1, ...fields } as Task // The fields that an order looks at.
}

const now = Date.parse('2026-01-01T00:01:00Z')
const rows = [
  task('waits', { priority: 1 }),
  task('runs', { started_at: '2026-01-01T00:00:10Z' }),
  task('ran', { started_at: '2026-01-01T00:00:30Z', completed_at: '2026-01-01T00:00:31Z', priority: 9 }),
]

function sorted(sort: string): readonly string[] {
  return sortRows(rows, orderOf(sort), now).map(each => each.task_id)
}

describe('the order of the list', () => {
  it('is by time run, by time waited until now or the start, and by numbers', () => {
    expect(sorted('-ran')).toEqual(['runs', 'ran', 'waits'])
    expect(sorted('-wait')).toEqual(['waits', 'ran', 'runs'])
    expect(sorted('priority')).toEqual(['waits', 'runs', 'ran'])
    expect(sorted('no such column')).toEqual(['waits', 'runs', 'ran'])
  })

  it('goes from the largest first to the smallest first and back to none', () => {
    expect(nextSort(undefined, 'ran')).toBe('-ran')
    expect(nextSort('-ran', 'ran')).toBe('ran')
    expect(nextSort('ran', 'ran')).toBe('')
    expect(nextSort('ran', 'wait')).toBe('-wait')
  })
})
