import { describe, it } from 'vitest'
import { emptyNodes, hasPostgres } from '../support/postgres-stores.ts'
import { compareAlertLives } from './alert-lives.ts'
import { livesOr } from './lives.ts'
import { takingTurns } from './taking-turns.ts'

/** Every call is a few round trips: fewer lives than in memory. */
const lives = livesOr(8, 4_000)

describe.skipIf(!(await hasPostgres()))('on a server', () => {
  const openEmpty = emptyNodes()

  it(
    `two nodes on PostgreSQL keep alerts as the model does, over ${lives.runs} random lives`,
    {
      timeout: lives.timeoutMs,
    },
    () =>
      compareAlertLives(
        async parts => takingTurns(await openEmpty({ ...parts, connections: 2, fixedNow: parts.clock.now }, 2)),
        lives,
      ),
  )
})
