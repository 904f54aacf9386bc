import { limits } from '@tasklane/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Reply } from './support/client.ts'
import { readDigest } from './support/digest.ts'
import { codeOf, expectProblem } from './support/expect-answer.ts'
import { type LiveNode, startNode } from './support/node.ts'

let node: LiveNode
beforeEach(async () => {
  node = await startNode()
  await node.post('/api/workers/register', { worker_id: 'w1', capabilities: ['*'], max_concurrent_tasks: 10 })
  await node.post('/api/workers/register', { worker_id: 'w2', capabilities: ['*'] })
})
afterEach(() => node.close())

async function running(id: string): Promise<number> {
  await node.post('/api/tasks', { task_id: id, task_type: 'a' })
  const [task] = Object((await node.post('/api/workers/w1/claim', {})).body).tasks
  expect(task.task_id).toBe(id)
  return Number(task.epoch)
}

const settle = (worker: string, ...results: readonly object[]) =>
  node.post(`/api/workers/${worker}/settle`, { results: results.map(result => ({ outcome: 'completed', ...result })) })
const verdictsOf = (reply: Reply) => Object(reply.body).results.map(({ verdict }: { verdict: string }) => verdict)
const task = async (id: string) => Object((await node.get(`/api/tasks/${id}`)).body)

/** Whatever the verdict, nothing may have changed by it. */
async function expectUnchanged(verdict: string, send: () => Promise<Reply>): Promise<void> {
  const before = await readDigest(node)
  const reply = await send()
  expect(verdictsOf(reply), reply.text).toEqual([verdict])
  expect((await readDigest(node)).text).toBe(before.text)
}

describe('a settle', () => {
  it('of a task that was never leased is stale', async () => {
    await node.post('/api/tasks', { task_id: 't', task_type: 'a' })
    await expectUnchanged('stale', () => settle('w1', { task_id: 't', epoch: 1 }))
  })

  it('of a task that another worker holds is stale', async () => {
    const epoch = await running('t')
    await expectUnchanged('stale', () => settle('w2', { task_id: 't', epoch }))
    await expectUnchanged('stale', () => settle('nobody', { task_id: 't', epoch }))
  })

  it('with an epoch that was never given out is stale', async () => {
    const epoch = await running('t')
    for (const high of [epoch + 1, epoch + 2, Number.MAX_SAFE_INTEGER]) {
      await expectUnchanged('stale', () => settle('w1', { task_id: 't', epoch: high }))
    }
  })

  it.each(['1', 1.5, -1, 0, null, true, [1], { valueOf: 1 }, 2 ** 53, 1e300])(
    'with the epoch %j is refused, and the task goes on',
    async epoch => {
      await running('t')
      const reply = await settle('w1', { task_id: 't', epoch })
      expect(['validation_failed', 'text_invalid']).toContain(codeOf(reply))
      expectProblem(reply, String(epoch))
      expect(await task('t')).toMatchObject({ status: 'running' })
    },
  )

  it('of a task that does not exist, or of a name that is none, is unknown', async () => {
    for (const id of ['nobody', '../t', "' OR 1=1--", '__proto__', 'a\u0000b', '😀']) {
      await expectUnchanged('unknown', () => settle('w1', { task_id: id, epoch: 1 }))
    }
  })

  it('that is repeated is applied again; with another outcome it is stale', async () => {
    const epoch = await running('t')
    expect(verdictsOf(await settle('w1', { task_id: 't', epoch, result: 1 }))).toEqual(['applied'])
    await expectUnchanged('applied', () => settle('w1', { task_id: 't', epoch, result: 1 }))
    await expectUnchanged('stale', () =>
      settle('w1', { task_id: 't', epoch, outcome: 'failed', error: { message: 'no' } }),
    )
    await expectUnchanged('stale', () => settle('w1', { task_id: 't', epoch, outcome: 'released' }))
  })

  it('twice in one call with two outcomes applies the first only', async () => {
    const epoch = await running('t')
    const error = { message: 'no' }
    const reply = await settle(
      'w1',
      { task_id: 't', epoch, result: 1 },
      { task_id: 't', epoch, outcome: 'failed', error },
    )
    expect(verdictsOf(reply)).toEqual(['applied', 'stale'])
    expect(await task('t')).toMatchObject({ status: 'completed', result: 1 })
  })
})

