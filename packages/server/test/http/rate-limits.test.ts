import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/http/auth/session-tokens.ts'
import { createMemoryStore } from '../../src/stores/memory/memory-store.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { startNode } from './harness.ts'

const perSecond = 2
const burst = perSecond * 10

/** A node that asks for a login, with a token for each role, `tl_` and 43 letters. */
async function setup(mode: 'required' | 'open' = 'required') {
  const clock = createVirtualClock()
  const accounts = createMemoryStore({ clock, headStartMs: 0 })
  const tokens = { viewer: `tl_${'v'.repeat(43)}`, admin: `tl_${'a'.repeat(43)}`, worker: `tl_${'w'.repeat(43)}` }
  for (const role of ['viewer', 'admin', 'worker'] as const) {
    const draft = { id: role, name: role, hash: digestOf(tokens[role]), role, queues: null, types: null }
    await accounts.createToken({ ...draft, createdBy: null, lastsMs: null })
  }
  const node = await startNode({ clock, access: { mode, accounts }, edge: { rateLimit: perSecond } })
  const ask = (role: keyof typeof tokens, path = '/api/stats') =>
    node.call('GET', path, undefined, { authorization: `Bearer ${tokens[role]}` })
  const askOften = async (role: keyof typeof tokens, times: number, path?: string) => {
    const statuses = []
    for (let at = 0; at < times; at += 1) statuses.push((await ask(role, path)).status)
    return statuses
  }
  return { node, clock, ask, askOften, tokens }
}

describe('the limit of requests', () => {
  it('is that of each user and token, over ten seconds, and heals with time', async () => {
    const { clock, ask, askOften } = await setup()
    expect(new Set(await askOften('viewer', burst))).toEqual(new Set([200]))
    const refusal = await ask('viewer')
    expect(refusal).toMatchObject({ status: 429, body: { code: 'too_many_requests' }, headers: { 'retry-after': '1' } })
    expect(refusal.body.detail).toMatch(/token:viewer sends more than 2 requests a second; wait 1 s/)
    // Nobody is in anybody's way.
    expect((await ask('admin')).status).toBe(200)
    await clock.advance(1_000)
    expect(await askOften('viewer', perSecond + 1)).toEqual([200, 200, 429])
    // What is saved up has an end.
    await clock.advance(3_600_000)
    const statuses = await askOften('viewer', burst + 1)
    expect([statuses.slice(0, -1).every(status => status === 200), statuses.at(-1)]).toEqual([true, 429])
  })

  it('is never one of health, and far above what workers need', async () => {
    const { node, ask, askOften, tokens } = await setup()
    await askOften('viewer', burst + 1)
    for (const path of ['/livez', '/readyz', '/health']) expect((await ask('viewer', path)).status, path).toBe(200)
    const headers = { authorization: `Bearer ${tokens.worker}` }
    await node.call('POST', '/api/workers/register', { worker_id: 'w', capabilities: ['*'] }, headers)
    const beats = []
    for (let at = 0; at < burst * 3; at += 1) {
      beats.push((await node.call('POST', '/api/workers/w/heartbeat', {}, headers)).status)
    }
    expect(new Set(beats)).toEqual(new Set([200]))
  })

  it('is none where nobody has to log in', async () => {
    const { askOften } = await setup('open')
    expect(new Set(await askOften('viewer', burst * 2))).toEqual(new Set([200]))
  })
})
