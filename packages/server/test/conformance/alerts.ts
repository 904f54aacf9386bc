import { expect } from 'vitest'
import { subjectKey } from '../../src/core/alert.ts'
import {
  changing,
  channelSettings,
  dropping,
  move,
  moved,
  opening,
  resolving,
  ruleDraft,
} from '../support/alert-moves.ts'
import { only } from '../support/store-driver.ts'
import type { Topic } from './topic.ts'

const everyAlert = { states: null, severities: null, ruleId: null }
const firstPage = { limit: 100, before: null }

export const alertRulesTopic: Topic = test => {
  test('keeps rules by their ids, and replaces the version that was named', async ({ store, clock }) => {
    expect(await store.alertRules()).toEqual([])
    const made = { ...ruleDraft('b'), version: 1, changedAtMs: clock.now() }
    expect(await store.putAlertRule(ruleDraft('b'), null, 10)).toEqual(made)
    await store.putAlertRule(ruleDraft('a'), null, 10)
    expect((await store.alertRules()).map(rule => rule.id)).toEqual(['a', 'b'])
    expect(await store.putAlertRule(ruleDraft('b'), null, 10)).toBe('stale')
    clock.pause(1_000)
    const changed = ruleDraft('b', { threshold: 7, queue: 'mail', isEnabled: false })
    expect(await store.putAlertRule(changed, 1, 10)).toEqual({ ...changed, version: 2, changedAtMs: clock.now() })
    expect(await store.putAlertRule(changed, 1, 10)).toBe('stale')
    expect(await store.putAlertRule(ruleDraft('c'), 1, 10)).toBe('stale')
    expect((await store.alertRules())[1]).toMatchObject({ version: 2, settings: { threshold: 7, queue: 'mail' } })
  })

  test('keeps no more rules than it is told, and forgets them one by one', async ({ store }) => {
    await store.putAlertRule(ruleDraft('a'), null, 2)
    await store.putAlertRule(ruleDraft('b'), null, 2)
    expect(await store.putAlertRule(ruleDraft('c'), null, 2)).toBe('full')
    expect(await store.putAlertRule(ruleDraft('b', { least: null }), 1, 2)).toMatchObject({ version: 2 })
    expect(await store.removeAlertRule('a')).toBe(true)
    expect(await store.removeAlertRule('a')).toBe(false)
    expect(await store.putAlertRule(ruleDraft('c'), null, 2)).toMatchObject({ version: 1 })
  })

  test('keeps channels in the order in which they were made', async ({ store, clock }) => {
    const settings = channelSettings({ secret: 'a secret of the two' })
    expect(await store.putAlertChannel({ id: 'z', settings }, null, 2)).toEqual({
      id: 'z',
      settings,
      version: 1,
      createdAtMs: clock.now(),
      changedAtMs: clock.now(),
      lastSentAtMs: null,
      lastFailedAtMs: null,
      lastFailure: null,
      undelivered: 0,
    })
    const madeAtMs = clock.now()
    clock.pause(1_000)
    await store.putAlertChannel({ id: 'a', settings }, null, 2)
    expect((await store.alertChannels()).map(channel => channel.id)).toEqual(['z', 'a'])
    expect(await store.putAlertChannel({ id: 'b', settings }, null, 2)).toBe('full')
    const off = { id: 'z', settings: channelSettings({ isEnabled: false }) }
    expect(await store.putAlertChannel(off, 2, 2)).toBe('stale')
    const changed = await store.putAlertChannel(off, 1, 2)
    expect(changed).toMatchObject({ ...off, version: 2, createdAtMs: madeAtMs, changedAtMs: clock.now() })
    expect(await store.removeAlertChannel('z')).toBe(true)
    expect(await store.removeAlertChannel('z')).toBe(false)
    expect((await store.alertChannels()).map(channel => channel.id)).toEqual(['a'])
  })

  test('raises the version with every change, and with nothing else', async ({ store }) => {
    const versions = [await store.alertsVersion()]
    const after = async (change: Promise<unknown>): Promise<void> => {
      await change
      versions.push(await store.alertsVersion())
    }
    await after(store.putAlertRule(ruleDraft('a'), null, 5))
    await after(store.putAlertRule(ruleDraft('a'), 1, 5))
    await after(store.removeAlertRule('a'))
    await after(store.putAlertChannel({ id: 'c', settings: channelSettings() }, null, 5))
    await after(store.removeAlertChannel('c'))
    await after(move(store, opening('q')))
    const alert = only(await store.openAlerts())
    await after(store.silenceAlert(alert.number, { ends: { afterMs: 1_000 }, reason: 'r', by: null }))
    await after(move(store, changing(alert, { state: 'firing' })))
    expect([...new Set(versions)].sort((one, other) => one - other)).toEqual(versions)
    await store.putAlertRule(ruleDraft('a'), 1, 5)
    await store.removeAlertRule('a')
    await store.removeAlertChannel('c')
    await move(store, opening('q'), changing(alert, { state: 'firing' }))
    await move(store, changing(only(await store.openAlerts()), { isNews: false }))
    expect(await store.alertsVersion()).toBe(versions.at(-1))
  })
}

