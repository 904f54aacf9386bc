import type { Role } from '@tasklane/protocol'
import { expect } from 'vitest'
import type { TokenDraft, UserDraft } from '../../src/ports/accounts.ts'
import type { Topic } from './topic.ts'

export const usersTopic: Topic = test => {
  test('keeps users in the order of their numbers, as they were made', async ({ store, clock }) => {
    const createdAtMs = clock.now()
    const zoe = await store.createUser(userDraft('zoe', 'admin'))
    await clock.advance(1_000)
    const ada = await store.createUser(userDraft('ada', 'viewer'))
    expect(zoe).toEqual({
      ...userDraft('zoe', 'admin'),
      number: 1,
      isDisabled: false,
      version: 1,
      createdAtMs,
      changedAtMs: createdAtMs,
    })
    expect(ada).toMatchObject({ number: 2, createdAtMs: createdAtMs + 1_000 })
    expect(await store.users()).toEqual([zoe, ada])
    expect(await store.user('ada')).toEqual(ada)
    expect(await store.user('eve')).toBeNull()
  })

  test('gives a name once, and compares names exactly', async ({ store }) => {
    await store.createUser(userDraft('ada', 'admin'))
    expect(await store.createUser(userDraft('ada', 'viewer'))).toBeNull()
    expect(await store.createUser(userDraft('Ada', 'viewer'))).toMatchObject({ number: 2, role: 'viewer' })
    expect(await store.createUser(userDraft('ada ', 'viewer'))).toMatchObject({ number: 3 })
    expect(await store.user('ADA')).toBeNull()
    expect(await store.user('ada')).toMatchObject({ role: 'admin' })
  })

  test('makes the first user only where there is none', async ({ store }) => {
    expect(await store.createUser(userDraft('first', 'admin'), { onlyAsFirst: true })).toMatchObject({ number: 1 })
    expect(await store.createUser(userDraft('second', 'admin'), { onlyAsFirst: true })).toBeNull()
    expect(await store.users()).toHaveLength(1)
  })

  test('changes what is named and voids what was given out before', async ({ store, clock }) => {
    await store.createUser(userDraft('root', 'admin'))
    const ada = await store.createUser(userDraft('ada', 'viewer'))
    await clock.advance(1_000)
    const changed = { ...ada, role: 'operator', version: 2, changedAtMs: clock.now() }
    expect(await store.changeUser('ada', { role: 'operator' })).toEqual(changed)
    expect(await store.changeUser('ada', { passwordHash: 'other' })).toMatchObject({ version: 3, role: 'operator' })
    expect(await store.changeUser('ada', { isDisabled: true })).toMatchObject({ version: 4, passwordHash: 'other' })
    expect(await store.changeUser('ada', { isDisabled: false, role: 'viewer' })).toMatchObject({ version: 5 })
    expect(await store.changeUser('ada', { endsSessions: true })).toMatchObject({ version: 6, role: 'viewer' })
    expect(await store.user('ada')).toMatchObject({ version: 6, passwordHash: 'other', isDisabled: false })
    expect(await store.changeUser('eve', { role: 'admin' })).toBeNull()
  })

  test('a change to what already holds is none', async ({ store, clock }) => {
    await store.createUser(userDraft('root', 'admin'))
    const ada = await store.createUser(userDraft('ada', 'viewer'))
    const version = await store.accountsVersion()
    await clock.advance(1_000)
    expect(await store.changeUser('ada', { role: 'viewer', isDisabled: false, passwordHash: 'hash of ada' })).toEqual(
      ada,
    )
    expect(await store.changeUser('ada', {})).toEqual(ada)
    expect(await store.changeUser('ada', { endsSessions: false })).toEqual(ada)
    expect(await store.accountsVersion()).toBe(version)
  })

  test('leaves an enabled admin, whatever is asked', async ({ store }) => {
    const root = await store.createUser(userDraft('root', 'admin'))
    await store.createUser(userDraft('op', 'operator'))
    const version = await store.accountsVersion()
    expect(await store.changeUser('root', { role: 'viewer' })).toBe('last_admin')
    expect(await store.changeUser('root', { isDisabled: true, endsSessions: true })).toBe('last_admin')
    expect(await store.user('root')).toEqual(root)
    expect(await store.accountsVersion()).toBe(version)
    // Its password and its sessions are its own.
    expect(await store.changeUser('root', { passwordHash: 'other' })).toMatchObject({ version: 2 })
    expect(await store.changeUser('root', { endsSessions: true })).toMatchObject({ version: 3 })
    await store.createUser(userDraft('other', 'admin'))
    expect(await store.changeUser('other', { isDisabled: true })).toMatchObject({ isDisabled: true })
    expect(await store.changeUser('root', { role: 'viewer' })).toBe('last_admin')
    await store.changeUser('other', { isDisabled: false })
    expect(await store.changeUser('root', { role: 'viewer' })).toMatchObject({ role: 'viewer' })
    expect(await store.changeUser('other', { isDisabled: true })).toBe('last_admin')
    // A disabled admin is none already.
    await store.changeUser('op', { role: 'admin', isDisabled: true })
    expect(await store.changeUser('op', { role: 'viewer' })).toMatchObject({ role: 'viewer' })
  })
}

