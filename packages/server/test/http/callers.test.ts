import { describe, expect, it } from 'vitest'
import { startNode } from './harness.ts'

/** Asks for the list of tasks and says how that ended: a code, or 200. */
async function askWith(edge: Parameters<typeof startNode>[0], ...cases: Record<string, string>[]): Promise<unknown[]> {
  const node = await startNode(edge)
  const ends: unknown[] = []
  for (const headers of cases) {
    const { status, body } = await node.call('GET', '/api/tasks', undefined, headers)
    ends.push(status === 200 ? 200 : body.code)
  }
  return ends
}

const access = { mode: 'required' } as const
const local = { host: 'localhost:8000' }

describe('an open node', () => {
  it('answers to loopback under each of its names', async () => {
    const hosts = [
      'localhost',
      'localhost:8000',
      'LOCALHOST.',
      '127.0.0.1:8000',
      '127.4.4.4',
      '[::1]:8000',
      'a.localhost',
    ]
    expect(await askWith({}, ...hosts.map(host => ({ host })))).toEqual(hosts.map(() => 200))
  })

  it.each([
    ['a name that was made to lead here', 'evil.example'],
    ['a name of one word, where it listens for this machine alone', 'tasklane'],
    ['a name that looks like ours', 'localhost.evil.example'],
    ['an address of the network', '192.168.1.5:8000'],
    ['an address in other notation', '2130706433'],
    ['a name and a user', 'evil.example@localhost'],
    ['a path', 'localhost/evil'],
    ['two names', 'localhost, evil.example'],
    ['a port that is none', 'localhost:80x'],
  ])('does not answer to %s', async (_what, host) => {
    const node = await startNode()
    const refusal = await node.call('POST', '/api/tasks', { task_type: 'noop' }, { host })
    expect(refusal).toMatchObject({ status: 421, body: { code: 'host_not_allowed' } })
    expect(refusal.body.detail).toMatch(/TASKLANE_ALLOWED_HOSTS|TASKLANE_AUTH/)
    expect((await node.call('GET', '/api/tasks')).body.tasks).toEqual([])
  })

  it('answers to names it was told, and to addresses where it listens on all', async () => {
    const edge = { hosts: ['tasks.example', '.lan.example'], takesAddresses: true }
    const hosts = [
      'tasks.example:80',
      'a.lan.example',
      'lan.example',
      '192.168.1.5:8000',
      '[fd00::5]:8000',
      'tasklane:8000',
      'x.example',
    ]
    expect(await askWith({ edge }, ...hosts.map(host => ({ host })))).toEqual([
      200,
      200,
      200,
      200,
      200,
      200,
      'host_not_allowed',
    ])
    expect(await askWith({ edge: { hosts: ['*'] } }, { host: 'evil.example' })).toEqual([200])
  })

  it('takes nothing from pages of somebody else', async () => {
    const ends = await askWith(
      {},
      { ...local, origin: 'https://evil.example' },
      { ...local, origin: 'null' },
      { ...local, origin: 'http://localhost:3000' },
      { ...local, origin: 'http://localhost:8000.evil.example' },
      { ...local, 'sec-fetch-site': 'cross-site' },
      { ...local, 'sec-fetch-site': 'same-site' },
      { ...local, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
    )
    expect(ends).toEqual(ends.map(() => 'origin_not_allowed'))
  })

  it('takes what its own pages send, what no page sends, and a link that somebody followed', async () => {
    const ends = await askWith(
      {},
      { ...local, origin: 'http://localhost:8000', 'sec-fetch-site': 'same-origin' },
      { ...local, origin: 'https://LOCALHOST:8000' },
      { ...local, 'sec-fetch-site': 'none' },
      local,
    )
    expect(ends).toEqual(ends.map(() => 200))
  })

  it('shows its pages to who followed a link from elsewhere, and does nothing else for a link or a form', async () => {
    const node = await startNode()
    const link = {
      ...local,
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    }
    expect((await node.call('GET', '/docs', undefined, link)).status).toBe(200)
    // A pull worker's GET hands out a task.
    for (const [method, path] of [
      ['GET', '/get_task/w'],
      ['GET', '/api/tasks'],
      ['POST', '/api/tasks'],
    ] as const) {
      expect(await node.call(method, path, undefined, link), path).toMatchObject({
        body: { code: 'origin_not_allowed' },
      })
    }
    const framed = { ...link, 'sec-fetch-dest': 'iframe' }
    expect((await node.call('GET', '/docs', undefined, framed)).body.code).toBe('origin_not_allowed')
  })

  it('refuses what came through a proxy, unless it was told of one', async () => {
    const headers = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'forwarded', 'x-real-ip']
    const cases = headers.map(name => ({ ...local, [name]: '203.0.113.9' }))
    expect(await askWith({}, ...cases)).toEqual(cases.map(() => 'forwarded_not_trusted'))
    const told = { edge: { trustProxy: true } }
    expect(await askWith(told, { ...local, 'x-forwarded-for': '203.0.113.9' })).toEqual([200])
    // The name that the proxy was called by is what counts.
    const renamed = { ...local, 'x-forwarded-host': 'evil.example' }
    expect(await askWith(told, renamed)).toEqual(['host_not_allowed'])
  })

  it('tells everybody how it is: probes come from anywhere', async () => {
    const node = await startNode()
    for (const path of ['/livez', '/readyz', '/health']) {
      const headers = { host: '10.2.3.4:8000', 'x-forwarded-for': '10.9.9.9' }
      expect((await node.call('GET', path, undefined, headers)).status, path).toBe(200)
    }
  })
})

