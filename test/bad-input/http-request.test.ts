import type { LookupAddress } from 'node:dns'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type LookupFunction, type Server, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { PermanentError } from '@tasklane/sdk'
import { afterEach, describe, expect, it } from 'vitest'
import { guardedLookup } from '../../packages/cli/src/builtins/address-guard.ts'
import { createHttpRequest } from '../../packages/cli/src/builtins/http-request.ts'
import { attempt } from '../../packages/cli/test/run-task.ts'

/** What a task may ask `http_request` for, and what an unfriendly server may answer. */
const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function serve(
  listener: RequestListener,
): Promise<{ readonly port: number; readonly connections: () => number }> {
  const server = createServer({ maxHeaderSize: 1_048_576 }, listener)
  let connections = 0
  server.on('connection', () => {
    connections += 1
  })
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: await listenOn(server), connections: () => connections }
}

async function listenOn(server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}

const guarded = createHttpRequest({ allowPrivateAddresses: false })
const open = createHttpRequest({ allowPrivateAddresses: true })

/** A resolver that gives another answer at every look-up, as a hostile name server does; the last one stays. */
function rebinding(...answers: readonly string[]) {
  let asked = 0
  const resolve = (_host: string, _options: object, callback: (error: null, found: LookupAddress[]) => void) => {
    const address = answers[Math.min(asked, answers.length - 1)] ?? ''
    asked += 1
    callback(null, [{ address, family: address.includes(':') ? 6 : 4 }])
  }
  // The system's resolver has overloads; the guard uses this one alone.
  const lookup = guardedLookup(resolve as never)
  return { asked: () => asked, lookup }
}

/** The public address is served here: what the guard lets through is connected to loopback. */
function redirected(lookup: LookupFunction): LookupFunction {
  return (host, options, callback) =>
    lookup(host, options, (error, address, family) => {
      if (error !== null) callback(error, address, family)
      else if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }])
      else callback(null, '127.0.0.1', 4)
    })
}

describe('an address that is not for tasks', () => {
  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0x7f.0.0.1/',
    'http://0177.0.0.1/',
    'http://017700000001/',
    'http://0/',
    'http://0.0.0.0/',
    'http://[::]/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[fe80::1]/',
    'http://[fc00::1]/',
    'http://10.0.0.1/',
    'http://172.16.0.1/',
    'http://192.168.0.1/',
    'http://100.64.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://2852039166/',
    'http://user@127.0.0.1/',
    'http://example.org@127.0.0.1/',
    'http://127.0.0.1#@example.org/',
    'http://①②⑦.⓪.⓪.①/',
    'http://127.0.0.1./',
    'http://localhost/',
    'https://127.0.0.1/',
  ])('is refused for good: %s', async url => {
    await expect(attempt(guarded, { url })).rejects.toBeInstanceOf(PermanentError)
  })

  it.each([
    'file:///etc/passwd',
    'gopher://x/',
    'ftp://x/',
    'data:,x',
    'unix:/run/x',
    'javascript:1',
    '//x/',
    'http:',
    '',
  ])('nor is anything but HTTP: %s', async url => {
    await expect(attempt(guarded, { url })).rejects.toThrow()
  })

  it('is refused to a name that was public when it was first looked at', async () => {
    const { port, connections } = await serve((_request, response) => {
      response.writeHead(302, { location: `http://name.test:${port}/again` }).end()
    })
    const { asked, lookup } = rebinding('1.1.1.1', '127.0.0.1')
    const task = createHttpRequest({ allowPrivateAddresses: false, lookup: redirected(lookup) })
    const failing = attempt(task, { url: `http://name.test:${port}/` })
    await expect(failing).rejects.toBeInstanceOf(PermanentError)
    await expect(failing).rejects.toThrow('name.test is at 127.0.0.1, which is a loopback address')
    // Each connection was looked up once, by the look-up that its address came from.
    expect(asked()).toBe(2)
    expect(connections()).toBe(1)
  })

  it('is refused to every redirect, however it is written', async () => {
    for (const host of [
      '127.0.0.1',
      '[::1]',
      '2130706433',
      '0x7f.1',
      '169.254.169.254',
      'user@10.0.0.1',
      'localhost',
    ]) {
      const { port } = await serve((_request, response) =>
        response.writeHead(307, { location: `http://${host}/` }).end(),
      )
      const { lookup } = rebinding('1.1.1.1')
      // Only the first name is public.
      const onlyFirst: LookupFunction = (name, options, callback) =>
        name === 'public.test' ? redirected(lookup)(name, options, callback) : guardedLookup()(name, options, callback)
      const task = createHttpRequest({ allowPrivateAddresses: false, lookup: onlyFirst })
      await expect(attempt(task, { url: `http://public.test:${port}/` }), host).rejects.toBeInstanceOf(PermanentError)
    }
  })
})

