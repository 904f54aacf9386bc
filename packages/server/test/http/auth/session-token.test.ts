import { createHmac, createPrivateKey, createSign, generateKeyPairSync } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { createSessionTokens } from '../../../src/http/auth/session-tokens.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'
import { bearer, type Guarded, passwordOf, secretKey, startGuarded } from './guarded.ts'

type Part = Readonly<Record<string, unknown>>

const encoded = (part: Part | string): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')

const decoded = (part: string | undefined): Part => JSON.parse(Buffer.from(part ?? '', 'base64url').toString())

function signed(header: Part, payload: Part | string, key: string = secretKey, hash = 'sha256'): string {
  const text = `${encoded(header)}.${encoded(payload)}`
  return `${text}.${createHmac(hash, key).update(text).digest('base64url')}`
}

async function statusWith(node: Guarded, token: string): Promise<number> {
  const { status, body, headers } = await node.call('GET', '/api/me', undefined, bearer(token))
  if (status === 401) {
    expect(body.code).toBe('unauthenticated')
    expect(headers['www-authenticate']).toBe('Bearer error="invalid_token"')
  }
  return status
}

async function adasToken(node: Guarded): Promise<{ token: string; header: Part; payload: Part }> {
  const token = await node.bearerOf('ada')
  const [header, payload] = token.split('.').slice(0, 2).map(decoded)
  return { token, header: header ?? {}, payload: payload ?? {} }
}

