import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { headStartMsDefault } from '../../src/core/rank.ts'
import type { Store } from '../../src/ports/store.ts'
import { createMemoryStore } from '../../src/stores/memory/memory-store.ts'
import { createSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'
import { type Command, command } from './commands.ts'
import { lookAt } from './look.ts'
import { createRun, learn, toCall } from './perform.ts'

// Small bounds bring the rare paths (children left over, parents too large for a claim) into runs of a few dozen tasks.
vi.mock('@tasklane/protocol', async load => {
  const actual = await load<typeof import('@tasklane/protocol')>()
  return {
    ...actual,
    limits: { ...actual.limits, releasedInTransactionMax: 3, parentsBytesMax: 80, logLinesPerTaskMax: 3 },
  }
})

/** How many lives; a few seconds of them unless said otherwise. `ORACLE_SEED`, as a failure prints it, brings a run back. */
const runs = Number(process.env.ORACLE_RUNS ?? 250)
const seed = process.env.ORACLE_SEED

const timeoutMs = 60_000 + runs * 100

it(`SQLite answers as the model does, over ${runs} random lives`, { timeout: timeoutMs }, async () => {
  const lives = fc.array(command, { minLength: 1, maxLength: 70, size: 'max' })
  await fc.assert(
    fc.asyncProperty(lives, async commands => {
      const clock = createVirtualClock()
      const parts = { clock, headStartMs: headStartMsDefault }
      const model = createMemoryStore(parts)
      const sqlite = await createSqliteStore({ ...parts, file: ':memory:' })
      try {
        await sqlite.migrate()
        await compareLives(model, sqlite, clock, commands)
      } finally {
        await sqlite.close()
      }
    }),
    { numRuns: runs, ...(seed === undefined ? {} : { seed: Number(seed) }) },
  )
})

async function compareLives(
  model: Store,
  other: Store,
  clock: VirtualClock,
  commands: readonly Command[],
): Promise<void> {
  const run = createRun(clock.now)
  const compare = async (what: string): Promise<void> => {
    const ids = [...new Set(run.drafts.map(each => each.id))].slice(-40)
    expectSame(await lookAt(other, ids), await lookAt(model, ids), what)
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

/** Texts first: they are equal almost always, and comparing them is fast. */
function expectSame(actual: unknown, expected: unknown, what: string): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) expect(actual, what).toStrictEqual(expected)
}
