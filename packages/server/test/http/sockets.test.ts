import { connect, type Socket } from 'node:net'
import { limits } from '@tasklane/protocol'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listen, startNode, until } from './harness.ts'

/** A bare connection: what it received so far, and whether the other side has closed it. */
function dial(port: number) {
  const socket: Socket = connect({ port, host: '127.0.0.1' })
  const seen = { text: '', isClosed: false }
  socket.setEncoding('utf8')
  socket.on('data', chunk => {
    seen.text += String(chunk)
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    seen.isClosed = true
  })
  onTestFinished(() => void socket.destroy())
  return { socket, seen }
}

function post(path: string, body: string, rest = ''): string {
  return `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${rest}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

describe('a claim whose reply cannot be delivered', () => {
  it('ends its wait when the worker leaves, and takes nothing afterwards', async () => {
    let asked = 0
    let aborted = 0
    const node = await startNode({
      engine: real => ({
        claim: ask => {
          asked += 1
          ask.signal.addEventListener('abort', () => {
            aborted += 1
          })
          return real.claim(ask)
        },
      }),
    })
    const port = await listen(node)
    await node.call('POST', '/api/workers/register', { worker_id: 'w1', capabilities: ['*'] })
    const { socket } = dial(port)
    socket.write(post('/api/workers/w1/claim', '{"wait":30}'))
    await until(() => asked === 1)
    socket.destroy()
    await until(() => aborted === 1)
    await node.call('POST', '/api/tasks', { task_id: 't', task_type: 'a' })
    expect((await node.call('GET', '/api/tasks/t')).body).toMatchObject({ status: 'pending', attempt: 0 })
  })

  it.each([
    ['claim', '{}'],
    ['settle', '{"results":[{"task_id":"nobody","epoch":1,"outcome":"released"}],"claim":{}}'],
  ])('is released at once, uncharged, where the worker left while it was made by %s', async (call, body) => {
    let letGo: () => void = () => undefined
    let claimed = 0
    let hasLeft = () => false
    const gate = new Promise<void>(resolve => {
      letGo = resolve
    })
    const node = await startNode({
      engine: real => ({
        claim: async ask => {
          hasLeft = () => ask.signal.aborted
          // The signal is kept from the engine: the claim is made although nobody is there any more.
          const tasks = await real.claim({ ...ask, signal: new AbortController().signal })
          claimed += tasks.length
          await gate
          return tasks
        },
      }),
    })
    const port = await listen(node)
    await node.call('POST', '/api/workers/register', { worker_id: 'w1', capabilities: ['*'] })
    await node.call('POST', '/api/tasks', { task_id: 't', task_type: 'a' })
    const { socket } = dial(port)
    socket.write(post(`/api/workers/w1/${call}`, body))
    await until(() => claimed === 1)
    expect((await node.call('GET', '/api/tasks/t')).body.status).toBe('running')
    socket.destroy()
    await until(() => hasLeft())
    letGo()
    await until(async () => (await node.call('GET', '/api/tasks/t')).body.status === 'pending')
    expect((await node.call('GET', '/api/tasks/t')).body).toMatchObject({ attempt: 0 })
    expect(node.log.map(entry => entry.message)).toContain('Claim was not delivered; its tasks are released')
  })

  it('is released where the worker stops reading and then goes away', async () => {
    const node = await startNode()
    const port = await listen(node)
    await node.call('POST', '/api/workers/register', { worker_id: 'w1', capabilities: ['*'] })
    const payload = 'x'.repeat(limits.payloadBytesMax - 2)
    for (let at = 0; at < 20; at += 1) {
      await node.call('POST', '/api/tasks', { task_id: `t${at}`, task_type: 'a', payload })
    }
    const { socket } = dial(port)
    socket.pause()
    socket.write(post('/api/workers/w1/claim', '{"limit":20}'))
    await until(async () => (await node.call('GET', '/api/tasks/t0')).body.status === 'running')
    socket.destroy()
    await until(async () => {
      const listed = await node.call('GET', '/api/tasks?status=pending&limit=20')
      return (listed.body.tasks as unknown[]).length === 20
    })
  })

  it('is not released where it was delivered', async () => {
    let released = 0
    const node = await startNode({
      engine: real => ({
        releaseUndelivered: async (id, tasks, requestId) => {
          released += 1
          await real.releaseUndelivered(id, tasks, requestId)
        },
      }),
    })
    const port = await listen(node)
    await node.call('POST', '/api/workers/register', { worker_id: 'w1', capabilities: ['*'] })
    await node.call('POST', '/api/tasks', { task_id: 't', task_type: 'a' })
    const { socket, seen } = dial(port)
    socket.write(post('/api/workers/w1/claim', '{}', 'Connection: close\r\n'))
    await until(() => seen.isClosed)
    expect(seen.text).toContain('"task_id":"t"')
    expect(released).toBe(0)
    expect((await node.call('GET', '/api/tasks/t')).body.status).toBe('running')
  })
})

describe('a wait for a result', () => {
  it('ends when the client leaves', async () => {
    let asked = 0
    let aborted = 0
    const node = await startNode({
      engine: real => ({
        waitForResult: (id, waitMs, signal) => {
          asked += 1
          signal.addEventListener('abort', () => {
            aborted += 1
          })
          return real.waitForResult(id, waitMs, signal)
        },
      }),
    })
    const port = await listen(node)
    await node.call('POST', '/api/tasks', { task_id: 't', task_type: 'a' })
    const { socket } = dial(port)
    socket.write('GET /api/tasks/t/result?wait=30 HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await until(() => asked === 1)
    socket.destroy()
    await until(() => aborted === 1)
  })

  it('outlives the time in which a request has to be received', async () => {
    const node = await startNode({ settings: { requestTimeoutMs: 200 } })
    const port = await listen(node)
    await node.call('POST', '/api/tasks', { task_id: 't', task_type: 'a' })
    const { socket, seen } = dial(port)
    socket.write('GET /api/tasks/t/result?wait=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    await until(() => seen.isClosed)
    expect(seen.text).toMatch(/^HTTP\/1\.1 202 /)
  })
})

describe('a node that stops', () => {
  it('answers the polls that are parked, and ends their connections', async () => {
    let asked = 0
    const node = await startNode({
      engine: real => ({
        claim: ask => {
          asked += 1
          return real.claim(ask)
        },
        waitForResult: (...ask) => {
          asked += 1
          return real.waitForResult(...ask)
        },
      }),
    })
    const port = await listen(node)
    await node.call('POST', '/api/tasks', { task_id: 't', task_type: 'other', delay: 60 })
    await node.call('POST', '/api/workers/register', { worker_id: 'w1', capabilities: ['*'] })
    const claim = dial(port)
    claim.socket.write(post('/api/workers/w1/claim', '{"wait":30}'))
    const result = dial(port)
    result.socket.write('GET /api/tasks/t/result?wait=30 HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const idle = dial(port)
    idle.socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await until(() => asked === 2 && idle.seen.text.includes('200 OK'))
    node.app.beginStop()
    node.engine.beginStop()
    await until(() => claim.seen.isClosed && result.seen.isClosed && idle.seen.isClosed)
    expect(claim.seen.text).toMatch(/^HTTP\/1\.1 200 /)
    expect(claim.seen.text).toContain('{"tasks":[]}')
    expect(result.seen.text).toMatch(/^HTTP\/1\.1 202 /)
    await node.app.close()
  })
})

describe('requests that are none', () => {
  it.each([
    ['nonsense', 'this is not HTTP\r\n\r\n', 400],
    ['headers beyond 16 KiB', `GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['a path beyond 16 KiB', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
    [
      'two lengths',
      'POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
      400,
    ],
    [
      'length and chunks together',
      'POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
  ])('%s: a problem, and the connection ends', async (_what, text, status) => {
    const node = await startNode()
    const { socket, seen } = dial(await listen(node))
    socket.write(text)
    await until(() => seen.isClosed)
    const [head = '', body = ''] = seen.text.split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(head).toContain('application/problem+json')
    expect(JSON.parse(body)).toMatchObject({ status, code: 'request_invalid', request_id: expect.any(String) })
    expect((await node.call('GET', '/livez')).status).toBe(200)
  })

  it('cuts a body that does not come with 408', async () => {
    const node = await startNode({ settings: { requestTimeoutMs: 200 } })
    const { socket, seen } = dial(await listen(node))
    socket.write(
      'POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    )
    await until(() => seen.isClosed)
    expect(seen.text).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('refuses a declared length above 16 MiB without reading it', async () => {
    const node = await startNode()
    const { socket, seen } = dial(await listen(node))
    socket.write(
      `POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${10 ** 12}\r\n\r\n{`,
    )
    await until(() => seen.isClosed)
    expect(seen.text).toMatch(/^HTTP\/1\.1 413 /)
    expect(seen.text).toContain('"code":"payload_too_large"')
  })

  it('stops reading chunks beyond 16 MiB', async () => {
    const node = await startNode()
    const { socket, seen } = dial(await listen(node))
    socket.write(
      'POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    )
    const chunk = `100000\r\n${' '.repeat(1_048_576)}\r\n`
    for (let at = 0; at < 20 && !seen.isClosed; at += 1) {
      if (!socket.write(chunk))
        await new Promise(resolve => {
          socket.once('drain', resolve)
          socket.once('close', resolve)
        })
    }
    await until(() => seen.isClosed)
    expect(seen.text).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('takes an absolute address, and pipelined requests in order', async () => {
    const node = await startNode()
    const { socket, seen } = dial(await listen(node))
    socket.write(
      'GET http://x/livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET /api/tasks/nobody HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    )
    await until(() => seen.isClosed)
    expect([...seen.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(match => match[1])).toEqual(['200', '404'])
  })

  it('answers OPTIONS for the whole server as an address that is none', async () => {
    const node = await startNode()
    const { socket, seen } = dial(await listen(node))
    socket.write('OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    await until(() => seen.isClosed)
    expect(seen.text).toMatch(/^HTTP\/1\.1 404 /)
    expect(seen.text).toContain('"code":"not_found"')
  })

  it('refuses a request without Host, which only HTTP/1.0 may leave out', async () => {
    const node = await startNode()
    const port = await listen(node)
    const modern = dial(port)
    modern.socket.write('GET /livez HTTP/1.1\r\n\r\n')
    const old = dial(port)
    old.socket.write('GET /livez HTTP/1.0\r\n\r\n')
    await until(() => modern.seen.isClosed && old.seen.isClosed)
    expect(modern.seen.text).toMatch(/^HTTP\/1\.1 400 /)
    expect(modern.seen.text).toContain('"code":"request_invalid"')
    expect(old.seen.text).toMatch(/^HTTP\/1\.1 200 /)
  })
})
