import { expect } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import type { TaskFilter } from '../../src/ports/store.ts'
import { draft } from '../support/drafts.ts'
import type { Topic } from './topic.ts'

const anything: TaskFilter = {
  states: null,
  types: null,
  queues: null,
  workerId: null,
  submittedBy: null,
  label: null,
  text: null,
}
const page = { limit: 10, before: null, offset: 0 }

export const submittersTopic: Topic = test => {
  test('finds the tasks of one submitter, with every other condition', async bench => {
    const { store, submit } = bench
    await submit(
      draft('a1', { submittedBy: 'anna', queue: 'mail' }),
      draft('b1', { submittedBy: 'bert' }),
      draft('a2', { submittedBy: 'anna' }),
      draft('n1'),
      draft('a3', { submittedBy: 'anna', dependencies: ['a1'] }),
    )
    const ids = async (filter: Partial<TaskFilter>, more: Partial<typeof page> = {}) =>
      (await store.taskIds({ ...anything, submittedBy: 'anna', ...filter }, { ...page, ...more })).map(task => task.id)
    expect(await ids({})).toEqual(['a3', 'a2', 'a1'])
    expect(await ids({}, { limit: 1, offset: 1 })).toEqual(['a2'])
    expect(await ids({ states: ['blocked'] })).toEqual(['a3'])
    expect(await ids({ states: ['pending', 'failed'] })).toEqual(['a2', 'a1'])
    expect(await ids({ queues: ['mail'] })).toEqual(['a1'])
    expect(await ids({ text: '2' })).toEqual(['a2'])
    expect(await ids({ submittedBy: 'Anna' })).toEqual([])
    expect(await store.countTasks({ ...anything, submittedBy: 'anna' }, 10)).toBe(3)
    expect(await store.countTasks({ ...anything, submittedBy: 'anna' }, 2)).toBe(2)
    expect(await store.countTasks({ ...anything, submittedBy: 'bert', states: ['pending'] }, 10)).toBe(1)
    expect((await store.tasks({ ...anything, submittedBy: 'bert' }, page)).map(task => task.submittedBy)).toEqual([
      'bert',
    ])
  })

  test('tells who submitted what, of those that exist', async ({ store, submit }) => {
    await submit(draft('a', { submittedBy: 'anna' }), draft('n'))
    const told = await store.submittersOf(['n', 'a', 'unknown'].map(taskId))
    expect([...told].sort((one, other) => (one.id < other.id ? -1 : 1))).toEqual([
      { id: 'a', submittedBy: 'anna' },
      { id: 'n', submittedBy: null },
    ])
    expect(await store.submittersOf([])).toEqual([])
  })

  test('finds a task by its number', async ({ store, submit, task }) => {
    await submit(draft('a'), draft('b'))
    const { number } = await task('b')
    expect(await store.taskByNumber(number)).toEqual(await task('b'))
    expect(await store.taskByNumber(number + 1)).toBeNull()
    expect(await store.taskByNumber(0)).toBeNull()
  })

  test('whoever sees its own tasks only never repeats another’s', async ({ store, submit }) => {
    const key = { idempotencyKey: 'k' }
    await submit(draft('a', { submittedBy: 'anna', ...key }))
    const meet = async (id: string, submittedBy: string | null, isOwnOnly: boolean) => {
      const drafts = [draft(id, { submittedBy, isOwnOnly, ...key })]
      const batch = { settles: [], submits: [{ drafts }], beats: [], claims: [] }
      return (await store.exchange(batch)).submits[0]
    }
    expect(await meet('a', 'anna', true)).toMatchObject({ kind: 'accepted', receipts: [{ existing: { id: 'a' } }] })
    expect(await meet('a', 'bert', false)).toMatchObject({ kind: 'accepted', receipts: [{ existing: { id: 'a' } }] })
    expect(await meet('a', 'bert', true)).toMatchObject({ kind: 'refused', code: 'task_conflict' })
    const byKey = await meet('b', 'bert', true)
    expect(byKey).toMatchObject({ kind: 'refused', code: 'task_conflict' })
    // Nothing is told of the other's task.
    expect(byKey).toMatchObject({ detail: expect.stringContaining('another task') })
    expect(await store.task(taskId('b'))).toBeNull()
  })
}
