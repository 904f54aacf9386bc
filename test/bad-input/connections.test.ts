import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/processes.ts'
import { readDocument } from './support/document.ts'
import { codeOf, expectProblem } from './support/expect-answer.ts'
import { type LiveNode, startNode } from './support/node.ts'
import { dial, exchange, firstReply, statusesOf } from './support/raw.ts'

/** Short enough for a test, long enough for an honest request on a busy machine. */
const requestTimeoutMs = 1_000

let node: LiveNode
beforeAll(async () => {
  node = await startNode({ requestTimeoutMs })
})
afterAll(() => node.close())

const jsonHead = 'POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
const last = 'Connection: close\r\n\r\n'

async function expectCanary(): Promise<void> {
  expect((await node.get('/readyz')).status).toBe(200)
  const reply = await node.post('/api/tasks', { task_id: 'canary', task_type: 'canary' })
  expect(reply.status, reply.text).toBeLessThan(202)
  // The canary is the only task that any of this may have made.
  expect(Object((await node.get('/api/stats')).body).total).toBe(1)
}

/** Bytes that are answered by a refusal, after which the node closes the connection. */
const refusals: readonly (readonly [what: string, bytes: string | Buffer, status: number, code: string])[] = [
  ['nonsense', 'this is not HTTP\r\n\r\n', 400, 'request_invalid'],
  ['a TLS hello', Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 13, 10, 13, 10]), 400, 'request_invalid'],
  ['a method that does not exist', 'BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'request_invalid'],
  ['a method in small letters', 'get /livez HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'request_invalid'],
  ['HTTP/9.9', 'GET /livez HTTP/9.9\r\nHost: localhost\r\n\r\n', 400, 'request_invalid'],
  ['no Host', `GET /livez HTTP/1.1\r\n\r\n`, 400, 'request_invalid'],
  ['two lengths', `${jsonHead}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, 400, 'request_invalid'],
  ['a negative length', `${jsonHead}Content-Length: -1\r\n\r\n{}`, 400, 'request_invalid'],
  ['a length that is no number', `${jsonHead}Content-Length: 2a\r\n\r\n{}`, 400, 'request_invalid'],
  ['a length beyond 64 bits', `${jsonHead}Content-Length: ${'9'.repeat(30)}\r\n\r\n{}`, 400, 'request_invalid'],
  [
    'length and chunks together',
    `${jsonHead}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    'request_invalid',
  ],
  [
    'an encoding that hides chunks',
    `${jsonHead}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
    400,
    'request_invalid',
  ],
  [
    'a chunk size that is none',
    `${jsonHead}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
    400,
    'request_invalid',
  ],
  ['a line feed alone between headers', 'GET /livez HTTP/1.1\nHost: localhost\nX-A: b\n\n', 400, 'request_invalid'],
  ['a folded header', 'GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n c\r\n\r\n', 400, 'request_invalid'],
  ['a blank before the colon', 'GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A : b\r\n\r\n', 400, 'request_invalid'],
  ['a header with a raw U+0000', 'GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: a\0b\r\n\r\n', 400, 'request_invalid'],
  ['a path with a raw blank', 'GET /api/tasks/a b HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'request_invalid'],
  ['a path with a raw line feed', 'GET /api/tasks/a\nb HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'request_invalid'],
  [
    'a path with broken percent-encoding',
    `GET /api/tasks/%zz HTTP/1.1\r\nHost: localhost\r\n${last}`,
    400,
    'request_invalid',
  ],
  ['a path of 100 KB', `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431, 'request_invalid'],
  [
    'a query of 100 KB',
    `GET /api/tasks?q=${'a'.repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    431,
    'request_invalid',
  ],
  [
    'a header of 100 KB',
    `GET /livez HTTP/1.1\r\nHost: localhost\r\nCookie: ${'a'.repeat(100_000)}\r\n\r\n`,
    431,
    'request_invalid',
  ],
  ['1,000 headers', `GET /livez HTTP/1.1\r\nHost: localhost\r\n${manyHeaders(1_000, 20)}\r\n`, 431, 'request_invalid'],
  ['a declared body of a terabyte', `${jsonHead}Content-Length: ${10 ** 12}\r\n\r\n{`, 413, 'payload_too_large'],
  ['a body of one byte more than 16 MiB', `${jsonHead}Content-Length: 16777217\r\n\r\n{`, 413, 'payload_too_large'],
  [
    'an expectation that nobody knows',
    `${jsonHead}Expect: the-unexpected\r\nContent-Length: 2\r\n\r\n{}`,
    417,
    'request_invalid',
  ],
]

describe('bytes that are no request', () => {
  it.each(refusals)('%s: a problem, and the connection ends', async (what, bytes, status, code) => {
    const reply = firstReply(await exchange(node.port, bytes))
    expect(reply.status, reply.text).toBe(status)
    expect(codeOf(reply)).toBe(code)
    expectProblem(reply, what)
    await expectCanary()
  })

  it('a body above 16 MiB by its own word is refused by every call that takes one, unread', async () => {
    const takers = (await readDocument(node)).routes.filter(({ body }) => body !== null)
    expect(takers.length).toBeGreaterThan(10)
    for (const { method, path } of takers) {
      const head = `${method} ${path.replace(/\{\w+\}/, 'x')} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`
      const reply = firstReply(await exchange(node.port, `${head}Content-Length: 16777217\r\n\r\n{`))
      expect(codeOf(reply), `${method} ${path}: ${reply.text}`).toBe('payload_too_large')
      expectProblem(reply, path)
    }
    await expectCanary()
  })

  it('a second request hidden behind a refused body is never served', async () => {
    const hidden =
      'POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"task_type":"evil"}'
    for (const head of [
      `${jsonHead}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `${jsonHead}Content-Length: 16777217\r\n\r\n`,
      `POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n`,
      `PUT /api/tasks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n`,
    ]) {
      const answers = statusesOf(await exchange(node.port, head + hidden))
      expect(answers, head).toHaveLength(1)
    }
    await expectCanary()
  })
})

describe('unusual requests', () => {
  it('HTTP/1.0 is answered and its connection closed', async () => {
    const text = await exchange(node.port, 'GET /livez HTTP/1.0\r\n\r\n')
    expect(statusesOf(text)).toEqual([200])
  })

  it('an absolute address is that of its path, whatever its host', async () => {
    const text = await exchange(node.port, `GET http://evil.example/livez HTTP/1.1\r\nHost: other.example\r\n${last}`)
    expect(statusesOf(text)).toEqual([200])
    expect(text).not.toContain('evil.example')
  })

  it('a Host that is none changes nothing and is echoed nowhere', async () => {
    for (const host of ['', 'a b', '"><script>', '127.0.0.1:99999999', '[::1', 'evil.example']) {
      const created = await exchange(node.port, `GET /api/tasks/x HTTP/1.1\r\nHost: ${host}\r\n${last}`)
      expect(statusesOf(created), host).toEqual([host === '' ? 404 : 421])
      if (host !== '') expect(created, host).not.toContain(host)
    }
  })

  it('100 pipelined requests, good and bad, are answered in their order', async () => {
    const paths = Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? '/livez' : '/api/tasks/nobody'))
    const text = await exchange(
      node.port,
      paths.map((path, at) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${at === 99 ? last : '\r\n'}`).join(''),
    )
    expect(statusesOf(text)).toEqual(paths.map(path => (path === '/livez' ? 200 : 404)))
  })

  it('1,000 small headers are no fault', async () => {
    const text = await exchange(node.port, `GET /livez HTTP/1.1\r\nHost: localhost\r\n${manyHeaders(1_000, 1)}${last}`)
    expect(statusesOf(text)).toEqual([200])
  })

  it('Expect: 100-continue is told to go on, or refused at once where the body is too large', async () => {
    const body = '{"task_id":"canary","task_type":"canary"}'
    const good = dial(node.port)
    good.socket.write(`${jsonHead}Expect: 100-continue\r\nContent-Length: ${body.length}\r\n${last}`)
    await good.has('100 Continue')
    good.socket.write(body)
    expect(statusesOf(await good.closed()).at(-1)).toBeLessThan(202)
    const large = dial(node.port)
    large.socket.write(`${jsonHead}Expect: 100-continue\r\nContent-Length: 16777217\r\n\r\n`)
    const text = await large.closed()
    expect(statusesOf(text).at(-1)).toBe(413)
    await expectCanary()
  })

  it('CONNECT makes no tunnel: the connection ends without an answer', async () => {
    expect(await exchange(node.port, `CONNECT 127.0.0.1:${node.port} HTTP/1.1\r\nHost: localhost\r\n\r\n`)).toBe('')
    await expectCanary()
  })

  it('an upgrade is not made: the request is answered as any other', async () => {
    for (const upgrade of ['websocket', 'h2c']) {
      const head = `GET /livez HTTP/1.1\r\nHost: localhost\r\nUpgrade: ${upgrade}\r\nConnection: Upgrade, close\r\n`
      const text = await exchange(node.port, `${head}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`)
      expect(statusesOf(text), upgrade).toEqual([200])
    }
  })
})

describe('a client that is slow', () => {
  it('is given a bounded time by a node that was told nothing', async () => {
    const plain = await startNode()
    await plain.close()
    expect(plain.patienceMs).toEqual({ headers: 20_000, request: 60_000 })
  })

  it('with its headers, its body a byte at a time, or chunks that have no end, is cut off with 408', async () => {
    const slow: readonly (readonly [start: string, drop: string])[] = [
      ['GET /livez HTTP/1.1\r\nHost: localhost\r\n', 'X-A: b\r\n'],
      [`${jsonHead}Content-Length: 1000\r\n\r\n{`, ' '],
      [`${jsonHead}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`, '1\r\n \r\n'],
    ]
    const ends = slow.map(async ([start, drop]) => {
      const line = dial(node.port)
      line.socket.write(start)
      const drip = setInterval(() => line.socket.write(drop), 100)
      const reply = firstReply(await line.closed().finally(() => clearInterval(drip)))
      expect(reply.status, start).toBe(408)
      expectProblem(reply, start)
    })
    await Promise.all(ends)
    await expectCanary()
  })

  it('or leaves in the middle of its body costs one line of the log and nothing else', async () => {
    const before = node.log.length
    for (let at = 0; at < 20; at += 1) {
      const line = dial(node.port)
      line.socket.write(`${jsonHead}Content-Length: 1000\r\n\r\n{"task_type":`)
      await until(
        () => line.socket.bytesWritten > 0 && !line.socket.connecting,
        Boolean,
        () => 'the bytes to leave',
      )
      line.socket.destroy()
    }
    await expectCanary()
    await until(
      node.connections,
      count => count <= 8,
      () => 'the connections to be gone',
    )
    expect(node.log.slice(before).filter(line => Object(JSON.parse(line)).level >= 50)).toEqual([])
  })

  it('or says nothing at all, 500 times, keeps nobody waiting and is cut off', async () => {
    const silent = Array.from({ length: 500 }, () => dial(node.port))
    await until(
      node.connections,
      count => count >= 500,
      () => '500 connections',
    )
    await expectCanary()
    await Promise.all(silent.map(line => line.closed()))
    await expectCanary()
  })

  it('or does not read the answer to its long poll holds nothing up', async () => {
    const lines = Array.from({ length: 50 }, () => dial(node.port))
    for (const { socket } of lines) {
      socket.pause()
      socket.write(`GET /api/tasks/canary/result?wait=30 HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(10))
    }
    await expectCanary()
    for (const { socket } of lines) socket.destroy()
    await until(
      node.connections,
      count => count <= 8,
      () => 'the connections to be gone',
    )
    await expectCanary()
  })
})

it('a node with as many connections as it takes closes further ones, and serves again when some have gone', async () => {
  const small = await startNode({ connectionsMax: 5 })
  try {
    const held = Array.from({ length: 5 }, () => dial(small.port))
    await until(
      small.connections,
      count => count === 5,
      () => 'five connections',
    )
    expect(await exchange(small.port, `GET /livez HTTP/1.1\r\nHost: localhost\r\n${last}`)).toBe('')
    for (const { socket } of held) socket.destroy()
    await until(
      small.connections,
      count => count === 0,
      () => 'no connections',
    )
    expect(statusesOf(await exchange(small.port, `GET /livez HTTP/1.1\r\nHost: localhost\r\n${last}`))).toEqual([200])
  } finally {
    await small.close()
  }
})

function manyHeaders(count: number, valueChars: number): string {
  return Array.from({ length: count }, (_, at) => `X-${at}: ${'a'.repeat(valueChars)}\r\n`).join('')
}
