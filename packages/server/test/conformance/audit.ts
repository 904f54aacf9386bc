import { expect } from 'vitest'
import type { AuditDraft, AuditFilter } from '../../src/ports/accounts.ts'
import type { Topic } from './topic.ts'

const all: AuditFilter = { actor: null, action: null, subject: null }
const firstPage: { readonly limit: number; readonly before: number | null } = { limit: 10, before: null }

function entry(action: string, more: Partial<AuditDraft> = {}): AuditDraft {
  const rest = { actor: 'anna', subject: null, address: '127.0.0.1', outcome: 'ok', requestId: 'r1' }
  return { action, ...rest, ...more }
}

export const auditTopic: Topic = test => {
  test('tells the entries as they were written, newest first', async ({ store, clock }) => {
    const quiet = entry('user.login', { actor: null, address: null, outcome: 'unauthenticated', requestId: null })
    await store.appendAudit([entry('task.cancel', { subject: 't"1' }), quiet])
    await clock.advance(10)
    await store.appendAudit([entry('queue.pause', { subject: 'mail' })])
    await store.appendAudit([])
    const entries = await store.audit(all, firstPage)
    const nowMs = clock.now()
    expect(entries).toEqual([
      { ...entry('queue.pause', { subject: 'mail' }), number: 3, atMs: nowMs },
      { ...quiet, number: 2, atMs: nowMs - 10 },
      { ...entry('task.cancel', { subject: 't"1' }), number: 1, atMs: nowMs - 10 },
    ])
  })

  test('pages by number, and finds by actor, action and subject', async ({ store }) => {
    await store.appendAudit([
      entry('task.cancel', { subject: 'a' }),
      entry('task.retry', { subject: 'a', actor: 'token:ci' }),
      entry('task.cancel', { subject: 'b', actor: 'token:ci' }),
      entry('task.cancel', { subject: 'a', actor: null }),
    ])
    const numbers = async (filter: Partial<AuditFilter>, page: Partial<typeof firstPage> = {}) =>
      (await store.audit({ ...all, ...filter }, { ...firstPage, ...page })).map(each => each.number)
    expect(await numbers({}, { limit: 2 })).toEqual([4, 3])
    expect(await numbers({}, { limit: 2, before: 3 })).toEqual([2, 1])
    expect(await numbers({ actor: 'token:ci' })).toEqual([3, 2])
    expect(await numbers({ action: 'task.cancel' })).toEqual([4, 3, 1])
    expect(await numbers({ subject: 'a' })).toEqual([4, 2, 1])
    expect(await numbers({ subject: 'a', actor: 'anna' })).toEqual([1])
    expect(await numbers({ subject: 'a', action: 'task.cancel' }, { before: 4 })).toEqual([1])
    expect(await numbers({ actor: 'nobody' })).toEqual([])
  })

  test('forgets the oldest after their time, so many at once, and never gives a number twice', async bench => {
    const { store, clock } = bench
    await store.appendAudit([entry('one'), entry('two'), entry('three')])
    await clock.advance(1_000)
    await store.appendAudit([entry('four')])
    expect(await store.pruneAudit(1_000, 10)).toBe(0)
    await clock.advance(1)
    expect(await store.pruneAudit(1_000, 2)).toBe(2)
    expect(await store.pruneAudit(1_000, 2)).toBe(1)
    expect(await store.pruneAudit(1_000, 2)).toBe(0)
    expect((await store.audit(all, firstPage)).map(each => each.action)).toEqual(['four'])
    await clock.advance(1_001)
    expect(await store.pruneAudit(1_000, 2)).toBe(1)
    await store.appendAudit([entry('five')])
    expect(await store.audit(all, firstPage)).toMatchObject([{ action: 'five', number: 5 }])
  })
}
