import { expect } from 'vitest'
import type { TokenDraft, UserDraft } from '../../src/ports/accounts.ts'
import type { Topic } from './topic.ts'

const anna: UserDraft = { name: 'anna', passwordHash: 'hash-1', role: 'operator' }
const admin: UserDraft = { name: 'root', passwordHash: 'hash-2', role: 'admin' }

export function tokenDraft(name: string, more: Partial<TokenDraft> = {}): TokenDraft {
  const id = `id-${name}`
  const rest = { queues: null, types: null, createdBy: null, lastsMs: null }
  return { id, name, hash: `hash-${id}`, role: 'worker', ...rest, ...more }
}

export const usersTopic: Topic = test => {
  test('keeps what a user is, and counts them from 1', async ({ store, clock }) => {
    expect(await store.users()).toEqual([])
    const [nowMs, rest] = [clock.now(), { isDisabled: false, version: 1 }]
    const first = await store.createUser(anna)
    expect(first).toEqual({ number: 1, ...anna, ...rest, createdAtMs: nowMs, changedAtMs: nowMs })
    await clock.advance(1_000)
    const second = await store.createUser(admin)
    expect(second).toMatchObject({ number: 2, name: 'root', createdAtMs: nowMs + 1_000 })
    expect(await store.users()).toEqual([first, second])
    expect(await store.user('anna')).toEqual(first)
    expect(await store.user('Anna')).toBeNull()
  })

  test('a name is one user’s', async ({ store }) => {
    await store.createUser(anna)
    expect(await store.createUser({ ...anna, passwordHash: 'other' })).toBeNull()
    expect(await store.user('anna')).toMatchObject({ passwordHash: 'hash-1' })
    expect(await store.createUser({ ...anna, name: 'ANNA' })).toMatchObject({ number: 2 })
  })

  test('creates the first user only where there is none', async ({ store }) => {
    expect(await store.createUser(admin, { onlyAsFirst: true })).toMatchObject({ number: 1 })
    expect(await store.createUser(anna, { onlyAsFirst: true })).toBeNull()
    expect(await store.users()).toHaveLength(1)
  })

  test('each change raises the version, and nothing else does', async ({ store, clock }) => {
    await store.createUser(admin)
    await store.createUser(anna)
    await clock.advance(5)
    const versionOf = async () => (await store.user('anna'))?.version
    expect(await store.changeUser('anna', {})).toMatchObject({ version: 1 })
    expect(await store.changeUser('anna', { role: 'operator' })).toMatchObject({ version: 1 })
    expect(await store.changeUser('anna', { role: 'viewer' })).toMatchObject({
      role: 'viewer',
      version: 2,
      changedAtMs: clock.now(),
    })
    expect(await store.changeUser('anna', { passwordHash: 'new' })).toMatchObject({ passwordHash: 'new', version: 3 })
    expect(await store.changeUser('anna', { isDisabled: true })).toMatchObject({ isDisabled: true, version: 4 })
    expect(await store.changeUser('anna', { endsSessions: true })).toMatchObject({ isDisabled: true, version: 5 })
    expect(await versionOf()).toBe(5)
    expect(await store.changeUser('nobody', { role: 'admin' })).toBeNull()
  })

  test('never leaves the house without an enabled admin', async ({ store }) => {
    await store.createUser(admin)
    await store.createUser({ ...anna, role: 'admin' })
    expect(await store.changeUser('root', { role: 'viewer' })).toMatchObject({ role: 'viewer' })
    expect(await store.changeUser('anna', { role: 'viewer' })).toBe('last_admin')
    expect(await store.changeUser('anna', { isDisabled: true, passwordHash: 'new' })).toBe('last_admin')
    expect(await store.user('anna')).toMatchObject({
      role: 'admin',
      isDisabled: false,
      passwordHash: 'hash-1',
      version: 1,
    })
    expect(await store.changeUser('anna', { passwordHash: 'new' })).toMatchObject({ version: 2 })
    expect(await store.changeUser('root', { role: 'admin' })).toMatchObject({ role: 'admin' })
    expect(await store.changeUser('anna', { isDisabled: true })).toMatchObject({ isDisabled: true })
    // A disabled admin is none.
    expect(await store.changeUser('root', { role: 'viewer' })).toBe('last_admin')
  })

  test('tells by a number that something changed', async ({ store }) => {
    const seen: number[] = []
    const look = async () => void seen.push(await store.accountsVersion())
    await look()
    await store.createUser(admin)
    await look()
    await store.changeUser('root', { passwordHash: 'new' })
    await look()
    await store.createToken(tokenDraft('ci'))
    await look()
    await store.revokeToken('ci')
    await look()
    expect(seen).toEqual([...new Set(seen)].sort((one, other) => one - other))
    await store.createUser(admin)
    await store.changeUser('root', { role: 'admin' })
    await store.touchTokens(['id-ci'])
    await store.revokeToken('id-ci')
    expect(await store.accountsVersion()).toBe(seen.at(-1))
  })
}

