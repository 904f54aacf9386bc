import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findOpenssl, makePair } from '../../../../test/support/certificates.ts'
import { followTlsFiles, readTlsPair, TlsError } from '../../src/http/edge/tls.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { listen, startNode } from './harness.ts'

// Node makes no certificates.
const openssl = await findOpenssl()

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tasklane-tls-'))
  for (const name of ['one', 'two']) if (openssl !== null) makePair(openssl, filesOf(name), name)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const path = (name: string): string => join(folder, name)
const filesOf = (name: string) => ({ cert: path(`${name}.pem`), key: path(`${name}.key`) })

function get(port: number, caName: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const call = request({
      host: '127.0.0.1',
      port,
      path: '/livez',
      ca: readFileSync(filesOf(caName).cert),
      agent: false,
    })
    call.on('response', reply => {
      let text = ''
      reply.on('data', part => {
        text += part
      })
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, text }))
    })
    call.on('error', reject)
    call.end()
  })
}

describe.skipIf(openssl === null)('HTTPS without a proxy', () => {
  it('serves as over HTTP, and tells pages to stay with it', async () => {
    const node = await startNode({ edge: { tls: readTlsPair(filesOf('one')) } })
    expect(await get(await listen(node), 'one')).toMatchObject({ status: 200 })
    const page = await node.call('GET', '/docs')
    expect(page.headers['strict-transport-security']).toBe('max-age=31536000')
  })

  it('speaks TLS 1.2 at least', async () => {
    const node = await startNode({ edge: { tls: readTlsPair(filesOf('one')) } })
    const port = await listen(node)
    const speak = (version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3') =>
      new Promise<string>(resolve => {
        const options = {
          port,
          host: '127.0.0.1',
          rejectUnauthorized: false,
          minVersion: 'TLSv1.1',
          maxVersion: version,
        } as const
        const socket: TLSSocket = connect({ ...options, ciphers: 'DEFAULT@SECLEVEL=0' }, () => {
          resolve(socket.getProtocol() ?? 'none')
          socket.destroy()
        })
        socket.on('error', () => resolve('refused'))
      })
    expect([await speak('TLSv1.1'), await speak('TLSv1.2'), await speak('TLSv1.3')]).toEqual([
      'refused',
      'TLSv1.2',
      'TLSv1.3',
    ])
  })

  it('tells somebody who speaks plain HTTP to it', async () => {
    const node = await startNode({ edge: { tls: readTlsPair(filesOf('one')) } })
    const port = await listen(node)
    const text = await new Promise<string>((resolve, reject) => {
      let seen = ''
      const socket = connectPlain({ port, host: '127.0.0.1' }, () =>
        socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n'),
      )
      socket.on('data', part => {
        seen += part
      })
      socket.on('close', () => resolve(seen))
      socket.on('error', reject)
    })
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(JSON.parse(text.split('\r\n\r\n')[1] ?? '')).toMatchObject({
      code: 'request_invalid',
      detail: 'This port speaks HTTPS; write https:// instead of http://.',
    })
    // Nobody else is harmed by what is no TLS at all.
    const stranger = connectPlain({ port, host: '127.0.0.1' })
    await new Promise(resolve =>
      stranger
        .on('close', resolve)
        .on('error', () => {})
        .on('connect', () => stranger.write('\0\0\0\0no TLS')),
    )
    expect(await get(port, 'one')).toMatchObject({ status: 200 })
  })

  it('takes up a new certificate, and keeps the old one where the new is broken', async () => {
    const files = { cert: path('live.pem'), key: path('live.key') }
    const put = (cert: string, key: string): void => {
      copyFileSync(filesOf(cert).cert, files.cert)
      copyFileSync(filesOf(key).key, files.key)
    }
    put('one', 'one')
    const node = await startNode({ edge: { tls: readTlsPair(files) } })
    const clock = createVirtualClock()
    const lines: string[] = []
    const tell = (_fields: unknown, message: string) => void lines.push(message)
    const log = { debug: tell, info: tell, warn: tell, error: tell, child: () => log }
    const stop = followTlsFiles(node.app.server, files, { clock, log })
    const port = await listen(node)
    expect(await get(port, 'one')).toMatchObject({ status: 200 })
    await clock.advance(60_000)
    expect(lines).toEqual([])

    put('two', 'one')
    await clock.advance(5_000)
    expect(lines.splice(0)).toEqual([expect.stringMatching(/the old one stays in use.*cannot be used together/)])
    expect(await get(port, 'one')).toMatchObject({ status: 200 })
    writeFileSync(files.key, 'no key')
    await clock.advance(5_000)
    rmSync(files.cert)
    await clock.advance(5_000)
    // Told once for each change, not at every look.
    await clock.advance(60_000)
    expect(lines.splice(0)).toHaveLength(2)
    expect(await get(port, 'one')).toMatchObject({ status: 200 })

    put('two', 'two')
    await clock.advance(5_000)
    expect(lines.splice(0)).toEqual(['The new certificate is in use.'])
    expect(await get(port, 'two')).toMatchObject({ status: 200 })
    await expect(get(port, 'one')).rejects.toThrow(/self.signed/)
    stop()
    put('one', 'one')
    await clock.advance(60_000)
    expect(lines).toEqual([])
  })

  it('refuses to start with a pair that is none, and names the file', () => {
    const { cert } = filesOf('one')
    const { key } = filesOf('two')
    expect(() => readTlsPair({ cert, key })).toThrow(TlsError)
    expect(() => readTlsPair({ cert, key })).toThrow(key)
    expect(() => readTlsPair({ cert: path('none.pem'), key })).toThrow(/The certificate for TLS cannot be read: ENOENT/)
  })
})
