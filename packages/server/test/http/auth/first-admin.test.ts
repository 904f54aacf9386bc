import { describe, expect, it } from 'vitest'
import { ensureFirstAdmin, whereFirstPasswordIs } from '../../../src/http/auth/first-admin.ts'
import { createMemoryStore } from '../../../src/stores/memory/memory-store.ts'
import { systemClock } from '../../../src/system-clock.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'
import { bearer, type Guarded, passwordOf, startGuarded } from './guarded.ts'

const own = { name: 'grace', password: 'a password of her own' }
const fromPage = { 'x-requested-with': 'tasklane', 'sec-fetch-site': 'same-origin' }

/** A node as after its first start. */
async function freshNode(access: Parameters<typeof startGuarded>[0] = {}): Promise<Guarded> {
  const node = await startGuarded(access)
  await node.user('admin', 'admin')
  return node
}

async function siteOf(node: Guarded): Promise<unknown> {
  // What is at hand may be a second old.
  await node.clock.advance(1_000)
  return (await node.call('GET', '/api/site')).body
}

async function cookieOf(node: Guarded, username: string, password: string): Promise<string> {
  const reply = await node.call('POST', '/api/session', { username, password }, fromPage)
  expect(reply.status, reply.text).toBe(200)
  return String(reply.headers['set-cookie']).split(';')[0] ?? ''
}

