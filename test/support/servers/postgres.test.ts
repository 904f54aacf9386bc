import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../processes.ts'
import { freshDatabase, hasPrivatePostgres, type PrivatePostgres, postgresServer, privatePostgres } from './postgres.ts'
import { createDatabases, nameRun } from './postgres-databases.ts'
import { findPostgres } from './postgres-programs.ts'

const server = await postgresServer()
const mayStart = await hasPrivatePostgres()

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

describe.skipIf(server === null)('databases on the shared server', () => {
  it('are one for each who asks, and gone when dropped, whoever is connected', async () => {
    const [one, other] = await Promise.all([freshDatabase(), freshDatabase()])
    closers.push(one.drop, other.drop)
    const client = await connect(one.url)
    await client.query('CREATE TABLE mine (x int)')
    expect(await ask(other.url, "SELECT to_regclass('mine')::text AS found")).toEqual([{ found: null }])
    await one.drop()
    await expect(connect(one.url)).rejects.toThrow('does not exist')
  })

  it('are clones of a template that is filled once, however many ask at a time', async () => {
    let fills = 0
    const template = {
      key: 'a table with three rows',
      fill: async (url: string) => {
        fills += 1
        await ask(url, 'CREATE TABLE filled AS SELECT generate_series(1, 3) AS x')
      },
    }
    const all = await Promise.all(Array.from({ length: 4 }, () => freshDatabase(template)))
    closers.push(...all.map(each => each.drop))
    for (const { url } of all) expect(await ask(url, 'SELECT count(*)::int AS n FROM filled')).toEqual([{ n: 3 }])
    expect(fills).toBe(1)
  })

  it('are made anew from a template whose first filling failed', async () => {
    let fills = 0
    const template = {
      key: 'fails at first',
      fill: async (url: string) => {
        fills += 1
        await ask(url, 'CREATE TABLE half_done (x int)')
        if (fills === 1) throw new Error('stumbled')
      },
    }
    await expect(freshDatabase(template)).rejects.toThrow('stumbled')
    const second = await freshDatabase(template)
    closers.push(second.drop)
    expect(fills).toBe(2)
  })
})

describe.skipIf(!mayStart)('a server of one test', () => {
  let postgres: PrivatePostgres
  beforeEach(async () => {
    postgres = await start()
  })

  it('is durable, and reachable on loopback by its password only', async () => {
    const [row] = await ask(
      postgres.url,
      `SELECT current_setting('fsync') AS fsync, current_setting('listen_addresses') AS address,
              current_setting('unix_socket_directories') AS sockets`,
    )
    expect(row).toEqual({ fsync: 'on', address: '127.0.0.1', sockets: '' })
    const stranger = new URL(postgres.url)
    stranger.password = 'guess'
    await expect(connect(stranger.href)).rejects.toThrow('password')
  })

  it('keeps what was committed through a crash, and its address', async () => {
    await ask(postgres.url, 'CREATE TABLE kept AS SELECT 1 AS x')
    await postgres.restart('immediate')
    expect(await ask(postgres.url, 'SELECT x FROM kept')).toEqual([{ x: 1 }])
    expect(postgres.log()).toContain('was not properly shut down')
  })

  it('starts again after kill -9 while clients were connected', async () => {
    const client = await connect(postgres.url)
    await client.query('CREATE TABLE kept AS SELECT 1 AS x')
    await postgres.kill()
    expect(postgres.pid()).toBeNull()
    await postgres.start()
    expect(await ask(postgres.url, 'SELECT x FROM kept')).toEqual([{ x: 1 }])
  })

  it('takes other settings at a restart', async () => {
    await postgres.restart('fast', { max_connections: '7' })
    expect(await ask(postgres.url, 'SHOW max_connections')).toEqual([{ max_connections: '7' }])
  })

  it('says why it does not start', async () => {
    await postgres.stop()
    await expect(postgres.start({ shared_buffers: 'many' })).rejects.toThrow(/invalid value.*shared_buffers/s)
  })

  it('puts its data where the test says, and leaves nothing there', async () => {
    const folder = temporaryFolder()
    const elsewhere = await start({ dataFolder: folder })
    const data = join(folder, 'cluster')
    expect(existsSync(join(data, 'PG_VERSION'))).toBe(true)
    await elsewhere.close()
    expect([existsSync(folder), existsSync(data)]).toEqual([true, false])
  })

  it('goes with a process that is killed while it holds one', async () => {
    const owner = await ownerOfOne()
    expect(isRunning(owner.serverPid)).toBe(true)
    process.kill(owner.pid, 'SIGKILL')
    await until(
      () => isRunning(owner.serverPid) || existsSync(owner.folder),
      remains => !remains,
      () => `PostgreSQL ${owner.serverPid} and ${owner.folder} to go`,
    )
  })
})

