import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { readConfig } from './config.ts'
import { type Scheduler, startScheduler } from './main.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tasklane-main-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const data = () => join(folder, 'a.db')

async function start(env: Record<string, string> = {}): Promise<Scheduler> {
  const all = { TASKLANE_AUTH: 'required', LOG_LEVEL: 'silent', ...env }
  const scheduler = await startScheduler(readConfig({ env: all, flags: { port: 0, data: data() } }))
  onTestFinished(() => scheduler.stop())
  return scheduler
}

async function login({ url }: Scheduler, password: string): Promise<string> {
  const reply = await fetch(`${url}/token`, {
    method: 'POST',
    body: new URLSearchParams({ username: 'admin', password }),
  })
  const { access_token: token } = (await reply.json()) as { access_token?: string } // A guess, judged by what follows.
  return token ?? ''
}

async function statusWith({ url }: Scheduler, token: string): Promise<number> {
  return (await fetch(`${url}/api/users`, { headers: { authorization: `Bearer ${token}` } })).status
}

describe('a node that asks for a login', () => {
  it('tells the first admin’s password at the first start alone, and it is good', async () => {
    const first = await start()
    expect(first.isOpen).toBe(false)
    expect(await statusWith(first, await login(first, first.firstAdmin?.password ?? ''))).toBe(200)
    expect(await statusWith(first, '')).toBe(401)
    await first.stop()
    const second = await start()
    expect([second.firstAdmin, second.isFirstPasswordDue]).toEqual([null, true])
  })

  it('tells no password that its operator chose', async () => {
    const node = await start({ TASKLANE_ADMIN_PASSWORD: 'chosen by hand' })
    expect([node.firstAdmin, node.isFirstPasswordDue]).toEqual([null, false])
    expect(await statusWith(node, await login(node, 'chosen by hand'))).toBe(200)
  })

  it('keeps sessions over a restart, and over a change of the key where the old one is named', async () => {
    const keyOf = (part: string): string => `${part}9e07c1d2e4a7068859f1c3d7e9ab0246`
    const one = keyOf('1b4f')
    const two = keyOf('2c5a')
    const password = { TASKLANE_ADMIN_PASSWORD: 'chosen by hand' }
    const first = await start({ ...password, SECRET_KEY: one })
    const token = await login(first, 'chosen by hand')
    await first.stop()
    const statusAfter = async (env: Record<string, string>): Promise<number> => {
      const node = await start(env)
      const status = await statusWith(node, token)
      await node.stop()
      return status
    }
    expect(await statusAfter({ SECRET_KEY: one })).toBe(200)
    expect(await statusAfter({ SECRET_KEY: two, SECRET_KEY_PREVIOUS: one })).toBe(200)
    expect(await statusAfter({ SECRET_KEY: keyOf('3d60'), SECRET_KEY_PREVIOUS: two })).toBe(401)
  })

  it('knows the token of all workers from the start, which may do no more than they', async () => {
    const token = `tl_${'aB3-_'.repeat(8)}xyz`
    const node = await start({ TASKLANE_WORKER_TOKEN: token })
    const register = (secret: string) =>
      fetch(`${node.url}/api/workers/register`, {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        body: JSON.stringify({ worker_id: 'w', capabilities: ['*'] }),
      })
    expect((await register(token)).status).toBe(201)
    expect((await register(`${token.slice(0, -1)}w`)).status).toBe(401)
    expect(await statusWith(node, token)).toBe(403)
  })

  it('touches nothing where its certificate will not do', async () => {
    const file = join(folder, 'cert.pem')
    writeFileSync(file, 'no certificate')
    const env = { TASKLANE_TLS_CERT: file, TASKLANE_TLS_KEY: file }
    await expect(start(env)).rejects.toMatchObject({ name: 'TlsError' })
    expect(existsSync(data())).toBe(false)
  })
})

describe('an open node', () => {
  it('takes whoever comes for its admin, and makes none whose password nobody would know later', async () => {
    const node = await start({ TASKLANE_AUTH: 'auto' })
    expect(node.isOpen).toBe(true)
    expect(await (await fetch(`${node.url}/api/users`)).json()).toMatchObject({ users: [] })
    expect(await statusWith(node, 'nonsense')).toBe(401)
    expect(node.firstAdmin).toBeNull()
    await node.stop()
    const closed = await start()
    expect(await statusWith(closed, await login(closed, closed.firstAdmin?.password ?? ''))).toBe(200)
  })

  it('makes the one whose password its operator chose', async () => {
    const node = await start({ TASKLANE_AUTH: 'auto', TASKLANE_ADMIN_PASSWORD: 'chosen by hand' })
    expect(await statusWith(node, await login(node, 'chosen by hand'))).toBe(200)
  })
})