describe('a node after its first start', () => {
  it('tells anybody that nobody is set up, and nothing that lets anybody in', async () => {
    const node = await freshNode()
    expect(await siteOf(node)).toEqual({ auth: 'required', environment: null, first_start: 'printed' })
    for (const headers of [{}, fromPage]) {
      const taken = await node.call('POST', '/api/first-admin', own, headers)
      expect(taken.status).toBe(401)
    }
    expect((await node.store.users()).length).toBe(1)
  })

  it('tells whoever logs in by the password of the first start that it is to be replaced', async () => {
    const node = await freshNode()
    const admin = bearer(await node.bearerOf('admin'))
    expect((await node.call('GET', '/api/me', undefined, admin)).body).toMatchObject({ first_password: true })
    const change = { current: passwordOf('admin'), new: own.password }
    const changed = await node.call('POST', '/api/me/password', change, admin)
    const after = bearer(String(changed.body.access_token))
    expect((await node.call('GET', '/api/me', undefined, after)).body).toMatchObject({ first_password: false })
    expect(await siteOf(node)).toMatchObject({ first_start: null })
    expect((await node.call('POST', '/api/first-admin', own, after)).body.code).toBe('forbidden')
  })

  it('puts a user of one’s own in the place of the first, and goes on in its name', async () => {
    const node = await freshNode()
    const cookie = await cookieOf(node, 'admin', passwordOf('admin'))
    const made = await node.call('POST', '/api/first-admin', own, { ...fromPage, cookie })
    expect(made.status, made.text).toBe(201)
    expect(made.body).toMatchObject({ name: 'grace', role: 'admin', disabled: false })
    const mine = { ...fromPage, cookie: String(made.headers['set-cookie']).split(';')[0] ?? '' }
    const me = await node.call('GET', '/api/me', undefined, mine)
    expect(me.body).toMatchObject({ name: 'grace', role: 'admin', first_password: false })
    expect((await node.call('GET', '/api/me', undefined, { ...fromPage, cookie })).status).toBe(401)
    expect((await node.login('admin', passwordOf('admin'))).status).toBe(401)
    expect((await node.login('grace', own.password)).status).toBe(200)
    expect(await siteOf(node)).toMatchObject({ first_start: null })
    const { body } = await node.call('GET', '/api/audit?action=user.first_admin', undefined, mine)
    expect(body.entries).toMatchObject([{ actor: 'admin', subject: 'grace', outcome: 'ok' }])
  })

  it('takes the name admin for a password of one’s own', async () => {
    const node = await freshNode()
    const admin = bearer(await node.bearerOf('admin'))
    const made = await node.call('POST', '/api/first-admin', { ...own, name: 'admin' }, admin)
    expect(made.status).toBe(201)
    expect((await node.login('admin', passwordOf('admin'))).status).toBe(401)
    expect((await node.login('admin', own.password)).status).toBe(200)
  })

  it('refuses a name that is taken, a password that is none, and whoever is no admin', async () => {
    const node = await freshNode()
    await node.user('grace', 'operator')
    const admin = bearer(await node.bearerOf('admin'))
    expect((await node.call('POST', '/api/first-admin', own, admin)).body.code).toBe('user_exists')
    const short = await node.call('POST', '/api/first-admin', { name: 'ada', password: 'short' }, admin)
    expect(short.body.errors).toMatchObject([{ pointer: '/password' }])
    const grace = bearer(await node.bearerOf('grace'))
    expect((await node.call('POST', '/api/first-admin', { ...own, name: 'ada' }, grace)).status).toBe(403)
    expect(await node.store.user('admin')).toMatchObject({ isDisabled: false, version: 1 })
  })

  it('ends what broke off between the two steps when it is asked again', async () => {
    let isBroken = true
    const node = await freshNode({
      accounts: real => ({
        changeUser: (...change) => (isBroken ? Promise.reject(new Error('cut off')) : real.changeUser(...change)),
      }),
    })
    const admin = bearer(await node.bearerOf('admin'))
    expect((await node.call('POST', '/api/first-admin', own, admin)).status).toBe(500)
    isBroken = false
    const other = await node.call('POST', '/api/first-admin', { ...own, password: 'not the same one' }, admin)
    expect(other.body.code).toBe('user_exists')
    expect((await node.call('POST', '/api/first-admin', own, admin)).status).toBe(201)
    expect(await node.store.user('admin')).toMatchObject({ isDisabled: true })
  })

  it('lets an open node have its first admin before it is opened to a network', async () => {
    const node = await freshNode({ access: { mode: 'open' } })
    expect(await siteOf(node)).toMatchObject({ auth: 'open', first_start: 'printed' })
    expect((await node.call('POST', '/api/first-admin', own)).status).toBe(201)
    expect(await node.store.user('admin')).toMatchObject({ isDisabled: true })
    // The same again finds what it asks for; anything else comes too late.
    expect((await node.call('POST', '/api/first-admin', own)).status).toBe(201)
    expect((await node.call('POST', '/api/first-admin', { ...own, password: 'another one' })).status).toBe(403)
    expect((await node.call('POST', '/api/first-admin', { ...own, name: 'eve' })).status).toBe(403)
    expect((await node.store.users()).length).toBe(2)
  })

  it('lets an open node without any user have its first one', async () => {
    const node = await startGuarded({ access: { mode: 'open' } })
    expect(await siteOf(node)).toMatchObject({ auth: 'open', first_start: 'none' })
    const both = await Promise.all(
      [own, { ...own, name: 'eve' }].map(who => node.call('POST', '/api/first-admin', who)),
    )
    expect(both.map(reply => reply.status).sort()).toEqual([201, 403])
    expect(await node.store.users()).toMatchObject([{ role: 'admin', isDisabled: false }])
    expect(await siteOf(node)).toMatchObject({ first_start: null })
  })

  it('asks nobody to replace a password that was chosen in the configuration', async () => {
    const node = await freshNode({ access: { firstPassword: 'configured' } })
    expect(await siteOf(node)).toMatchObject({ first_start: 'configured' })
    const admin = bearer(await node.bearerOf('admin'))
    expect((await node.call('GET', '/api/me', undefined, admin)).body).toMatchObject({ first_password: false })
  })

  it('answers whoever is not known while the store is away', async () => {
    const node = await startGuarded({ accounts: () => ({ accountsVersion: () => Promise.reject(new Error('away')) }) })
    expect(await siteOf(node)).toMatchObject({ auth: 'required', first_start: null })
  })
})

describe('the first password', () => {
  it('is looked for where it is', async () => {
    const open = () => createMemoryStore({ clock: createVirtualClock(), headStartMs: 0 })
    const [given, printed] = [open(), open()]
    await ensureFirstAdmin(given, 'a password of mine', systemClock)
    await ensureFirstAdmin(printed, null, systemClock)
    expect(await whereFirstPasswordIs(given, 'a password of mine')).toBe('configured')
    // It was set later, or at another node, and is not the one that counts.
    expect(await whereFirstPasswordIs(printed, 'a password of mine')).toBe('printed')
    expect(await whereFirstPasswordIs(given, null)).toBe('printed')
    await given.changeUser('admin', { passwordHash: 'another' })
    expect(await whereFirstPasswordIs(given, 'a password of mine')).toBe('printed')
  })
})