describe('a server that does no good', () => {
  it('with a body without end is read for 256 KiB and left', async () => {
    let written = 0
    const { port } = await serve((_request, response) => {
      const more = () => {
        while (!response.destroyed && written < 200_000_000) {
          written += 65_536
          if (!response.write(Buffer.alloc(65_536, 97))) return void response.once('drain', more)
        }
      }
      more()
    })
    expect(await attempt(open, { url: `http://127.0.0.1:${port}/` })).toMatchObject({ truncated: true })
    expect(written).toBeLessThan(32_000_000)
  })

  it('that drips a byte at a time ends with the time limit', async () => {
    const { port } = await serve((_request, response) => {
      const drip = setInterval(() => response.write('a'), 20)
      response.once('close', () => clearInterval(drip))
    })
    await expect(attempt(open, { url: `http://127.0.0.1:${port}/`, timeout: 0.3 })).rejects.toThrow('within 0.3 s')
  })

  it('that drips its headers, or says nothing at all, ends with the time limit', async () => {
    const sockets: Socket[] = []
    const server = createTcpServer(socket => {
      sockets.push(socket)
      const drip = setInterval(() => socket.write('X-A: b\r\n'), 20)
      socket.once('close', () => clearInterval(drip))
      socket.on('error', () => undefined)
      socket.write('HTTP/1.1 200 OK\r\n')
    })
    const port = await listenOn(server)
    closing.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    await expect(attempt(open, { url: `http://127.0.0.1:${port}/`, timeout: 0.3 })).rejects.toThrow('within 0.3 s')
  })

  it('with more headers than HTTP needs fails the attempt', async () => {
    const { port } = await serve((_request, response) => {
      for (let at = 0; at < 2_000; at += 1) response.setHeader(`x-${at}`, 'a'.repeat(50))
      response.end()
    })
    await expect(attempt(open, { url: `http://127.0.0.1:${port}/` })).rejects.toThrow(/overflow/i)
  })

  it('with a compressed bomb is not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    const { port } = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
    })
    const { body, body_encoding } = await attempt(open, { url: `http://127.0.0.1:${port}/` })
    expect(body_encoding).toBe('base64')
    expect(Buffer.from(body, 'base64').equals(bomb.subarray(0, 262_144))).toBe(true)
  })

  it('that speaks no HTTP, or lies about its length, fails the attempt', async () => {
    for (const bytes of ['220 smtp.example ESMTP\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort', '']) {
      const server = createTcpServer(socket => {
        socket.on('error', () => undefined)
        socket.end(bytes)
      })
      const port = await listenOn(server)
      closing.push(() => void server.close())
      await expect(attempt(open, { url: `http://127.0.0.1:${port}/` }), bytes).rejects.toThrow()
    }
  })

  it('cannot give the result a name that changes other objects', async () => {
    const { port } = await serve((_request, response) => response.setHeader('__proto__', 'polluted').end('{}'))
    const { headers } = await attempt(open, { url: `http://127.0.0.1:${port}/` })
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
    expect(JSON.stringify(headers)).not.toContain('__proto__')
  })
})
