import { limits } from '@tasklane/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../support/processes.ts'
import type { Reply } from './support/client.ts'
import { readDigest } from './support/digest.ts'
import { codeOf, expectProblem } from './support/expect-answer.ts'
import { type LiveNode, startNode } from './support/node.ts'

let node: LiveNode
beforeEach(async () => {
  node = await startNode()
})
afterEach(() => node.close())

const submit = (task: object) => node.post('/api/tasks', { task_type: 'a', ...task })
const submitMany = (tasks: readonly object[], rest: object = {}) =>
  node.post('/api/tasks/batch', { tasks: tasks.map(task => ({ task_type: 'a', ...task })), ...rest })

async function expectRefused(code: string, send: () => Promise<Reply>): Promise<Reply> {
  const before = await readDigest(node)
  const reply = await send()
  expect(codeOf(reply), reply.text.slice(0, 500)).toBe(code)
  expectProblem(reply, code)
  expect((await readDigest(node)).text).toBe(before.text)
  expect((await submit({ task_id: `canary-${before.tasks}` })).status).toBe(201)
  return reply
}

/** A ring in which each task waits for the one before it, and the first for the last. */
function ring(length: number): readonly object[] {
  return Array.from({ length }, (_, at) => ({ task_id: `r${at}`, dependencies: [`r${(at + length - 1) % length}`] }))
}

describe('a graph that cannot be', () => {
  it('a task that waits for itself is refused, alone and in a batch', async () => {
    await expectRefused('dependency_self', () => submit({ task_id: 't', dependencies: ['t'] }))
    await expectRefused('dependency_self', () => submitMany([{ task_id: 't', dependencies: ['t'] }]))
  })

  it('a parent that does not exist is refused by its name', async () => {
    const reply = await expectRefused('dependency_unknown', () => submit({ dependencies: ['nobody'] }))
    expect(reply.text).toContain("'nobody'")
    await expectRefused('dependency_unknown', () =>
      submitMany([{ task_id: 'one' }, { dependencies: ['one', 'nobody'] }]),
    )
  })

  it.each([2, 3, limits.batchTasksMax])('a ring of %i is refused in one sentence', async length => {
    const reply = await expectRefused('dependency_cycle', () => submitMany(ring(length)))
    expect(reply.text.length).toBeLessThan(3_000)
  })

  it('a ring among good tasks refuses all of them, or only itself where the batch is not atomic', async () => {
    const tasks = [{ task_id: 'good' }, ...ring(3), { task_id: 'child', dependencies: ['r0'] }]
    await expectRefused('dependency_cycle', () => submitMany(tasks))
    const loose = await submitMany(tasks, { atomic: false })
    expect(loose.status, loose.text).toBe(201)
    const outcomes = Object(loose.body).tasks.map((task: { outcome: string }) => task.outcome)
    expect(outcomes).toEqual(['created', 'refused', 'refused', 'refused', 'refused'])
  })

  it('two tasks of one id with different content in a batch are refused', async () => {
    await expectRefused('task_conflict', () =>
      submitMany([
        { task_id: 't', name: 'one' },
        { task_id: 't', name: 'two' },
      ]),
    )
  })

  it('two tasks of one idempotency key with different content in a batch are refused', async () => {
    const tasks = [
      { idempotency_key: 'k', name: 'one' },
      { idempotency_key: 'k', name: 'two' },
    ]
    await expectRefused('task_conflict', () => submitMany(tasks))
  })

  it('the same id or key with other content is refused later too, and the first task stands', async () => {
    await submit({ task_id: 't', idempotency_key: 'k', payload: 1 })
    await expectRefused('task_conflict', () => submit({ task_id: 't', payload: 2 }))
    await expectRefused('task_conflict', () => submit({ idempotency_key: 'k', payload: 2 }))
    expect(Object((await node.get('/api/tasks/t')).body).payload).toBe(1)
  })

  it('one parent more than the bound is refused, and as many as the bound are taken', async () => {
    for (let at = 0; at < limits.dependenciesMax; at += limits.batchTasksMax) {
      await submitMany(Array.from({ length: limits.batchTasksMax }, (_, nth) => ({ task_id: `p${at + nth}` })))
    }
    const parents = Array.from({ length: limits.dependenciesMax }, (_, at) => `p${at}`)
    await expectRefused('validation_failed', () => submit({ dependencies: [...parents, 'p0'] }))
    const taken = await submit({ task_id: 'child', dependencies: parents })
    expect(taken.status, taken.text.slice(0, 300)).toBe(201)
  })

  it('a child of a task that has failed is taken and ends at once', async () => {
    await submit({ task_id: 'parent', max_retries: 0 })
    await failTask('parent')
    const child = await submit({ task_id: 'child', dependencies: ['parent'] })
    expect(child.status, child.text).toBe(201)
    expect(Object((await node.get('/api/tasks/child')).body)).toMatchObject({
      status: 'cancelled',
      error: { code: 'dependency_failed' },
    })
  })
})

describe('a batch with one bad task among 1,000', () => {
  const tasks = Array.from({ length: limits.batchTasksMax }, (_, at) => ({
    task_id: `t${at}`,
    ...(at === 700 ? { priority: 11 } : {}),
  }))

  it('writes nothing, and says which', async () => {
    const reply = await expectRefused('validation_failed', () => submitMany(tasks))
    expect(Object(reply.body).errors).toMatchObject([{ pointer: '/tasks/700/priority' }])
  })

  it('writes the other 999 where it is not atomic', async () => {
    const reply = await submitMany(tasks, { atomic: false })
    expect(reply.status).toBe(201)
    expect(Object((await node.get('/api/stats')).body).total).toBe(999)
    expect(Object(reply.body).tasks[700]).toMatchObject({ outcome: 'refused', error: { code: 'validation_failed' } })
  })
})

it('a chain of 100,000 tasks ends whole when a task in its middle is cancelled and its head fails', async () => {
  const length = 100_000
  for (let at = 0; at < length; at += limits.batchTasksMax) {
    const link = (nth: number) => ({
      task_id: `c${at + nth}`,
      dependencies: at + nth === 0 ? [] : [`c${at + nth - 1}`],
      max_retries: 0,
    })
    const reply = await submitMany(Array.from({ length: limits.batchTasksMax }, (_, nth) => link(nth)))
    expect(reply.status, reply.text.slice(0, 300)).toBe(201)
  }
  expect((await node.post(`/api/tasks/c${length / 2}/cancel`, {})).status).toBe(200)
  await untilCounted('cancelled', length / 2)
  await failTask('c0')
  await untilCounted('cancelled', length - 1)
  expect(Object((await node.get(`/api/tasks/c${length - 1}`)).body)).toMatchObject({
    status: 'cancelled',
    error: { code: 'dependency_failed' },
  })
})

async function failTask(id: string): Promise<void> {
  await node.post('/api/workers/register', { worker_id: 'w1', capabilities: ['*'] })
  const [task] = Object((await node.post('/api/workers/w1/claim', {})).body).tasks
  expect(task.task_id).toBe(id)
  const error = { message: 'It failed.' }
  const result = { task_id: id, epoch: task.epoch, outcome: 'failed', error, retryable: false }
  const settled = await node.post('/api/workers/w1/settle', { results: [result] })
  expect(Object(settled.body).results).toMatchObject([{ verdict: 'applied' }])
}

async function untilCounted(state: string, count: number): Promise<void> {
  await until(
    async () => Number(Object((await node.get('/api/stats')).body).tasks[state]),
    seen => seen === count,
    () => `${count} tasks to be ${state}`,
  )
}
