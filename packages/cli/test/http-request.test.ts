import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { LookupFunction } from 'node:net'
import { PermanentError, RetryAfter } from '@tasklane/sdk'
import { reasonAgainstAddress } from '@tasklane/server/special-address'
import { afterEach, describe, expect, it } from 'vitest'
import { guardedLookup } from '../src/builtins/address-guard.ts'
import { createHttpRequest } from '../src/builtins/http-request.ts'
import { attempt } from './run-task.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections()
})

/** A server on loopback; returns its port. */
async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

const open = createHttpRequest({ allowPrivateAddresses: true })
const guarded = createHttpRequest({ allowPrivateAddresses: false })

describe('an address', () => {
  it.each([
    '0.0.0.0',
    '127.0.0.1',
    '127.255.255.254',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '100.127.255.255',
    '192.0.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.7',
    '203.0.113.9',
    '224.0.0.1',
    '239.1.1.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:7f00:1',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '2001:db8::1',
    '2001::1',
    '2002:7f00:1::1',
    '100::1',
    '3fff::1',
    '5f00::1',
    'not an address',
    '',
  ])('that is not globally reachable is refused: %s', address => {
    expect(reasonAgainstAddress(address)).not.toBeNull()
  })

  it.each(['1.1.1.1', '8.8.8.8', '172.32.0.1', '100.128.0.1', '192.0.1.1', '2606:4700::1111', '2a00:1450:4001::1'])(
    'that is globally reachable is allowed: %s',
    address => {
      expect(reasonAgainstAddress(address)).toBeNull()
    },
  )
})

