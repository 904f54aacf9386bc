import { describe, expect, it } from 'vitest'
import { ensureFirstAdmin } from '../../../src/http/auth/first-admin.ts'
import { createMemoryStore } from '../../../src/stores/memory/memory-store.ts'
import { systemClock } from '../../../src/system-clock.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'
import { type NodeOptions, startNode } from '../harness.ts'
import { bearer, type Guarded, passwordOf, startGuarded } from './guarded.ts'

async function nodeOfRoot(
  accounts?: NodeOptions['accounts'],
): Promise<{ node: Guarded; root: Record<string, string> }> {
  const node = await startGuarded(accounts === undefined ? {} : { accounts })
  await node.user('root', 'admin')
  return { node, root: bearer(await node.bearerOf('root')) }
}

describe('users', () => {
  it('are made, listed, changed and disabled by an admin, without their passwords', async () => {
    const { node, root } = await nodeOfRoot()
    const made = await node.call(
      'POST',
      '/api/users',
      { name: 'ada', password: passwordOf('ada'), role: 'viewer' },
      root,
    )
    expect(made.status).toBe(201)
    expect(made.headers.location).toBe('/api/users/ada')
    expect(made.body).toEqual({
      name: 'ada',
      role: 'viewer',
      disabled: false,
      created_at: expect.any(String),
      changed_at: expect.any(String),
    })
    expect((await node.login('ada', passwordOf('ada'))).status).toBe(200)
    const again = await node.call(
      'POST',
      '/api/users',
      { name: 'ada', password: 'another password', role: 'admin' },
      root,
    )
    expect(again.body.code).toBe('user_exists')
    const changed = await node.call('PATCH', '/api/users/ada', { disabled: true, role: 'operator' }, root)
    expect(changed.body).toMatchObject({ name: 'ada', role: 'operator', disabled: true })
    expect((await node.login('ada', passwordOf('ada'))).status).toBe(401)
    const listed = await node.call('GET', '/api/users', undefined, root)
    expect(listed.body.users).toMatchObject([{ name: 'root' }, { name: 'ada', disabled: true }])
    expect(listed.text).not.toContain('argon2')
    expect((await node.call('GET', '/api/users/nobody', undefined, root)).body.code).toBe('user_unknown')
    expect((await node.call('PATCH', '/api/users/nobody', { disabled: true }, root)).body.code).toBe('user_unknown')
  })

  it('keep one enabled admin', async () => {
    const { node, root } = await nodeOfRoot()
    for (const change of [{ disabled: true }, { role: 'viewer' }]) {
      const { status, body } = await node.call('PATCH', '/api/users/root', change, root)
      expect(status).toBe(409)
      expect(body.code).toBe('last_admin')
    }
    expect((await node.call('GET', '/api/me', undefined, root)).status).toBe(200)
  })

  const bad: readonly (readonly [what: string, draft: Record<string, unknown>, pointer: string])[] = [
    ['a short password', { name: 'a', password: 'short12', role: 'viewer' }, '/password'],
    ['a password of one letter', { name: 'a', password: 'aaaaaaaaaaaa', role: 'viewer' }, '/password'],
    ['a password that is the name', { name: 'margaret', password: 'Margaret', role: 'viewer' }, '/password'],
    ['a password that is too long', { name: 'a', password: 'xyz'.repeat(400), role: 'viewer' }, '/password'],
    ['a password that is a number', { name: 'a', password: 1234567890123, role: 'viewer' }, '/password'],
    ['a name like a token’s', { name: 'token:a', password: passwordOf('x'), role: 'viewer' }, '/name'],
    ['a name with a space', { name: 'a b', password: passwordOf('x'), role: 'viewer' }, '/name'],
    ['no role', { name: 'a', password: passwordOf('x') }, '/role'],
    ['a role that is none', { name: 'a', password: passwordOf('x'), role: 'root' }, '/role'],
  ]

  it('are refused with a name, a password or a role that is none, and no password is told', async () => {
    const { node, root } = await nodeOfRoot()
    for (const [what, draft, pointer] of bad) {
      const { status, body, text } = await node.call('POST', '/api/users', draft, root)
      expect(status, `${what}: ${text}`).toBe(422)
      expect((body.errors as { pointer: string }[])[0]?.pointer, what).toBe(pointer)
      expect(text, what).not.toContain(String(draft.password))
    }
  })
})

