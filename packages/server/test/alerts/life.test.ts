import { limits } from '@tasklane/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AlertMove, type AlertRecord, decideAlerts, subjectKey } from '../../src/core/alert.ts'
import { readNotice } from '../../src/core/alert-notice.ts'
import { type AlertRule, completeRule, type Trouble } from '../../src/core/alert-rule.ts'
import type { AlertChannelSettings } from '../../src/ports/alerts.ts'
import type { Store } from '../../src/ports/store.ts'
import { createMemoryStore } from '../../src/stores/memory/memory-store.ts'
import { channelSettings } from '../support/alert-moves.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const forMs = 20_000
const rules: readonly AlertRule[] = [
  { id: 'slow', ...completeRule({ name: 'slow', kind: 'queue_paused', forMs }) },
  { id: 'quick', ...completeRule({ name: 'quick', kind: 'queue_paused', forMs: 0, severity: 'critical' }) },
]
const remindEveryMs = 4_000
const everyAlert = { states: null, severities: null, ruleId: null }

/** What happens between two looks, and which queues are in trouble at the second. */
const step = fc.record({
  ms: fc.nat(15_000),
  bad: fc.oneof(
    { weight: 5, arbitrary: fc.subarray(['a', 'b', 'c']) },
    {
      weight: 1,
      arbitrary: fc.nat(3 * limits.alertsOfRuleMax).map(count => Array.from({ length: count }, (_, at) => `q${at}`)),
    },
  ),
  silences: fc.boolean(),
})

function troubles(bad: readonly string[]): readonly Trouble[] {
  const nothing = { type: null, workerId: null, fingerprint: null, of: null, windowSeconds: null }
  return bad.map(queue => ({ ...nothing, kind: 'queue_paused', queue, detail: 'Paused.', value: 1 }))
}

async function lookAt(store: Store, nowMs: number, bad: readonly string[]): Promise<readonly AlertMove[]> {
  const [open, silenced, kept] = await Promise.all([store.openAlerts(), store.silences(), store.alertChannels()])
  const channels = kept.map(({ id, settings, undelivered }) => ({ id, ...settings, isBehind: undelivered > 0 }))
  return decideAlerts({ nowMs, rules, channels, open, silenced, troubles: troubles(bad) })
}

async function newNode(channel: Partial<AlertChannelSettings> = {}) {
  const clock = createVirtualClock()
  const store = createMemoryStore({ clock })
  await store.putAlertChannel({ id: 'c', settings: channelSettings(channel) }, null, 1)
  let ids = 0
  const make = (moves: readonly AlertMove[]) =>
    store.moveAlerts(moves, () => {
      ids += 1
      return `n${ids}`
    })
  return { clock, store, make }
}

/** All that the channel was told, in order. */
async function toldBy(store: Store): Promise<readonly string[]> {
  const notices = await store.takeNotices({ limit: 100_000, leaseMs: 1, triesInOrder: 0 })
  return notices.flatMap(notice => readNotice(notice.alerts).map(alert => `${alert.number} ${alert.state}`))
}

function keyOf(alert: AlertRecord): string {
  return `${alert.ruleId} ${subjectKey(alert.subject)}`
}