describe('a session token', () => {
  let node: Guarded
  beforeAll(async () => {
    node = await startGuarded({ keep: true })
    await node.user('ada', 'admin')
    return () => node.stop()
  })

  it('says who, for whom, until when, and no more than that', async () => {
    const { token, header, payload } = await adasToken(node)
    expect(header).toEqual({ alg: 'HS256', kid: expect.stringMatching(/^[\w-]{12}$/), typ: 'JWT' })
    const now = Math.floor(node.clock.now() / 1_000)
    expect(payload).toEqual({
      iss: 'tasklane',
      aud: 'tasklane',
      sub: 'ada',
      role: 'admin',
      ver: 1,
      iat: now,
      nbf: now,
      exp: now + 1_800,
      auth_time: now,
      jti: expect.stringMatching(/^[\w-]{22}$/),
      sid: payload.jti,
    })
    expect(await statusWith(node, token)).toBe(200)
    // The test's own signature is one that counts, so that the forgeries below fail for what is forged in them.
    expect(await statusWith(node, signed(header, payload))).toBe(200)
  })

  it.each([
    'none',
    'None',
    'NONE',
    'nOnE',
    'none ',
    '',
    'HS384',
    'HS512',
    'hs256',
    'RS256',
    'ES256',
    'EdDSA',
    'A128GCM',
  ])('does not count under the algorithm %j', async alg => {
    const { header, payload } = await adasToken(node)
    const body = `${encoded({ ...header, alg })}.${encoded(payload)}`
    for (const token of [`${body}.`, body, `${body}.AA`, signed({ ...header, alg }, payload)]) {
      expect(await statusWith(node, token), token).toBe(401)
    }
    const hash = alg === 'HS384' ? 'sha384' : 'sha512'
    expect(await statusWith(node, signed({ ...header, alg }, payload, secretKey, hash))).toBe(401)
  })

  it('does not count when another key signed it, be it public, empty, or known to all', async () => {
    const { header, payload } = await adasToken(node)
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    for (const key of [pem, '', 'secret', 'changeme', header.kid as string, `${secretKey} `, secretKey.slice(1)]) {
      expect(await statusWith(node, signed(header, payload, key)), key).toBe(401)
    }
    const text = `${encoded({ ...header, alg: 'RS256' })}.${encoded(payload)}`
    const signature = createSign('sha256')
      .update(text)
      .sign(createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })))
      .toString('base64url')
    expect(await statusWith(node, `${text}.${signature}`)).toBe(401)
  })

  it.each([
    ['no kid', { kid: undefined }],
    ['a kid that is a path', { kid: '../../../../dev/null' }],
    ['a kid that is SQL', { kid: "' UNION SELECT 'key" }],
    ['a kid that is an address', { kid: 'https://evil.example/key' }],
    ['a kid that is an object', { kid: { $ne: null } }],
    ['a kid of the prototype', { kid: '__proto__' }],
    ['a key of its own', { jwk: { kty: 'oct', k: encoded('mine') } }],
    ['the address of a key', { jku: 'https://evil.example/keys' }],
    ['the address of a certificate', { x5u: 'https://evil.example/cert' }],
    ['a certificate', { x5c: ['MIIB'] }],
    ['something critical', { crit: ['exp'], exp: 1 }],
    ['an unencoded payload', { b64: false, crit: ['b64'] }],
    ['another type', { typ: 'at+jwt' }],
    ['compression', { zip: 'DEF' }],
  ])('does not count with %s in its header', async (_what, change) => {
    const { header, payload } = await adasToken(node)
    expect(await statusWith(node, signed({ ...header, ...change }, payload))).toBe(401)
  })

  it.each([
    ['another issuer', { iss: 'somebody' }],
    ['no issuer', { iss: undefined }],
    ['another audience', { aud: 'another' }],
    ['several audiences', { aud: ['tasklane', 'another'] }],
    ['no audience', { aud: undefined }],
    ['no end', { exp: undefined }],
    ['an end that is a text', { exp: '9999999999' }],
    ['an end that is no whole number', { exp: 9_999_999_999.5 }],
    ['an end before 1970', { exp: -1 }],
    ['a beginning that is a text', { nbf: '0' }],
    ['no beginning', { nbf: undefined }],
    ['a beginning in an hour', { nbf: 4_000_000_000 }],
    ['no id', { jti: undefined }],
    ['no subject', { sub: undefined }],
    ['a subject that nobody has', { sub: 'nobody' }],
    ['a subject of the prototype', { sub: '__proto__' }],
    ['a subject that is no text', { sub: { name: 'ada' } }],
    ['no version', { ver: undefined }],
    ['a version of later', { ver: 2 }],
    ['a version that is a text', { ver: '1' }],
    ['a role that is none', { role: 'root' }],
    ['no role', { role: undefined }],
    ['a role that the user does not have', { role: 'viewer' }],
    ['no session', { sid: undefined }],
  ])('does not count with %s', async (_what, change) => {
    const { header, payload } = await adasToken(node)
    expect(await statusWith(node, signed(header, { ...payload, ...change }))).toBe(401)
  })

  it('does not count when it is torn, huge, or something else', async () => {
    const { token, header, payload } = await adasToken(node)
    const [head, body, signature = ''] = token.split('.')
    const others = [
      '',
      '.',
      '..',
      'tl_',
      `tl_${'x'.repeat(43)}`,
      `${head}.${body}`,
      `${head}.${body}.`,
      `${token}.${signature}`,
      `${token} ${token}`,
      token.slice(0, -2),
      `${token}==`,
      `${head}.${encoded({ ...payload, sub: 'eve' })}.${signature}`,
      `${encoded('not JSON')}.${body}.${signature}`,
      signed(header, 'not JSON'),
      signed(header, '[]'),
      signed(header, 'null'),
      signed(header, { ...payload, extra: 'x'.repeat(8_000) }),
    ]
    for (const other of others) expect(await statusWith(node, other), other.slice(0, 80)).toBe(401)
  })

  it('ends at its second, and one from a clock that runs ahead counts within half a minute', async () => {
    const { token, header, payload } = await adasToken(node)
    const early = { nbf: Number(payload.nbf) + 20, iat: Number(payload.iat) + 20 }
    expect(await statusWith(node, signed(header, { ...payload, ...early }))).toBe(200)
    expect(await statusWith(node, signed(header, { ...payload, nbf: Number(payload.nbf) + 120 }))).toBe(401)
    await node.clock.advance(Number(payload.exp) * 1_000 - node.clock.now() - 1)
    expect(await statusWith(node, token)).toBe(200)
    await node.clock.advance(1)
    expect(await statusWith(node, token)).toBe(401)
    // Not from what was found out before, either.
    expect(await statusWith(node, signed(header, { ...payload, jti: 'other' }))).toBe(401)
  })
})

