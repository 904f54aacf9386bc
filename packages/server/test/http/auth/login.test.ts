import { describe, expect, it } from 'vitest'
import { startNode } from '../harness.ts'
import { bearer, passwordOf, startGuarded } from './guarded.ts'

const form = { 'content-type': 'application/x-www-form-urlencoded' }

describe('POST /token', () => {
  it('gives a token for a name and a password, with which calls are made', async () => {
    const node = await startGuarded()
    await node.user('ada', 'operator')
    const { status, body, headers } = await node.login('ada', passwordOf('ada'))
    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'bearer', expires_in: 1_800 })
    expect(String(body.scope).split(' ')).toContain('tasks.submit')
    expect(headers['cache-control']).toBe('no-store')
    const sent = await node.call('POST', '/api/tasks', { task_type: 'a' }, bearer(String(body.access_token)))
    expect(sent.status).toBe(201)
    expect(sent.body.submitted_by).toBe('ada')
  })

  it('takes what a client of OAuth 2 sends', async () => {
    const node = await startGuarded()
    await node.user('ada', 'viewer')
    const password = encodeURIComponent(passwordOf('ada')).replaceAll('%20', '+')
    const text = `grant_type=password&username=ada&password=${password}&scope=&client_id=&client_secret=&extra=1`
    const headers = { ...form, authorization: 'Basic Og==' }
    expect((await node.call('POST', '/token/', text, headers)).status).toBe(200)
  })

  it.each([
    ['a wrong password', 'ada', 'wrong password'],
    ['a user that is unknown', 'nobody', passwordOf('ada')],
    ['a user that is disabled', 'eve', passwordOf('eve')],
    ['a name that can be none', 'a b\n', passwordOf('ada')],
    ['a name of the prototype', '__proto__', passwordOf('ada')],
  ])('refuses %s in the same words, after the same work', async (_what, name, password) => {
    const node = await startGuarded()
    await node.user('ada', 'admin')
    await node.user('eve', 'admin')
    await node.store.changeUser('eve', { isDisabled: true })
    const { status, body, headers } = await node.login(name, password)
    expect({ status, ...body, request_id: '' }).toEqual({
      type: 'urn:tasklane:problem:login_refused',
      title: 'The login was refused',
      status: 401,
      detail: 'The user name or the password is wrong, or the user is disabled.',
      code: 'login_refused',
      request_id: '',
      error: 'invalid_grant',
    })
    expect(headers['www-authenticate']).toBe('Bearer')
    expect(headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(node.work.verified).toBe(1)
  })

  const badForms: readonly (readonly [what: string, text: string, status: number, error: string])[] = [
    ['no password', 'username=ada', 422, 'invalid_request'],
    ['another grant', 'grant_type=client_credentials&username=a&password=b', 422, 'unsupported_grant_type'],
    ['a field twice', 'username=a&username=b&password=c', 400, 'invalid_request'],
    ['broken encoding', 'username=%zz&password=c', 400, 'invalid_request'],
    ['U+0000', 'username=a%00&password=c', 400, 'invalid_request'],
    ['too many fields', Array.from({ length: 40 }, (_, at) => `f${at}=1`).join('&'), 400, 'invalid_request'],
  ]

  it('refuses a form that is none, in words of OAuth 2, too', async () => {
    const node = await startGuarded()
    for (const [what, text, status, error] of badForms) {
      const answer = await node.call('POST', '/token', text, form)
      expect(answer.status, what).toBe(status)
      expect(answer.body.error, what).toBe(error)
    }
    expect(node.work.verified).toBe(0)
  })

  it('reads forms only, and other calls read none', async () => {
    const node = await startGuarded()
    const json = await node.call('POST', '/token', { username: 'a', password: 'b' })
    expect(json.status).toBe(415)
    expect(json.body.detail).toContain('x-www-form-urlencoded')
    expect((await node.call('POST', '/token', 'x'.repeat(20_000), form)).status).toBe(413)
    const token = await node.token('t', 'admin')
    expect((await node.call('POST', '/api/tasks', 'task_type=a', { ...form, ...bearer(token) })).status).toBe(415)
  })

  it('checks passwords by argon2id, and takes the two ways of writing a letter as one', async () => {
    const node = await startNode()
    const password = 'pässwörd that is long'
    const made = await node.call('POST', '/api/users', {
      name: 'ada',
      password: password.normalize('NFD'),
      role: 'admin',
    })
    expect(made.status).toBe(201)
    expect((await node.store.user('ada'))?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    const login = (text: string) =>
      node.call('POST', '/token', new URLSearchParams({ username: 'ada', password: text }).toString(), form)
    expect((await login(password.normalize('NFC'))).status).toBe(200)
    expect((await login(`${password}.`)).status).toBe(401)
    expect((await login('x'.repeat(2_000))).status).toBe(422)
    expect((await node.call('POST', '/token', 'username=nobody&password=anything', form)).status).toBe(401)
  })
})
