import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Reply } from './support/client.ts'
import { codeOf, expectProblem } from './support/expect-answer.ts'
import { type LiveNode, startNode } from './support/node.ts'

let node: LiveNode
let cursor: string
beforeAll(async () => {
  node = await startNode()
  const tasks = Array.from({ length: 20 }, (_, at) => ({
    task_id: `t${at}`,
    task_type: 'a',
    queue: 'q',
    name: `100 percent ${at}`,
    labels: { colour: 'blue' },
  }))
  await node.post('/api/tasks/batch', { tasks })
  cursor = String(Object((await node.get('/api/tasks?limit=5')).body).next_cursor)
})
afterAll(() => node.close())

const list = (query: Readonly<Record<string, string>>): Promise<Reply> =>
  node.get(`/api/tasks?${new URLSearchParams(query)}`)
const countOf = (reply: Reply): number => Object(reply.body).tasks.length

/** Each would find all tasks, or end the table, were it ever read as SQL or as a pattern. */
const hostile = [
  "' OR 1=1--",
  "q' OR '1'='1",
  '%',
  '_',
  'q%',
  't_',
  "'; DROP TABLE tasks;--",
  '*',
  '.*',
  'x" OR ""="',
  '\\',
]

describe('a filter is compared, never read as SQL or as a pattern', () => {
  it.each(['task_type', 'queue', 'worker_id', 'label', 'q'])('%s', async name => {
    for (const text of hostile) {
      const reply = await list({ [name]: text })
      if (reply.status === 422) expectProblem(reply, `${name}=${text}`)
      else expect(countOf(reply), `${name}=${text}`).toBe(0)
    }
    expect(countOf(await list({}))).toBe(20)
  })

  it('the same in a bulk call, which then matches nothing', async () => {
    for (const name of ['task_type', 'queue', 'worker_id', 'label', 'q']) {
      for (const text of hostile) {
        const reply = await node.post('/api/tasks/bulk', { action: 'cancel', filter: { [name]: text } })
        if (reply.status === 422) expectProblem(reply, `${name}=${text}`)
        else expect(Object(reply.body).matched, `${name}=${text}`).toBe(0)
      }
    }
    expect(Object((await node.get('/api/stats')).body).tasks).toMatchObject({ pending: 20, cancelled: 0 })
  })

  it('a status that is none is refused, alone and among good ones', async () => {
    for (const status of [...hostile, 'pending,', 'pending,nonsense', 'PENDING', 'constructor', ',']) {
      const reply = await list({ status })
      expect(codeOf(reply), status).toBe('validation_failed')
      expectProblem(reply, status)
    }
  })
})

describe('a cursor that was never given out is refused', () => {
  it('whatever it is made of', async () => {
    const forged = (text: string) => Buffer.from(text, 'latin1').toString('base64url')
    const cursors = [
      'nonsense',
      '../..',
      "' OR 1=1--",
      forged('1.a.b'),
      forged('2.a.b'),
      forged('1.-5.0'),
      forged('1.zzzzzzzzzzz.0'),
      forged('{"__proto__":1}'),
      `${cursor}x`,
      cursor.slice(1),
    ]
    for (const each of cursors) {
      const reply = await list({ cursor: each })
      expect(codeOf(reply), each).toBe('cursor_invalid')
      expectProblem(reply, each)
    }
  })

  it('and so is that of another list, and a cursor beside an offset', async () => {
    expect(codeOf(await list({ cursor, queue: 'other' }))).toBe('cursor_invalid')
    expect(codeOf(await list({ cursor, offset: '1' }))).toBe('validation_failed')
    expect(countOf(await list({ cursor }))).toBe(15)
  })
})

it('a page is never larger than its bound, nor an offset deeper', async () => {
  for (const query of [{ limit: '1000000000' }, { limit: '501' }, { limit: '0' }, { limit: '-1' }, { limit: '1.5' }]) {
    expect(codeOf(await list(query)), JSON.stringify(query)).toBe('validation_failed')
  }
  expect(codeOf(await list({ offset: '1000000000' }))).toBe('validation_failed')
  expect(countOf(await list({ offset: '100000' }))).toBe(0)
})