describe('a guarded look-up', () => {
  const resolving = (...addresses: string[]) =>
    guardedLookup(((_host: string, _options: object, callback: (error: null, found: object[]) => void) => {
      callback(
        null,
        addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    }) as never)
  const lookUp = (lookup: LookupFunction, all: boolean) =>
    new Promise((resolve, reject) => {
      lookup('name.test', { all }, (error, found, family) =>
        error === null ? resolve([found, family]) : reject(error),
      )
    })

  it('hands on the allowed addresses of a name and leaves out the others', async () => {
    const lookup = resolving('10.0.0.1', '1.1.1.1', '::1', '2606:4700::1111')
    const allowed = [
      { address: '1.1.1.1', family: 4 },
      { address: '2606:4700::1111', family: 6 },
    ]
    expect(await lookUp(lookup, true)).toEqual([allowed, undefined])
    expect(await lookUp(lookup, false)).toEqual(['1.1.1.1', 4])
  })

  it('refuses a name without an allowed address, and says why', async () => {
    await expect(lookUp(resolving('127.0.0.1'), true)).rejects.toThrow('name.test is at 127.0.0.1, which is a loopback')
  })
})

describe('http_request', () => {
  it.each([
    'http://127.0.0.1:PORT/',
    'http://localhost:PORT/',
    'http://2130706433:PORT/',
    'http://0x7f.1:PORT/',
    'http://0177.0.0.1:PORT/',
    'http://127.1:PORT/',
    'http://0:PORT/',
    'http://[::1]:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://[::ffff:7f00:1]:PORT/',
  ])('refuses %s for good, and never connects', async url => {
    let requests = 0
    const port = await serve((_request, response) => {
      requests += 1
      response.end()
    })
    const failing = attempt(guarded, { url: url.replace('PORT', String(port)) })
    await expect(failing).rejects.toBeInstanceOf(PermanentError)
    await expect(failing).rejects.toThrow('--allow-private-addresses')
    expect(requests).toBe(0)
  })

  it('refuses a redirect to loopback, though the first address was allowed', async () => {
    let secretRequests = 0
    const secret = await serve((_request, response) => {
      secretRequests += 1
      response.end('secret')
    })
    const port = await serve((_request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${secret}/` }).end()
    })
    // A name that the guard has let through, as if 127.0.0.1 were a public address for this name alone.
    const lookup: LookupFunction = (_host, options, callback) =>
      options.all === true ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4)
    const task = createHttpRequest({ allowPrivateAddresses: false, lookup })
    await expect(attempt(task, { url: `http://public.test:${port}/` })).rejects.toThrow(
      '127.0.0.1 is a loopback address',
    )
    expect(secretRequests).toBe(0)
  })

  it('returns status, headers and body, of a 404 too', async () => {
    const port = await serve((_request, response) => {
      response.writeHead(404, { 'x-thing': 'a', 'set-cookie': ['a=1', 'b=2'] }).end('nö')
    })
    const url = `http://127.0.0.1:${port}/path?q=1`
    expect(await attempt(open, { url })).toMatchObject({
      status: 404,
      headers: { 'x-thing': 'a', 'set-cookie': ['a=1', 'b=2'] },
      body: 'nö',
      body_encoding: 'utf-8',
      truncated: false,
      url,
    })
  })

  it('sends method, headers and body', async () => {
    const port = await serve((request, response) => echo(request, response))
    const input = { method: 'POST', headers: { 'X-Key': 'k', 'content-type': 'text/plain' }, body: 'dâta' }
    const { body } = await attempt(open, { url: `http://127.0.0.1:${port}/`, ...input })
    const seen: unknown = JSON.parse(body)
    expect(seen).toMatchObject({ method: 'POST', body: 'dâta', headers: { 'x-key': 'k', 'content-length': '5' } })
  })

  it('keeps 256 KiB of a body and leaves no half character', async () => {
    const port = await serve((_request, response) => response.end(`a${'é'.repeat(200_000)}`))
    const { body, truncated } = await attempt(open, { url: `http://127.0.0.1:${port}/` })
    expect(truncated).toBe(true)
    expect(Buffer.byteLength(body)).toBe(262_143)
    expect(body).toMatch(/^aé+$/)
  })

  it.each([
    ['a NUL', Buffer.from('a\0b')],
    ['bytes that are no text', Buffer.from([0xff, 0xfe])],
    ['a text that is all escapes', Buffer.alloc(200_000, 1)],
  ])('carries %s as base64', async (_what, bytes) => {
    const port = await serve((_request, response) => response.end(bytes))
    const { body, body_encoding } = await attempt(open, { url: `http://127.0.0.1:${port}/` })
    expect(body_encoding).toBe('base64')
    expect(Buffer.from(body, 'base64').equals(bytes)).toBe(true)
  })

  it('fails for another try on a 5xx, and believes its Retry-After', async () => {
    const port = await serve((request, response) => {
      response.writeHead(503, request.url === '/later' ? { 'retry-after': '7' } : {}).end()
    })
    const failing = attempt(open, { url: `http://127.0.0.1:${port}/` })
    await expect(failing).rejects.toThrow('answered 503')
    await expect(failing).rejects.not.toBeInstanceOf(PermanentError)
    const later = await attempt(open, { url: `http://127.0.0.1:${port}/later` }).catch((error: unknown) => error)
    expect(later).toBeInstanceOf(RetryAfter)
    expect(later).toMatchObject({ seconds: 7 })
  })

  it('follows redirects as browsers do, and shows secrets to nobody else', async () => {
    const foreign = await serve((request, response) => echo(request, response))
    const port = await serve((_request, response) => {
      response.writeHead(303, { location: `http://127.0.0.1:${foreign}/end` }).end()
    })
    const input = { method: 'POST', body: 'x', headers: { Authorization: 'secret', cookie: 'c', 'x-key': 'k' } }
    const { body, url } = await attempt(open, { url: `http://127.0.0.1:${port}/`, ...input })
    const seen: { method?: unknown; headers?: object } = JSON.parse(body)
    expect(url).toBe(`http://127.0.0.1:${foreign}/end`)
    expect(seen.method).toBe('GET')
    expect(seen.headers).toMatchObject({ 'x-key': 'k' })
    expect(seen.headers).not.toHaveProperty('authorization')
    expect(seen.headers).not.toHaveProperty('cookie')
  })

  it('gives up on a circle of redirects', async () => {
    let requests = 0
    const port = await serve((_request, response) => {
      requests += 1
      response.writeHead(307, { location: '/again' }).end()
    })
    await expect(attempt(open, { url: `http://127.0.0.1:${port}/` })).rejects.toThrow('more than 5 times')
    expect(requests).toBe(6)
  })

  it('refuses a redirect to something that is not HTTP', async () => {
    const port = await serve((_request, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end())
    await expect(attempt(open, { url: `http://127.0.0.1:${port}/` })).rejects.toBeInstanceOf(PermanentError)
  })

  it('ends a request that takes too long, with its headers sent or not', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/half') response.write('half of it')
    })
    for (const path of ['none', 'half']) {
      const failing = attempt(open, { url: `http://127.0.0.1:${port}/${path}`, timeout: 0.1 })
      await expect(failing).rejects.toThrow('did not answer within 0.1 s')
      await expect(failing).rejects.not.toBeInstanceOf(PermanentError)
    }
  })

  it('stops when the task is cancelled', async () => {
    const port = await serve(() => {})
    const cancelled = new Error('cancelled')
    const controller = new AbortController()
    const failing = attempt(open, { url: `http://127.0.0.1:${port}/` }, { signal: controller.signal })
    controller.abort(cancelled)
    await expect(failing).rejects.toThrow()
  })

  it.each([
    [{ url: 'ftp://example.org/' }, 'must begin with http:// or https://'],
    [{ url: 'example.org' }, 'must be a whole URL'],
    [{ url: 'http://a/', method: 'TRACE' }, 'must be one of GET'],
    [{ url: 'http://a/', headers: { Host: 'b' } }, 'belongs to the connection'],
    [{ url: 'http://a/', headers: { a: 'b\r\nc: d' } }, 'HTTP does not allow'],
    [{ url: 'http://a/', timeout: 0 }, 'must be at least'],
    [{ url: 'http://a/', retries: 3 }, 'is not known here'],
    [{}, 'is missing'],
  ])('refuses the payload %j', async (payload, sentence) => {
    await expect(attempt(guarded, payload)).rejects.toThrow(sentence)
  })
})

function echo(request: IncomingMessage, response: ServerResponse): void {
  let body = ''
  request.on('data', chunk => {
    body += String(chunk)
  })
  request.on('end', () => response.end(JSON.stringify({ method: request.method, headers: request.headers, body })))
}