describe('a result that cannot be kept', () => {
  const results: readonly (readonly [what: string, json: string])[] = [
    ['U+0000', '"a\\u0000b"'],
    ['a lone surrogate', '{"a":"\\ud800"}'],
    ['an integer that rounds', '[9007199254740993]'],
    ['a number beyond a float', '1e999'],
    ['__proto__', '{"a":{"__proto__":{"polluted":1}}}'],
    ['constructor.prototype', '{"constructor":{"prototype":{"polluted":1}}}'],
    ['nesting of 100,000', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['more than 1 MiB', JSON.stringify('x'.repeat(limits.resultBytesMax))],
    [
      'more names than bytes that are kept',
      `{${Array.from({ length: 100_000 }, (_, at) => `"k${at}":"${at}"`).join(',')}}`,
    ],
  ]

  it.each(results)('%s fails its own task and no other', async (_what, json) => {
    const [bad, good] = [await running('bad'), await running('good')]
    const reply = await node.send({
      method: 'POST',
      path: '/api/workers/w1/settle',
      body:
        `{"results":[{"task_id":"bad","epoch":${bad},"outcome":"completed","result":${json}},` +
        `{"task_id":"good","epoch":${good},"outcome":"completed","result":{"fine":true}}]}`,
    })
    expect(verdictsOf(reply), reply.text).toEqual(['applied', 'applied'])
    expect(await task('bad')).toMatchObject({ status: 'failed', result: null, error: { code: 'result_invalid' } })
    expect(await task('good')).toMatchObject({ status: 'completed', result: { fine: true } })
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })

  it('an error with all of it is repaired and cut instead', async () => {
    const epoch = await running('t')
    const error = `{"code":"E\\u0000","message":"\\ud800${'x'.repeat(200_000)}","stack":"\\u001b[31m\\u0000"}`
    const reply = await node.send({
      method: 'POST',
      path: '/api/workers/w1/settle',
      body: `{"results":[{"task_id":"t","epoch":${epoch},"outcome":"failed","retryable":false,"error":${error}}]}`,
    })
    expect(verdictsOf(reply), reply.text).toEqual(['applied'])
    const kept = await task('t')
    expect(kept).toMatchObject({ status: 'failed', error: { code: 'E\ufffd' } })
    expect(JSON.stringify(kept.error).length).toBeLessThanOrEqual(limits.errorBytesMax)
  })
})

describe('a worker that nobody knows', () => {
  it.each(['nobody', '__proto__', 'constructor', '%00', '..%2f..', 'x'.repeat(129)])(
    "'%s' is told to register",
    async name => {
      for (const call of ['heartbeat', 'claim']) {
        const reply = await node.post(`/api/workers/${name}/${call}`, {})
        expect(codeOf(reply), reply.text).toBe('worker_unknown')
        expectProblem(reply, call)
      }
    },
  )
})

it('log lines of a task that the worker does not hold are dropped and counted', async () => {
  const epoch = await running('t')
  const line = (id: string, of: number) => ({ task_id: id, epoch: of, message: 'a line' })
  const strange = [line('t', epoch + 1), line('nobody', 1), line('../t', epoch), line('__proto__', 1)]
  const reply = await node.post('/api/workers/w1/logs', { logs: [line('t', epoch), ...strange] })
  expect(reply.body).toEqual({ accepted: 1, dropped: 4 })
  expect((await node.post('/api/workers/w2/logs', { logs: [line('t', epoch)] })).body).toEqual({
    accepted: 0,
    dropped: 1,
  })
})

it('a worker that claims a thousand times more than it has slots gets what the bound allows', async () => {
  for (const limit of [1e9, limits.claimTasksMax + 1, 0, -1, 1.5, '5', null]) {
    const reply = await node.post('/api/workers/w1/claim', { limit })
    expect(codeOf(reply), String(limit)).toBe('validation_failed')
  }
  for (const wait of [1e9, limits.waitSecondsMax + 1, -1, '5', null]) {
    const reply = await node.post('/api/workers/w1/claim', { wait })
    expect(codeOf(reply), String(wait)).toBe('validation_failed')
  }
})

it('a worker with 100,000 capabilities is refused in one short sentence', async () => {
  const capabilities = Array.from({ length: 100_000 }, (_, at) => `type-${at}`)
  const reply = await node.post('/api/workers/register', { worker_id: 'w3', capabilities })
  expect(codeOf(reply), reply.text.slice(0, 300)).toBe('validation_failed')
  expectProblem(reply, 'capabilities')
  expect((await node.get('/api/workers/w3')).status).toBe(404)
})

it('progress of 101 %, -1, NaN, or in words is refused, and what was told before stays', async () => {
  const epoch = await running('t')
  const beat = (percent: unknown) =>
    node.post('/api/workers/w1/heartbeat', { current_tasks: [{ task_id: 't', epoch, progress: { percent } }] })
  expect((await beat(40)).status).toBe(200)
  for (const percent of [101, -1, 100.000001, Number.NaN, 'NaN', '50', null, [50], 1e308]) {
    expect(codeOf(await beat(percent)), String(percent)).toBe('validation_failed')
  }
  expect(await task('t')).toMatchObject({ status: 'running', progress: { percent: 40 } })
})
