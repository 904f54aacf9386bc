import { it } from 'vitest'
import { createSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { compareAlertLives } from './alert-lives.ts'
import { livesOr } from './lives.ts'

const lives = livesOr(40, 400)

it(`SQLite keeps alerts as the model does, over ${lives.runs} random lives`, { timeout: lives.timeoutMs }, () =>
  compareAlertLives(parts => createSqliteStore({ ...parts, file: ':memory:' }), lives),
)