describe('service tokens', () => {
  it('are shown once, kept as a digest, told with their last use, and revoked at once', async () => {
    const { node, root } = await nodeOfRoot()
    const draft = { name: 'robot', role: 'worker', queues: ['a', 'a'], expires_in: 3_600 }
    const made = await node.call('POST', '/api/tokens', draft, root)
    expect(made.status, made.text).toBe(201)
    expect(made.body).toMatchObject({
      name: 'robot',
      queues: ['a'],
      types: null,
      created_by: 'root',
      status: 'active',
      last_used_at: null,
    })
    const secret = String(made.body.token)
    expect(secret).toMatch(/^tl_[\w-]{43}$/)
    expect(JSON.stringify(await node.store.tokens())).not.toContain(secret)
    expect((await node.call('POST', '/api/tokens', draft, root)).body.code).toBe('token_exists')
    const me = await node.call('GET', '/api/me', undefined, bearer(secret))
    expect(me.body).toMatchObject({
      name: 'token:robot',
      kind: 'token',
      role: 'worker',
      queues: ['a'],
      expires_at: made.body.expires_at,
    })
    await node.clock.advance(2_000)
    const listed = await node.call('GET', '/api/tokens', undefined, root)
    expect(listed.text).not.toContain(secret)
    expect(listed.body.tokens).toMatchObject([{ name: 'robot', last_used_at: expect.any(String) }])
    expect((await node.call('DELETE', '/api/tokens/robot', undefined, root)).status).toBe(204)
    expect((await node.call('GET', '/api/me', undefined, bearer(secret))).status).toBe(401)
    expect((await node.call('DELETE', '/api/tokens/robot', undefined, root)).body.code).toBe('token_unknown')
    expect((await node.call('DELETE', `/api/tokens/${made.body.token_id}`, undefined, root)).status).toBe(204)
  })

  it('run out by the clock, also those at hand', async () => {
    const { node, root } = await nodeOfRoot()
    const made = await node.call('POST', '/api/tokens', { name: 'brief', role: 'viewer', expires_in: 60 }, root)
    const me = () => node.call('GET', '/api/me', undefined, bearer(String(made.body.token)))
    await node.clock.advance(59_999)
    expect((await me()).status).toBe(200)
    await node.clock.advance(1)
    expect((await me()).status).toBe(401)
    const again = bearer(await node.bearerOf('root'))
    expect((await node.call('GET', '/api/tokens', undefined, again)).body.tokens).toMatchObject([{ status: 'expired' }])
  })

  it('are written as used once a minute, however often they are', async () => {
    let written = 0
    const { node } = await nodeOfRoot(real => ({
      touchTokens: ids => {
        written += 1
        return real.touchTokens(ids)
      },
    }))
    const robot = await node.token('robot', 'viewer')
    for (let step = 0; step < 36; step += 1) {
      for (let use = 0; use < 2; use += 1) await node.call('GET', '/api/me', undefined, bearer(robot))
      await node.clock.advance(5_000)
    }
    expect(written).toBeGreaterThanOrEqual(3)
    expect(written).toBeLessThanOrEqual(4)
  })

  it('of roles that see everything are not limited, since that would be no limit', async () => {
    const { node, root } = await nodeOfRoot()
    for (const role of ['viewer', 'admin']) {
      expect((await node.call('POST', '/api/tokens', { name: 'a', role, queues: ['q'] }, root)).status).toBe(422)
    }
  })
})