describe.skipIf(server === null)('a server that somebody named', () => {
  it('is used, and what a run made there is dropped at its end', async () => {
    const run = await script(
      `import { postgresOffers } from './postgres.ts'
       import { openDesk } from './desk.ts'
       import { freshDatabase, postgresServer } from './postgres.ts'
       const desk = await openDesk(postgresOffers)
       const { url } = await postgresServer()
       const database = await freshDatabase()
       await desk.close()
       console.log(JSON.stringify({ url, database: database.url }))`,
      { TEST_DATABASE_URL: serverUrl() },
    )
    const told = JSON.parse(run.stdout)
    expect(told.url).toBe(serverUrl())
    expect(new URL(told.database).host).toBe(new URL(serverUrl()).host)
    await expect(connect(told.database)).rejects.toThrow('does not exist')
  })

  it('is rid of what a run left that was killed long ago, and of nothing younger', async () => {
    const [old, young] = [Date.now() - 2 * 86_400_000, Date.now()].map(ms => createDatabases(serverUrl(), nameRun(ms)))
    const [left, used] = await Promise.all([old?.fresh(), young?.fresh()])
    closers.push(() => young?.dropAll())
    await createDatabases(serverUrl(), nameRun()).dropAll()
    await expect(connect(left?.url ?? '')).rejects.toThrow('does not exist')
    expect(await ask(used?.url ?? '', 'SELECT 1 AS x')).toEqual([{ x: 1 }])
  })

  it('is missed loudly where TEST_DATABASE_URL leads nowhere', async () => {
    const run = await script(
      `import { postgresServer } from './postgres.ts'
       await postgresServer()`,
      { TEST_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' },
    )
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(/TEST_DATABASE_URL cannot be used: .*ECONNREFUSED/)
  })
})

describe('the programs of PostgreSQL', () => {
  it('are the newest that start, from 13 on', () => {
    const folder = temporaryFolder()
    const places = [fake(folder, 12), fake(folder, 14), fake(folder, 16), fake(folder, 9), broken(folder, 17)]
    expect(findPostgres(places)?.majorVersion).toBe(16)
    expect(findPostgres([String(places[0])])).toBeNull()
  })
})

function serverUrl(): string {
  if (server === null) throw new Error('Its tests were to be skipped.')
  return server.url
}

async function start(options: Parameters<typeof privatePostgres>[0] = {}): Promise<PrivatePostgres> {
  const postgres = await privatePostgres(options)
  if (postgres === null) throw new Error('It was there a moment ago.')
  closers.push(postgres.close)
  return postgres
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  closers.push(() => client.end())
  return client
}

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

/** Another process that starts a server, tells of it, and would hold it for ever. */
async function ownerOfOne(): Promise<{ pid: number; serverPid: number; folder: string }> {
  const child = runScript(
    `import { privatePostgres } from './postgres.ts'
     import pg from 'pg'
     const server = await privatePostgres()
     const client = new pg.Client({ connectionString: server.url })
     await client.connect()
     const { rows } = await client.query('SHOW data_directory')
     console.log(JSON.stringify({ serverPid: server.pid(), folder: rows[0].data_directory }))
     setInterval(() => {}, 1_000)`,
  )
  closers.push(() => child.kill('SIGKILL'))
  const told = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', resolve)
    child.on('close', code => reject(new Error(`The owner ended with ${code}.`)))
  })
  return { pid: child.pid ?? -1, ...JSON.parse(told) }
}

async function script(code: string, env: Record<string, string> = {}) {
  const child = runScript(code, env)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  const exit = await new Promise<number | null>(resolve => child.on('close', resolve))
  return { code: exit, stdout, stderr }
}

/** Code of a process of its own, beside this file, without the desk of this run. */
function runScript(code: string, env: Record<string, string> = {}) {
  return spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', code], {
    cwd: import.meta.dirname,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tasklane-test-'))
  closers.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function fake(folder: string, version: number): string {
  const place = join(folder, String(version))
  mkdirSync(place)
  for (const name of ['postgres', 'initdb'])
    writeFileSync(join(place, name), `#!/bin/sh\necho "${name} (PostgreSQL) ${version}.3"\n`, { mode: 0o755 })
  return place
}

/** A shim of a manager of versions, without the version. */
function broken(folder: string, version: number): string {
  const place = fake(folder, version)
  writeFileSync(join(place, 'initdb'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
  return place
}
