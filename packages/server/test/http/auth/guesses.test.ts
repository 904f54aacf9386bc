import { describe, expect, it } from 'vitest'
import { createAccessControl } from '../../../src/http/auth/access-control.ts'
import { createGuesses, type Guesses, networkOf } from '../../../src/http/auth/guesses.ts'
import { createPasswords } from '../../../src/http/auth/passwords.ts'
import { createRecent } from '../../../src/http/auth/recent.ts'
import type { Log } from '../../../src/ports/log.ts'
import { createMemoryStore } from '../../../src/stores/memory/memory-store.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'
import { passwordOf, startGuarded } from './guarded.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const passwords = Array.from({ length: 10_000 }, (_, at) => `guess number ${at}`)

/** One wrong guess, from its beginning to its end. */
function isLookedAt(guesses: Guesses, account: string, address: string): boolean {
  const attempt = guesses.begin(account, address)
  if ('retryAfterSeconds' in attempt) return false
  attempt.ended()
  return true
}

/** Guesses as fast as the limits let one, and tells how many were looked at within so long. */
async function lookedAt(
  begin: () => boolean,
  clock: ReturnType<typeof createVirtualClock>,
  ms: number,
): Promise<number> {
  let count = 0
  const untilMs = clock.monotonic() + ms
  while (clock.monotonic() < untilMs) {
    if (begin()) count += 1
    await clock.advance(1_000)
  }
  return count
}

