import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../src/clock.ts'
import { resolveConnect } from '../src/connect.ts'
import { createConnection } from '../src/connection.ts'
import { parseDuration } from '../src/duration.ts'
import { type Duration, defineTask, UsageError } from '../src/index.ts'
import { encodeJson, storableText } from '../src/json-encode.ts'
import { describeIssues, inputJsonSchema } from '../src/standard-schema.ts'
import { orderParentsFirst } from '../src/submit-order.ts'
import { createDeadlines } from '../src/worker/deadlines.ts'
import { resolveSettings } from '../src/worker/settings.ts'
import { startSchedulerDouble } from './scheduler-double.ts'
import { createVirtualClock } from './virtual-clock.ts'

describe('durations', () => {
  it('are seconds, or a number with its unit', () => {
    const read = (duration: Duration) => parseDuration(duration, 'timeout')
    expect([0, 1.5, '500ms', '30s', '5m', '2h', '1d', '1.5m'].map(each => read(each as Duration))).toEqual([
      0, 1.5, 0.5, 30, 300, 7_200, 86_400, 90,
    ])
    for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY, '5', '5 m', 'm', '-5s', '1e3s']) {
      expect(() => read(wrong as Duration)).toThrow(/^timeout .* is not a duration; use/)
    }
  })
})

describe('deadlines', () => {
  it('are met up to a slot late, never early, and once', () => {
    const times = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 30 })
    fc.assert(
      fc.property(times, fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 40 }), (atMs, steps) => {
        const clock = createVirtualClock()
        const met: { atMs: number; afterMs: number }[] = []
        const deadlines = createDeadlines<{ dueTick: number; atMs: number }>(clock, entry => {
          met.push({ atMs: entry.atMs, afterMs: clock.monotonic() })
        })
        for (const at of atMs) deadlines.set({ dueTick: -1, atMs: at }, at)
        for (const step of [...steps, 5_100]) clock.advance(step)
        expect(met).toHaveLength(atMs.length)
        for (const { atMs: due, afterMs } of met) {
          expect(afterMs).toBeGreaterThanOrEqual(due)
          expect(afterMs - due).toBeLessThan(50)
        }
      }),
    )
  })

  it('that are cleared or moved are not met at their old time', () => {
    const clock = createVirtualClock()
    const met: string[] = []
    const deadlines = createDeadlines<{ dueTick: number; name: string }>(clock, entry => met.push(entry.name))
    const moved = { dueTick: -1, name: 'moved' }
    const cleared = { dueTick: -1, name: 'cleared' }
    deadlines.set(moved, 100)
    deadlines.set(cleared, 100)
    deadlines.set(moved, 300)
    deadlines.clear(cleared)
    clock.advance(200)
    expect(met).toEqual([])
    clock.advance(100)
    expect(met).toEqual(['moved'])
    deadlines.set(cleared, 1_000)
    deadlines.stop()
    clock.advance(5_000)
    expect(met).toEqual(['moved'])
  })
})

describe('the order of a long list', () => {
  const list = (...edges: readonly [string, ...string[]][]) =>
    edges.map(([taskId, ...parents]) => ({ taskId, parents, text: '' }))

  it('puts parents first and is otherwise the order given', () => {
    expect(orderParentsFirst(list(['a'], ['b'], ['c']))).toEqual([0, 1, 2])
    expect(orderParentsFirst(list(['c', 'b'], ['b', 'a'], ['a', 'elsewhere'], ['d']))).toEqual([2, 3, 1, 0])
  })

  it('keeps every entry once, cycles included', () => {
    expect(orderParentsFirst(list(['a', 'b'], ['b', 'a'], ['c']))).toEqual([2, 0, 1])
    const edges = fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }), { maxLength: 10 })
    fc.assert(
      fc.property(edges, parentsOf => {
        const entries = parentsOf.map((parents, at) => ({ taskId: `${at}`, parents: parents.map(String), text: '' }))
        expect([...orderParentsFirst(entries)].sort((a, b) => a - b)).toEqual([...entries.keys()])
      }),
    )
  })
})