export const alertsTopic: Topic = test => {
  test('opens one alert for a subject of a rule, and another when it was resolved', async ({ store, clock }) => {
    const first = await moved(store, opening('q'))
    expect(first).toEqual({
      ...opening('q').facts,
      ...opening('q').sight,
      number: 1,
      turn: 1,
      state: 'pending',
      sinceMs: clock.now(),
      firedAtMs: null,
      resolvedAtMs: null,
      notedAtMs: clock.now(),
      told: [],
      tellings: {},
      silence: null,
    })
    expect(await move(store, opening('q'), opening('q', { state: 'firing' }))).toEqual([null, null])
    expect(await move(store, opening('q', { rule: 'r2' }), opening('other'))).toMatchObject([{ turn: 1 }, { turn: 1 }])
    expect(await store.openAlerts()).toHaveLength(3)
    const fired = await moved(store, changing(first, { state: 'firing' }))
    await move(store, resolving(fired))
    const second = await moved(store, opening('q', { state: 'firing' }))
    expect(second).toMatchObject({ state: 'firing', firedAtMs: clock.now() })
    expect(second.number).toBeGreaterThan(first.number)
    expect((await store.openAlerts()).map(alert => alert.ruleId).sort()).toEqual(['r1', 'r1', 'r2'])
  })

  test('makes a move for the turn it is of, and once', async ({ store, clock }) => {
    const opened = await moved(store, opening('q'))
    clock.pause(2_000)
    const seen = { severity: 'critical', detail: 'Worse.', value: 4.5 } as const
    const fire = changing(opened, { state: 'firing', sight: seen, told: ['c'] })
    const fired = await moved(store, fire)
    const atMs = clock.now()
    expect(fired).toEqual({
      ...opened,
      ...seen,
      turn: 2,
      state: 'firing',
      firedAtMs: atMs,
      notedAtMs: atMs,
      told: ['c'],
    })
    expect(await move(store, fire, dropping(opened), resolving(opened))).toEqual([null, null, null])
    clock.pause(1_000)
    const noted = await moved(store, changing(fired, { sight: seen, isNews: false }))
    expect(noted).toEqual({ ...fired, turn: 3, notedAtMs: clock.now() })
    const resolved = await moved(store, resolving(noted))
    expect(resolved).toEqual({ ...noted, turn: 4, state: 'resolved', resolvedAtMs: clock.now() })
    expect(await move(store, resolving(noted), resolving({ ...noted, number: 99 }))).toEqual([null, null])
    expect(await store.alert(resolved.number)).toEqual(resolved)
  })

  test('keeps when each channel was told of an alert last, and how often it was reminded', async ({ store, clock }) => {
    const firedAtMs = clock.now()
    const fired = await moved(store, opening('q', { state: 'firing', tell: ['a', 'b'] }))
    const first = { atMs: firedAtMs, reminders: 0 }
    expect(fired.tellings).toEqual({ a: first, b: first })
    clock.pause(1_000)
    const later = await moved(store, changing(fired, { tell: ['c'], remind: ['a'] }))
    expect(later.tellings).toEqual({
      a: { atMs: clock.now(), reminders: 1 },
      b: first,
      c: { atMs: clock.now(), reminders: 0 },
    })
    clock.pause(1_000)
    const again = await moved(store, changing(later, { remind: ['a', 'b'] }))
    expect(again.tellings).toMatchObject({ a: { atMs: clock.now(), reminders: 2 }, b: { reminders: 1 } })
    // One that only notes leaves them as they are, and so does the end.
    const noted = await moved(store, changing(again, { isNews: false }))
    expect(await moved(store, resolving(noted))).toMatchObject({ tellings: again.tellings })
    expect(await store.alert(again.number)).toMatchObject({ tellings: again.tellings })
  })

  test('begins the time of a condition anew where it is told to', async ({ store, clock }) => {
    const opened = await moved(store, opening('q'))
    clock.pause(5_000)
    const again = await moved(store, changing(opened, { isNew: true }))
    expect(again).toMatchObject({ state: 'pending', sinceMs: clock.now(), firedAtMs: null, turn: 2 })
  })

  test('keeps nothing of one that was dropped', async ({ store }) => {
    const opened = await moved(store, opening('q'))
    expect(await moved(store, dropping(opened))).toEqual(opened)
    expect(await store.alert(opened.number)).toBeNull()
    expect(await store.alerts(everyAlert, firstPage)).toEqual([])
  })

  test('lists alerts by state, severity and rule, newest first, page by page', async ({ store }) => {
    const critical = { severity: 'critical', detail: 'Bad.', value: 0 } as const
    const [, two] = await move(
      store,
      opening('a'),
      opening('b', { state: 'firing', sight: critical }),
      opening('c', { rule: 'r2', state: 'firing' }),
    )
    if (two != null) await move(store, resolving(two))
    const queuesOf = async (filter: object, page: object = {}) =>
      (await store.alerts({ ...everyAlert, ...filter }, { ...firstPage, ...page })).map(each => each.subject.queue)
    expect(await queuesOf({})).toEqual(['c', 'b', 'a'])
    expect(await queuesOf({}, { limit: 2 })).toEqual(['c', 'b'])
    expect(await queuesOf({}, { before: two?.number })).toEqual(['a'])
    expect(await queuesOf({ states: ['pending', 'resolved'] })).toEqual(['b', 'a'])
    expect(await queuesOf({ states: ['firing'], ruleId: 'r2' })).toEqual(['c'])
    expect(await queuesOf({ severities: ['critical'] })).toEqual(['b'])
    expect(await queuesOf({ ruleId: 'none' })).toEqual([])
  })

  test('silences a subject of a rule for a time, also beyond the alert', async ({ store, clock }) => {
    const first = await moved(store, opening('q', { state: 'firing' }))
    await moved(store, opening('q', { rule: 'r2' }))
    const asked = { ends: { afterMs: 60_000 }, reason: 'Known.', by: 'ada' }
    const silence = { untilMs: clock.now() + 60_000, reason: 'Known.', by: 'ada', atMs: clock.now() }
    expect(await store.silenceAlert(first.number, asked)).toEqual({ ...first, silence })
    expect(await store.silenceAlert(99, asked)).toBeNull()
    await move(store, resolving(first))
    const again = await moved(store, opening('q'))
    expect(again.silence).toEqual(silence)
    const open = await store.openAlerts()
    expect(open.map(alert => [alert.ruleId, alert.silence])).toEqual([
      ['r2', null],
      ['r1', silence],
    ])
    const key = subjectKey(first.subject)
    expect(await store.silences()).toEqual([{ ruleId: 'r1', subject: key, untilMs: silence.untilMs }])
    const until = clock.now() + 5_000
    const changed = await store.silenceAlert(again.number, { ends: { atMs: until }, reason: 'Short.', by: null })
    expect(changed?.silence).toMatchObject({ untilMs: until, reason: 'Short.', by: null })
    clock.pause(5_000)
    expect((await store.alert(again.number))?.silence).toBeNull()
    expect(await store.silences()).toEqual([])
    await store.silenceAlert(again.number, asked)
    expect((await store.silenceAlert(again.number, null))?.silence).toBeNull()
  })

  test('forgets resolved alerts that are old or too many, and silences that are over', async ({ store, clock }) => {
    const resolveOne = async (queue: string): Promise<void> => {
      await move(store, resolving(await moved(store, opening(queue, { state: 'firing' }))))
    }
    const open = await moved(store, opening('open'))
    await store.silenceAlert(open.number, { ends: { afterMs: 1_000 }, reason: 'r', by: null })
    await resolveOne('a')
    clock.pause(10_000)
    for (const queue of ['b', 'c', 'd']) await resolveOne(queue)
    const ask = { keepMs: 5_000, most: 10, noticeKeepMs: 5_000, limit: 100 }
    expect(await store.pruneAlerts(ask)).toBe(2)
    const left = async () => (await store.alerts(everyAlert, firstPage)).map(alert => alert.subject.queue)
    expect(await left()).toEqual(['d', 'c', 'b', 'open'])
    expect(await store.pruneAlerts({ ...ask, most: 1, limit: 1 })).toBe(1)
    expect(await store.pruneAlerts({ ...ask, most: 1 })).toBe(1)
    expect(await left()).toEqual(['d', 'open'])
    expect(await store.pruneAlerts(ask)).toBe(0)
  })
}
