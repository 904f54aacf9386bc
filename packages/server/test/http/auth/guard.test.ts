import fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { createDirectory } from '../../../src/http/auth/directory.ts'
import { addGuard, addPublicly } from '../../../src/http/auth/guard.ts'
import { createLogouts } from '../../../src/http/auth/logouts.ts'
import { createMemoryStore } from '../../../src/stores/memory/memory-store.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'

function guardedApp() {
  const app = fastify()
  app.decorateRequest('principal')
  app.decorateRequest('credential', null)
  addGuard(app, { mode: 'required', authenticator: { callerOf: () => null } })
  return app
}

describe('a route without a rule', () => {
  it('keeps the node from starting, and is named', async () => {
    const app = guardedApp()
    app.get('/with', { config: { access: 'public' } }, () => 'ok')
    app.get('/without', () => 'secret')
    app.register(async scope => {
      scope.delete('/inner/:id', () => 'secret')
    })
    await expect(app.ready()).rejects.toThrow(
      'no rule says who may call GET /without, HEAD /without, DELETE /inner/:id',
    )
  })

  it('of a plugin is public only where that was said', async () => {
    const app = guardedApp()
    await addPublicly(app, scope => scope.get('/page', () => 'a page'))
    app.get('/inner', { config: { access: 'tasks.read' } }, () => 'secret')
    expect((await app.inject('/page')).body).toBe('a page')
    expect((await app.inject('/inner')).body).not.toContain('secret')
    await app.close()
  })
})

describe('logouts', () => {
  it('are forgotten when the tokens have run out, and say when there is no more room', async () => {
    const clock = createVirtualClock()
    const logouts = createLogouts(clock, 2)
    expect(logouts.add('one', clock.now() + 1_000)).toBe(true)
    expect(logouts.add('two', clock.now() + 5_000)).toBe(true)
    expect(logouts.add('three', clock.now() + 5_000)).toBe(false)
    expect(logouts.has('one') && logouts.has('two')).toBe(true)
    await clock.advance(1_000)
    expect(logouts.add('three', clock.now() + 5_000)).toBe(true)
    expect([logouts.has('one'), logouts.has('two'), logouts.has('three')]).toEqual([false, true, true])
  })
})

describe('what is at hand', () => {
  it('is not believed when a look that began before a change here ends after it', async () => {
    const clock = createVirtualClock()
    const store = createMemoryStore({ clock, headStartMs: 0 })
    await store.createUser({ name: 'ada', role: 'admin', passwordHash: 'x' })
    await store.createUser({ name: 'eve', role: 'admin', passwordHash: 'x' })
    let letGo = (): void => {}
    const gate = new Promise<void>(resolve => {
      letGo = resolve
    })
    let isFirst = true
    const slow = {
      ...store,
      users: async () => {
        const users = await store.users()
        if (isFirst) {
          isFirst = false
          await gate
        }
        return users
      },
    }
    const directory = createDirectory(slow, clock)
    const early = directory.refreshed()
    await clock.rest()
    await store.changeUser('eve', { isDisabled: true })
    directory.invalidate()
    const late = directory.refreshed()
    letGo()
    await early
    expect((await late).users.get('eve')?.isDisabled).toBe(true)
    expect(directory.fresh()?.users.get('eve')?.isDisabled).toBe(true)
  })

  it('is nothing when the store cannot say, so that nobody is let in on what may have changed', async () => {
    const clock = createVirtualClock()
    const store = createMemoryStore({ clock, headStartMs: 0 })
    let isGone = false
    const directory = createDirectory(
      { ...store, accountsVersion: () => (isGone ? Promise.reject(new Error('gone')) : store.accountsVersion()) },
      clock,
    )
    await directory.refreshed()
    expect(directory.fresh()).not.toBeNull()
    isGone = true
    await clock.advance(1_000)
    expect(directory.fresh()).toBeNull()
    await expect(directory.refreshed()).rejects.toThrow('gone')
    isGone = false
    await directory.refreshed()
    expect(directory.fresh()).not.toBeNull()
  })
})
