import type { LookupAddress, lookup } from 'node:dns'
import { createServer, type RequestListener, type Server } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createAddressGuard } from '../../src/couriers/http/address-guard.ts'
import { createHttpCourier } from '../../src/couriers/http/http-courier.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { Delivery } from '../../src/ports/courier.ts'
import { systemClock } from '../../src/system-clock.ts'

const anyUrl = 'https://hooks.example/1'

const servers: Server[] = []

/** A receiver on loopback; returns its port. */
async function receive(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  servers.push(server)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

function courierFor(allowed: readonly string[], clock: Clock = systemClock) {
  return createHttpCourier({ clock, allowed })
}

function post(port: number, path = '/', clock: Clock = systemClock): Promise<Delivery> {
  return courierFor(['127.0.0.1'], clock).post({ url: `http://127.0.0.1:${port}${path}`, headers: {}, body: '{}' })
}

/** A resolver that says this, first and then again. */
function resolverOf(...answers: readonly (readonly string[])[]): typeof lookup {
  let asked = 0
  const resolve = (
    _host: string,
    _options: unknown,
    callback: (error: Error | null, found: readonly LookupAddress[]) => void,
  ): void => {
    const found = answers[Math.min(asked, answers.length - 1)] ?? []
    asked += 1
    callback(
      null,
      found.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
  return resolve as unknown as typeof lookup // As far as the guard asks it.
}

describe('an address of a channel', () => {
  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://0/',
    'http://localhost:8000/api/tasks',
    'http://LOCALHOST./',
    'http://a.localhost/',
    'http://10.1.2.3/',
    'http://172.16.0.1/',
    'http://192.168.1.1/',
    'http://100.64.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://[fd00::1]/',
    'http://[fe80::1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://224.0.0.1/',
    'http://255.255.255.255/',
    'ftp://hooks.example/',
    'file:///etc/passwd',
    'gopher://hooks.example/',
    'unix:/var/run/docker.sock',
    'http://ada:secret@hooks.example/',
    'hooks.example/1',
    '',
    'http://',
  ])('is refused: %s', async url => {
    const courier = courierFor([])
    expect(courier.refusalOf(url)).toMatch(/^[A-Z].*\.$/)
    expect(await courier.post({ url, headers: {}, body: '' })).toMatchObject({ kind: 'failed' })
  })

  it.each([anyUrl, 'http://hooks.example:8080/a?b=c', 'http://8.8.8.8/', 'http://[2606:4700::1111]/'])(
    'is fine as far as it can tell itself: %s',
    url => {
      expect(courierFor([]).refusalOf(url)).toBeNull()
    },
  )

  it('is allowed where the operator says so, by host, address or network', () => {
    const courier = courierFor(['hooks.internal', '10.1.2.3', '192.168.0.0/16', 'fd00::/8', 'localhost'])
    const urls = ['10.1.2.3', '192.168.7.7', '[fd00::7]', 'localhost:9000'].map(host => `http://${host}/`)
    expect(urls.map(courier.refusalOf)).toEqual([null, null, null, null])
    expect(courier.refusalOf('http://10.1.2.4/')).toContain('TASKLANE_WEBHOOK_ALLOW')
    expect(courier.refusalOf('http://127.0.0.1/')).not.toBeNull()
  })
})

describe('a name of a channel', () => {
  const look = (allowed: readonly string[], ...answers: readonly (readonly string[])[]) => {
    const guard = createAddressGuard(allowed, resolverOf(...answers))
    return (host: string): Promise<string> =>
      new Promise(resolve => {
        guard.lookup(host, { all: true }, (error, found) => {
          resolve(
            error === null ? JSON.stringify(Object(found).map((each: LookupAddress) => each.address)) : error.message,
          )
        })
      })
  }

  it('is judged by each address that it leads to, when it is connected to', async () => {
    const rebinding = look([], ['93.184.216.34'], ['127.0.0.1'])
    expect(await rebinding('hooks.example')).toBe('["93.184.216.34"]')
    expect(await rebinding('hooks.example')).toMatch(/hooks\.example is at 127\.0\.0\.1, which is a loopback address/)
    expect(await look([], ['10.0.0.1', '93.184.216.34'])('hooks.example')).toBe('["93.184.216.34"]')
    expect(await look([], ['10.0.0.1', '::1'])('hooks.example')).toMatch(/is private/)
    expect(await look([], [])('hooks.example')).toMatch(/has no address/)
  })

  it('may lead anywhere where the operator allows it', async () => {
    expect(await look(['hooks.internal'], ['10.0.0.1'])('HOOKS.internal')).toBe('["10.0.0.1"]')
    expect(await look(['10.0.0.0/24'], ['10.0.0.1'])('hooks.internal')).toBe('["10.0.0.1"]')
    expect(await look(['other.internal'], ['10.0.0.1'])('hooks.internal')).toMatch(/is private/)
  })

  it('is refused at the connection, whatever it looks like', async () => {
    const port = await receive((_, response) => void response.end())
    const guard = createAddressGuard([], resolverOf(['127.0.0.1']))
    const courier = createHttpCourier({ clock: systemClock, allowed: [], guard })
    const url = `http://hooks.example:${port}/`
    expect(courier.refusalOf(url)).toBeNull()
    expect(await courier.post({ url, headers: {}, body: '' })).toMatchObject({
      kind: 'failed',
      detail: expect.stringContaining('loopback'),
    })
  })
})

describe('a message', () => {
  it('is posted with its headers, and the answer is told', async () => {
    let seen = ''
    const port = await receive((request, response) => {
      request.on('data', (piece: Buffer) => {
        seen += `${request.method} ${request.headers['content-type']} ${piece}`
      })
      request.on('end', () => response.writeHead(202).end('Thanks.'))
    })
    const url = `http://127.0.0.1:${port}/`
    const letter = { url, headers: { 'content-type': 'application/json' }, body: '{"a":"ä"}' }
    expect(await courierFor(['127.0.0.1']).post(letter)).toEqual({ kind: 'answered', status: 202, body: 'Thanks.' })
    expect(seen).toBe('POST application/json {"a":"ä"}')
  })

  it('follows no redirect', async () => {
    let asked = 0
    const port = await receive((_, response) => {
      asked += 1
      response.writeHead(307, { location: 'http://169.254.169.254/' }).end()
    })
    expect(await post(port)).toMatchObject({ kind: 'answered', status: 307 })
    expect(asked).toBe(1)
  })

  it('reads no answer to its end that has none', async () => {
    const port = await receive((_, response) => {
      response.writeHead(200)
      const piece = Buffer.alloc(65_536, 'x')
      const write = (): void => {
        while (!response.destroyed && response.write(piece));
      }
      response.on('drain', write)
      write()
    })
    const delivery = await post(port)
    expect(delivery).toMatchObject({ kind: 'answered', status: 200 })
    expect(delivery.kind === 'answered' ? delivery.body.length : 0).toBe(1_000)
  })

  it.each<readonly [string, RequestListener]>([
    ['one that says nothing', () => {}],
    ['one that begins to answer', (_, response) => void response.writeHead(200).write('…')],
  ])('waits for %s for a bounded time', async (_, listener) => {
    // The time is up as soon as the receiver has the request.
    let giveUp = (): void => {}
    const after: Clock['after'] = (_ms, callback) => {
      giveUp = callback
      return () => {}
    }
    const clock = { ...systemClock, after }
    const port = await receive((request, response) => {
      listener(request, response)
      giveUp()
    })
    expect(await post(port, '/', clock)).toEqual({ kind: 'failed', detail: 'There was no answer within 10 s.' })
  })

  it('has failed where headers are too large, or the receiver hangs up', async () => {
    const large = await receive((_, response) => {
      for (let at = 0; at < 100; at += 1) response.setHeader(`x-${at}`, 'y'.repeat(1_000))
      response.end()
    })
    expect(await post(large)).toMatchObject({ kind: 'failed', detail: expect.stringContaining('headers') })
    const rude = await receive(request => void request.socket.destroy())
    expect(await post(rude)).toMatchObject({ kind: 'failed', detail: expect.stringContaining('closed') })
    const half = await receive((_, response) => {
      response.writeHead(200, { 'content-length': '10' })
      response.write('half', () => response.destroy())
    })
    expect(await post(half)).toMatchObject({ kind: 'failed' })
  })

  it('has failed where nobody listens', async () => {
    const port = await receive(() => {})
    await new Promise(resolve => servers.pop()?.close(resolve))
    expect(await post(port)).toEqual({ kind: 'failed', detail: 'Nobody listens there: the connection was refused.' })
  })
})
