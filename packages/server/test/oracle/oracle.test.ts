import { it, vi } from 'vitest'
import { createSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { compareWithModel } from './compare.ts'
import { livesOr } from './lives.ts'

vi.mock('@tasklane/protocol', async load => {
  const actual = await load<typeof import('@tasklane/protocol')>()
  const { smallBounds } = await import('./small-bounds.ts')
  return { ...actual, limits: { ...actual.limits, ...smallBounds } }
})

/** A few seconds of them unless said otherwise. */
const lives = livesOr(250, 400)

it(`SQLite answers as the model does, over ${lives.runs} random lives`, { timeout: lives.timeoutMs }, () =>
  compareWithModel(parts => createSqliteStore({ ...parts, file: ':memory:' }), lives),
)
