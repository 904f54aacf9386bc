import { it, vi } from 'vitest'
import { createSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { compareWithModel, runsOr } from './compare.ts'

vi.mock('@tasklane/protocol', async load => {
  const actual = await load<typeof import('@tasklane/protocol')>()
  const { smallBounds } = await import('./small-bounds.ts')
  return { ...actual, limits: { ...actual.limits, ...smallBounds } }
})

/** A few seconds of them unless said otherwise. */
const runs = runsOr(250)

it(`SQLite answers as the model does, over ${runs} random lives`, { timeout: 60_000 + runs * 100 }, () =>
  compareWithModel(parts => createSqliteStore({ ...parts, file: ':memory:' }), runs),
)
