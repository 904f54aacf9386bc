import { describe, it } from 'vitest'
import { emptyStores, hasPostgres } from '../support/postgres-stores.ts'
import { compareAlertLives } from './alert-lives.ts'
import { runsOr } from './compare.ts'

/** Every call is a few round trips: fewer lives than in memory. */
const runs = runsOr(8)

describe.skipIf(!(await hasPostgres()))('on a server', () => {
  const emptyStore = emptyStores()

  it(`PostgreSQL keeps alerts as the model does, over ${runs} random lives`, { timeout: 60_000 + runs * 2_000 }, () =>
    compareAlertLives(parts => emptyStore({ ...parts, fixedNow: parts.clock.now }), runs),
  )
})
