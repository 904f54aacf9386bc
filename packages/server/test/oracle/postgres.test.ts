import { describe, it, vi } from 'vitest'
import { emptyNodes, hasPostgres } from '../support/postgres-stores.ts'
import { compareWithModel } from './compare.ts'
import { livesOr } from './lives.ts'
import { takingTurns } from './taking-turns.ts'

vi.mock('@tasklane/protocol', async load => {
  const actual = await load<typeof import('@tasklane/protocol')>()
  const { smallBounds } = await import('./small-bounds.ts')
  return { ...actual, limits: { ...actual.limits, ...smallBounds } }
})

/** Every call is a few round trips: fewer lives than in memory. */
const lives = livesOr(60, 4_000)

describe.skipIf(!(await hasPostgres()))('on a server', () => {
  const openEmpty = emptyNodes()

  it(
    `two nodes on PostgreSQL answer as the model does, over ${lives.runs} random lives`,
    {
      timeout: lives.timeoutMs,
    },
    () =>
      compareWithModel(
        async parts => takingTurns(await openEmpty({ ...parts, connections: 2, fixedNow: parts.clock.now }, 2)),
        lives,
      ),
  )
})
