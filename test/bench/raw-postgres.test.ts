import { describe, expect, it } from 'vitest'
import { freshDatabase, postgresServer } from '../support/servers/postgres.ts'

type RawPostgres = (options: {
  readonly url: string
  readonly tasks: number
  readonly batch: number
  readonly connections: number
}) => Promise<{ readonly lives: number; readonly insert: number }>

describe.skipIf((await postgresServer()) === null)('the bare loop of the bench', () => {
  it('knows the statements of the store, and leads every task through its life', async () => {
    // The bench is plain JavaScript, of which the compiler knows nothing.
    const file: string = '../../bench/raw-postgres.mjs'
    const { rawPostgres } = (await import(file)) as { rawPostgres: RawPostgres }
    const database = await freshDatabase()
    try {
      // It throws where a statement did not take what it was given.
      const { lives } = await rawPostgres({ url: database.url, tasks: 400, batch: 100, connections: 2 })
      expect(lives).toBeGreaterThan(0)
    } finally {
      await database.drop()
    }
  })
})
