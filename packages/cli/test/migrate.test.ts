import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig, startScheduler } from '@tasklane/server'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  freshDatabase,
  hasPrivatePostgres,
  postgresServer,
  privatePostgres,
} from '../../../test/support/servers/postgres.ts'
import { run } from './fake-host.ts'

/** Of PostgreSQL; a file has as many. */
const all = ['tasks', 'accounts', 'dashboard', 'alerts', 'pauses'].map((name, at) => ({ version: at + 1, name }))
const known = all.length

describe.skipIf((await postgresServer()) === null)('the schema on a server', () => {
  it('is told of, brought up to date, and told of again', async () => {
    const env = { DATABASE_URL: await newDatabase() }
    const before = await run(['migrate', 'status'], { env })
    expect(before.exitCode).toBe(0)
    expect(before.out).toContain('none yet')
    expect(before.out).toContain('`tasklane migrate up` applies what is open')
    expect(await run(['migrate', 'up'], { env })).toMatchObject({
      exitCode: 0,
      out: all.map(({ version, name }) => `applied ${version} ${name}\n`).join(''),
      err: '',
    })
    const after = await run(['migrate', 'status'], { env })
    expect(after.out).toMatch(/applied 1 +tasks, 20\d\d-/)
    expect(after.out).toContain(`${known}, up to date`)
    expect(await run(['migrate', 'up'], { env })).toMatchObject({
      exitCode: 0,
      out: '',
      err: 'The schema is up to date.\n',
    })
  })

  it('is told of as JSON, without the password', async () => {
    const env = { DATABASE_URL: await newDatabase() }
    const open = all
    const jsonOf = async (word: string): Promise<unknown> => {
      const { out, err } = await run(['migrate', word, '--json'], { env })
      expect(err).toBe('')
      const { password } = new URL(env.DATABASE_URL)
      if (password !== '') expect(out).not.toContain(password)
      return JSON.parse(out)
    }
    expect(await jsonOf('status')).toMatchObject({
      store: 'postgres',
      version: 0,
      known_version: known,
      applied: [],
      open,
    })
    expect(await jsonOf('plan')).toMatchObject({ open, sql: expect.stringContaining('COMMIT;') })
    expect(await jsonOf('up')).toEqual({ applied: open })
    expect(await jsonOf('up')).toEqual({ applied: [] })
    expect(await jsonOf('plan')).toEqual({ open: [], sql: '' })
    expect(await jsonOf('status')).toMatchObject({
      version: known,
      is_usable: true,
      open: [],
      applied: all.map(each => ({ ...each, applied_at: expect.stringMatching(/Z$/) })),
    })
  })

  it('is the same by the SQL of the plan as by `up`, and the plan changes nothing', async () => {
    const [byUp, byPlan] = [await newDatabase(), await newDatabase()]
    await run(['migrate', 'up'], { env: { DATABASE_URL: byUp } })
    const { out } = await run(['migrate', 'plan'], { env: { DATABASE_URL: byPlan } })
    expect(await schemaOf(byPlan)).toEqual([])
    await ask(byPlan, out)
    expect(await schemaOf(byPlan)).toEqual(await schemaOf(byUp))
    const status = await run(['migrate', 'status'], { env: { DATABASE_URL: byPlan } })
    expect(status.out).toContain(`${known}, up to date`)
    expect(await run(['migrate', 'plan'], { env: { DATABASE_URL: byPlan } })).toMatchObject({
      exitCode: 0,
      out: '',
      err: 'The schema is up to date.\n',
    })
  })

  it('of a newer Tasklane is left alone where this one cannot work with it, and served where it can', async () => {
    const env = { DATABASE_URL: await newDatabase() }
    await run(['migrate', 'up'], { env })
    await ask(
      env.DATABASE_URL,
      `INSERT INTO tasklane.migrations (version, needs, name) VALUES (${known + 1}, 1, 'kind')`,
    )
    expect((await run(['migrate', 'status'], { env })).out).toMatch(
      new RegExp(`${known + 1}, of a newer Tasklane \\(this one knows ${known}\\)[\\s\\S]*usable +yes`),
    )
    expect((await run(['migrate', 'up'], { env })).exitCode).toBe(0)
    await ask(
      env.DATABASE_URL,
      `INSERT INTO tasklane.migrations (version, needs, name) VALUES (${known + 2}, ${known + 2}, 'unkind')`,
    )
    expect((await run(['migrate', 'status'], { env })).out).toContain('later version than this one can work with')
    const up = await run(['migrate', 'up'], { env })
    expect(up).toMatchObject({ exitCode: 5, out: '' })
    expect(up.err).toContain(`newer Tasklane (version ${known + 2}, this one knows ${known})`)
    expect((await run(['serve', '--port', '0'], { env })).exitCode).toBe(5)
  })

  it('that is missing keeps `serve --no-migrate` from starting', async () => {
    const env = { DATABASE_URL: await newDatabase(), LOG_LEVEL: 'silent' }
    const served = await run(['serve', '--port', '0', '--no-migrate'], { env })
    expect(served.exitCode).toBe(5)
    expect(served.err).toContain('Run `tasklane migrate up`')
  })
})

