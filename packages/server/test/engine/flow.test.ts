import { describe, expect, it } from 'vitest'
import { taskId, workerId } from '../../src/core/task.ts'
import { type Advice, createFlow } from '../../src/engine/flow.ts'
import { lanesOf } from '../../src/engine/lane-counts.ts'
import { names } from '../support/drafts.ts'

describe('what is best for new tasks', () => {
  const steps: readonly [what: string, steps: readonly Step[], advice: Advice][] = [
    ['nobody has claimed yet', [submit('a')], 'now'],
    ['a claim found nothing there', [submit('a'), claim([])], 'with a claim'],
    ['a claim took all that came with it', [submit('a'), claim([]), both(['b', 'c'], ['b', 'c'])], 'with a claim'],
    ['a part of what came was left', [submit('a'), claim([]), both(['b', 'c'], ['b'])], 'later'],
    ['nobody took what came', [submit('a'), claim([]), submit('b')], 'later'],
    ['a claim took older ones instead', [submit('a'), claim([]), both(['c'], ['b'])], 'later'],
    ['a claim alone found something', [submit('a'), claim([]), claim(['b'])], 'later'],
    ['what was left is gone', [submit('a'), claim([]), submit('b'), claim(['b']), claim([])], 'with a claim'],
    ['submits have waited in vain', [submit('a'), claim([]), submit('b'), inVain], 'now'],
    ['claims go on taking from a backlog', [submit('a'), claim([]), submit('b'), inVain, claim(['b'])], 'now'],
    ['a backlog is gone', [submit('a'), claim([]), submit('b'), inVain, claim([])], 'with a claim'],
    ['a claim of other queues found nothing', [submit('a'), claim([], { queues: ['other'] })], 'now'],
    ['a claim of other types found nothing', [submit('a'), claim([], { types: ['other'] })], 'now'],
    ['another queue has some left', [submit('a'), claim([]), submit('b', 'other')], 'with a claim'],
  ]

  it.each(steps)('where %s', (_, before, advice) => {
    const flow = createFlow()
    for (const step of before) step(flow)
    expect(flow.adviceFor([{ queue: 'default', type: 'noop', count: 1 }])).toBe(advice)
  })

  it('of several lanes is what is best for the least patient one', () => {
    const flow = createFlow()
    for (const step of [submit('a'), submit('b', 'other'), claim([])]) step(flow)
    const lanes = (...queues: string[]) => queues.map(queue => ({ queue, type: 'noop', count: 1 }))
    expect(flow.adviceFor(lanes('default', 'other'))).toBe('with a claim')
    submit('c', 'other')(flow)
    expect(flow.adviceFor(lanes('default', 'other'))).toBe('later')
    expect(flow.adviceFor(lanes('default', 'other', 'unseen'))).toBe('now')
    expect(flow.adviceFor([])).toBe('now')
  })

  it('forgets the lane that it learned first, when there are too many', () => {
    const flow = createFlow()
    for (const queue of names('q', 1_001)) submit('a', queue)(flow)
    claim([])(flow)
    const advice = (queue: string) => flow.adviceFor([{ queue, type: 'noop', count: 1 }])
    expect([advice('q-0'), advice('q-1'), advice('q-1000')]).toEqual(['now', 'with a claim', 'with a claim'])
  })
})

type Step = (flow: ReturnType<typeof createFlow>) => void

function exchange(submitted: readonly string[], claimed: readonly string[] | null, where: Where = {}): Step {
  const { queue = 'default', queues = null, types = null } = where
  const tasks = (ids: readonly string[]) => ids.map(id => ({ id: taskId(id), queue, type: 'noop' }))
  const ask = { workerId: workerId('w'), queues, types, limit: 10, leaseMs: 30_000, requestId: null }
  return flow =>
    flow.learn({
      submitted: lanesOf(tasks(submitted)),
      asks: claimed === null ? [] : [ask],
      claims: claimed === null ? [] : [tasks(claimed)],
      claimed: lanesOf(tasks(claimed ?? [])),
      isNew: task => submitted.includes(task.id),
    })
}

interface Where {
  readonly queue?: string
  readonly queues?: readonly string[]
  readonly types?: readonly string[]
}

function submit(id: string, queue = 'default'): Step {
  return exchange([id], null, { queue })
}

function claim(ids: readonly string[], where: Where = {}): Step {
  return exchange([], ids, where)
}

function both(submitted: readonly string[], claimed: readonly string[]): Step {
  return exchange(submitted, claimed)
}

function inVain(flow: ReturnType<typeof createFlow>): void {
  flow.waitedInVain([{ queue: 'default', type: 'noop', count: 1 }])
}
