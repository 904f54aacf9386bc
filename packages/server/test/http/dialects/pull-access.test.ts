import { describe, expect, it } from 'vitest'
import { bearer, type Guarded, startGuarded } from '../auth/guarded.ts'

type Call = readonly [method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: unknown]

const workerCalls: readonly Call[] = [
  ['POST', '/register_worker/w1'],
  ['PUT', '/heartbeat/w1'],
  ['GET', '/get_task/w1'],
  ['POST', '/scheduler/task_status', { task_id: 'none', status: 'COMPLETED', worker_id: 'w1' }],
  ['DELETE', '/unregister_worker/w1'],
]
const submitCalls: readonly Call[] = [
  ['POST', '/add_task', { func_name: 'f' }],
  ['POST', '/cancel_task/none'],
  ['GET', '/scheduler/status'],
]

/** The calls of one who has this token. */
function as(node: Guarded, secret: string) {
  return ([method, url, body]: Call) => node.call(method, url, body, bearer(secret))
}

describe('who may use the pull scheduler', () => {
  it('nobody without a login, where one is required', async () => {
    const node = await startGuarded()
    for (const [method, url, body] of [...workerCalls, ...submitCalls]) {
      expect((await node.call(method, url, body)).status, url).toBe(401)
    }
  })

  it('a token of a worker works, and does nothing else', async () => {
    const node = await startGuarded()
    const call = as(node, await node.token('loop', 'worker'))
    for (const each of workerCalls) expect([200, 204, 404], each[1]).toContain((await call(each)).status)
    for (const each of submitCalls) expect((await call(each)).status, each[1]).toBe(403)
  })

  it('a token of a worker runs tasks from beginning to end, and is told nothing of others', async () => {
    const node = await startGuarded()
    const submit = as(node, await node.token('program', 'operator'))
    const work = as(node, await node.token('loop', 'worker'))
    const task_id = String((await submit(['POST', '/add_task', { func_name: 'f' }])).body.task_id)
    for (let times = 0; times < 2; times += 1) {
      expect((await work(['GET', '/get_task/w1'])).body).toMatchObject({ task_id, func: 'f' })
    }
    const report = { task_id, status: 'COMPLETED', result: 1, worker_id: 'w1' }
    expect((await work(['POST', '/task_status', report])).body).toMatchObject({ applied: true })
    const late = await work(['POST', '/task_status', { ...report, status: 'FAILED' }])
    expect([late.status, late.body.status, late.body.applied]).toEqual([200, null, false])
  })

  it('a token that is for some types and queues gets no others, whatever it registers for', async () => {
    const node = await startGuarded()
    const submit = as(node, await node.token('program', 'operator'))
    const work = as(node, await node.token('loop', 'worker', { types: ['f'], queues: ['pull'] }))
    for (const func_name of ['f', 'g']) await submit(['POST', '/add_task', { func_name }])
    await submit(['POST', '/api/tasks', { task_type: 'f', priority: 10 }])
    for (const query of ['', '?capabilities=*', '?capabilities=f']) {
      expect((await work(['POST', `/register_worker/w1${query}`])).status, query).toBe(200)
    }
    await work(['DELETE', '/unregister/w1'])
    const task = (await work(['GET', '/get_task/w1'])).body
    expect(task.func).toBe('f')
    await work(['POST', '/task_status', { task_id: task.task_id, status: 'COMPLETED', worker_id: 'w1' }])
    expect((await work(['GET', '/get_task/w1'])).status).toBe(204)
  })

  it('a cancel and the leaving of a worker are written into the audit log', async () => {
    const node = await startGuarded()
    const operate = as(node, await node.token('program', 'operator'))
    const task_id = String((await operate(['POST', '/add_task', { func_name: 'f' }])).body.task_id)
    await operate(['POST', `/scheduler/cancel_task/${task_id}`])
    await operate(['DELETE', '/unregister/w1'])
    await node.clock.advance(2_000)
    const filter = { actor: 'token:program', action: null, subject: null }
    const told = await node.store.audit(filter, { limit: 10, before: null })
    expect(told.map(({ action, subject, outcome }) => [action, subject, outcome])).toEqual([
      ['worker.deregister', 'w1', 'ok'],
      ['task.cancel', task_id, 'ok'],
    ])
  })

  it('a submitter sees and cancels its own tasks only', async () => {
    const node = await startGuarded()
    const [ada, bob] = [await node.user('ada', 'submitter'), await node.user('bob', 'submitter')]
    const asAda = as(node, await node.bearerOf(ada))
    const asBob = as(node, await node.bearerOf(bob))
    const work = as(node, await node.token('loop', 'worker'))
    const own = String((await asAda(['POST', '/add_task', { func_name: 'f', timeout: 5 }])).body.task_id)
    const foreign = String((await asBob(['POST', '/add_task', { func_name: 'f' }])).body.task_id)
    expect((await asAda(['POST', `/cancel_task/${foreign}`])).status).toBe(404)
    expect((await asAda(['POST', '/add_task', { func_name: 'f', dependencies: [foreign] }])).status).toBe(422)
    for (let tries = 0; tries < 6; tries += 1) {
      const task = (await work(['GET', '/get_task/w1'])).body
      await work(['POST', '/task_status', { task_id: task.task_id, status: 'TIMED_OUT', worker_id: 'w1' }])
      await node.clock.advance(10_000)
    }
    for (const [call, id] of [
      [asAda, own],
      [asBob, foreign],
    ] as const) {
      const { status, body } = await call(['GET', '/status'])
      expect(status).toBe(200)
      expect(body).toMatchObject({ total_tasks: 1, tasks_by_status: { TIMED_OUT: 1, FAILED: 0 }, worker_details: {} })
      expect(JSON.stringify(body)).not.toContain(id)
    }
  })
})
