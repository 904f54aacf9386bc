import { it } from 'vitest'
import { createSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { compareAlertLives } from './alert-lives.ts'
import { runsOr } from './compare.ts'

const runs = runsOr(40)

it(`SQLite keeps alerts as the model does, over ${runs} random lives`, { timeout: 60_000 + runs * 100 }, () =>
  compareAlertLives(parts => createSqliteStore({ ...parts, file: ':memory:' }), runs),
)
