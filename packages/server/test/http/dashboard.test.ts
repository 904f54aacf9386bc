import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { addDashboard } from '../../src/http/dashboard.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { startNode } from './harness.ts'

/** The pages alone, as the app has them. */
async function startPages(files: Readonly<Record<string, string>>): Promise<FastifyInstance> {
  const folder = temporaryFolder()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder.path, name, '..'), { recursive: true })
    writeFileSync(join(folder.path, name), text)
  }
  const app = fastify({ routerOptions: { ignoreTrailingSlash: true } })
  onTestFinished(async () => {
    await app.close()
    folder.remove()
  })
  await addDashboard(app, { hasTls: false, folder: folder.path })
  return app
}

describe('the dashboard', () => {
  it('is found from the root, by relative ways', async () => {
    const app = await startPages({ 'index.html': '<p>pages</p>' })
    for (const [url, to] of [
      ['/', 'ui/'],
      ['/ui', 'ui/'],
      ['/ui?x=/ui/', 'ui/'],
    ]) {
      const reply = await app.inject(url ?? '')
      expect([reply.statusCode, reply.headers.location]).toEqual([302, to])
    }
    for (const url of ['/ui/', '/ui/?x=1']) {
      const reply = await app.inject(url)
      expect([reply.statusCode, reply.body]).toEqual([200, '<p>pages</p>'])
      expect(reply.headers['content-type']).toMatch(/^text\/html/)
      expect(reply.headers['cache-control']).toBe('no-cache')
    }
  })

  it('lets nothing in but its own files, and files of named contents be kept', async () => {
    const app = await startPages({ 'index.html': '', 'assets/a-123.js': 'x()', 'icon.svg': '<svg/>' })
    const asset = await app.inject('/ui/assets/a-123.js')
    expect([asset.statusCode, asset.body]).toEqual([200, 'x()'])
    expect(asset.headers['cache-control']).toContain('immutable')
    const policy = String((await app.inject('/ui/')).headers['content-security-policy'])
    expect(policy).toContain("script-src 'self'")
    expect(policy).not.toMatch(/script-src[^;]*unsafe/)
    const again = await app.inject({
      url: '/ui/icon.svg',
      headers: { 'if-none-match': await etagOf(app, '/ui/icon.svg') },
    })
    expect(again.statusCode).toBe(304)
    for (const url of ['/ui/assets/', '/ui/ghost.js', '/ui/..%2f..%2fpackage.json', '/ui/%2e%2e/%2e%2e/package.json']) {
      expect((await app.inject(url)).statusCode, url).toBe(404)
    }
  })

  it('says how it is built where it is not', async () => {
    const app = await startPages({})
    expect((await app.inject('/ui/')).body).toContain('npm run build')
  })

  it('stands beside the API, whose 404 is its own', async () => {
    const node = await startNode()
    expect((await node.call('GET', '/')).status).toBe(302)
    expect((await node.call('GET', '/ui/')).status).toBe(200)
    expect((await node.call('GET', '/ui/ghost')).body).toMatchObject({ code: 'not_found' })
    expect((await node.call('GET', '/tasks')).body).toMatchObject({ tasks: [] })
    expect((await node.call('GET', '/openapi.json')).text).not.toContain('"/ui')
  })
})

async function etagOf(app: FastifyInstance, url: string): Promise<string> {
  return String((await app.inject(url)).headers.etag)
}