describe('two keys', () => {
  const old = 'the-key-of-before-that-is-long-enough-too'

  it('verify what the old one signed, and sign with the new one only', async () => {
    const clock = createVirtualClock()
    const before = createSessionTokens({ clock, secretKeys: [old], lastsMs: 60_000 })
    const during = createSessionTokens({ clock, secretKeys: [secretKey, old], lastsMs: 60_000 })
    const after = createSessionTokens({ clock, secretKeys: [secretKey], lastsMs: 60_000 })
    const who = { userName: 'ada', role: 'admin', version: 1 } as const
    const early = (await before.sign(who)).token
    const late = (await during.sign(who)).token
    expect(await during.verify(early)).toMatchObject({ userName: 'ada' })
    expect(await during.verify(late)).toMatchObject({ userName: 'ada' })
    expect(await after.verify(late)).toMatchObject({ userName: 'ada' })
    expect(await after.verify(early)).toBeNull()
    expect(await before.verify(late)).toBeNull()
    // The name of one key on the signature of the other.
    const [header, payload] = late.split('.').slice(0, 2).map(decoded)
    expect(await during.verify(signed({ ...header }, { ...payload }, old))).toBeNull()
  })

  it('are made up where none is given, another for each process', async () => {
    const clock = createVirtualClock({ seed: 1 })
    const one = createSessionTokens({ clock, secretKeys: [], lastsMs: 60_000 })
    const other = createSessionTokens({ clock, secretKeys: [], lastsMs: 60_000 })
    const { token } = await one.sign({ userName: 'ada', role: 'admin', version: 1 })
    expect(await one.verify(token)).not.toBeNull()
    expect(await other.verify(token)).toBeNull()
  })
})

describe('what changes of a user', () => {
  it.each([
    ['another role', { role: 'viewer' }],
    ['another password', { password: 'quite another password' }],
    ['disabling', { disabled: true }],
    ['the end of sessions', { end_sessions: true }],
  ])('voids tokens at once, on this node: %s', async (_what, change) => {
    const node = await startGuarded()
    await node.user('root', 'admin')
    await node.user('eve', 'operator')
    const [root, eve] = [await node.bearerOf('root'), await node.bearerOf('eve')]
    expect(await statusWith(node, eve)).toBe(200)
    const changed = await node.call('PATCH', '/api/users/eve', change, bearer(root))
    expect(changed.status, changed.text).toBe(200)
    expect(await statusWith(node, eve)).toBe(401)
    expect(await statusWith(node, root)).toBe(200)
  })

  it('voids tokens within a second where another node did it', async () => {
    const node = await startGuarded()
    await node.user('eve', 'operator')
    const eve = await node.bearerOf('eve')
    const service = await node.token('robot', 'operator')
    expect(await statusWith(node, eve)).toBe(200)
    expect(await statusWith(node, service)).toBe(200)
    // Past this node, as another would.
    await node.store.changeUser('eve', { endsSessions: true })
    await node.store.revokeToken('robot')
    await node.clock.advance(1_000)
    expect(await statusWith(node, eve)).toBe(401)
    expect(await statusWith(node, service)).toBe(401)
  })

  it('asks the store at most twice a second, however many requests come', async () => {
    let asked = 0
    const node = await startGuarded({
      accounts: real => ({
        accountsVersion: () => {
          asked += 1
          return real.accountsVersion()
        },
      }),
    })
    await node.user('eve', 'operator')
    const eve = await node.bearerOf('eve')
    asked = 0
    for (let second = 0; second < 5; second += 1) {
      for (let request = 0; request < 10; request += 1) expect(await statusWith(node, eve)).toBe(200)
      await node.clock.advance(1_000)
    }
    expect(asked).toBeGreaterThan(3)
    expect(asked).toBeLessThanOrEqual(11)
  })

  it('a user changes its own password with the old one, and goes on with a new session', async () => {
    const node = await startGuarded()
    await node.user('ada', 'viewer')
    const old = await node.bearerOf('ada')
    const change = (current: string, next: string) =>
      node.call('POST', '/api/me/password', { current, new: next }, bearer(old))
    expect((await change('not the password', 'a new password')).body.code).toBe('login_refused')
    expect((await change(passwordOf('ada'), 'short')).body.code).toBe('validation_failed')
    expect((await change(passwordOf('ada'), 'ada')).status).toBe(422)
    const changed = await change(passwordOf('ada'), 'a new password')
    expect(changed.status, changed.text).toBe(200)
    expect(await statusWith(node, old)).toBe(401)
    expect(await statusWith(node, String(changed.body.access_token))).toBe(200)
    expect((await node.login('ada', passwordOf('ada'))).status).toBe(401)
    expect((await node.login('ada', 'a new password')).status).toBe(200)
  })

  it('a hash of other parameters is made anew when its password comes by', async () => {
    const node = await startGuarded()
    await node.user('ada', 'viewer')
    const old = (await node.store.user('ada'))?.passwordHash ?? ''
    await node.store.changeUser('ada', { passwordHash: old.replace('t=2', 't=1') })
    const { status, body } = await node.login('ada', passwordOf('ada'))
    expect(status).toBe(200)
    expect((await node.store.user('ada'))?.passwordHash).toBe(old)
    expect(await statusWith(node, String(body.access_token))).toBe(200)
  })
})