describe('guessing', () => {
  it('ten thousand at once costs ten looks at a password', async () => {
    const clock = createVirtualClock()
    const store = createMemoryStore({ clock, headStartMs: 0 })
    let looked = 0
    const verify = async (): Promise<boolean> => {
      looked += 1
      return false
    }
    const hasher = { hash: async () => 'hash', verify }
    const access = createAccessControl(
      { mode: 'open', accounts: store, secretKeys: [], hasher },
      { clock, log: silent },
    )
    await store.createUser({ name: 'ada', role: 'admin', passwordHash: 'hash' })
    const asker = { address: '192.0.2.7', requestId: 'r' }
    const outcomes = await Promise.allSettled(passwords.map(password => access.logins.login('ada', password, asker)))
    expect(looked).toBeLessThanOrEqual(10)
    const codes = outcomes.map(outcome => (outcome.status === 'rejected' ? outcome.reason.code : 'in'))
    expect(codes.filter(code => code === 'too_many_requests').length).toBeGreaterThanOrEqual(9_990)
    expect(codes).not.toContain('in')
    // The log of what was done holds a line for each look and one for the row of refusals, not ten thousand.
    await access.stop()
    const anything = { actor: null, action: null, subject: null }
    expect((await store.audit(anything, { limit: 500, before: null })).length).toBeLessThanOrEqual(looked + 1)
  })

  it('is refused with the time to wait', async () => {
    const node = await startGuarded()
    await node.user('ada', 'admin')
    const guesses = Array.from({ length: 20 }, (_, at) => node.login('ada', `guess number ${at}`, '192.0.2.7'))
    const refused = (await Promise.all(guesses)).filter(({ status }) => status === 429)
    expect(refused.length).toBe(15)
    expect(Number(refused[0]?.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    expect(refused[0]?.body).toMatchObject({ code: 'too_many_requests', error: 'slow_down' })
    // Her own address was never touched by it.
    expect((await node.login('ada', passwordOf('ada'), '198.51.100.1')).status).toBe(200)
  })

  it('goes on at a few a hour, however long it goes on', async () => {
    const clock = createVirtualClock()
    const guesses = createGuesses(clock)
    const begin = () => isLookedAt(guesses, 'ada', '192.0.2.7')
    const first = await lookedAt(begin, clock, 3_600_000)
    expect(first).toBeLessThanOrEqual(20)
    const later = await lookedAt(begin, clock, 3 * 3_600_000)
    expect(later / 3).toBeLessThanOrEqual(8)
    expect(later).toBeGreaterThan(3)
  })

  it('of one password over many accounts stops at the address', () => {
    const guesses = createGuesses(createVirtualClock())
    const looked = Array.from({ length: 1_000 }, (_, at) => at).filter(at =>
      isLookedAt(guesses, `user-${at}`, '192.0.2.7'),
    )
    expect(looked.length).toBe(10)
  })

  it('is counted for names that nobody has as for those of users', async () => {
    const node = await startGuarded()
    await node.user('ada', 'admin')
    const statuses = async (name: string, address: string): Promise<readonly number[]> => {
      const row: number[] = []
      for (let at = 0; at < 12; at += 1) row.push((await node.login(name, 'not the password', address)).status)
      return row
    }
    expect(await statuses('nobody', '192.0.2.1')).toEqual(await statuses('ada', '192.0.2.2'))
  })

  it('locks out neither the user elsewhere, nor one who is known here, nor a colleague behind the same address', async () => {
    const node = await startGuarded()
    await node.user('ada', 'admin')
    await node.user('ben', 'admin')
    const office = '203.0.113.5'
    expect((await node.login('ben', passwordOf('ben'), office)).status).toBe(200)
    for (let at = 0; at < 40; at += 1) await node.login('ada', 'not the password', office)
    // Ben has come in from here before; that somebody guesses at Ada's account does not hold him up.
    expect((await node.login('ben', passwordOf('ben'), office)).status).toBe(200)
    expect((await node.login('ada', passwordOf('ada'), office)).status).toBe(429)
    expect((await node.login('ada', passwordOf('ada'), '198.51.100.9')).status).toBe(200)
  })

  it('from very many addresses leaves each with one look, and lets the user in from a new one', () => {
    const clock = createVirtualClock()
    const guesses = createGuesses(clock)
    const from = (at: number) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`
    for (let at = 0; at < 60; at += 1) isLookedAt(guesses, 'ada', from(at))
    let looked = 0
    for (let at = 1_000; at < 1_100; at += 1) {
      for (let guess = 0; guess < 5; guess += 1) {
        if (isLookedAt(guesses, 'ada', from(at))) looked += 1
      }
    }
    expect(looked).toBe(100)
    // At its first try, while all of it goes on.
    expect(guesses.begin('ada', '198.51.100.77')).toHaveProperty('succeeded')
  })

  it('of one address has eight under way, since right ones cost as much work', () => {
    const guesses = createGuesses(createVirtualClock())
    const attempts = Array.from({ length: 20 }, (_, at) => guesses.begin(`user-${at}`, '192.0.2.7'))
    const under = attempts.filter(attempt => 'succeeded' in attempt)
    expect(under.length).toBe(8)
    expect(attempts.at(-1)).toEqual({ retryAfterSeconds: 1, isFirst: false })
    for (const attempt of under) {
      attempt.succeeded()
      attempt.ended()
    }
    expect(guesses.begin('user-19', '192.0.2.7')).toHaveProperty('succeeded')
  })

  it('takes back a right attempt, but an own account does not clear the address', () => {
    const guesses = createGuesses(createVirtualClock())
    const attempt = (name: string) => guesses.begin(name, '192.0.2.7')
    let looked = 0
    for (let round = 0; round < 100; round += 1) {
      const own = attempt('mallory')
      if ('succeeded' in own) {
        own.succeeded()
        own.ended()
      }
      const other = attempt(`victim-${round}`)
      if (!('succeeded' in other)) continue
      other.ended()
      looked += 1
    }
    expect(looked).toBe(10)
  })

  it('is remembered within bounds, the latest first', () => {
    const recent = createRecent<number>(100)
    for (let at = 0; at < 1_000; at += 1) {
      recent.put(`key ${at}`, at)
      recent.put('often', at)
    }
    const kept = Array.from({ length: 1_000 }, (_, at) => at).filter(at => recent.get(`key ${at}`) !== undefined)
    expect(kept.length).toBeLessThan(100)
    expect(kept.length).toBeGreaterThanOrEqual(85)
    expect(kept[0]).toBe(1_000 - kept.length)
    expect(recent.get('often')).toBe(999)
  })

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:0:1:aaaa:bbbb:cccc:dddd', '2001:db8:0:1::/64'],
    ['2001:0db8:0000:0001::1', '2001:db8:0:1::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('from %s counts for %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})

describe('hashing', () => {
  const deferred = () => {
    const waiting: (() => void)[] = []
    const running = { now: 0, most: 0 }
    const verify = async (): Promise<boolean> => {
      running.now += 1
      running.most = Math.max(running.most, running.now)
      await new Promise<void>(resolve => waiting.push(resolve))
      running.now -= 1
      return true
    }
    return { waiting, running, hasher: { verify, hash: async () => '' } }
  }
  const turn = () => new Promise(resolve => setImmediate(resolve))

  it('happens for two at a time, those first who came in before, and refuses when too many wait', async () => {
    const { waiting, running, hasher } = deferred()
    const slow = createPasswords(hasher)
    const done: string[] = []
    const verify = (name: string, isKnown: boolean) =>
      slow.verify(name, 'hash', isKnown).then(
        () => void done.push(name),
        (error: unknown) => void done.push(String(Reflect.get(Object(error), 'code'))),
      )
    const all = [...Array.from({ length: 70 }, (_, at) => verify(`stranger ${at}`, false)), verify('known', true)]
    await turn()
    expect(done).toEqual(['overloaded', 'overloaded', 'overloaded', 'overloaded'])
    waiting.shift()?.()
    await turn()
    waiting.splice(1, 1)[0]?.()
    await turn()
    expect(done.slice(4)).toEqual(['stranger 0', 'known'])
    while (waiting.length > 0) {
      waiting.shift()?.()
      await turn()
    }
    await Promise.all(all)
    expect(running.most).toBe(2)
    expect(done.length).toBe(71)
  })
})
