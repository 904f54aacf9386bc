import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TasklaneClient } from '@tasklane/sdk'
import { readConfig, type Scheduler, startScheduler } from '@tasklane/server'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FakeHostOptions, run } from './fake-host.ts'

const adminPassword = 'correct horse battery'

let scheduler: Scheduler
let adminToken: string
beforeAll(async () => {
  const env = {
    DATABASE_URL: 'memory:',
    TASKLANE_AUTH: 'required',
    TASKLANE_ADMIN_PASSWORD: adminPassword,
    LOG_LEVEL: 'silent',
  }
  scheduler = await startScheduler(readConfig({ env, flags: { port: 0 } }))
  adminToken = (await accountsOf(null).login('admin', adminPassword)).access_token
})
afterAll(() => scheduler.stop())

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tasklane-home-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const clients: TasklaneClient[] = []
afterAll(async () => {
  for (const client of clients) await client.close()
})

function accountsOf(token: string | null): TasklaneClient['accounts'] {
  const client = new TasklaneClient({ url: scheduler.url, token: token ?? '' })
  clients.push(client)
  return client.accounts
}

/** A command line of somebody, against the real scheduler. */
function say(words: readonly string[], token: string | null, options: FakeHostOptions = {}) {
  const env = { HOME: home, TASKLANE_URL: scheduler.url, ...options.env }
  return run(words, { ...options, env, client: { accounts: accountsOf(token) } })
}

const asAdmin = (words: readonly string[], options: FakeHostOptions = {}) => say(words, adminToken, options)

describe('users', () => {
  it('are made, listed, given a role, disabled and enabled', async () => {
    const made = await asAdmin(['users', 'create', 'ada', '--role', 'operator'], { stdin: 'lovelace 1815\n' })
    expect(made).toMatchObject({ exitCode: 0, out: 'ada may log in as operator.\n' })
    expect((await asAdmin(['users', 'role', 'ada', 'viewer'])).out).toBe('ada is viewer now.\n')
    expect((await asAdmin(['users', 'disable', 'ada'])).out).toBe('ada is disabled\n')
    const list = (await asAdmin(['users', 'list'])).out
    expect(list).toMatch(/admin +admin +enabled/)
    expect(list).toMatch(/ada +viewer +disabled/)
    expect((await asAdmin(['users', 'enable', 'ada', '--json'])).out).toContain('"disabled":false')
  })

  it('get a password by chance that works, or one that is asked for twice', async () => {
    const { out, err } = await asAdmin(['users', 'create', 'bob', '--generate'])
    expect(err).toContain('shown this once')
    expect(await accountsOf(null).login('bob', out.trim())).toMatchObject({ token_type: 'bearer' })
    const typed = { isTTY: true, stdin: 'analytical 1\ranalytical 2\r' }
    expect(await asAdmin(['users', 'password', 'bob'], typed)).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('The two were not the same'),
    })
    const same = await asAdmin(['users', 'password', 'bob'], { isTTY: true, stdin: 'analytical 1\ranalytical 1\r' })
    expect(same.out).toContain('bob has a new password')
    expect(`${same.out}${same.err}`).not.toContain('analytical')
    expect(await accountsOf(null).login('bob', 'analytical 1')).toMatchObject({ token_type: 'bearer' })
  })

  it('change their own password by the present one', async () => {
    await asAdmin(['users', 'create', 'cy'], { stdin: 'first password\n' })
    const { access_token } = await accountsOf(null).login('cy', 'first password')
    const changed = await say(['users', 'password'], access_token, { stdin: 'first password\r\nsecond password\r\n' })
    expect(changed).toMatchObject({ exitCode: 0, err: expect.stringContaining('tasklane login') })
    await expect(accountsOf(null).login('cy', 'first password')).rejects.toMatchObject({ code: 'login_refused' })
    expect((await say(['users', 'list'], access_token)).exitCode).toBe(4)
  })

  it('are told what is wrong, with the exit code for it', async () => {
    expect(await asAdmin(['users', 'create', 'admin'], { stdin: 'long enough\n' })).toMatchObject({ exitCode: 5 })
    expect(await asAdmin(['users', 'role', 'nobody', 'viewer'])).toMatchObject({ exitCode: 3 })
    expect(await asAdmin(['users', 'disable', 'admin'])).toMatchObject({ exitCode: 5 })
    expect((await asAdmin(['users', 'role', 'ada', 'operater'])).err).toContain("Did you mean 'operator'?")
    expect((await asAdmin(['users', 'create', 'dora'])).err).toContain('New password is asked for, and stdin has ended')
    const { exitCode, err } = await say(['users', 'list'], null)
    expect(exitCode).toBe(4)
    expect(err).toContain('Log in with `tasklane login`, or set TASKLANE_TOKEN')
  })
})

