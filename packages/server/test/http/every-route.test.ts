import { describe, expect, it } from 'vitest'
import { type Node, startNode } from './harness.ts'

/**
 * Every call that the OpenAPI document names, with everything a hostile or broken client may send. Whatever comes, the
 * answer is a reply or a problem, never a fault of ours, and the node serves the next request.
 */
const bodies: readonly (readonly [what: string, body: string | Buffer])[] = [
  ['null', 'null'],
  ['a list', '[]'],
  ['a string', '"text"'],
  ['a number', '5'],
  ['an empty object', '{}'],
  ['broken JSON', '{"a":'],
  ['a duplicate key', '{"task_type":"a","task_type":5}'],
  ['__proto__', '{"__proto__":{"polluted":true}}'],
  ['constructor.prototype', '{"constructor":{"prototype":{"polluted":true}}}'],
  ['deep nesting', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
  ['nesting that never closes', '['.repeat(100_000)],
  ['many keys', JSON.stringify(Object.fromEntries(Array.from({ length: 30_000 }, (_, at) => [`k${at}`, at])))],
  ['U+0000', '{"task_type":"\\u0000","worker_id":"\\u0000"}'],
  ['lone surrogates', '{"task_type":"\\ud800","worker_id":"\\udc00"}'],
  ['numbers too large', '{"limit":1e999,"priority":-1e999,"wait":123456789012345678901234567890}'],
  ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
  [
    'lists of wrong things',
    '{"tasks":[null,1,"x",[],{}],"results":[null,1],"logs":[null],"current_tasks":[null],"ids":[null]}',
  ],
  ['lists that are none', '{"tasks":{},"results":"x","logs":1,"current_tasks":{"length":1},"ids":{}}'],
]
const names = [
  'nobody',
  '__proto__',
  'constructor',
  '%00',
  '%2e%2e%2f',
  "'%3B--",
  '%F0%9F%98%80',
  '%0d%0aX-Evil:1',
  'x'.repeat(300),
]

async function calls(
  node: Node,
): Promise<readonly { method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'; path: string }[]> {
  const { paths } = (await node.call('GET', '/openapi.json')).body as { paths: Record<string, object> }
  // A live stream has no end to wait for; it has tests of its own.
  const ended = Object.entries(paths).filter(([path]) => path !== '/api/events')
  return ended.flatMap(([path, operations]) =>
    Object.keys(operations).map(method => ({ method: method.toUpperCase() as 'GET', path })),
  )
}

async function expectWell(node: Node): Promise<void> {
  expect((await node.call('GET', '/health')).status).toBe(200)
  expect((await node.call('POST', '/api/tasks', { task_type: 'canary' })).status).toBe(201)
  expect(Reflect.get({}, 'polluted')).toBeUndefined()
}

function expectAnswer(answer: { status: number; headers: object; body: object; text: string }, what: string): void {
  expect(answer.status, `${what}: ${answer.text.slice(0, 300)}`).toBeLessThan(500)
  if (answer.status < 400) return
  expect(Reflect.get(answer.headers, 'content-type'), what).toBe('application/problem+json; charset=utf-8')
  expect(answer.body, what).toMatchObject({ status: answer.status, detail: expect.stringMatching(/^[^\n]{1,2000}\.$/) })
  expect(answer.text, what).not.toMatch(/\bat .*\.ts:\d+|node_modules/)
  expect(answer.text.length, what).toBeLessThan(20_000)
}

describe('every call', () => {
  it.each(bodies)('survives a body of %s', async (what, body) => {
    const node = await startNode()
    await node.call('POST', '/api/workers/register', { worker_id: 'w1', capabilities: ['*'] })
    for (const { method, path } of await calls(node)) {
      if (method === 'GET') continue
      const url = path.replace(/\{\w+\}/, 'w1')
      expectAnswer(await node.call(method, url, body), `${method} ${url} with ${what}`)
    }
    await expectWell(node)
  })

  it.each(names)('survives the name %s in its path', async name => {
    const node = await startNode()
    for (const { method, path } of await calls(node)) {
      if (!path.includes('{')) continue
      const url = path.replace(/\{\w+\}/, name)
      const answer = await node.call(method, url, method === 'GET' ? undefined : {})
      expectAnswer(answer, `${method} ${url}`)
      expect(answer.headers).not.toHaveProperty('x-evil')
    }
    await expectWell(node)
  })

  it('refuses query parameters it does not know, under /api only', async () => {
    const node = await startNode()
    for (const { method, path } of await calls(node)) {
      const answer = await node.call(
        method,
        `${path.replace(/\{\w+\}/, 'x')}?surprise=1`,
        method === 'GET' ? undefined : {},
      )
      if (path.startsWith('/api')) expect(answer.status, `${method} ${path}`).toBe(422)
      // Probes of health and dialects pass over it; a dialect may find fault with the body.
      else expect(answer.text, `${method} ${path}`).not.toContain('surprise')
    }
  })
})