/** In figures, since the classes of every call take their bounds from the document, and would move with it. */
const outside: readonly (readonly [field: string, values: readonly unknown[]])[] = [
  ['priority', [0, 11, -1, 0.999, 10.001, null, '5', true]],
  ['timeout', [0, -1, -0.001, 1e12, 2_592_001, '30']],
  ['max_retries', [-1, 101, 1e9, 1.5, null, '3']],
  ['delay', [-1, -0.001, 1e12, 315_360_001, null, '1']],
  ['dependencies', ['p', {}, [1], [null], null]],
  ['task_id', ['', '../x', 'a/b', 'x'.repeat(129), 5, null]],
  ['name', ['x'.repeat(257), 5, null]],
  ['labels', [[], { k: 1 }, { k: 'x'.repeat(257) }, { ['k'.repeat(65)]: 'v' }, { '': 'v' }]],
]

it.each(outside)('a task with its %s outside the bounds is refused, and told which field', async (field, values) => {
  for (const value of values) {
    const reply = await node.post('/api/tasks', { task_type: 'a', [field]: value })
    expect(codeOf(reply), `${field} = ${JSON.stringify(value)}`).toBe('validation_failed')
    expect(Object(reply.body).errors[0].pointer).toMatch(new RegExp(`^/${field}`))
    expectProblem(reply, field)
  }
  const total = Object((await node.get('/api/stats')).body).total
  expect(countOf(await list({ limit: '500' }))).toBe(total)
})

describe('times and delays at their bounds', () => {
  it('a delay beyond 2^31 ms does not fire at once', async () => {
    const ids: string[] = []
    for (const delay of [2_147_483.647, 2_147_483.648, 4_294_967.3, 315_360_000]) {
      const reply = await node.post('/api/tasks', { task_type: 'later', delay })
      expect(Object(reply.body).status, reply.text).toBe('scheduled')
      ids.push(String(Object(reply.body).task_id))
    }
    await node.post('/api/workers/register', { worker_id: 'w1', capabilities: ['later'] })
    // A timer of more than 31 bits would have run out by the end of this wait.
    expect((await node.post('/api/workers/w1/claim', { wait: 0.5, limit: 10 })).body).toEqual({ tasks: [] })
    for (const id of ids) expect(Object((await node.get(`/api/tasks/${id}`)).body).status).toBe('scheduled')
  })

  it('a retry_after beyond 2^31 ms does not either', async () => {
    await node.post('/api/tasks', { task_id: 'retried', task_type: 'retried' })
    await node.post('/api/workers/register', { worker_id: 'w2', capabilities: ['retried'] })
    const [task] = Object((await node.post('/api/workers/w2/claim', {})).body).tasks
    const result = { task_id: 'retried', epoch: task.epoch, outcome: 'failed', retry_after: 315_360_000 }
    const settled = await node.post('/api/workers/w2/settle', { results: [{ ...result, error: { message: 'no' } }] })
    expect(Object(settled.body).results).toMatchObject([{ verdict: 'applied' }])
    expect((await node.post('/api/workers/w2/claim', { wait: 0.5 })).body).toEqual({ tasks: [] })
  })

  it('a run_at that has passed means now', async () => {
    const reply = await node.post('/api/tasks', { task_type: 'past', run_at: '1970-01-01T00:00:00Z' })
    expect(Object(reply.body).status, reply.text).toBe('pending')
  })

  it('of two members of one name the last counts, as for every JSON parser of the platform', async () => {
    const body = '{"task_id":"twice","task_type":"first","task_type":"second"}'
    const reply = await node.send({ method: 'POST', path: '/api/tasks', body })
    expect(Object(reply.body).task_type).toBe('second')
  })
})

it('a name that reaches a header is escaped there', async () => {
  const reply = await node.post('/api/workers/register', { worker_id: 'a/b:c.d', capabilities: ['a'] })
  expect(reply.status).toBe(201)
  expect(reply.headers.location).toBe('/api/workers/a%2Fb%3Ac.d')
})
