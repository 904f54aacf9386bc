import { describe, expect, it } from 'vitest'
import { digestOf } from './http/auth/session-tokens.ts'
import type { Log } from './ports/log.ts'
import { createMemoryStore } from './stores/memory/memory-store.ts'
import { systemClock } from './system-clock.ts'
import { ensureWorkerToken } from './worker-token.ts'

function setup() {
  const accounts = createMemoryStore({ clock: systemClock, headStartMs: 0 })
  const told: string[] = []
  const tell = (_fields: unknown, message: string) => void told.push(message)
  const log: Log = { debug: tell, info: tell, warn: tell, error: tell, child: () => log }
  const ensure = (secret: string | null) => ensureWorkerToken(accounts, secret, { clock: systemClock, log })
  const living = async () => (await accounts.tokens()).filter(token => token.revokedAtMs === null)
  return { accounts, told, ensure, living }
}

const first = `tl_${'a'.repeat(43)}`
const second = `tl_${'b'.repeat(43)}`

describe('the token that all workers share', () => {
  it('is there from the first start, once, and may do what workers do', async () => {
    const { ensure, living, told } = setup()
    await ensure(null)
    expect(await living()).toEqual([])
    await Promise.all([ensure(first), ensure(first)])
    await ensure(first)
    expect(await living()).toMatchObject([
      { name: 'workers', hash: digestOf(first), role: 'worker', expiresAtMs: null },
    ])
    expect(told).toEqual([])
  })

  it('gives way to another secret, and stays revoked where it was', async () => {
    const { accounts, ensure, living, told } = setup()
    await ensure(first)
    await ensure(second)
    expect(await living()).toMatchObject([{ hash: digestOf(second) }])
    await accounts.revokeToken('workers')
    await ensure(second)
    expect(await living()).toEqual([])
    expect(told).toEqual([expect.stringContaining('TASKLANE_WORKER_TOKEN was revoked')])
  })
})