describe('the audit log', () => {
  it('tells who did what to which, from where, and how it ended', async () => {
    const { node, root } = await nodeOfRoot()
    await node.user('eve', 'operator')
    const eve = bearer(await node.bearerOf('eve'))
    await node.call('POST', '/api/tasks', { task_id: 't1', task_type: 'a' }, eve)
    await node.call('POST', '/api/tasks/t1/cancel', { reason: 'Twice' }, { ...eve, 'x-request-id': 'my-request' })
    await node.call('POST', '/api/tasks/t1/cancel', {}, eve)
    await node.call('DELETE', '/api/tasks/never', undefined, eve)
    await node.call('POST', '/api/tasks/bulk', { action: 'cancel', filter: {}, reason: 'Stop all' }, eve)
    const pausing = await node.call('PATCH', '/api/queues/q', { paused: true, reason: 'Deploying' }, eve)
    expect(pausing.body.pause).toMatchObject({ by: 'eve', reason: 'Deploying' })
    await node.call('PATCH', '/api/queues/q', { paused: false }, eve)
    await node.call('POST', '/api/users', { name: 'x', password: passwordOf('x'), role: 'admin' }, eve)
    await node.call('PATCH', '/api/users/eve', { password: 'a new password' }, root)
    await node.call('POST', '/api/tasks/t1/retry', {}, bearer('tl_nothing'))
    await node.login('eve', 'a wrong password')
    await node.login('a password in the wrong field', 'x')
    const { body, text } = await node.call('GET', '/api/audit', undefined, root)
    const reasons = (body.entries as { action: string; reason: string | null }[]).filter(entry => entry.reason !== null)
    expect(reasons.map(({ action, reason }) => [action, reason])).toEqual([
      ['queue.pause', 'Deploying'],
      ['task.bulk_cancel', 'Stop all'],
      ['task.cancel', 'Twice'],
    ])
    const told = (body.entries as Record<string, unknown>[]).map(({ actor, action, subject, outcome }) => [
      actor,
      action,
      subject,
      outcome,
    ])
    expect(told.toReversed()).toEqual([
      ['root', 'login', 'root', 'ok'],
      ['eve', 'login', 'eve', 'ok'],
      ['eve', 'task.cancel', 't1', 'ok'],
      ['eve', 'task.cancel', 't1', 'task_finished'],
      ['eve', 'task.delete', 'never', 'task_unknown'],
      ['eve', 'task.bulk_cancel', null, 'ok'],
      ['eve', 'queue.pause', 'q', 'ok'],
      ['eve', 'queue.resume', 'q', 'ok'],
      ['eve', 'user.create', null, 'forbidden'],
      ['root', 'user.password', 'eve', 'ok'],
      [null, 'login', 'eve', 'login_refused'],
      [null, 'login', null, 'login_refused'],
    ])
    expect(text).not.toContain('password in the wrong field')
    expect((body.entries as object[])[9]).toMatchObject({
      request_id: 'my-request',
      address: '127.0.0.1',
      time: expect.stringMatching(/Z$/),
    })
  })

  it('tells nothing of who came no further than the door', async () => {
    const node = await startGuarded({ access: { mode: 'open' } })
    const cancel = (headers: Record<string, string>) => node.call('POST', '/api/tasks/never/cancel', {}, headers)
    expect((await cancel({ origin: 'http://evil.example' })).status).toBe(403)
    expect((await cancel(bearer('tl_nothing'))).status).toBe(401)
    expect((await cancel({})).status).toBe(404)
    const { body } = await node.call('GET', '/api/audit')
    expect(body.entries).toMatchObject([
      { actor: null, action: 'task.cancel', subject: 'never', outcome: 'task_unknown' },
    ])
  })

  it('is filtered and paged', async () => {
    const { node, root } = await nodeOfRoot()
    for (let at = 0; at < 5; at += 1) await node.call('PATCH', `/api/queues/q${at}`, { paused: true }, root)
    const read = async (query: string) => (await node.call('GET', `/api/audit?${query}`, undefined, root)).body
    const first = await read('action=queue.pause&limit=2')
    expect(first.entries).toMatchObject([{ subject: 'q4' }, { subject: 'q3' }])
    const second = await read(`action=queue.pause&limit=2&cursor=${String(first.next_cursor)}`)
    expect(second.entries).toMatchObject([{ subject: 'q2' }, { subject: 'q1' }])
    expect(await read(`action=login&cursor=${String(first.next_cursor)}`)).toMatchObject({ code: 'cursor_invalid' })
    expect(await read('subject=q0')).toMatchObject({ entries: [{ subject: 'q0' }], next_cursor: null })
    expect(await read('actor=nobody')).toMatchObject({ entries: [] })
  })

  it('is read from a moment to a moment, page by page', async () => {
    const { node } = await nodeOfRoot()
    const entry = { actor: 'ada', action: 'queue.pause', address: null, outcome: 'ok', requestId: null }
    const times: number[] = []
    for (let at = 0; at < 40; at += 1) {
      times.push(node.clock.now())
      await node.store.appendAudit([{ ...entry, subject: `q${at}` }])
      await node.clock.advance(at % 3 === 0 ? 0 : 20_000)
    }
    // Numbers begin anywhere once the oldest entries are gone.
    await node.store.pruneAudit(node.clock.now() - (times[5] ?? 0), 100)
    const root = bearer(await node.bearerOf('root'))
    const subjectsOf = async (from: number, until: number, limit: number): Promise<unknown[]> => {
      const told: unknown[] = []
      const span = `since=${new Date(from).toISOString()}&until=${new Date(until).toISOString()}`
      for (let cursor = ''; ; ) {
        const page = await node.call('GET', `/api/audit?actor=ada&${span}&limit=${limit}${cursor}`, undefined, root)
        told.push(...(page.body.entries as { subject: string }[]).map(({ subject }) => subject))
        if (page.body.next_cursor === null) return told
        cursor = `&cursor=${String(page.body.next_cursor)}`
      }
    }
    for (const [first, end] of [
      [0, 40],
      [6, 7],
      [10, 30],
      [12, 12],
      [33, 39],
    ] as const) {
      const [from, until] = [times[first] ?? 0, times[end] ?? node.clock.now()]
      const expected = times.flatMap((at, index) => (index > 4 && at >= from && at < until ? [`q${index}`] : []))
      expect(await subjectsOf(from, until, 4), `${first} to ${end}`).toEqual(expected.toReversed())
    }
    const bad = await node.call('GET', '/api/audit?since=yesterday', undefined, root)
    expect(bad.body.errors).toMatchObject([{ pointer: 'since' }])
  })

  it('holds nothing up while it cannot be written, and is written when it can be', async () => {
    let isBroken = true
    const { node, root } = await nodeOfRoot(real => ({
      appendAudit: entries => (isBroken ? Promise.reject(new Error('the disk is full')) : real.appendAudit(entries)),
    }))
    for (let at = 0; at < 20; at += 1) {
      expect((await node.call('PATCH', `/api/queues/q${at}`, { paused: true }, root)).status).toBe(200)
      await node.clock.advance(500)
    }
    expect(node.log.filter(({ message }) => message.startsWith('The audit log cannot be written')).length).toBe(1)
    isBroken = false
    await node.clock.advance(5_000)
    const found = await node.store.audit(
      { actor: null, action: 'queue.pause', subject: null },
      { limit: 50, before: null },
    )
    expect(found.map(({ subject }) => subject).toReversed()).toEqual(Array.from({ length: 20 }, (_, at) => `q${at}`))
  })
})

