import { describe, it } from 'vitest'
import { emptyStores, hasPostgres } from '../support/postgres-stores.ts'
import { compareAlertLives } from './alert-lives.ts'
import { livesOr } from './lives.ts'

/** Every call is a few round trips: fewer lives than in memory. */
const lives = livesOr(8, 4_000)

describe.skipIf(!(await hasPostgres()))('on a server', () => {
  const emptyStore = emptyStores()

  it(`PostgreSQL keeps alerts as the model does, over ${lives.runs} random lives`, { timeout: lives.timeoutMs }, () =>
    compareAlertLives(parts => emptyStore({ ...parts, fixedNow: parts.clock.now }), lives),
  )
})