describe('tokens', () => {
  it('are made for queues and types, shown once, and revoked', async () => {
    const words = ['tokens', 'create', 'mailer', '--queues', 'a,b', '--types', 'send', '--expires', '90d']
    const { out, err } = await asAdmin(words)
    expect(out).toMatch(/^tl_[\w-]{43}\n$/)
    expect(err).toMatch(/Token mailer, worker for queues a, b of type send\. It ends at \d.*Z; it is shown this once/)
    const listed = (await asAdmin(['tokens', 'list'])).out
    expect(listed).toMatch(/mailer +worker +active +a,b +send/)
    expect(listed).not.toContain('tl_')
    const me = await say(['whoami'], out.trim())
    expect(me.out).toMatch(/name +token:mailer/)
    expect(me.out).toMatch(/queues +a, b/)
    expect((await say(['queues', 'list'], out.trim())).exitCode).not.toBe(0)
    expect((await asAdmin(['tokens', 'revoke', 'mailer'])).out).toBe('mailer is revoked\n')
    expect((await say(['whoami'], out.trim())).exitCode).toBe(4)
    expect((await asAdmin(['tokens', 'list'])).out).not.toContain('mailer')
    expect((await asAdmin(['tokens', 'list', '--all'])).out).toMatch(/mailer +worker +revoked/)
  })

  it('have a name of their role where none is given, and all of it in JSON', async () => {
    const made = JSON.parse((await asAdmin(['tokens', 'create', '--role', 'submitter', '--json'])).out)
    expect(made).toMatchObject({ name: 'submitter-20300101-000010', role: 'submitter', expires_at: null, queues: null })
    expect(made.token).toMatch(/^tl_/)
    for (const wrong of ['soon', '0', '-1d']) {
      expect((await asAdmin(['tokens', 'create', 'x', `--expires=${wrong}`])).exitCode).toBe(2)
    }
  })
})

describe('login', () => {
  const folder = () => join(home, '.config', 'tasklane', 'logins')

  it('is kept for its owner alone, used by what follows, and ended by logout', async () => {
    const { exitCode, out, err } = await say(['login', '--user', 'admin'], null, { stdin: `${adminPassword}\n` })
    expect([exitCode, err]).toEqual([0, ''])
    expect(out).toContain(`admin is logged in at ${scheduler.url}`)
    const [name = ''] = readdirSync(folder())
    const file = join(folder(), name)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const { token } = JSON.parse(readFileSync(file, 'utf8'))
    const { host } = await say(['whoami'], token)
    expect(host.connections).toMatchObject([{ urls: [scheduler.url], token, login: { name: 'admin' } }])
    // What is set for programs stands before.
    const set = await say(['whoami'], token, { env: { TASKLANE_TOKEN: 'tl_x' } })
    expect(set.host.connections).toEqual([{ urls: [scheduler.url], token: 'tl_x' }])

    expect((await say(['logout'], token)).out).toContain('Logged out of')
    expect(existsSync(file)).toBe(false)
    expect((await say(['whoami'], token)).exitCode).toBe(4)
    expect((await say(['logout'], null)).out).toContain('Nobody is logged in')
  })

  it('asks a person for name and password, and shows no password', async () => {
    const typed = { isTTY: true, stdin: `admin\n${adminPassword}x\u007f\r` }
    const { exitCode, err } = await say(['login'], null, typed)
    expect(exitCode).toBe(0)
    expect(err).toBe('User: Password: \n')
    expect(await say(['login'], null, { isTTY: true, stdin: 'admin\n\u0003' })).toMatchObject({ exitCode: 130 })
  })

  it('is refused with one sentence, and nothing is kept', async () => {
    const { exitCode, err } = await say(['login', '--user', 'admin'], null, { stdin: 'wrong\n' })
    expect(exitCode).toBe(4)
    expect(err).not.toContain('TASKLANE_TOKEN')
    expect(existsSync(folder())).toBe(false)
  })

  it('is not taken from a file that others can read, and not after its end', async () => {
    await say(['login', '--user', 'admin'], null, { stdin: `${adminPassword}\n` })
    const file = join(folder(), readdirSync(folder())[0] ?? '')
    const login = JSON.parse(readFileSync(file, 'utf8'))
    writeFileSync(file, JSON.stringify({ ...login, expires_at: '2029-12-31T00:00:00Z' }))
    expect((await say(['whoami'], null)).host.connections).toEqual([{ urls: [scheduler.url], token: null }])
    rmSync(file)
    writeFileSync(file, JSON.stringify(login), { mode: 0o644 })
    expect((await say(['whoami'], null)).err).toContain('may be read by others')
  })

  it('warns before a password goes over plain HTTP to another machine', async () => {
    const words = ['login', '--user', 'admin', '--url', 'http://tasks.example']
    expect((await say(words, null, { stdin: 'wrong\n' })).err).toContain('plain HTTP')
  })
})