describe('a node that asks for a login', () => {
  it('answers to any name: a browser gives away no token', async () => {
    const ends = await askWith({ access }, { host: 'a.example' }, { ...local, origin: 'https://b.example' })
    expect(ends).toEqual(['unauthenticated', 'unauthenticated'])
  })
})

describe('the address of a caller in the log', () => {
  const callers = async (trustProxy: boolean | string[], forwarded: string): Promise<unknown> => {
    const node = await startNode({ access, edge: { trustProxy } })
    await node.call('GET', '/nowhere', undefined, { 'x-forwarded-for': forwarded })
    return node.log.at(-1)?.fields.address
  }

  it('is that of the connection, whatever a header says', async () => {
    expect(await callers(false, '203.0.113.9')).toBe('127.0.0.1')
    expect(await callers(['10.0.0.1'], '203.0.113.9')).toBe('127.0.0.1')
  })

  it('is the one that a trusted proxy saw, and none that the caller made up', async () => {
    expect(await callers(true, '198.51.100.1, 203.0.113.9')).toBe('203.0.113.9')
    expect(await callers(['127.0.0.1', '10.0.0.0/8'], '198.51.100.1, 203.0.113.9, 10.0.0.7')).toBe('203.0.113.9')
  })
})

describe('CORS', () => {
  const page = { ...local, origin: 'https://app.example' }
  const preflight = { ...page, 'access-control-request-method': 'POST' }

  it('is closed by default', async () => {
    const node = await startNode({ access })
    for (const [method, headers] of [
      ['GET', page],
      ['OPTIONS', preflight],
    ] as const) {
      const reply = await node.call(method, '/api/tasks', undefined, headers)
      expect(Object.keys(reply.headers).filter(name => name.startsWith('access-control'))).toEqual([])
    }
  })

  it('is opened for the origins that are named, never for cookies', async () => {
    const node = await startNode({ edge: { corsOrigins: ['https://app.example'] } })
    const first = await node.call('OPTIONS', '/api/tasks', undefined, preflight)
    expect(first).toMatchObject({ status: 204, headers: { 'access-control-allow-origin': 'https://app.example' } })
    expect(first.headers['access-control-allow-headers']).toContain('Authorization')
    const reply = await node.call(
      'POST',
      '/api/tasks',
      { task_type: 'noop' },
      { ...page, 'sec-fetch-site': 'cross-site' },
    )
    expect(reply).toMatchObject({ status: 201, headers: { 'access-control-allow-origin': 'https://app.example' } })
    expect(reply.headers.vary).toBe('Origin')
    expect(reply.headers['access-control-allow-credentials']).toBeUndefined()
  })

  it('stays closed for all others, and leaves OPTIONS what it is', async () => {
    const node = await startNode({ access, edge: { corsOrigins: ['https://app.example'] } })
    const other = await node.call('GET', '/livez', undefined, { ...local, origin: 'https://evil.example' })
    expect(other.headers['access-control-allow-origin']).toBeUndefined()
    expect((await node.call('OPTIONS', '/api/tasks')).headers.allow).toBe('GET, HEAD, OPTIONS, POST')
  })
})

describe('the pages of the documentation', () => {
  it('run nothing that is not theirs, in nobody’s frame', async () => {
    const node = await startNode()
    const { status, headers, text } = await node.call('GET', '/docs')
    expect(status).toBe(200)
    expect(text).not.toMatch(/<script>|onload=/)
    expect(headers['content-security-policy']).toContain("script-src 'self'")
    expect(headers['content-security-policy']).not.toContain('unsafe-eval')
    expect(headers).toMatchObject({ 'x-frame-options': 'DENY', 'referrer-policy': 'same-origin' })
    expect(headers['strict-transport-security']).toBeUndefined()
  })
})
