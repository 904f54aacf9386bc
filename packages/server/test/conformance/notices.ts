import { expect } from 'vitest'
import { readNotice } from '../../src/core/alert-notice.ts'
import type { NoticeRecord } from '../../src/ports/alerts.ts'
import type { Store } from '../../src/ports/store.ts'
import { changing, channelSettings, move, moved, opening, resolving } from '../support/alert-moves.ts'
import { only } from '../support/store-driver.ts'
import type { Topic } from './topic.ts'

const ask = { limit: 10, leaseMs: 30_000, triesInOrder: 2 }

async function addChannel(store: Store, id: string, more: object = {}): Promise<void> {
  await store.putAlertChannel({ id, settings: channelSettings({ name: id, ...more }) }, null, 10)
}

function tellsOf(notice: NoticeRecord): readonly string[] {
  return readNotice(notice.alerts).map(alert => `${alert.subject.queue} ${alert.state}`)
}

export const noticesTopic: Topic = test => {
  test('keeps with the moves what each channel is to be told, in one message', async ({ store, clock }) => {
    await addChannel(store, 'a', { secret: 'of this channel' })
    await addChannel(store, 'b')
    const told = await move(
      store,
      opening('q1', { state: 'firing', tell: ['a', 'b', 'gone'] }),
      opening('q2', { state: 'firing', tell: ['a'] }),
      opening('q3'),
    )
    expect(told.map(alert => alert?.told)).toEqual([['a', 'b', 'gone'], ['a'], []])
    // A move that is not made tells nobody.
    await move(store, opening('q1', { state: 'firing', tell: ['a', 'b'] }))
    expect((await store.alertChannels()).map(channel => channel.undelivered)).toEqual([1, 1])
    clock.pause(2_000)
    const taken = await store.takeNotices(ask)
    expect(taken.map(notice => [notice.channelId, ...tellsOf(notice)])).toEqual([
      ['a', 'q1 firing', 'q2 firing'],
      ['b', 'q1 firing'],
    ])
    expect(taken[0]).toMatchObject({ attempts: 1, ageMs: 2_000, channel: { name: 'a', secret: 'of this channel' } })
    expect(new Set(taken.map(notice => notice.id)).size).toBe(2)
  })

  test('says of a reminder which one it is, and of every other notice that it is none', async ({ store }) => {
    await addChannel(store, 'a')
    const remindersOf = async () =>
      (await store.takeNotices({ ...ask, triesInOrder: 0 })).map(notice =>
        readNotice(notice.alerts).map(each => each.reminder),
      )
    let alert = await moved(store, opening('q', { state: 'firing', tell: ['a'] }))
    expect(await remindersOf()).toEqual([[0]])
    for (const expected of [1, 2]) {
      const before = alert
      alert = await moved(store, changing(before, { remind: ['a'] }))
      // Of those who come to the same move, one makes it.
      expect(await move(store, changing(before, { remind: ['a'] }))).toEqual([null])
      expect(await remindersOf()).toEqual([[expected]])
    }
    await move(store, resolving(alert))
    expect(await remindersOf()).toEqual([[0]])
  })

  test('drops a notice that has nothing left to tell, and takes it neither for sent nor for failed', async ({
    store,
  }) => {
    await addChannel(store, 'a')
    await move(store, opening('q', { state: 'firing', tell: ['a'] }))
    const taken = only(await store.takeNotices(ask))
    expect(await store.settleNotice(taken, { kind: 'dropped' })).toBe(true)
    expect(await store.settleNotice(taken, { kind: 'dropped' })).toBe(false)
    expect(only(await store.alertChannels())).toMatchObject({
      undelivered: 0,
      lastSentAtMs: null,
      lastFailedAtMs: null,
    })
  })

  test('hands a notice to one node at a time, and to another when the first is late', async ({ store, clock }) => {
    await addChannel(store, 'a')
    await move(store, opening('q', { state: 'firing', tell: ['a'] }))
    const first = only(await store.takeNotices(ask))
    expect(await store.takeNotices(ask)).toEqual([])
    clock.pause(30_000)
    const second = only(await store.takeNotices(ask))
    expect(second).toEqual({ ...first, attempts: 2, ageMs: 30_000 })
    expect(await store.settleNotice(first, { kind: 'sent' })).toBe(false)
    expect(await store.settleNotice(second, { kind: 'sent' })).toBe(true)
    expect(await store.settleNotice(second, { kind: 'sent' })).toBe(false)
    clock.pause(60_000)
    expect(await store.takeNotices(ask)).toEqual([])
    expect(only(await store.alertChannels())).toMatchObject({ undelivered: 0, lastSentAtMs: clock.now() - 60_000 })
  })

  test('keeps the order of a channel, until a notice has failed too often', async ({ store, clock }) => {
    await addChannel(store, 'a')
    const fired = await moved(store, opening('q', { state: 'firing', tell: ['a'] }))
    await move(store, resolving(fired))
    const first = only(await store.takeNotices(ask))
    expect(tellsOf(first)).toEqual(['q firing'])
    const failed = { kind: 'failed', detail: 'It answered 500.', retryInMs: 1_000 } as const
    expect(await store.settleNotice(first, failed)).toBe(true)
    expect(await store.takeNotices(ask)).toEqual([])
    clock.pause(1_000)
    const again = only(await store.takeNotices(ask))
    expect([again.id, again.attempts]).toEqual([first.id, 2])
    await store.settleNotice(again, failed)
    expect(tellsOf(only(await store.takeNotices(ask)))).toEqual(['q resolved'])
    const of = only(await store.alertChannels())
    expect(of).toMatchObject({ undelivered: 2, lastFailure: 'It answered 500.', lastFailedAtMs: clock.now() })
  })

  test('forgets a notice that is given up, that is too old, or whose channel is gone', async ({ store, clock }) => {
    await addChannel(store, 'a')
    await addChannel(store, 'b')
    await move(store, opening('q', { state: 'firing', tell: ['a', 'b'] }))
    const taken = await store.takeNotices(ask)
    const given = { kind: 'failed', detail: 'For good.', retryInMs: null } as const
    for (const notice of taken.slice(0, 1)) expect(await store.settleNotice(notice, given)).toBe(true)
    expect((await store.alertChannels()).map(channel => channel.undelivered)).toEqual([0, 1])
    await store.removeAlertChannel('b')
    for (const notice of taken.slice(1)) expect(await store.settleNotice(notice, given)).toBe(false)
    await move(store, opening('other', { state: 'firing', tell: ['a'] }))
    clock.pause(5_000)
    const pruned = await store.pruneAlerts({ keepMs: 60_000, most: 10, noticeKeepMs: 1_000, limit: 10 })
    expect(pruned).toBe(1)
    expect(await store.takeNotices(ask)).toEqual([])
  })

  test('leaves alone what a disabled channel is to be told, until it is enabled', async ({ store }) => {
    await addChannel(store, 'a')
    const alert = await moved(store, opening('q', { state: 'firing', tell: ['a'] }))
    await store.putAlertChannel({ id: 'a', settings: channelSettings({ isEnabled: false }) }, 1, 10)
    expect(await store.takeNotices(ask)).toEqual([])
    await store.putAlertChannel({ id: 'a', settings: channelSettings() }, 2, 10)
    await move(store, changing(alert, { tell: ['a'] }))
    expect(await store.takeNotices({ ...ask, limit: 1 })).toHaveLength(1)
  })
}
