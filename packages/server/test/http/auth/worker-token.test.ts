import { beforeAll, describe, expect, it } from 'vitest'
import { bearer, type Guarded, startGuarded } from './guarded.ts'

describe('a service token that is for some queues and types', () => {
  let node: Guarded
  let limited: Record<string, string>
  let free: Record<string, string>
  let boss: Record<string, string>
  beforeAll(async () => {
    node = await startGuarded({ keep: true })
    limited = bearer(await node.token('limited', 'worker', { queues: ['a', 'b'], types: ['x', 'y'] }))
    free = bearer(await node.token('free', 'worker'))
    boss = bearer(await node.token('boss', 'operator'))
    return () => node.stop()
  })
  const register = (who: Record<string, string>, fields: object) =>
    node.call('POST', '/api/workers/register', { worker_id: 'w', ...fields }, who)
  const worker = async (id: string) => (await node.call('GET', `/api/workers/${id}`, undefined, boss)).body

  it('registers a worker that names nothing for all that it is for, and one that names less for that', async () => {
    expect((await register(limited, { worker_id: 'wide', capabilities: ['*'] })).status).toBe(201)
    expect(await worker('wide')).toMatchObject({ queues: ['a', 'b'], capabilities: ['x', 'y'] })
    expect((await register(limited, { worker_id: 'wide', capabilities: ['*'], queues: ['*'] })).status).toBe(201)
    expect((await register(limited, { worker_id: 'narrow', capabilities: ['y'], queues: ['b'] })).status).toBe(201)
    expect(await worker('narrow')).toMatchObject({ queues: ['b'], capabilities: ['y'] })
  })

  it.each([
    ['another queue', { capabilities: ['x'], queues: ['a', 'c'] }, "the queues 'a', 'b'; 'c' is not among them"],
    ['another type', { capabilities: ['x', 'z'], queues: ['a'] }, "the types 'x', 'y'; 'z' is not among them"],
  ])('does not register a worker for %s', async (_what, fields, sentence) => {
    const { status, body } = await register(limited, fields)
    expect(status).toBe(403)
    expect(body.detail).toContain(sentence)
  })

  it('does not take over a worker of somebody else, whose tasks would go back', async () => {
    await node.call('POST', '/api/tasks', { task_id: 'held', task_type: 'z', queue: 'c' }, boss)
    await register(free, { worker_id: 'theirs', capabilities: ['z'], queues: ['c'], instance: 'one' })
    await node.call('POST', '/api/workers/theirs/claim', {}, free)
    const { status } = await register(limited, {
      worker_id: 'theirs',
      capabilities: ['x'],
      queues: ['a'],
      instance: 'two',
    })
    expect(status).toBe(403)
    const settled = await node.call(
      'POST',
      '/api/workers/theirs/settle',
      { results: [{ task_id: 'held', epoch: 1, outcome: 'completed' }], claim: { limit: 1 } },
      limited,
    )
    expect(settled.body).toEqual({ results: [{ task_id: 'held', verdict: 'unknown' }], tasks: [] })
    expect((await worker('theirs')).current_tasks).toEqual(['held'])
  })

  it('claims what is within, also where the worker was registered for more meanwhile', async () => {
    await register(limited, { worker_id: 'w', capabilities: ['*'], max_concurrent_tasks: 9 })
    for (const [queue, task_type] of [
      ['a', 'x'],
      ['a', 'z'],
      ['c', 'x'],
      ['b', 'y'],
    ]) {
      await node.call('POST', '/api/tasks', { task_id: `${queue}-${task_type}`, task_type, queue }, boss)
    }
    const claim = () => node.call('POST', '/api/workers/w/claim', { limit: 9 }, limited)
    const first = await claim()
    expect((first.body.tasks as { task_id: string }[]).map(task => task.task_id).sort()).toEqual(['a-x', 'b-y'])
    await node.call('POST', '/api/workers/w/drain', {}, boss)
    await register(free, { worker_id: 'w', capabilities: ['*'], queues: ['*'], max_concurrent_tasks: 9 })
    const second = await claim()
    expect(second.body.tasks ?? []).toEqual([])
    await node.clock.advance(1_000)
    expect((await claim()).body.code).toBe('worker_unknown')
  })

  it('reads of tasks nothing but the parents of what runs within', async () => {
    await node.call('POST', '/api/tasks', { task_id: 'parent', task_type: 'x', queue: 'a' }, boss)
    await node.call(
      'POST',
      '/api/tasks',
      { task_id: 'child', task_type: 'x', queue: 'a', dependencies: ['parent'] },
      boss,
    )
    await register(limited, { worker_id: 'reader', capabilities: ['x'], queues: ['a'] })
    const parents = (id: string, who = limited) => node.call('GET', `/api/tasks/${id}/parents`, undefined, who)
    const claim = async () => {
      const { body } = await node.call('POST', '/api/workers/reader/claim', {}, limited)
      return (body.tasks as { task_id: string; epoch: number }[])[0]
    }
    const parent = await claim()
    expect(parent?.task_id).toBe('parent')
    expect((await parents('child')).status).toBe(404)
    const results = [{ task_id: 'parent', epoch: parent?.epoch, outcome: 'completed', result: 7 }]
    await node.call('POST', '/api/workers/reader/settle', { results }, limited)
    expect((await claim())?.task_id).toBe('child')
    expect((await parents('child')).body.parents).toMatchObject({ parent: { result: 7 } })
    const other = bearer(await node.token('other', 'worker', { queues: ['c'] }))
    expect((await parents('child', other)).status).toBe(404)
    expect((await node.call('GET', '/api/tasks/child', undefined, limited)).status).toBe(403)
  })

  it('of a submitter or an operator submits to, and changes, what is within', async () => {
    const robot = bearer(await node.token('robot', 'submitter', { queues: ['a'] }))
    const submit = (fields: object) => node.call('POST', '/api/tasks', { task_type: 'x', ...fields }, robot)
    expect((await submit({ queue: 'a' })).status).toBe(201)
    expect((await submit({ queue: 'c' })).body.code).toBe('forbidden')
    expect((await submit({})).body.code).toBe('forbidden')
    const tasks = [
      { task_type: 'x', queue: 'a' },
      { task_type: 'x', queue: 'c' },
    ]
    expect((await node.call('POST', '/api/tasks/batch', { tasks }, robot)).status).toBe(403)
    const loose = await node.call('POST', '/api/tasks/batch', { tasks, atomic: false }, robot)
    expect(loose.body.tasks).toMatchObject([
      { outcome: 'created' },
      { outcome: 'refused', error: { code: 'forbidden' } },
    ])
    const chief = bearer(await node.token('chief', 'operator', { queues: ['a'] }))
    await node.call('POST', '/api/tasks', { task_id: 'far', task_type: 'x', queue: 'far' }, boss)
    await node.call('POST', '/api/tasks', { task_id: 'near', task_type: 'x', queue: 'a' }, boss)
    expect((await node.call('POST', '/api/tasks/far/cancel', {}, chief)).status).toBe(403)
    expect((await node.call('PATCH', '/api/tasks/near', { priority: 7 }, chief)).status).toBe(200)
    expect((await node.call('PATCH', '/api/queues/far', { paused: true }, chief)).status).toBe(403)
    await node.call('POST', '/api/tasks/bulk', { action: 'cancel', filter: {} }, chief)
    expect((await node.call('GET', '/api/tasks/near', undefined, chief)).body.status).toBe('cancelled')
    expect((await node.call('GET', '/api/tasks/far', undefined, chief)).body.status).toBe('pending')
    expect((await node.call('POST', '/api/tasks/bulk', { action: 'cancel', ids: ['far'] }, chief)).status).toBe(403)
  })
})
