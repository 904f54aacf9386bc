import { beforeAll, describe, expect, it } from 'vitest'
import { bearer, type Guarded, startGuarded } from './guarded.ts'

/** What the path alone does not name: lists, counts, graphs, bulk calls, dependencies, ids and keys. */
describe('a submitter', () => {
  let node: Guarded
  let ann: Record<string, string>
  let bob: Record<string, string>
  let boss: Record<string, string>
  let count = 0
  beforeAll(async () => {
    node = await startGuarded({ keep: true })
    ann = bearer(await node.token('ann', 'submitter'))
    bob = bearer(await node.token('bob', 'submitter'))
    boss = bearer(await node.token('boss', 'operator'))
    return () => node.stop()
  })

  const submit = async (who: Record<string, string>, fields: object = {}): Promise<string> => {
    count += 1
    const made = await node.call('POST', '/api/tasks', { task_id: `t${count}`, task_type: 'a', ...fields }, who)
    expect(made.status, made.text).toBe(201)
    return String(made.body.task_id)
  }
  const idsOf = (body: Readonly<Record<string, unknown>>): readonly string[] =>
    (body.tasks as { task_id: string }[]).map(task => task.task_id)

  it('lists its own, whatever it filters by, and pages through them', async () => {
    const mine = [await submit(ann), await submit(ann), await submit(ann)]
    const theirs = await submit(bob)
    for (const query of ['', '?status=pending', '?q=t', `?q=${theirs}`, '?task_type=a&limit=500']) {
      const { body } = await node.call('GET', `/api/tasks${query}`, undefined, ann)
      expect(idsOf(body), query).not.toContain(theirs)
    }
    const first = await node.call('GET', '/api/tasks?limit=2', undefined, ann)
    const next = await node.call('GET', `/api/tasks?limit=2&cursor=${first.body.next_cursor}`, undefined, ann)
    expect([...idsOf(first.body), ...idsOf(next.body)].slice(0, 3)).toEqual(mine.toReversed())
    // A cursor is for the list of who got it.
    const stolen = await node.call('GET', `/api/tasks?limit=2&cursor=${first.body.next_cursor}`, undefined, bob)
    expect(stolen.body.code).toBe('cursor_invalid')
  })

  it('depends on its own only: another’s task does not exist, in the words for one that never did', async () => {
    const theirs = await submit(bob)
    const never = `${theirs}-never`
    const draft = (id: string, parent: string) => ({ task_id: id, task_type: 'a', dependencies: [parent] })
    const neutral = (text: string, ...ids: readonly string[]) =>
      ids.reduce((told, id) => told.replaceAll(id, 'ID'), text).replaceAll(/"request_id":"[^"]+"/g, '')
    const foreign = await node.call('POST', '/api/tasks', draft('child', theirs), ann)
    const unknown = await node.call('POST', '/api/tasks', draft('child', never), ann)
    expect(foreign.status).toBe(422)
    expect(neutral(foreign.text, theirs)).toBe(neutral(unknown.text, never, theirs))
    for (const atomic of [true, false]) {
      const batch = { atomic, tasks: [draft(`c-${atomic}`, theirs), { task_id: `d-${atomic}`, task_type: 'a' }] }
      const told = await node.call('POST', '/api/tasks/batch', batch, ann)
      const other = await node.call(
        'POST',
        '/api/tasks/batch',
        JSON.stringify(batch).replaceAll(`"${theirs}"`, `"${never}"`).replaceAll('"d-', '"e-'),
        ann,
      )
      expect(neutral(told.text, theirs)).toBe(neutral(other.text, never, theirs).replaceAll('e-', 'd-'))
      expect(told.status).toBe(atomic ? 422 : 201)
    }
    const parent = await submit(ann)
    await submit(ann, { dependencies: [parent] })
    // An operator builds on anything.
    await submit(boss, { dependencies: [parent, theirs] })
  })

  it('gets no task of another by repeating its id or its key', async () => {
    const theirs = await submit(bob, { idempotency_key: 'daily', payload: { secret: 1 } })
    const repeat = { task_type: 'a', payload: { secret: 1 }, idempotency_key: 'daily' }
    const repeats: readonly (typeof repeat & { readonly task_id?: string })[] = [
      { ...repeat, task_id: theirs },
      { ...repeat, task_id: 'another' },
      repeat,
    ]
    for (const body of repeats) {
      const { status, body: told, text } = await node.call('POST', '/api/tasks', body, ann)
      expect(status, text).toBe(409)
      expect(told.code).toBe('task_conflict')
      expect(text).not.toContain('secret')
      if (body.task_id !== theirs) expect(text).not.toContain(theirs)
      const [receipt] = (await node.call('POST', '/api/tasks/batch', { atomic: false, tasks: [body] }, ann)).body
        .tasks as object[]
      expect(receipt).toMatchObject({ outcome: 'refused', task_id: null, error: { code: 'task_conflict' } })
    }
    expect((await node.call('POST', '/api/tasks', { ...repeat, task_id: theirs }, bob)).status).toBe(200)
  })

  it('finds no task of another by its number, under which the dialects have it', async () => {
    const [mine, theirs] = [await submit(ann), await submit(bob)]
    const all = (await node.call('GET', '/tasks?limit=500', undefined, boss)).body.tasks as {
      id: number
      task_id: string
    }[]
    const numberOf = (id: string) => all.find(task => task.task_id === id)?.id
    expect((await node.call('GET', `/tasks/${numberOf(mine)}`, undefined, ann)).body.task_id).toBe(mine)
    const neutral = (text: string, number: unknown) =>
      text.replaceAll(`'${String(number)}'`, 'N').replaceAll(/"request_id":"[^"]+"/g, '')
    for (const method of ['GET', 'DELETE'] as const) {
      const foreign = await node.call(method, `/tasks/${numberOf(theirs)}`, undefined, ann)
      const never = await node.call(method, '/tasks/999999', undefined, ann)
      expect(foreign.status).toBe(404)
      expect(neutral(foreign.text, numberOf(theirs))).toBe(neutral(never.text, 999_999))
    }
    const listed = (await node.call('GET', '/tasks?limit=500', undefined, ann)).body
    expect(idsOf(listed)).not.toContain(theirs)
  })

  it('sees of a graph what is its own', async () => {
    const root = await submit(ann)
    const child = await submit(ann, { dependencies: [root] })
    const foreign = await submit(boss, { dependencies: [root] })
    await submit(boss, { dependencies: [foreign, child] })
    const { body } = await node.call('GET', `/api/tasks/${root}/graph`, undefined, ann)
    expect((body.nodes as { task_id: string }[]).map(task => task.task_id).sort()).toEqual([child, root].sort())
    expect(body.edges).toEqual([{ parent: root, child, on_failure: 'cancel' }])
    const all = await node.call('GET', `/api/tasks/${root}/graph`, undefined, boss)
    expect((all.body.nodes as object[]).length).toBe(4)
  })

  it('is told of the results of parents that are its own', async () => {
    // Submitted by the operator that it once was.
    await node.user('eve', 'operator')
    const before = bearer(await node.bearerOf('eve'))
    const theirs = await submit(bob, { queue: 'parents', task_type: 'p' })
    const own = await submit(before, { queue: 'parents', task_type: 'p' })
    const child = await submit(before, { dependencies: [own, theirs] })
    await node.call(
      'POST',
      '/api/workers/register',
      { worker_id: 'w', capabilities: ['p'], queues: ['parents'], max_concurrent_tasks: 2 },
      boss,
    )
    const claim = await node.call('POST', '/api/workers/w/claim', { limit: 2 }, boss)
    const results = (claim.body.tasks as { task_id: string; epoch: number }[]).map(({ task_id, epoch }) => ({
      task_id,
      epoch,
      outcome: 'completed',
      result: `of ${task_id}`,
    }))
    expect(results.length).toBe(2)
    await node.call('POST', '/api/workers/w/settle', { results }, boss)
    await node.store.changeUser('eve', { role: 'submitter' })
    await node.clock.advance(1_000)
    const after = bearer(await node.bearerOf('eve'))
    const { body } = await node.call('GET', `/api/tasks/${child}/parents`, undefined, after)
    expect(body.parents).toMatchObject({
      [own]: { status: 'completed', result: `of ${own}` },
      [theirs]: { result: null, error: { code: 'pruned' } },
    })
  })

  it('moves its own in bulk; others count as unknown', async () => {
    const [mine, theirs] = [await submit(ann), await submit(bob)]
    const bulk = (body: object) => node.call('POST', '/api/tasks/bulk', body, ann)
    const dry = await bulk({ action: 'cancel', ids: [mine, theirs, 'never'], dry_run: true })
    expect(dry.body).toMatchObject({ matched: 3, verdicts: {} })
    const byIds = await bulk({ action: 'cancel', ids: [mine, theirs, 'never'] })
    expect(byIds.body).toMatchObject({ matched: 3, verdicts: { cancelled: 1, unknown: 2 } })
    expect((await bulk({ action: 'cancel', ids: [theirs] })).body).toMatchObject({ verdicts: { unknown: 1 } })
    await bulk({ action: 'cancel', filter: {} })
    expect((await node.call('GET', `/api/tasks/${theirs}`, undefined, bob)).body.status).toBe('pending')
    expect((await node.call('GET', '/api/tasks?status=pending', undefined, ann)).body.tasks).toEqual([])
  })

  it('counts its own, and hears nothing of how fast others are', async () => {
    await submit(bob)
    const { body } = await node.call('GET', '/api/stats', undefined, ann)
    const listed = await node.call('GET', '/api/tasks?limit=500', undefined, ann)
    expect(body.total).toBe((listed.body.tasks as object[]).length)
    expect(body).toMatchObject({ rates: null, wait_ms: null, run_ms: null })
    const mine = await submit(ann)
    const why = await node.call('GET', `/api/tasks/${mine}/why`, undefined, ann)
    const rank = (why.body.reasons as { code: string; facts: object }[]).find(reason => reason.code === 'rank')
    expect(rank).toEqual({ code: 'rank', detail: 'It waits in the line of its queue.', facts: { priority: 5 } })
    const ofAll = await node.call('GET', `/api/tasks/${mine}/why`, undefined, boss)
    expect(ofAll.text).toMatch(/rank \d+ of \d+/)
  })

  it('waits for its own result', async () => {
    const [mine, theirs] = [await submit(ann), await submit(bob)]
    expect((await node.call('GET', `/api/tasks/${mine}/result`, undefined, ann)).status).toBe(202)
    expect((await node.call('GET', `/api/tasks/${theirs}/result?wait=30`, undefined, ann)).status).toBe(404)
  })
})