describe('the life of alerts', () => {
  it('is one at a time for a subject, bounded, fires after its time, and ends when its condition is gone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async steps => {
        const { clock, store, make } = await newNode()
        const badSince = new Map<string, number>()
        for (const { ms, bad, silences } of steps) {
          clock.pause(ms)
          const nowMs = clock.now()
          for (const queue of badSince.keys()) if (!bad.includes(queue)) badSince.delete(queue)
          for (const queue of bad) if (!badSince.has(queue)) badSince.set(queue, nowMs)
          const before = await store.openAlerts()
          for (const alert of (await make(await lookAt(store, nowMs, bad))).filter(each => each !== null)) {
            const since = badSince.get(alert.subject.queue ?? '')
            if (
              alert.state === 'firing' &&
              alert.firedAtMs === nowMs &&
              alert.ruleId === 'slow' &&
              !alert.subject.isRest
            ) {
              expect(nowMs - (since ?? nowMs)).toBeGreaterThanOrEqual(forMs)
            }
            const isOverflow = bad.length > limits.alertsOfRuleMax || alert.subject.isRest
            if (alert.state === 'resolved' && !isOverflow) expect(bad).not.toContain(alert.subject.queue)
          }
          const open = await store.openAlerts()
          expect(new Set(open.map(keyOf)).size).toBe(open.length)
          for (const { id } of rules) {
            expect(open.filter(alert => alert.ruleId === id).length).toBeLessThanOrEqual(limits.alertsOfRuleMax + 1)
          }
          // What fires is open until its condition was seen to be gone.
          for (const alert of before) {
            if (alert.state === 'firing' && bad.includes(alert.subject.queue ?? ''))
              expect(open.map(keyOf)).toContain(keyOf(alert))
          }
          const [first] = open
          if (silences && first !== undefined) {
            await store.silenceAlert(first.number, { ends: { afterMs: 10_000 }, reason: 'r', by: null })
          }
        }
      }),
      { numRuns: 100 },
    )
  })

  it('is told once as firing, and once as resolved if and only if it was told, whoever looks with whatever delay', async () => {
    const late = fc.array(fc.tuple(step, fc.nat(3)), { maxLength: 25 })
    await fc.assert(
      fc.asyncProperty(late, async steps => {
        const { clock, store, make } = await newNode()
        // Moves of nodes that are slow to make them.
        const waiting: (readonly AlertMove[])[] = []
        for (const [{ ms, bad }, kept] of steps) {
          clock.pause(ms)
          waiting.push(await lookAt(store, clock.now(), bad))
          while (waiting.length > kept) await make(waiting.shift() ?? [])
        }
        for (const moves of waiting) await make(moves)
        await make(await lookAt(store, clock.now(), []))
        expect(await store.openAlerts()).toEqual([])
        const told = await toldBy(store)
        expect(new Set(told).size).toBe(told.length)
        const all = await store.alerts(everyAlert, { limit: 100_000, before: null })
        const fired = all.filter(alert => alert.firedAtMs !== null).map(alert => alert.number)
        const numbersOf = (state: string) =>
          told.filter(each => each.endsWith(state)).map(each => Number.parseInt(each, 10))
        expect(numbersOf('firing').sort()).toEqual(fired.sort())
        expect(numbersOf('resolved').sort()).toEqual(fired.sort())
      }),
      { numRuns: 100 },
    )
  })

  it('reminds of what fires once a time, in order, and of nothing else, whoever looks with whatever delay', async () => {
    const late = fc.array(fc.tuple(step, fc.nat(3)), { minLength: 10, maxLength: 25, size: 'max' })
    let reminders = 0
    await fc.assert(
      fc.asyncProperty(late, async steps => {
        const { clock, store, make } = await newNode({ remindEveryMs })
        const waiting: (readonly AlertMove[])[] = []
        const told = new Map<number, string[]>()
        const lastAtMs = new Map<number, number>()
        /** What these moves had told, at the time at which they were made. */
        const makeAndHear = async (moves: readonly AlertMove[]): Promise<void> => {
          await make(moves)
          for (const notice of await store.takeNotices({ limit: 1_000, leaseMs: 1, triesInOrder: 0 })) {
            for (const { number, state, reminder } of readNotice(notice.alerts)) {
              told.set(number, [...(told.get(number) ?? []), `${state} ${reminder}`])
              if (reminder > 0) expect(clock.now() - (lastAtMs.get(number) ?? 0)).toBeGreaterThanOrEqual(remindEveryMs)
              lastAtMs.set(number, clock.now())
            }
            await store.settleNotice(notice, { kind: 'sent' })
          }
        }
        for (const [{ ms, bad }, kept] of steps) {
          clock.pause(ms)
          waiting.push(await lookAt(store, clock.now(), bad))
          while (waiting.length > kept) await makeAndHear(waiting.shift() ?? [])
        }
        for (const moves of waiting) await makeAndHear(moves)
        await makeAndHear(await lookAt(store, clock.now(), []))
        for (const words of told.values()) {
          const between = words.slice(1, -1)
          reminders += between.length
          expect(words).toEqual(['firing 0', ...between.map((_, at) => `firing ${at + 1}`), 'resolved 0'])
        }
      }),
      { numRuns: 100 },
    )
    // The lives are worth something only if somebody was reminded in them.
    expect(reminders).toBeGreaterThan(100)
  })
})