export const tokensTopic: Topic = test => {
  test('keeps what a token is, newest first', async ({ store, clock }) => {
    const nowMs = clock.now()
    const narrow = tokenDraft('narrow', { queues: ['a', 'ü'], types: [], createdBy: 'anna', lastsMs: 60_000 })
    const { lastsMs: _, ...kept } = narrow
    const first = await store.createToken(narrow)
    const rest = { createdAtMs: nowMs, revokedAtMs: null, lastUsedAtMs: null }
    expect(first).toEqual({ ...kept, ...rest, expiresAtMs: nowMs + 60_000 })
    const second = await store.createToken(tokenDraft('wide', { role: 'submitter' }))
    expect(second).toMatchObject({ queues: null, types: null, expiresAtMs: null })
    expect(await store.tokens()).toEqual([second, first])
    expect(await store.tokenByHash('hash-id-wide')).toEqual(second)
    expect(await store.tokenByHash('hash')).toBeNull()
  })

  test('a name is one living token’s', async ({ store, clock }) => {
    await store.createToken(tokenDraft('ci', { lastsMs: 1_000 }))
    expect(await store.createToken(tokenDraft('ci', { id: 'id-2', hash: 'hash-2' }))).toBeNull()
    await clock.advance(1_000)
    expect(await store.createToken(tokenDraft('ci', { id: 'id-2', hash: 'hash-2' }))).toMatchObject({ id: 'id-2' })
    await store.revokeToken('ci')
    expect(await store.createToken(tokenDraft('ci', { id: 'id-3', hash: 'hash-3' }))).toMatchObject({ id: 'id-3' })
    expect((await store.tokens()).map(token => token.id)).toEqual(['id-3', 'id-2', 'id-ci'])
  })

  test('revokes by id or by the name of the living one, once', async ({ store, clock }) => {
    await store.createToken(tokenDraft('one'))
    await store.createToken(tokenDraft('two'))
    const atMs = clock.now()
    expect(await store.revokeToken('one')).toMatchObject({ id: 'id-one', revokedAtMs: atMs })
    await clock.advance(10)
    expect(await store.revokeToken('id-two')).toMatchObject({ revokedAtMs: atMs + 10 })
    expect(await store.revokeToken('id-two')).toMatchObject({ revokedAtMs: atMs + 10 })
    expect(await store.revokeToken('one')).toBeNull()
    expect(await store.revokeToken('id-one')).toMatchObject({ revokedAtMs: atMs })
    expect(await store.tokenByHash('hash-id-one')).toMatchObject({ revokedAtMs: atMs })
  })

  test('notes when a token was last used', async ({ store, clock }) => {
    await store.createToken(tokenDraft('one'))
    await store.createToken(tokenDraft('two'))
    await clock.advance(500)
    await store.touchTokens(['id-one', 'unknown'])
    expect((await store.tokens()).map(token => token.lastUsedAtMs)).toEqual([null, clock.now()])
    await store.touchTokens([])
  })
}