export const tokensTopic: Topic = test => {
  test('keeps tokens with what they are for, newest first', async ({ store, clock }) => {
    const createdAtMs = clock.now()
    const first = await store.createToken(tokenDraft('first'))
    const { lastsMs, ...draft } = tokenDraft('second', { queues: ['a', 'ü'], types: [], lastsMs: 5_000 })
    const second = await store.createToken({ ...draft, lastsMs })
    expect(second).toEqual({
      ...draft,
      createdAtMs,
      expiresAtMs: createdAtMs + 5_000,
      revokedAtMs: null,
      lastUsedAtMs: null,
    })
    expect(first).toMatchObject({ expiresAtMs: null, queues: null, types: null })
    expect(await store.tokens()).toEqual([second, first])
    expect(await store.tokenByHash('hash of first')).toEqual(first)
    expect(await store.tokenByHash('hash of FIRST')).toBeNull()
  })

  test('gives the name of a token again when its first one is revoked or expired', async ({ store, clock }) => {
    await store.createToken(tokenDraft('ci', { id: '1', lastsMs: 5_000 }))
    expect(await store.createToken(tokenDraft('ci', { id: '2' }))).toBeNull()
    expect(await store.createToken(tokenDraft('CI', { id: '3' }))).not.toBeNull()
    await clock.advance(4_999)
    expect(await store.createToken(tokenDraft('ci', { id: '4' }))).toBeNull()
    await clock.advance(1)
    expect(await store.createToken(tokenDraft('ci', { id: '5' }))).not.toBeNull()
    await store.revokeToken('ci')
    expect(await store.createToken(tokenDraft('ci', { id: '6' }))).not.toBeNull()
    expect((await store.tokens()).map(each => each.id)).toEqual(['6', '5', '3', '1'])
  })

  test('revokes a token by its name or its id, once', async ({ store, clock }) => {
    await store.createToken(tokenDraft('old', { id: '1', lastsMs: 1_000 }))
    await store.createToken(tokenDraft('new', { id: '2' }))
    await clock.advance(1_000)
    const revokedAtMs = clock.now()
    expect(await store.revokeToken('new')).toMatchObject({ id: '2', revokedAtMs })
    // By its name there is no living one any more; by its id it is told as it is.
    await clock.advance(1_000)
    expect(await store.revokeToken('new')).toBeNull()
    expect(await store.revokeToken('2')).toMatchObject({ id: '2', revokedAtMs })
    expect(await store.revokeToken('old')).toBeNull()
    expect(await store.revokeToken('1')).toMatchObject({ id: '1', revokedAtMs: clock.now() })
    expect(await store.revokeToken('3')).toBeNull()
    expect(await store.tokenByHash('hash of new, 2')).toMatchObject({ revokedAtMs })
  })

  test('notes the use of tokens, and passes over those that it does not know', async ({ store, clock }) => {
    await store.createToken(tokenDraft('a', { id: '1' }))
    await store.createToken(tokenDraft('b', { id: '2' }))
    const version = await store.accountsVersion()
    await clock.advance(1_000)
    await store.touchTokens(['1', 'ghost'])
    await store.touchTokens([])
    expect((await store.tokens()).map(each => each.lastUsedAtMs)).toEqual([null, clock.now()])
    expect(await store.accountsVersion()).toBe(version)
  })

  test('raises its version with every change of a user or a token, and with nothing else', async ({ store }) => {
    const versions: number[] = []
    const note = async (): Promise<void> => {
      versions.push(await store.accountsVersion())
    }
    await note()
    await store.createUser(userDraft('root', 'admin'))
    await note()
    await store.createUser(userDraft('root', 'admin'))
    await store.createUser(userDraft('eve', 'admin'), { onlyAsFirst: true })
    await store.revokeToken('ghost')
    await note()
    await store.changeUser('root', { endsSessions: true })
    await note()
    await store.createToken(tokenDraft('ci'))
    await note()
    await store.createToken(tokenDraft('ci', { id: '2' }))
    await note()
    await store.revokeToken('ci')
    await note()
    const [none, made, refused, changed, given, taken, revoked] = versions
    expect([refused, taken]).toEqual([made, given])
    const steps = [none, made, changed, given, revoked]
    expect(steps.every((each, at) => at === 0 || Number(each) > Number(steps[at - 1]))).toBe(true)
  })
}

export function userDraft(name: string, role: Role): UserDraft {
  return { name, role, passwordHash: `hash of ${name}` }
}

export function tokenDraft(name: string, options: Partial<TokenDraft> = {}): TokenDraft {
  return {
    id: name,
    name,
    hash: options.id === undefined ? `hash of ${name}` : `hash of ${name}, ${options.id}`,
    role: 'worker',
    queues: null,
    types: null,
    createdBy: 'root',
    lastsMs: null,
    ...options,
  }
}
