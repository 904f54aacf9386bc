import { describe, expect, it } from 'vitest'
import { startNode } from '../engine/harness.ts'
import { type CourierDouble, createCourierDouble, messageOf, taken } from '../support/courier-double.ts'
import { draft } from '../support/drafts.ts'
import { alertOf, setUp } from './scene.ts'

const hourMs = 3_600_000
const hourly = { remind_every_s: 3_600 }
const silence = { ends: { afterMs: 90 * 60_000 }, reason: 'Known.', by: null }

/** What was told, with the number of the reminder. */
function toldBy(courier: CourierDouble): readonly string[] {
  return courier.letters.flatMap(letter =>
    messageOf(letter).alerts.map(({ state, queue, reminder }) => `${state} ${queue} ${reminder}`),
  )
}

describe('a channel with reminders', () => {
  it('is told again after its time, as long as an alert fires, and not once it is resolved', async () => {
    const { node, courier, setPaused, pass } = await setUp({}, hourly)
    await setPaused('mail', true)
    node.clock.pause(hourMs - 1)
    await pass()
    expect(toldBy(courier)).toEqual(['firing mail 0'])
    for (const ms of [1, hourMs]) {
      node.clock.pause(ms)
      await pass()
      await pass()
    }
    expect(toldBy(courier)).toEqual(['firing mail 0', 'firing mail 1', 'firing mail 2'])
    await setPaused('mail', false)
    node.clock.pause(2 * hourMs)
    await pass()
    expect(toldBy(courier).slice(3)).toEqual(['resolved mail 0'])
    // Another alert of the same subject begins to count anew.
    await setPaused('mail', true)
    node.clock.pause(hourMs)
    await pass()
    expect(toldBy(courier).slice(4)).toEqual(['firing mail 0', 'firing mail 1'])
  })

  it('is told since when it fires and how it stands now, and the alert tells of it', async () => {
    const { node, courier, setPaused, pass } = await setUp({}, hourly)
    const since = new Date(node.clock.now()).toISOString()
    await setPaused('mail', true)
    await node.engine.submit([draft('another', { queue: 'mail' })])
    node.clock.pause(hourMs)
    await pass()
    const [, letter] = courier.letters
    if (letter === undefined) throw new Error('Nobody was reminded.')
    expect(messageOf(letter).alerts).toMatchObject([
      {
        state: 'firing',
        reminder: 1,
        since,
        fired_at: since,
        value: 2,
        detail: "Queue 'mail' is paused; 2 tasks wait.",
      },
    ])
    const reminded_at = new Date(node.clock.now()).toISOString()
    expect(await node.engine.alerts.one(await alertOf(node))).toMatchObject({ reminders: 1, reminded_at })
  })

  it('is reminded of nothing that is silenced, and again when the silence is over', async () => {
    const { node, courier, setPaused, pass } = await setUp({}, hourly)
    await setPaused('mail', true)
    await node.engine.alerts.silence(await alertOf(node), silence)
    node.clock.pause(hourMs)
    await pass()
    expect(toldBy(courier)).toEqual(['firing mail 0'])
    node.clock.pause(30 * 60_000)
    await pass()
    await pass()
    expect(toldBy(courier)).toEqual(['firing mail 0', 'firing mail 1'])
  })

  it('is set up and changed like anything else of it, and never reminds where nobody says so', async () => {
    const { node, courier, channel, setPaused, pass } = await setUp()
    const { alerts } = node.engine
    expect(await alerts.channels()).toMatchObject([{ remind_every_s: null }])
    await setPaused('mail', true)
    node.clock.pause(24 * hourMs)
    await pass()
    expect(toldBy(courier)).toEqual(['firing mail 0'])
    expect(await alerts.changeChannel(channel, hourly)).toMatchObject(hourly)
    expect(await alerts.changeChannel(channel, { name: 'Day shift' })).toMatchObject(hourly)
    await pass()
    expect(toldBy(courier)).toEqual(['firing mail 0', 'firing mail 1'])
    await alerts.changeChannel(channel, { remind_every_s: null })
    node.clock.pause(24 * hourMs)
    await pass()
    expect(courier.letters).toHaveLength(2)
  })

  it('is not told a hundred times the same after it was away', async () => {
    const { node, courier, setPaused, pass } = await setUp({}, hourly)
    await setPaused('mail', true)
    courier.answer = { kind: 'failed', detail: 'Nobody listens there.' }
    for (let hours = 0; hours < 10; hours += 1) {
      node.clock.pause(hourMs)
      await pass()
    }
    expect((await node.engine.alerts.channels())[0]).toMatchObject({ undelivered: 1 })
    courier.answer = taken
    const before = courier.letters.length
    node.clock.pause(hourMs)
    await pass()
    await pass()
    expect(toldBy(courier).slice(before)).toEqual(['firing mail 1', 'firing mail 2'])
  })

  it.each(['resolved', 'silenced'])('is not reminded late of what is %s by then', async end => {
    const { node, courier, setPaused, pass } = await setUp({}, hourly)
    await setPaused('mail', true)
    courier.answer = { kind: 'failed', detail: 'Nobody listens there.' }
    node.clock.pause(hourMs)
    await pass()
    if (end === 'resolved') await setPaused('mail', false)
    else await node.engine.alerts.silence(await alertOf(node), { ...silence, ends: { afterMs: 10 * hourMs } })
    courier.answer = taken
    const before = courier.letters.length
    node.clock.pause(hourMs)
    await pass()
    expect(toldBy(courier).slice(before)).toEqual(end === 'resolved' ? ['resolved mail 0'] : [])
    expect((await node.engine.alerts.channels())[0]).toMatchObject({ undelivered: 0 })
  })

  it('is told of what is new beside a reminder in one message', async () => {
    const { node, courier, setPaused, pass } = await setUp({}, hourly)
    await setPaused('a', true)
    await node.engine.submit([draft('b', { queue: 'b' })])
    await node.engine.setQueue('b', { isPaused: true })
    node.clock.pause(hourMs)
    await pass()
    expect(courier.letters).toHaveLength(2)
    expect(toldBy(courier).slice(1).sort()).toEqual(['firing a 1', 'firing b 0'])
  })
})

describe('several nodes', () => {
  it('remind once, whoever looks and delivers, also a node that has just started', async () => {
    const { node, courier, setPaused } = await setUp({}, hourly)
    await setPaused('mail', true)
    node.clock.pause(hourMs)
    const others = await Promise.all(Array.from({ length: 7 }, () => startNode({ beside: node, courier })))
    const all = [node, ...others]
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(all.map(each => each.engine.alerts.look()))
      await Promise.all(all.map(each => each.engine.alerts.deliver()))
    }
    expect(toldBy(courier)).toEqual(['firing mail 0', 'firing mail 1'])
  })

  it('take up the reminder that a node which died was to deliver', async () => {
    const { node, courier, setPaused } = await setUp({}, hourly)
    await setPaused('mail', true)
    node.clock.pause(hourMs)
    const dead = createCourierDouble()
    dead.answer = () => new Promise(() => {})
    const dying = await startNode({ beside: node, courier: dead })
    await dying.engine.alerts.look()
    dying.engine.alerts.deliver().catch(() => {})
    await node.clock.rest()
    node.clock.pause(30_001)
    await node.engine.alerts.look()
    await node.engine.alerts.deliver()
    expect(toldBy(courier)).toEqual(['firing mail 0', 'firing mail 1'])
  })
})
