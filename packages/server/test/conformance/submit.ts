import { expect } from 'vitest'
import { acceptedRecord, workerId } from '../../src/core/task.ts'
import type { ClaimAsk } from '../../src/ports/store.ts'
import { draft } from '../support/drafts.ts'
import { only } from '../support/store-driver.ts'
import type { Topic } from './topic.ts'

/** Any task, one of them. */
const oneAsk: ClaimAsk = {
  workerId: workerId('w1'),
  queues: null,
  types: null,
  limit: 1,
  leaseMs: 1_000,
  requestId: null,
}

export const submitTopic: Topic = test => {
  test('keeps everything the draft says', async ({ submit, task, clock }) => {
    const full = draft('a', {
      type: 'mail',
      queue: 'letters',
      name: 'Überschrift „eins“',
      description: 'line one\nline two',
      payload: { deep: [1, 2.5, null, { ok: true }], text: '😀 \u0001 "quoted"' },
      priority: 7.5,
      timeoutMs: null,
      maxRetries: 0,
      labels: { team: 'blue', 'a b': '' },
      idempotencyKey: 'key-1',
      submittedBy: 'anna',
      trace: '00-abc-def-01',
      onDependencyFailure: 'proceed',
    })
    const receipt = only(await submit(full))
    expect(receipt).toMatchObject({ taskId: 'a', state: 'pending', createdAtMs: clock.now(), existing: null })
    expect(await task('a')).toEqual(acceptedRecord(full, receipt))
  })

  test('answers with what the store then holds, for every first state', async ({ submit, task, clock }) => {
    const drafts = [
      draft('pending'),
      draft('scheduled', { runAtMs: clock.now() + 5_000 }),
      draft('blocked', { dependencies: ['pending'] }),
      draft('delayed', { delayMs: 60_000 }),
    ]
    const receipts = await submit(...drafts)
    expect(receipts.map(receipt => receipt.state)).toEqual(['pending', 'scheduled', 'blocked', 'scheduled'])
    for (const [at, each] of drafts.entries()) {
      const receipt = receipts[at]
      expect(receipt && acceptedRecord(each, receipt)).toEqual(await task(each.id))
    }
  })

  test('numbers tasks upwards in the order of acceptance', async ({ submit }) => {
    const first = await submit(draft('a'), draft('b'), draft('c'))
    const second = await submit(draft('d'))
    const numbers = [...first, ...second].map(receipt => receipt.number)
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other))
    expect(numbers[0]).toBeGreaterThan(0)
  })

  test('takes a run_at that has passed as ready now', async ({ submit, task, clock }) => {
    const receipt = only(await submit(draft('a', { runAtMs: clock.now() })))
    expect(receipt).toMatchObject({ state: 'pending', runAtMs: clock.now() })
    expect(await task('a')).toMatchObject({ state: 'pending', runAtMs: clock.now() })
  })

  test('reckons a delay from its own clock', async ({ submit, clock }) => {
    const receipt = only(await submit(draft('a', { delayMs: 1_500 })))
    expect(receipt).toMatchObject({ state: 'scheduled', runAtMs: clock.now() + 1_500 })
  })

  test('takes a delay of zero as ready now', async ({ submit, clock }) => {
    const receipt = only(await submit(draft('a', { delayMs: 0 })))
    expect(receipt).toMatchObject({ state: 'pending', runAtMs: clock.now() })
  })

  test('gives back the first task where an id is repeated with the same content', async ({ submit, task, clock }) => {
    const again = draft('a', { payload: { x: 1 }, labels: { b: '2', a: '1' } })
    const first = only(await submit(again))
    await clock.advance(1_000)
    const second = only(await submit(again))
    expect(second).toEqual({ ...first, existing: await task('a') })
  })

  test('knows a repeated task whatever became of it', async ({ submit, claimOne, fail, complete, store, clock }) => {
    const again = draft('a', { maxRetries: 3 })
    await submit(again)
    await fail(await claimOne(), 1_000)
    expect(only(await submit(again)).existing).toMatchObject({ state: 'scheduled', attempt: 1 })
    await store.reprioritise([{ id: again.id, priority: 9 }])
    expect(only(await submit(again)).existing).toMatchObject({ priority: 9, prioritySource: 'declared' })
    await clock.advance(1_000)
    await store.promote(10)
    await complete(await claimOne())
    expect(only(await submit(again))).toMatchObject({ state: 'completed', existing: { state: 'completed' } })
  })

  test('takes another order of keys in payload and labels as the same content', async ({ submitGroups }) => {
    const one = draft('a', { payload: { x: { p: 1, q: [1, 2] }, y: 2 }, labels: { a: '1', b: '2' } })
    const two = draft('a', { payload: { y: 2, x: { q: [1, 2], p: 1 } }, labels: { b: '2', a: '1' } })
    const other = draft('a', { payload: { y: 2, x: { q: [2, 1], p: 1 } }, labels: { b: '2', a: '1' } })
    expect(await submitGroups([one], [two], [other])).toMatchObject([
      { kind: 'accepted', receipts: [{ existing: null }] },
      { kind: 'accepted', receipts: [{ existing: { id: 'a' } }] },
      { kind: 'refused', code: 'task_conflict', index: 0 },
    ])
  })

  const content = {
    type: 'other',
    queue: 'other',
    name: 'other',
    description: 'other',
    payload: { x: 2 },
    priority: 9,
    timeoutMs: 1,
    maxRetries: 1,
    onDependencyFailure: 'proceed',
    delayMs: 1,
    runAtMs: 1,
    labels: { other: '1' },
    idempotencyKey: 'other',
    dependencies: ['parent'],
  } as const
  for (const [field, value] of Object.entries(content)) {
    test(`refuses an id that is repeated with another ${field}`, async ({ submit, submitGroups, task }) => {
      const first = { payload: { x: 1 }, idempotencyKey: 'key' }
      await submit(draft('parent'), draft('a', first))
      const before = await task('a')
      const verdict = only(await submitGroups([draft('a', { ...first, [field]: value })]))
      expect(verdict).toMatchObject({ kind: 'refused', code: 'task_conflict', index: 0 })
      expect(await task('a')).toEqual(before)
    })
  }

  test('compares a declared priority with the one that was declared first', async ({ submit, submitGroups, store }) => {
    const first = draft('a', { priority: 3 })
    await submit(first)
    await store.reprioritise([{ id: first.id, priority: 8 }])
    expect(await submitGroups([first], [draft('a', { priority: 8 })], [draft('a')])).toMatchObject([
      { kind: 'accepted', receipts: [{ existing: { priority: 8 } }] },
      { kind: 'refused', code: 'task_conflict' },
      { kind: 'refused', code: 'task_conflict' },
    ])
  })

  test('compares run_at with what was asked, not with the time of a retry', async ({
    submit,
    claimOne,
    fail,
    clock,
  }) => {
    const again = draft('a', { runAtMs: clock.now() - 1_000 })
    await submit(again)
    await fail(await claimOne(), 90_000)
    expect(only(await submit(again)).existing).toMatchObject({ runAtMs: clock.now() + 90_000 })
  })

  test('knows a delay again at another time, and tells it from an instant', async ({ submit, submitGroups, clock }) => {
    const first = only(await submit(draft('a', { delayMs: 5_000 })))
    await clock.advance(1_000)
    expect(
      await submitGroups([draft('a', { delayMs: 5_000 })], [draft('a', { runAtMs: first.runAtMs })]),
    ).toMatchObject([
      { kind: 'accepted', receipts: [{ runAtMs: first.runAtMs }] },
      { kind: 'refused', code: 'task_conflict' },
    ])
  })

  test('gives back the first task where a key is repeated under another id', async ({ submit, state, task }) => {
    const first = only(await submit(draft('a', { idempotencyKey: 'key', payload: [1] })))
    const second = only(await submit(draft('b', { idempotencyKey: 'key', payload: [1] })))
    expect(second).toEqual({ ...first, existing: await task('a') })
    expect(await state('b')).toBeNull()
  })

  test('refuses a key whose task has other content, and names that task', async ({ submit, submitGroups }) => {
    await submit(draft('a', { idempotencyKey: 'key', payload: [1] }))
    const verdict = only(await submitGroups([draft('b', { idempotencyKey: 'key', payload: [2] })]))
    expect(verdict).toMatchObject({ kind: 'refused', code: 'task_conflict', index: 0 })
    expect(verdict.kind === 'refused' && verdict.detail).toContain('task a')
  })

  test('refuses an id and a key that belong to two tasks', async ({ submit, submitGroups }) => {
    await submit(draft('a', { idempotencyKey: 'one' }), draft('b', { idempotencyKey: 'two' }))
    const verdict = only(await submitGroups([draft('a', { idempotencyKey: 'two' })]))
    expect(verdict).toMatchObject({ kind: 'refused', code: 'task_conflict' })
  })

  test('refuses a key that stands twice in one group', async ({ submitGroups, states }) => {
    const twins = [draft('a', { idempotencyKey: 'key' }), draft('b', { idempotencyKey: 'key' })]
    expect(only(await submitGroups(twins))).toMatchObject({ kind: 'refused', code: 'task_conflict', index: 1 })
    expect(await states('a', 'b')).toEqual([null, null])
  })

  test('a refusal undoes its whole group and only that group', async ({ submit, submitGroups, states, store }) => {
    await submit(draft('taken', { payload: 1 }))
    const verdicts = await submitGroups(
      [draft('a')],
      [draft('b', { queue: 'never-seen' }), draft('taken', { payload: 2 }), draft('c')],
      [draft('d'), draft('e', { dependencies: ['b'] })],
      [draft('f', { dependencies: ['a'] })],
    )
    expect(verdicts).toMatchObject([
      { kind: 'accepted' },
      { kind: 'refused', code: 'task_conflict', index: 1 },
      { kind: 'refused', code: 'dependency_unknown', index: 1 },
      { kind: 'accepted' },
    ])
    expect(await states('a', 'b', 'c', 'd', 'e', 'f')).toEqual(['pending', null, null, null, null, 'blocked'])
    expect((await store.queues()).map(queue => queue.name)).toEqual(['default'])
    expect((await store.counts()).pending).toBe(2)
  })

  test('a refused group leaves its key free', async ({ submitGroups, state }) => {
    const verdicts = await submitGroups(
      [draft('a', { idempotencyKey: 'key' }), draft('b', { dependencies: ['nobody'] })],
      [draft('c', { idempotencyKey: 'key' })],
    )
    expect(verdicts.map(verdict => verdict.kind)).toEqual(['refused', 'accepted'])
    expect(await state('c')).toBe('pending')
  })

  test('names the parent that does not exist', async ({ submitGroups }) => {
    const verdict = only(await submitGroups([draft('a'), draft('b', { dependencies: ['a', 'ghost'] })]))
    expect(verdict).toMatchObject({ kind: 'refused', code: 'dependency_unknown', index: 1 })
    expect(verdict.kind === 'refused' && verdict.detail).toContain("'ghost'")
  })

  test('an id that its key gave to an earlier task is no parent', async ({ submit, submitGroups, state }) => {
    await submit(draft('first', { idempotencyKey: 'key' }))
    const group = [draft('again', { idempotencyKey: 'key' }), draft('child', { dependencies: ['again'] })]
    expect(only(await submitGroups(group))).toMatchObject({ kind: 'refused', code: 'dependency_unknown', index: 1 })
    expect(await state('child')).toBeNull()
  })

  test('accepts a repeated task whose parent is gone', async ({ submit, claimOne, complete, store }) => {
    const child = draft('child', { dependencies: ['parent'] })
    const parent = draft('parent')
    await submit(parent, child)
    await complete(await claimOne())
    await complete(await claimOne())
    expect(await store.remove([parent.id])).toEqual(['removed'])
    expect(only(await submit(child)).existing).toMatchObject({ id: 'child', dependencies: ['parent'] })
  })

  test('sees the earlier groups of the same exchange', async ({ submitGroups }) => {
    const verdicts = await submitGroups([draft('a', { idempotencyKey: 'k' })], [draft('b', { idempotencyKey: 'k' })])
    expect(verdicts).toMatchObject([
      { kind: 'accepted', receipts: [{ existing: null }] },
      { kind: 'accepted', receipts: [{ taskId: 'a', existing: { id: 'a' } }] },
    ])
  })

  test('mixes repeated and new tasks in one group', async ({ submit, states }) => {
    await submit(draft('a'))
    const receipts = await submit(draft('a'), draft('b', { dependencies: ['a'] }))
    expect(receipts).toMatchObject([
      { taskId: 'a', state: 'pending', existing: { id: 'a' } },
      { taskId: 'b', state: 'blocked', existing: null },
    ])
    expect(await states('a', 'b')).toEqual(['pending', 'blocked'])
  })

  test('hands a task to a claim of the same exchange', async ({ exchange, claim }) => {
    const outcome = await exchange({ submits: [{ drafts: [draft('a'), draft('b')] }], claims: [oneAsk] })
    expect(outcome.claims.map(tasks => tasks.map(task => task.id))).toEqual([['a']])
    expect((await claim()).map(task => task.id)).toEqual(['b'])
  })

  test('a member released by one that fell at once stands before later ones of the same exchange', async ({
    submit,
    store,
    exchange,
  }) => {
    await submit(draft('gone'))
    await store.cancel([draft('gone').id], null)
    const outcome = await exchange({
      submits: [
        {
          drafts: [
            draft('later', { priority: 4 }),
            draft('fallen', { dependencies: ['gone'] }),
            draft('released', { dependencies: ['fallen'], onDependencyFailure: 'proceed' }),
          ],
        },
      ],
      claims: [oneAsk],
    })
    expect(outcome.submits).toMatchObject([
      { receipts: [{ state: 'pending' }, { state: 'cancelled' }, { state: 'pending' }] },
    ])
    expect(outcome.claims.map(tasks => tasks.map(task => task.id))).toEqual([['released']])
  })

  test('a repeat in the same exchange is told how the first ended at once', async ({ submit, store, exchange }) => {
    await submit(draft('gone'))
    await store.cancel([draft('gone').id], null)
    const fallen = draft('fallen', { dependencies: ['gone'] })
    const { submits } = await exchange({ submits: [{ drafts: [fallen] }, { drafts: [fallen] }] })
    expect(submits).toMatchObject([
      { receipts: [{ state: 'cancelled', existing: null }] },
      { receipts: [{ state: 'cancelled', existing: await store.task(fallen.id) }] },
    ])
  })

  test('keeps a payload of the largest size', async ({ submit, task }) => {
    const payload = 'é'.repeat(500_000)
    await submit(draft('a', { payload }))
    expect(JSON.parse((await task('a')).payload ?? '')).toBe(payload)
  })

  test('takes a full batch', async ({ submit, store }) => {
    await submit(...Array.from({ length: 1_000 }, (_, at) => draft(`t${at}`)))
    expect((await store.counts()).pending).toBe(1_000)
  })
}