describe.skipIf(!(await hasPrivatePostgres()))('a server that does not do what it is asked', () => {
  it('is told of with a sentence each', { timeout: 120_000 }, async () => {
    const server = await privatePostgres()
    if (server === null) throw new Error('There was one a moment ago.')
    onTestFinished(server.close)
    const urlWith = (parts: Partial<Pick<URL, 'username' | 'password' | 'pathname'>>) => ({
      env: { DATABASE_URL: Object.assign(new URL(server.url), parts).href },
    })
    const wrong = await run(['migrate', 'up'], urlWith({ password: 'wr%2Fong' }))
    expect(wrong.exitCode).toBe(4)
    expect(wrong.err).toContain("refuses the password of the user 'tasklane'")
    expect(wrong.err).not.toContain('ong')
    const none = await run(['migrate', 'status', '--json'], urlWith({ password: '' }))
    expect(none.exitCode).toBe(4)
    expect(JSON.parse(none.err)).toMatchObject({ error: { code: 'database_not_allowed', exit_code: 4 } })
    const elsewhere = await run(['migrate', 'plan'], urlWith({ pathname: '/elsewhere' }))
    expect(elsewhere.exitCode).toBe(1)
    expect(elsewhere.err).toContain('There is no such database')

    await ask(server.url, `CREATE ROLE guest LOGIN PASSWORD 'guest'`)
    const guest = await run(['migrate', 'up'], urlWith({ username: 'guest', password: 'guest' }))
    expect(guest.exitCode).toBe(4)
    expect(guest.err).toContain('permission denied')
    expect(guest.err).toContain('tasklane migrate plan')

    await server.stop()
    const away = await run(['migrate', 'status'], { env: { DATABASE_URL: server.url } })
    expect(away).toMatchObject({ exitCode: 6, out: '' })
    expect(away.err).toContain('cannot be reached')
  })
})

describe('an address', () => {
  it('where nobody is, is told from one that is none, and neither repeats the password', async () => {
    const away = await run(['migrate', 'status'], { env: { DATABASE_URL: 'postgresql://me:geheim@127.0.0.1:1/tasks' } })
    expect(away.exitCode).toBe(6)
    expect(away.err).toContain('cannot be reached')
    const wrong = await run(['migrate', 'status'], { env: { DATABASE_URL: 'mysql://me:geheim@127.0.0.1/tasks' } })
    expect(wrong.exitCode).toBe(2)
    expect(away.err + wrong.err).not.toContain('geheim')
  })
})

describe('the schema of a file', () => {
  it('is told of and not touched', async () => {
    const file = await usedFile()
    const bytes = digestOf(file)
    const status = await run(['migrate', 'status', '--data', file])
    expect(status.exitCode).toBe(0)
    expect(status.out).toContain(`${known}, up to date`)
    expect(JSON.parse((await run(['migrate', 'status', '--data', file, '--json'])).out)).toEqual({
      store: 'sqlite',
      file,
      version: known,
      known_version: known,
    })
    for (const word of ['up', 'plan']) {
      const { exitCode, out, err } = await run(['migrate', word, '--data', file])
      expect(exitCode).toBe(0)
      expect(out + err).toContain('when a scheduler starts on it')
    }
    expect(digestOf(file)).toBe(bytes)
    expect(existsSync(`${file}-wal`)).toBe(false)
  })

  it('is not told while a scheduler runs on it, and not made where there is none', async () => {
    const file = await newFile()
    const gone = await run(['migrate', 'status', '--data', file])
    expect(gone.exitCode).toBe(1)
    expect(gone.err).toContain('does not exist')
    expect(existsSync(file)).toBe(false)
    const scheduler = await startScheduler(configOf(file))
    const locked = await run(['migrate', 'status', '--data', file])
    await scheduler.stop()
    expect(locked.exitCode).toBe(5)
    expect(locked.err).toContain('already uses')
  })
})

const configOf = (data: string) => readConfig({ env: {}, flags: { data, port: 0, logLevel: 'silent' } })

async function newFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tasklane-migrate-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return join(folder, 'tasks.db')
}

async function usedFile(): Promise<string> {
  const file = await newFile()
  await (await startScheduler(configOf(file))).stop()
  return file
}

async function newDatabase(): Promise<string> {
  const database = await freshDatabase()
  onTestFinished(database.drop)
  return database.url
}

function digestOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

/** Every column, index and migration of ours. */
function schemaOf(url: string): Promise<readonly unknown[]> {
  return ask(
    url,
    `SELECT table_name || '.' || column_name AS name, data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '') AS what
       FROM information_schema.columns WHERE table_schema = 'tasklane'
     UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'tasklane'
     UNION ALL SELECT relname, reloptions::text FROM pg_class WHERE relnamespace = to_regnamespace('tasklane')
     ORDER BY 1, 2`,
  )
}

async function ask(url: string, sql: string): Promise<readonly unknown[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}