describe('a connection', () => {
  it('reads no more than it may', async () => {
    const scheduler = await startSchedulerDouble({}, onTestFinished)
    const connection = createConnection(new URL(scheduler.url), {}, systemClock)
    onTestFinished(() => connection.close())
    scheduler.answer('GET', '/long', 'x'.repeat(1_000))
    const exchange = { method: 'GET', path: '/long', timeoutMs: 10_000 } as const
    await expect(connection.exchange({ ...exchange, replyBytesMax: 1_001 })).rejects.toMatchObject({
      kind: 'too_large',
    })
    await expect(connection.exchange({ ...exchange, replyBytesMax: 1_002 })).resolves.toMatchObject({ status: 200 })
  })
})

describe('text', () => {
  it('that cannot be kept is mended', () => {
    expect(storableText('a\u0000\ud800b\udc00😀', 100)).toBe('a\ufffd\ufffdb\ufffd😀')
    expect(storableText('ab😀', 3)).toBe('ab\ufffd')
  })

  it('of a payload is what JSON makes of it', () => {
    expect(encodeJson(undefined, 'payload')).toEqual({ text: 'null' })
    expect(encodeJson({ at: new Date(0), no: undefined }, 'payload')).toEqual({
      text: '{"at":"1970-01-01T00:00:00.000Z"}',
    })
  })
})

describe('schemas', () => {
  it('tell their issues in one line', () => {
    const issues = Array.from({ length: 22 }, (_, n) => ({ message: `bad ${n}`, path: ['list', { key: n }] }))
    expect(describeIssues(issues.slice(0, 2))).toBe('list.0: bad 0; list.1: bad 1')
    expect(describeIssues(issues)).toMatch(/; and 2 more$/)
  })

  it('without JSON Schema, or that cannot tell, publish none', () => {
    const validate = () => ({ value: 1 })
    expect(inputJsonSchema({ '~standard': { version: 1, vendor: 'a', validate } })).toBeNull()
    const jsonSchema = {
      input: () => {
        throw new Error('not in JSON Schema')
      },
    }
    // Standard JSON Schema is an addition to the interface that is known here.
    const standard = { version: 1, vendor: 'a', validate, jsonSchema } as const
    expect(inputJsonSchema({ '~standard': standard })).toBeNull()
  })
})

describe('the environment', () => {
  const noop = defineTask({ type: 'noop', run: () => null })
  const settings = (env: Record<string, string>, heartbeatMs?: number) =>
    resolveSettings({ tasks: [noop], heartbeatMs }, createVirtualClock(), env)

  it('says where the scheduler is unless an option does', () => {
    expect(resolveConnect({}, {})).toEqual({ urls: ['http://127.0.0.1:8000'], token: null })
    const env = { TASKLANE_URL: 'http://a, http://b', TASKLANE_TOKEN: 't' }
    expect(resolveConnect({}, env)).toEqual({ urls: ['http://a', 'http://b'], token: 't' })
    expect(resolveConnect({ url: 'http://c', token: 'u' }, env)).toEqual({ urls: ['http://c'], token: 'u' })
    expect(resolveConnect({ url: 'http://c, http://d,http://c' }, {}).urls).toEqual(['http://c', 'http://d'])
  })

  it('names the worker, or its host and process do', () => {
    expect(settings({ WORKER_ID: 'w7' }).workerId).toBe('w7')
    expect(settings({}).workerId).toMatch(new RegExp(`-${process.pid}-[0-9a-f]{6}$`))
    expect(settings({}).instance).not.toBe(settings({}).instance)
  })

  it('shortens the heartbeat', () => {
    expect(settings({}).heartbeatMs).toBeNull()
    expect(settings({ HEARTBEAT_INTERVAL: '2' }).heartbeatMs).toBe(2_000)
    expect(settings({ HEARTBEAT_INTERVAL: '2' }, 500).heartbeatMs).toBe(500)
    expect(() => settings({ HEARTBEAT_INTERVAL: 'soon' })).toThrow(UsageError)
  })
})

describe('a definition', () => {
  it('refuses what cannot be right', () => {
    const make = (fields: object) => () => defineTask({ type: 'a', run: () => null, ...fields })
    expect(make({ type: 'a b' })).toThrow(/'a b' is not a name/)
    expect(make({ retries: 1.5 })).toThrow(/retries of 'a' is 1.5/)
    expect(make({ priority: 11 })).toThrow(/priority of 'a' is 11/)
    expect(make({ timeout: 'soon' })).toThrow(/timeout of 'a' "soon" is not a duration/)
  })
})
