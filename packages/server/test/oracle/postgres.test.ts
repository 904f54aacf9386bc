import { describe, it, vi } from 'vitest'
import { emptyStores, hasPostgres } from '../support/postgres-stores.ts'
import { compareWithModel, runsOr } from './compare.ts'

vi.mock('@tasklane/protocol', async load => {
  const actual = await load<typeof import('@tasklane/protocol')>()
  const { smallBounds } = await import('./small-bounds.ts')
  return { ...actual, limits: { ...actual.limits, ...smallBounds } }
})

/** Every call is a few round trips: fewer lives than in memory. */
const runs = runsOr(60)

describe.skipIf(!(await hasPostgres()))('on a server', () => {
  const emptyStore = emptyStores()

  it(`PostgreSQL answers as the model does, over ${runs} random lives`, { timeout: 60_000 + runs * 2_000 }, () =>
    compareWithModel(parts => emptyStore({ ...parts, fixedNow: parts.clock.now }), runs),
  )
})
