import { inspect } from 'node:util'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { describeStore } from '../../../src/compose.ts'
import { ConfigError, readConfig } from '../../../src/config.ts'
import { setCookie } from '../../../src/http/auth/cookie.ts'
import { withoutSecrets } from '../../../src/http/auth/without-secrets.ts'
import { bearer, secretKey, startGuarded } from './guarded.ts'

const form = { 'content-type': 'application/x-www-form-urlencoded' }
const page = { 'x-requested-with': 'tasklane' }

describe('secrets', () => {
  it('are in no line of the log, at any level, whatever happens, and in no reply but the one that gives them', async () => {
    const lines: string[] = []
    const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
    let isBroken = false
    const node = await startGuarded({
      logTo: log,
      settings: { metricsEnabled: true, slowRequestMs: 0 },
      accounts: real => ({
        user: name => (isBroken ? Promise.reject(new Error('the store is gone')) : real.user(name)),
        createUser: draft => (isBroken ? Promise.reject(new Error('the store is gone')) : real.createUser(draft)),
        appendAudit: entries => (isBroken ? Promise.reject(new Error('the store is gone')) : real.appendAudit(entries)),
      }),
    })
    const password = 'canary-password-one'
    const replies: string[] = []
    const call: typeof node.call = async (...sent) => {
      const answer = await node.call(...sent)
      replies.push(answer.text)
      return answer
    }
    await node.user('root', 'admin')
    const root = await node.bearerOf('root')
    const made = await node.call('POST', '/api/tokens', { name: 'robot', role: 'operator' }, bearer(root))
    const service = String(made.body.token)
    const session = await node.call(
      'POST',
      '/api/session',
      { username: 'root', password: "root's long password" },
      page,
    )
    const cookie = String(session.headers['set-cookie']).split(';')[0] ?? ''
    const secrets = [
      password,
      'canary-password-two',
      service,
      root,
      cookie.split('=')[1] ?? '',
      secretKey,
      'canary-words',
    ]
    for (const broken of [false, true]) {
      isBroken = broken
      await call('POST', '/api/users', { name: `ada-${broken}`, password, role: 'viewer' }, bearer(root))
      await call('POST', '/token', `username=ada-false&password=${password}&client_secret=canary-words`, form).then(
        () => replies.pop(),
      )
      await call('POST', '/token', 'username=root&password=canary-password-two', form)
      await call('POST', '/token', `username=canary-words&password=${password}&password=${password}`, form)
      await call('POST', `/token?password=${password}`, `{"password":"${password}"}`)
      await call('POST', '/api/session', { username: 'root', password: ['canary-password-two'] }, page)
      await call('POST', '/api/session', `{"password": "${password}", oops`, page)
      await call(
        'POST',
        '/api/me/password',
        { current: 'canary-password-two', new: 'canary-password-two' },
        bearer(root),
      )
      await call('POST', '/api/first-admin', { name: 'grace', password: 'canary-password-two' }, bearer(root))
      await call('POST', '/api/first-admin', { name: 'a b', password }, bearer(root))
      await call('PATCH', '/api/users/ada-false', { password: 'canary-password-two' }, bearer(root))
      await call('GET', `/api/tasks?access_token=${service}`, undefined, {})
      await call('GET', `/api/tasks/${service}`, undefined, bearer(`${service}x`))
      await call('GET', '/api/me', undefined, bearer(service))
      await call('GET', '/api/me', undefined, { cookie, ...page })
      await call('GET', '/api/me', undefined, bearer(`${root}x`))
      await call('GET', '/metrics', undefined, bearer(root))
      await node.clock.advance(5_000)
    }
    expect(lines.length).toBeGreaterThan(25)
    expect(lines.filter(line => line.includes('the store is gone')).length).toBeGreaterThan(1)
    for (const secret of secrets) {
      expect(
        lines.filter(line => line.includes(secret)),
        secret,
      ).toEqual([])
      expect(
        replies.filter(reply => reply.includes(secret)),
        secret,
      ).toEqual([])
    }
    // What is kept at hand is not printed along with anything else, either.
    expect(inspect(node.app, { depth: 3 })).not.toContain(secretKey)
  })

  it('in an address are struck out', () => {
    const token = `tl_${'a'.repeat(43)}`
    expect(withoutSecrets(`/api/tasks?access_token=${token}&limit=1`)).toBe('/api/tasks?access_token=…&limit=1')
    expect(withoutSecrets(`/api/tasks?q=${token}`)).toBe('/api/tasks?q=…')
    expect(withoutSecrets('/x?My_Password=abc&b=1')).toBe('/x?My_Password=…&b=1')
    expect(withoutSecrets('/x/eyJhbGciOi.eyJzdWIi.sig')).toBe('/x/…')
    expect(withoutSecrets('/api/tasks?q=tasks&limit=5')).toBe('/api/tasks?q=tasks&limit=5')
  })

  it('of the database are not told where the store is named, or where its address is wrong', () => {
    const url = 'postgres://ann:canary-words@db.example:5432/tasks'
    const { store } = readConfig({ env: { DATABASE_URL: url } })
    expect(describeStore(store)).not.toContain('canary-words')
    for (const wrong of [
      'postgres://ann:canary-words@[bad',
      'postgres://ann:canary-words@host:port/x',
      'mysql://ann:canary-words@h/x',
    ]) {
      let told = ''
      try {
        readConfig({ env: { DATABASE_URL: wrong } })
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        told = inspect(error)
      }
      expect(told, wrong).not.toContain('canary-words')
    }
  })

  it('in a cookie travel by TLS only, where the login did', () => {
    const headers: string[] = []
    const reply = { header: (_name: string, value: string) => headers.push(value) }
    for (const protocol of ['http', 'https'] as const)
      Reflect.apply(setCookie, null, [{ protocol }, reply, 'token', 60_000])
    expect(headers.map(header => header.includes('; Secure'))).toEqual([false, true])
  })
})