describe('audit', () => {
  it('shows who did what, and how it ended', async () => {
    await asAdmin(['users', 'create', 'eve'], { stdin: 'long enough\n' })
    await asAdmin(['users', 'create', 'eve'], { stdin: 'long enough\n' })
    const seen = async () => (await asAdmin(['audit', '--subject', 'eve', '--action', 'user.create', '--json'])).out
    // Entries are written a moment later, many at once.
    await expect.poll(async () => JSON.parse(await seen()).entries.length).toBe(2)
    expect(JSON.parse(await seen()).entries).toMatchObject([
      { outcome: 'user_exists' },
      { actor: 'admin', outcome: 'ok' },
    ])
    const { out } = await asAdmin(['audit', '--subject', 'eve'])
    expect(out).toMatch(/admin +user\.create +eve +127\.0\.0\.1 +ok/)
    expect((await asAdmin(['audit', '--actor', 'nobody'])).out).toBe('Nothing of this kind was done.\n')
  })
})

describe('TASKLANE_TOKEN_FILE', () => {
  it('names a file that holds the token, behind TASKLANE_TOKEN', async () => {
    const file = join(home, 'token')
    writeFileSync(file, 'tl_abc\n')
    const tokenBy = async (env: Record<string, string>) =>
      (await say(['whoami'], null, { env })).host.connections[0]?.token
    expect(await tokenBy({ TASKLANE_TOKEN_FILE: file })).toBe('tl_abc')
    expect(await tokenBy({ TASKLANE_TOKEN_FILE: file, TASKLANE_TOKEN: 'tl_x' })).toBe('tl_x')
    const none = await say(['whoami'], null, { env: { TASKLANE_TOKEN_FILE: join(home, 'none') } })
    expect(none).toMatchObject({ exitCode: 2, err: expect.stringContaining('TASKLANE_TOKEN_FILE cannot be read') })
  })
})

describe('serve', () => {
  it('does not start for others without a key, and says how to make one', async () => {
    const { exitCode, out, err } = await run(['serve', '--host', '0.0.0.0', '--no-env-file', '--port', '0'])
    expect([exitCode, out]).toEqual([2, ''])
    expect(err).toMatch(/SECRET_KEY is missing.*openssl rand -hex 32.*TASKLANE_AUTH=off/)
  })
})

describe('reset-admin', () => {
  it('lets a locked-out operator in by the database itself', async () => {
    const data = join(home, 'a.db')
    const config = readConfig({ env: { TASKLANE_AUTH: 'required', LOG_LEVEL: 'silent' }, flags: { port: 0, data } })
    const first = await startScheduler(config)
    expect(first.firstAdmin).toMatchObject({ name: 'admin' })
    const held = await run(['users', 'reset-admin', '--data', data, '--generate'])
    expect(held).toMatchObject({ exitCode: 5, err: expect.stringContaining('a.db') })
    await first.stop()

    const reset = await run(['users', 'reset-admin', '--data', data, '--generate'])
    expect(reset).toMatchObject({ exitCode: 0, err: expect.stringContaining('admin is admin, with a new password') })
    const other = await run(['users', 'reset-admin', '--data', data, '--user', 'ops', '--json'], {
      stdin: 'ops password\n',
    })
    expect(JSON.parse(other.out)).toEqual({ name: 'ops', existed: false })

    const again = await startScheduler(config)
    expect(again.firstAdmin).toBeNull()
    const client = new TasklaneClient({ url: again.url })
    clients.push(client)
    expect(await client.accounts.login('admin', reset.out.trim())).toMatchObject({ token_type: 'bearer' })
    expect(await client.accounts.login('ops', 'ops password')).toMatchObject({ token_type: 'bearer' })
    await again.stop()
  })

  it('makes no database where there is none, and takes no weak password', async () => {
    const data = join(home, 'none.db')
    expect(await run(['users', 'reset-admin', '--data', data, '--generate'])).toMatchObject({ exitCode: 1 })
    expect(existsSync(data)).toBe(false)
    expect(await run(['users', 'reset-admin', '--data', data], { stdin: 'x\n' })).toMatchObject({ exitCode: 2 })
    const both = ['users', 'reset-admin', '--data', data, '--database', 'postgresql://h/d']
    expect(await run(both)).toMatchObject({ exitCode: 2 })
  })
})
