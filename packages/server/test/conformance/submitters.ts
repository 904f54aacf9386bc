import { expect } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import type { Store, TaskFilter } from '../../src/ports/store.ts'
import { draft, everyTask, names } from '../support/drafts.ts'
import type { Topic } from './topic.ts'

export const submittersTopic: Topic = test => {
  test('finds a task by its number', async ({ store, submit, task }) => {
    const [first, second] = await submit(draft('a', { submittedBy: 'ada', dependencies: [] }), draft('b'))
    expect(await store.taskByNumber(first?.number ?? 0)).toEqual(await task('a'))
    expect(await store.taskByNumber(second?.number ?? 0)).toEqual(await task('b'))
    expect(await store.taskByNumber(1_000_000)).toBeNull()
    expect(await store.taskByNumber(0)).toBeNull()
    expect(await store.taskByNumber(-1)).toBeNull()
    await store.cancel([taskId('b')], null)
    await store.remove([taskId('b')])
    expect(await store.taskByNumber(second?.number ?? 0)).toBeNull()
  })

  test('finds a child by its number with its dependencies', async ({ store, submit }) => {
    const [, child] = await submit(draft('parent'), draft('child', { dependencies: ['parent'], submittedBy: 'ada' }))
    expect(await store.taskByNumber(child?.number ?? 0)).toMatchObject({ id: 'child', dependencies: ['parent'] })
  })

  test('tells who submitted which, of those that exist', async ({ store, submit }) => {
    await submit(draft('a', { submittedBy: 'ada' }), draft('b', { submittedBy: 'token:ci' }), draft('c'))
    const told = await store.submittersOf(['a', 'ghost', 'b', 'c'].map(taskId))
    expect(new Map(told.map(each => [each.id, each.submittedBy]))).toEqual(
      new Map([
        ['a', 'ada'],
        ['b', 'token:ci'],
        ['c', null],
      ]),
    )
    expect(await store.submittersOf([])).toEqual([])
  })

  test('a claim tells who submitted the task', async ({ submitAndClaim, task }) => {
    expect(await submitAndClaim(draft('a', { submittedBy: 'ada' }))).toMatchObject({ submittedBy: 'ada' })
    expect(await task('a')).toMatchObject({ submittedBy: 'ada' })
  })

  test('lists, names and counts the tasks of one submitter only, newest first', async ({ store, submit }) => {
    await submit(
      ...names('ada', 3).map(id => draft(id, { submittedBy: 'ada' })),
      draft('ADA-0', { submittedBy: 'ADA' }),
      draft('bob-0', { submittedBy: 'bob' }),
      draft('nobody'),
    )
    expect(await ids(store, { submittedBy: 'ada' })).toEqual(['ada-2', 'ada-1', 'ada-0'])
    expect(await ids(store, { submittedBy: 'ADA' })).toEqual(['ADA-0'])
    expect(await ids(store, { submittedBy: 'eve' })).toEqual([])
    expect(await ids(store, {})).toHaveLength(6)
    expect(await store.countTasks(filter({ submittedBy: 'ada' }), 10, null)).toMatchObject({ count: 3 })
    expect(await store.countTasks(filter({ submittedBy: 'ada' }), 2, null)).toMatchObject({ count: 2 })
    expect(await store.countTasks(filter({ submittedBy: 'eve' }), 10, null)).toMatchObject({ count: 0 })
    expect(await store.countTasks(filter({}), 10, null)).toMatchObject({ count: 6 })
  })

  test('walks the pages of one submitter, by number and by offset', async ({ store, submit }) => {
    await submit(...names('t', 20).map((id, at) => draft(id, { submittedBy: at % 2 === 0 ? 'ada' : 'bob' })))
    const walked: string[] = []
    let before: number | null = null
    do {
      const page: readonly { id: string; number: number }[] = await store.taskIds(filter({ submittedBy: 'ada' }), {
        limit: 4,
        before,
        offset: 0,
      })
      walked.push(...page.map(each => each.id))
      before = page.at(-1)?.number ?? null
    } while (before !== null)
    expect(walked).toEqual(['t-18', 't-16', 't-14', 't-12', 't-10', 't-8', 't-6', 't-4', 't-2', 't-0'])
    const page = await store.tasks(filter({ submittedBy: 'bob' }), { limit: 2, before: null, offset: 3 })
    expect(page.map(each => each.id)).toEqual(['t-13', 't-11'])
  })

  test('filters the tasks of one submitter by everything else, too', async bench => {
    const { store, submit } = bench
    await submit(
      draft('runs', { submittedBy: 'ada', priority: 10 }),
      draft('bad', { submittedBy: 'ada', priority: 9 }),
      draft('waits', { submittedBy: 'ada', queue: 'mail', labels: { env: 'prod' } }),
      draft('later', { submittedBy: 'ada', delayMs: 5_000, type: 'other' }),
      draft('child', { submittedBy: 'ada', dependencies: ['waits'] }),
      draft('stops', { submittedBy: 'ada' }),
      draft('theirs', { submittedBy: 'bob', queue: 'mail', labels: { env: 'prod' } }),
      draft('worse', { submittedBy: 'bob', priority: 8 }),
    )
    await bench.claimOne({ worker: 'w1' })
    await bench.fail(await bench.claimOne())
    await bench.fail(await bench.claimOne())
    await store.cancel([taskId('stops')], null)
    const own = (rest: Partial<TaskFilter>): Promise<readonly string[]> => ids(store, { submittedBy: 'ada', ...rest })
    expect(await own({ states: ['running'] })).toEqual(['runs'])
    expect(await own({ states: ['failed'] })).toEqual(['bad'])
    expect(await own({ states: ['blocked', 'scheduled'] })).toEqual(['child', 'later'])
    expect(await own({ states: ['pending', 'cancelled'] })).toEqual(['stops', 'waits'])
    expect(await own({ states: [] })).toEqual([])
    expect(await own({ queues: ['mail'] })).toEqual(['waits'])
    expect(await own({ types: ['other'] })).toEqual(['later'])
    expect(await own({ workerId: (await bench.task('runs')).workerId })).toEqual(['bad', 'runs'])
    expect(await own({ label: { key: 'env', value: 'prod' } })).toEqual(['waits'])
    expect(await own({ text: 'WAI' })).toEqual(['waits'])
    expect(await store.countTasks(filter({ submittedBy: 'bob', states: ['failed'] }), 10, null)).toMatchObject({
      count: 1,
    })
    expect(await store.countTasks(filter({ submittedBy: 'bob', queues: ['mail'] }), 10, null)).toMatchObject({
      count: 1,
    })
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

function filter(some: Partial<TaskFilter>): TaskFilter {
  return { ...everyTask, ...some }
}

async function ids(store: Store, some: Partial<TaskFilter>): Promise<readonly string[]> {
  const page = { limit: 100, before: null, offset: 0 }
  const listed = (await store.taskIds(filter(some), page)).map(each => each.id)
  expect((await store.tasks(filter(some), page)).map(each => each.id)).toEqual(listed)
  expect(await store.countTasks(filter(some), 100, null)).toEqual({ count: listed.length, isExact: true })
  return listed
}
