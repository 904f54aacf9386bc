import { describe, expect, it } from 'vitest'
import { readCookie } from '../../../src/http/auth/cookie.ts'
import type { Answer } from '../harness.ts'
import { bearer, type Guarded, passwordOf, startGuarded } from './guarded.ts'

const page = { 'x-requested-with': 'tasklane' }

/** Whether the cookie of a request is believed. */
function read(method: string, headers: Readonly<Record<string, string>>): boolean {
  const host = headers.host ?? 'localhost:80'
  const request = { method, host, headers: { ...headers, host, cookie: 'a=1; tasklane_session=token; b=2' } }
  return Reflect.apply(readCookie, null, [request]) === 'token'
}

async function begin(node: Guarded, name = 'ada'): Promise<string> {
  const { status, text, headers } = await node.call(
    'POST',
    '/api/session',
    { username: name, password: passwordOf(name) },
    page,
  )
  expect(status, text).toBe(200)
  return cookieOf({ headers })
}

function cookieOf({ headers }: Pick<Answer, 'headers'>): string {
  return String(headers['set-cookie']).split(';')[0] ?? ''
}

async function nodeWithAda(): Promise<Guarded> {
  const node = await startGuarded()
  await node.user('ada', 'operator')
  return node
}

describe('the session of a browser', () => {
  it('is in a cookie that no script reads and no other site sends', async () => {
    const node = await nodeWithAda()
    const reply = await node.call('POST', '/api/session', { username: 'ada', password: passwordOf('ada') }, page)
    expect(reply.body).toMatchObject({ name: 'ada', role: 'operator', expires_at: expect.stringMatching(/Z$/) })
    expect(reply.text).not.toContain('eyJ')
    expect(reply.headers['set-cookie']).toMatch(
      /^tasklane_session=[\w-]+\.[\w-]+\.[\w-]+; Path=\/api; Max-Age=1800; HttpOnly; SameSite=Strict$/,
    )
    const cookie = cookieOf(reply)
    const me = await node.call('GET', '/api/me', undefined, { cookie: `other=1; ${cookie}`, ...page })
    expect(me.body).toMatchObject({
      name: 'ada',
      kind: 'user',
      auth: 'required',
      may: expect.arrayContaining(['tasks.submit']),
    })
    expect(me.body.may).not.toContain('accounts')
  })

  it.each([
    ['the browser says that it is from here', { 'sec-fetch-site': 'same-origin' }, true],
    ['somebody typed the address', { 'sec-fetch-site': 'none' }, true],
    ['the browser sends no word, but the page’s header is there', page, true],
    ['the origin is this host', { origin: 'http://localhost:80', host: 'localhost:80' }, true],
    ['another site', { 'sec-fetch-site': 'cross-site' }, false],
    ['another site that knows the header', { 'sec-fetch-site': 'cross-site', ...page }, false],
    ['another subdomain', { 'sec-fetch-site': 'same-site', ...page }, false],
    ['an origin that is another host', { origin: 'http://evil.example', ...page }, false],
    ['an origin that is another port', { origin: 'http://localhost:81', host: 'localhost:80', ...page }, false],
    ['an opaque origin', { origin: 'null', ...page }, false],
    ['nothing is known', {}, false],
  ])('is believed on a read as far as its page is ours: %s', (_what, headers, isBelieved) => {
    expect(read('GET', headers)).toBe(isBelieved)
    expect(read('HEAD', headers)).toBe(isBelieved)
  })

  it.each([
    ['the header and the browser’s word', { 'sec-fetch-site': 'same-origin', ...page }, true],
    ['the header', page, true],
    ['the browser’s word only', { 'sec-fetch-site': 'same-origin' }, false],
    ['an address that was typed', { 'sec-fetch-site': 'none', ...page }, false],
    ['the right origin only', { origin: 'http://localhost:80', host: 'localhost:80' }, false],
    ['another value of the header', { 'x-requested-with': 'XMLHttpRequest' }, false],
  ])('changes something only with the header of our pages: %s', (_what, headers, isBelieved) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) expect(read(method, headers), method).toBe(isBelieved)
  })

  it('that is not believed is no login', async () => {
    const node = await nodeWithAda()
    const cookie = await begin(node)
    expect((await node.call('POST', '/api/tasks', { task_type: 'a' }, { cookie, ...page })).status).toBe(201)
    expect((await node.call('POST', '/api/tasks', { task_type: 'a' }, { cookie })).status).toBe(401)
    expect((await node.call('GET', '/api/me', undefined, { cookie })).status).toBe(401)
  })

  it('begins from our pages only, and with the right password', async () => {
    const node = await nodeWithAda()
    const session = (headers: Record<string, string>, password = passwordOf('ada')) =>
      node.call('POST', '/api/session', { username: 'ada', password }, headers)
    expect((await session({})).status).toBe(403)
    expect((await session({ ...page, origin: 'http://evil.example' })).status).toBe(403)
    const wrong = await session(page, 'wrong password')
    expect(wrong.body.code).toBe('login_refused')
    expect(wrong.headers).not.toHaveProperty('set-cookie')
  })

  it('renews itself in the second half of its time, for twelve hours', async () => {
    const node = await nodeWithAda()
    let cookie = await begin(node)
    const me = () => node.call('GET', '/api/me', undefined, { cookie, ...page })
    expect((await me()).headers).not.toHaveProperty('set-cookie')
    await node.clock.advance(16 * 60_000)
    let renewals = 0
    for (let quarter = 0; quarter < 60; quarter += 1) {
      const reply = await me()
      if (reply.status === 401) break
      if (reply.headers['set-cookie'] !== undefined) {
        renewals += 1
        cookie = cookieOf(reply)
      }
      await node.clock.advance(16 * 60_000)
    }
    expect(renewals).toBeGreaterThan(40)
    expect(renewals).toBeLessThan(50)
    expect((await me()).status).toBe(401)
  })

  it('ends with a logout, its renewals and its bearer form with it; other sessions go on', async () => {
    const node = await nodeWithAda()
    const old = await begin(node)
    const other = await begin(node)
    await node.clock.advance(16 * 60_000)
    const renewed = cookieOf(await node.call('GET', '/api/me', undefined, { cookie: old, ...page }))
    expect(renewed).not.toBe(old)
    const out = await node.call('DELETE', '/api/session', undefined, { cookie: renewed, ...page })
    expect(out.status).toBe(204)
    expect(out.headers['set-cookie']).toMatch(/^tasklane_session=; Path=\/api; Max-Age=0;/)
    for (const cookie of [old, renewed]) {
      expect((await node.call('GET', '/api/me', undefined, { cookie, ...page })).status).toBe(401)
      expect((await node.call('GET', '/api/me', undefined, bearer(cookie.split('=')[1] ?? ''))).status).toBe(401)
    }
    expect((await node.call('GET', '/api/me', undefined, { cookie: other, ...page })).status).toBe(200)
  })

  it('ends everywhere where that is asked for', async () => {
    const node = await nodeWithAda()
    const [one, other] = [await begin(node), await begin(node)]
    await node.call('DELETE', '/api/session?everywhere=true', undefined, { cookie: one, ...page })
    for (const cookie of [one, other]) {
      expect((await node.call('GET', '/api/me', undefined, { cookie, ...page })).status).toBe(401)
    }
    expect((await node.store.user('ada'))?.version).toBe(2)
  })

  it('in open mode one that has run out is as none, but a bearer token that has run out is refused', async () => {
    const node = await startGuarded({ access: { mode: 'open' } })
    await node.user('ada', 'viewer')
    const cookie = await begin(node)
    const me = (headers: Record<string, string>) => node.call('GET', '/api/me', undefined, headers)
    expect((await me({ cookie, ...page })).body).toMatchObject({ name: 'ada', role: 'viewer', auth: 'open' })
    await node.clock.advance(31 * 60_000)
    expect((await me({ cookie, ...page })).body).toMatchObject({ name: null, role: 'admin', kind: 'open' })
    expect((await me(bearer(cookie.split('=')[1] ?? ''))).status).toBe(401)
    expect((await me(bearer(await node.bearerOf('ada')))).body).toMatchObject({ name: 'ada', role: 'viewer' })
  })
})
