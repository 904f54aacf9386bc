import fc from 'fast-check'
import { expect } from 'vitest'
import { headStartMsDefault } from '../../src/core/rank.ts'
import type { Store } from '../../src/ports/store.ts'
import { createMemoryStore } from '../../src/stores/memory/memory-store.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'
import { type Command, command } from './commands.ts'
import type { Lives } from './lives.ts'
import { lookAt } from './look.ts'
import { createRun, learn, toCall } from './perform.ts'

/** The store that is compared with the model, empty, on the model's clock. */
export type OpenStore = (parts: { readonly clock: VirtualClock; readonly headStartMs: number }) => Promise<Store>

/** Leads the model and the store through the same random lives; fails at the first answer or sight that differs. */
export async function compareWithModel(open: OpenStore, { parameters }: Lives): Promise<void> {
  const lives = fc.array(command, { minLength: 1, maxLength: 70, size: 'max' })
  await fc.assert(
    fc.asyncProperty(lives, async commands => {
      const clock = createVirtualClock()
      const parts = { clock, headStartMs: headStartMsDefault }
      const model = createMemoryStore(parts)
      const store = await open(parts)
      try {
        await store.migrate()
        await compareLives(model, store, clock, commands)
      } finally {
        await store.close()
      }
    }),
    parameters,
  )
}

async function compareLives(
  model: Store,
  other: Store,
  clock: VirtualClock,
  commands: readonly Command[],
): Promise<void> {
  const run = createRun(clock.now)
  const texts = { actual: createTexts(), expected: createTexts() }
  /** Texts first: they are equal almost always, and comparing them is fast. */
  const expectSame = (actual: unknown, expected: unknown, what: string): void => {
    const [one, another] = [texts.actual(actual), texts.expected(expected)]
    if (one !== another) expect(JSON.parse(one), what).toStrictEqual(JSON.parse(another))
  }
  let turn = 0
  const compare = async (what: string): Promise<void> => {
    const ids = [...new Set(run.drafts.map(each => each.id))].slice(-40)
    turn += 1
    expectSame(await lookAt(other, ids, turn), await lookAt(model, ids, turn), what)
  }
  for (const [at, each] of commands.entries()) {
    if (each.kind === 'advance') clock.pause(each.ms)
    const call = toCall(each, run)
    if (call === null) continue
    const expected = await call(model)
    expectSame(await call(other), expected, `the answer to command ${at} (${each.kind})`)
    learn(run, expected)
    if (at % 10 === 9) await compare(`the state after command ${at}`)
  }
  await compare('the state at the end')
}

/**
 * Numbers of tasks and of users may have gaps, so that they are compared by when they were seen first: both stores show
 * them in the same order, and the same one under the same number always.
 */
function createTexts(): (value: unknown) => string {
  const seen = { user: new Map<unknown, number>(), task: new Map<unknown, number>() }
  function replaced(this: object, key: string, inner: unknown): unknown {
    if (key !== 'number') return inner
    const numbers = 'passwordHash' in this ? seen.user : seen.task
    const known = numbers.get(inner) ?? numbers.size + 1
    numbers.set(inner, known)
    return known
  }
  return value => JSON.stringify({ value }, replaced)
}