describe('the first admin', () => {
  const open = () => createMemoryStore({ clock: createVirtualClock(), headStartMs: 0 })

  it('is made with the password that is given, or with one by chance that is told once', async () => {
    const given = open()
    expect(await ensureFirstAdmin(given, 'a password of mine', systemClock)).toEqual({ password: null })
    const store = open()
    const { password } = await ensureFirstAdmin(store, null, systemClock)
    expect(password).toMatch(/^[\w-]{24}$/)
    expect(await ensureFirstAdmin(store, null, systemClock)).toEqual({ password: null })
    expect(await store.users()).toMatchObject([{ name: 'admin', role: 'admin' }])
    const node = await startNode({ access: { mode: 'required', accounts: store } })
    const form = new URLSearchParams({ username: 'admin', password: password ?? '' }).toString()
    const login = await node.call('POST', '/token', form, { 'content-type': 'application/x-www-form-urlencoded' })
    expect(login.status).toBe(200)
  })

  it('is made by one of several nodes that start at once', async () => {
    const store = open()
    const made = await Promise.all([1, 2, 3].map(() => ensureFirstAdmin(store, null, systemClock)))
    expect(made.filter(({ password }) => password !== null).length).toBe(1)
    expect((await store.users()).length).toBe(1)
  })

  it('is refused with a password that is too short', async () => {
    await expect(ensureFirstAdmin(open(), 'short', systemClock)).rejects.toThrow('at least 8')
  })
})
