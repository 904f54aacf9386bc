import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { freshDatabase, postgresServer } from '../../../test/support/servers/postgres.ts'
import { exitCodes } from '../src/exit-codes.ts'
import { runCommandLine } from '../src/program.ts'
import { createFakeHost } from './fake-host.ts'

const folder = mkdtempSync(join(tmpdir(), 'tasklane-migrate-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

async function run(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const host = createFakeHost({ env })
  const exitCode = await runCommandLine(words, host)
  return { exitCode, out: host.out(), err: host.err() }
}

describe.skipIf((await postgresServer()) === null)('tasklane migrate, on a server', () => {
  it('tells, plans and brings up to date', async () => {
    const database = await freshDatabase()
    const env = { DATABASE_URL: database.url }
    try {
      const before = await run(['migrate', 'status', '--json'], env)
      expect(JSON.parse(before.out)).toMatchObject({ kind: 'postgres', version: 0, applied: [], isUsable: true })
      const plan = await run(['migrate', 'plan'], env)
      expect(plan.out).toMatch(/CREATE TABLE tasklane\.tasks/)
      expect((await run(['migrate', 'status'], env)).out).toMatch(/none yet/)

      const up = await run(['migrate', 'up'], env)
      expect(up).toMatchObject({ exitCode: exitCodes.ok, out: 'applied 1 tasks\n' })
      const again = await run(['migrate', 'up', '--json'], env)
      expect(JSON.parse(again.out)).toEqual({ applied: [] })
      expect((await run(['migrate', 'plan'], env)).out).toBe('')
      expect((await run(['migrate', 'status'], env)).out).toMatch(/up to date/)
    } finally {
      await database.drop()
    }
  })

  it('the plan is a script that psql can run, and leaves nothing for `up`', async () => {
    const database = await freshDatabase()
    const env = { DATABASE_URL: database.url }
    const { default: pg } = await import('pg')
    const client = new pg.Client(database.url)
    try {
      await client.connect()
      await client.query((await run(['migrate', 'plan'], env)).out)
      expect(JSON.parse((await run(['migrate', 'up', '--json'], env)).out)).toEqual({ applied: [] })
    } finally {
      await client.end()
      await database.drop()
    }
  })

  it('moves a store, and says where the target is not empty', async () => {
    const database = await freshDatabase()
    const env = { DATABASE_URL: database.url }
    try {
      const missing = await run(['migrate-store', '--from', join(folder, 'absent.db')], env)
      expect(missing.exitCode).toBe(exitCodes.failed)
      expect(missing.err).toMatch(/absent\.db does not exist/)
    } finally {
      await database.drop()
    }
  })
})

describe('tasklane migrate', () => {
  it('says that a file is brought up to date by the scheduler', async () => {
    const env = { DATABASE_URL: `sqlite:///${join(folder, 'none.db')}` }
    expect((await run(['migrate', 'up'], env)).err).toMatch(/when a scheduler starts/)
    expect((await run(['migrate', 'status'], env)).err).toMatch(/does not exist/)
  })

  it('tells a server that is away from a wrong address, without the password', async () => {
    const away = await run(['migrate', 'status'], { DATABASE_URL: 'postgresql://me:geheim@127.0.0.1:1/tasks' })
    expect(away.exitCode).toBe(exitCodes.unreachable)
    expect(away.err).toMatch(/cannot be reached/)
    const wrong = await run(['migrate', 'status'], { DATABASE_URL: 'mysql://me:geheim@127.0.0.1/tasks' })
    expect(wrong.exitCode).toBe(exitCodes.usage)
    expect(away.err + wrong.err).not.toMatch(/geheim/)
  })

  it('asks for both sides of a move at once', async () => {
    const asked = await run(['migrate-store'])
    expect(asked.exitCode).toBe(exitCodes.usage)
    expect(asked.err).toMatch(/--from is missing[\s\S]*--to is missing/)
  })
})
