import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type PullNode, type PullTask, startPullNode } from './pull-client.ts'

/**
 * Loops that do what loops do: ask, work, report, ask again, fall silent past their lease and come back with an old result,
 * start anew, leave. Whatever the order, every task ends, and of all that was said about it one word stands.
 */
type Step =
  | {
      readonly kind: 'ask' | 'complete' | 'fail' | 'call off' | 'beat' | 'register' | 'leave' | 'restart'
      readonly worker: number
    }
  | { readonly kind: 'pass'; readonly seconds: number }

const workers = ['w0', 'w1', 'w2'] as const
const worker = fc.nat({ max: workers.length - 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'ask',
        'ask',
        'ask',
        'complete',
        'complete',
        'beat',
        'fail',
        'register',
        'leave',
        'restart',
        'call off',
      ),
      worker,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), seconds: fc.constantFrom(1, 9, 17, 17) }) },
)

interface Life {
  readonly node: PullNode
  /** What each loop believes to be running. */
  readonly running: Map<string, PullTask>
  /** By task, the results that were taken. */
  readonly taken: Map<string, Set<string>>
  words: number
}

async function act(life: Life, { kind, worker: at }: Exclude<Step, { kind: 'pass' }>): Promise<void> {
  const { node, running, taken } = life
  const name = workers[at] ?? workers[0]
  if (kind === 'beat') await node.beat(name)
  if (kind === 'register') await node.call('POST', `/register_worker/${name}`)
  if (kind === 'leave') await node.call('DELETE', `/unregister/${name}`)
  if (kind === 'restart') running.delete(name)
  // A loop asks when it has nothing to do.
  if (kind === 'ask' && !running.has(name)) {
    const task = await node.get(name)
    if (task !== null) running.set(name, task)
  }
  const task = running.get(name)
  const word = { complete: 'COMPLETED', fail: 'FAILED', 'call off': 'CANCELED' }[String(kind)]
  if (task === undefined || word === undefined) return
  running.delete(name)
  life.words += 1
  const result = word === 'COMPLETED' ? `${name} ${life.words}` : null
  const answer = await node.report(name, task.task_id, word, { result })
  if (answer.status !== 200) throw new Error(answer.text)
  if (answer.body.applied === true && result !== null) {
    // Nobody is heard in the name of another.
    expect(await node.task(task.task_id)).toMatchObject({ status: 'completed', worker_id: name })
    taken.set(task.task_id, (taken.get(task.task_id) ?? new Set<string>()).add(result))
  }
}

it('loses nothing and ends nothing twice, whatever its loops do', async () => {
  const node = await startPullNode()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async steps => {
      const life: Life = { node, running: new Map(), taken: new Map(), words: 0 }
      const parent = await node.add('f', { priority: 9 })
      const ids = [parent, await node.add('g'), await node.add('h', { timeout: 20 })]
      ids.push(await node.add('child', { dependencies: [parent] }))
      for (const each of steps) {
        if (each.kind === 'pass') await node.clock.advance(each.seconds * 1_000)
        else await act(life, each)
      }
      // From here on one good loop is left.
      life.running.clear()
      for (let rounds = 0; rounds < 40; rounds += 1) {
        await act(life, { kind: 'ask', worker: 0 })
        await act(life, { kind: 'complete', worker: 0 })
        await node.clock.advance(2_000)
      }
      for (const id of ids) {
        const { status, result } = await node.task(id)
        expect(['completed', 'failed', 'cancelled']).toContain(status)
        const results = [...(life.taken.get(id) ?? [])]
        expect(results).toEqual(status === 'completed' ? [result] : [])
      }
    }),
    { numRuns: 20 },
  )
})
