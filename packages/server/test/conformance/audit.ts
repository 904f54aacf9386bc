import { expect } from 'vitest'
import type { AuditDraft, AuditFilter, AuditRecord } from '../../src/ports/accounts.ts'
import type { Store } from '../../src/ports/store.ts'
import type { Topic } from './topic.ts'

export const auditTopic: Topic = test => {
  test('numbers the entries upwards and tells them newest first, as they were written', async ({ store, clock }) => {
    const atMs = clock.now()
    const first = entry('task.cancel', { actor: 'ada', subject: 'a', address: '::1', requestId: 'r1' })
    const second = entry('login', { outcome: 'login_failed', reason: 'A new keyboard' })
    await store.appendAudit([first, second])
    await clock.advance(1_000)
    await store.appendAudit([entry('user.create', { actor: 'token:ci' })])
    await store.appendAudit([])
    const told = await all(store)
    expect(told.map(each => each.atMs)).toEqual([atMs + 1_000, atMs, atMs])
    expect(told.slice(1)).toMatchObject([second, { ...first, reason: null }])
    const numbers = told.map(each => each.number)
    expect(numbers).toEqual([...numbers].sort((one, other) => other - one))
    expect(new Set(numbers).size).toBe(3)
    expect(numbers.every(each => each > 0)).toBe(true)
  })

  test('walks through its pages by number', async ({ store }) => {
    await store.appendAudit(Array.from({ length: 7 }, (_, at) => entry(`step.${at}`)))
    const pages: string[][] = []
    let before: number | null = null
    do {
      const page: readonly AuditRecord[] = await store.audit(anything, { limit: 3, before })
      pages.push(page.map(each => each.action))
      before = page.at(-1)?.number ?? null
    } while (before !== null)
    expect(pages).toEqual([['step.6', 'step.5', 'step.4'], ['step.3', 'step.2', 'step.1'], ['step.0'], []])
  })

  test('filters by actor, action and subject, and by several of them at once', async ({ store }) => {
    await store.appendAudit([
      entry('task.cancel', { actor: 'ada', subject: 'a' }),
      entry('task.cancel', { actor: 'bob', subject: 'a' }),
      entry('task.retry', { actor: 'ada', subject: 'a' }),
      entry('task.retry', { actor: 'ada', subject: 'b' }),
      entry('login', { actor: null }),
    ])
    const count = async (filter: Partial<AuditFilter>): Promise<number> =>
      (await store.audit({ ...anything, ...filter }, { limit: 10, before: null })).length
    expect(await count({ actor: 'ada' })).toBe(3)
    expect(await count({ actor: 'ADA' })).toBe(0)
    expect(await count({ action: 'task.retry' })).toBe(2)
    expect(await count({ subject: 'a' })).toBe(3)
    expect(await count({ actor: 'ada', action: 'task.retry' })).toBe(2)
    expect(await count({ actor: 'ada', subject: 'a' })).toBe(2)
    expect(await count({ action: 'task.cancel', subject: 'a' })).toBe(2)
    expect(await count({ actor: 'bob', action: 'task.cancel', subject: 'a' })).toBe(1)
    expect(await count({ actor: 'bob', action: 'task.retry', subject: 'a' })).toBe(0)
    const [newest, next] = await store.audit({ ...anything, actor: 'ada' }, { limit: 2, before: null })
    expect([newest?.subject, next?.subject]).toEqual(['b', 'a'])
    expect(await store.audit({ ...anything, actor: 'ada' }, { limit: 5, before: next?.number ?? 0 })).toMatchObject([
      { action: 'task.cancel', actor: 'ada' },
    ])
  })

  test('prunes what is older than it keeps, oldest first and bounded', async ({ store, clock }) => {
    await store.appendAudit([entry('one'), entry('two'), entry('three')])
    await clock.advance(10_000)
    await store.appendAudit([entry('four')])
    expect(await store.pruneAudit(10_000, 100)).toBe(0)
    await clock.advance(1)
    expect(await store.pruneAudit(10_000, 2)).toBe(2)
    expect((await all(store)).map(each => each.action)).toEqual(['four', 'three'])
    expect(await store.pruneAudit(10_000, 2)).toBe(1)
    expect(await store.pruneAudit(10_000, 2)).toBe(0)
    expect((await all(store)).map(each => each.action)).toEqual(['four'])
  })

  test('never gives a number twice, even where every entry was pruned', async ({ store, clock }) => {
    await store.appendAudit([entry('one'), entry('two')])
    const [newest] = await all(store)
    await clock.advance(2)
    expect(await store.pruneAudit(1, 100)).toBe(2)
    await store.appendAudit([entry('three')])
    const [next] = await all(store)
    expect(next?.number).toBeGreaterThan(newest?.number ?? Number.NaN)
  })
}

const anything: AuditFilter = { actor: null, action: null, subject: null }

function all(store: Store): Promise<readonly AuditRecord[]> {
  return store.audit(anything, { limit: 100, before: null })
}

function entry(action: string, options: Partial<AuditDraft> = {}): AuditDraft {
  return { actor: null, action, subject: null, address: null, outcome: 'ok', requestId: null, ...options }
}
