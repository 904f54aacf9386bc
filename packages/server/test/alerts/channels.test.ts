import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { retryNoticeInMs } from '../../src/core/alert-notice.ts'
import { startNode } from '../engine/harness.ts'
import { createCourierDouble, messageOf, taken } from '../support/courier-double.ts'
import { draft } from '../support/drafts.ts'
import { alertOf, setUp, url } from './scene.ts'

const silence = { ends: { afterMs: 60_000 }, reason: 'Known.', by: null }

describe('a channel', () => {
  it('is told once that an alert fires, and once that it is resolved', async () => {
    const { node, courier, setPaused, pass } = await setUp()
    await setPaused('mail', true)
    await pass()
    node.clock.pause(60_000)
    await pass()
    expect(courier.told()).toEqual(['firing mail'])
    await setPaused('mail', false)
    await pass()
    expect(courier.told()).toEqual(['firing mail', 'resolved mail'])
    expect(node.events.filter(event => event.kind === 'notified')).toEqual([
      { kind: 'notified', outcome: 'sent' },
      { kind: 'notified', outcome: 'sent' },
    ])
  })

  it('is told in one message of what began together', async () => {
    const { node, courier, pass } = await setUp()
    for (const queue of ['a', 'b', 'c']) {
      await node.engine.submit([draft(queue, { queue })])
      await node.engine.setQueue(queue, { isPaused: true })
    }
    await pass()
    expect(courier.told()).toEqual(['firing a, firing b, firing c'])
  })

  it('gets a message that says all, signed over time and body, with a link to the pages', async () => {
    const settings = { publicUrl: 'https://tasks.example', environment: 'production', version: '1.2.3' }
    const { node, courier, setPaused } = await setUp({ settings }, { secret: 'a secret of the two' })
    await setPaused('mail', true)
    const [letter] = courier.letters
    if (letter === undefined) throw new Error('Nothing was sent.')
    const now = new Date(node.clock.now()).toISOString()
    expect(messageOf(letter)).toEqual({
      id: letter.headers['tasklane-id'],
      sent_at: now,
      test: false,
      environment: 'production',
      alerts: [
        {
          alert_id: 1,
          rule_id: expect.any(String),
          rule: 'Paused',
          kind: 'queue_paused',
          severity: 'warning',
          state: 'firing',
          detail: "Queue 'mail' is paused; 1 task waits.",
          value: 1,
          queue: 'mail',
          task_type: null,
          worker_id: null,
          fingerprint: null,
          rest: false,
          since: now,
          fired_at: now,
          resolved_at: null,
          reminder: 0,
          url: 'https://tasks.example/ui/#/alerts?alert=1',
        },
      ],
    })
    const timestamp = String(Math.floor(node.clock.now() / 1_000))
    const mac = createHmac('sha256', 'a secret of the two').update(`${timestamp}.${letter.body}`).digest('hex')
    expect(letter).toMatchObject({
      url,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'tasklane/1.2.3',
        'tasklane-timestamp': timestamp,
        'tasklane-signature': `v1=${mac}`,
      },
    })
  })

  it('gets no signature where it has no secret', async () => {
    const { courier, setPaused } = await setUp()
    await setPaused('mail', true)
    expect(Object.keys(courier.letters[0]?.headers ?? {})).not.toContain('tasklane-signature')
  })

  it('is told of its severities only, and of nothing while it is disabled', async () => {
    const { node, courier, channel, setPaused, pass } = await setUp({}, { severities: ['critical'] })
    await setPaused('mail', true)
    expect(courier.told()).toEqual([])
    await node.engine.alerts.changeChannel(channel, { severities: ['warning'], enabled: false })
    await pass()
    expect(courier.told()).toEqual([])
    // It still fires: who joins later is told then.
    await node.engine.alerts.changeChannel(channel, { enabled: true })
    await pass()
    expect(courier.told()).toEqual(['firing mail'])
  })

  it('is told nothing of what is silenced, until the silence is over', async () => {
    const { node, courier, setPaused, pass } = await setUp({}, { enabled: false })
    await setPaused('mail', true)
    await node.engine.alerts.silence(await alertOf(node), silence)
    const [{ channel_id: id } = { channel_id: '' }] = await node.engine.alerts.channels()
    await node.engine.alerts.changeChannel(id, { enabled: true })
    await pass()
    // It goes and comes again: the silence is of the subject.
    await setPaused('mail', false)
    await setPaused('mail', true)
    expect(courier.told()).toEqual([])
    node.clock.pause(60_000)
    await pass()
    expect(courier.told()).toEqual(['firing mail'])
  })

  it('is told that an alert is resolved that was silenced after it was told', async () => {
    const { node, courier, setPaused, pass } = await setUp()
    await setPaused('mail', true)
    await node.engine.alerts.silence(await alertOf(node), silence)
    await pass()
    await setPaused('mail', false)
    expect(courier.told()).toEqual(['firing mail', 'resolved mail'])
    // Taken back while nothing is wrong, it tells nothing.
    await node.engine.alerts.silence(1, null)
    await pass()
    expect(courier.letters).toHaveLength(2)
  })
})

describe('a message that is not taken', () => {
  it('is sent again under the same id, later each time, and later ones wait for it', async () => {
    const { node, courier, setPaused, pass } = await setUp()
    courier.answer = { kind: 'answered', status: 500, body: '' }
    await setPaused('mail', true)
    await setPaused('mail', false)
    await pass()
    expect(courier.told()).toEqual(['firing mail'])
    node.clock.pause(6_001)
    await pass()
    expect(courier.told()).toEqual(['firing mail', 'firing mail'])
    expect(new Set(courier.letters.map(letter => letter.headers['tasklane-id'])).size).toBe(1)
    const [channel] = await node.engine.alerts.channels()
    expect(channel).toMatchObject({
      undelivered: 2,
      last_failure: 'The receiver answered with 500.',
      last_sent_at: null,
    })
    courier.answer = taken
    node.clock.pause(12_001)
    await pass()
    expect(courier.told().slice(2)).toEqual(['firing mail', 'resolved mail'])
    expect((await node.engine.alerts.channels())[0]).toMatchObject({ undelivered: 0, last_sent_at: expect.any(String) })
  })

  it('is given up after a day, and said to be so', async () => {
    const { node, courier, setPaused, pass } = await setUp()
    courier.answer = { kind: 'failed', detail: 'Nobody listens there.' }
    await setPaused('mail', true)
    for (let hours = 0; hours < 26; hours += 1) {
      node.clock.pause(3_600_000)
      await pass()
    }
    expect(node.events.filter(event => event.kind === 'notified').at(-1)).toEqual({
      kind: 'notified',
      outcome: 'given_up',
    })
    const sent = courier.letters.length
    node.clock.pause(3_600_000)
    await pass()
    expect(courier.letters).toHaveLength(sent)
  })

  it('is not taken for delivered where a redirect came back', async () => {
    const { node, courier, setPaused } = await setUp()
    courier.answer = { kind: 'answered', status: 302, body: '' }
    await setPaused('mail', true)
    expect((await node.engine.alerts.channels())[0]?.last_failure).toContain('redirects are not followed')
  })

  it.each([1, 2, 5, 50])('waits for a bounded time after try %i', attempts => {
    for (const random of [0, 0.5, 0.999]) {
      const waitMs = retryNoticeInMs(attempts, 0, random) ?? 0
      expect(waitMs).toBeGreaterThanOrEqual(4_000)
      expect(waitMs).toBeLessThanOrEqual(720_000)
    }
  })
})

describe('several nodes', () => {
  it('tell once, whoever looks and delivers', async () => {
    const { node, courier, setPaused } = await setUp()
    const others = await Promise.all(Array.from({ length: 7 }, () => startNode({ beside: node, courier })))
    await node.engine.submit([draft('a', { queue: 'mail' })])
    await node.engine.setQueue('mail', { isPaused: true })
    const all = [node, ...others]
    await Promise.all(all.map(each => each.engine.alerts.look()))
    await Promise.all(all.map(each => each.engine.alerts.deliver()))
    expect(courier.told()).toEqual(['firing mail'])
    const lines = all.flatMap(each => each.log).filter(line => line.message === 'An alert fires.')
    expect(lines).toHaveLength(1)
    await setPaused('mail', false)
    await Promise.all(all.map(each => each.engine.alerts.deliver()))
    expect(courier.told()).toEqual(['firing mail', 'resolved mail'])
  })

  it('take up what a node that died was to deliver', async () => {
    const { node, courier } = await setUp()
    const dead = createCourierDouble()
    dead.answer = () => new Promise(() => {})
    const dying = await startNode({ beside: node, courier: dead })
    await node.engine.submit([draft('a', { queue: 'mail' })])
    await node.engine.setQueue('mail', { isPaused: true })
    await dying.engine.alerts.look()
    // It took the message, and never says what became of it.
    dying.engine.alerts.deliver().catch(() => {})
    await node.clock.rest()
    expect(dead.told()).toEqual(['firing mail'])
    await node.engine.alerts.deliver()
    expect(courier.told()).toEqual([])
    node.clock.pause(30_001)
    await node.engine.alerts.deliver()
    expect(courier.told()).toEqual(['firing mail'])
    expect(courier.letters[0]?.headers['tasklane-id']).toBe(dead.letters[0]?.headers['tasklane-id'])
  })

  it('leave messages alone where they cannot send any', async () => {
    const { node, courier } = await setUp()
    const mute = await startNode({ beside: node })
    await node.engine.submit([draft('a', { queue: 'mail' })])
    await node.engine.setQueue('mail', { isPaused: true })
    await mute.engine.alerts.look()
    await mute.engine.alerts.deliver()
    await node.engine.alerts.deliver()
    expect(courier.told()).toEqual(['firing mail'])
  })
})

describe('a test of a channel', () => {
  it('sends a marked message and tells what came back', async () => {
    const { node, courier, channel } = await setUp()
    courier.answer = { kind: 'answered', status: 418, body: 'I am a teapot.' }
    expect(await node.engine.alerts.testChannel(channel)).toEqual({
      delivered: false,
      status: 418,
      duration_ms: 0,
      detail: 'The receiver answered with 418.',
      body: 'I am a teapot.',
    })
    courier.answer = taken
    expect(await node.engine.alerts.testChannel(channel)).toMatchObject({ delivered: true, status: 204 })
    const messages = courier.letters.map(messageOf)
    expect(messages.map(message => message.test)).toEqual([true, true])
    expect(messages[0]?.alerts).toHaveLength(1)
    expect((await node.engine.alerts.channels())[0]?.last_sent_at).toBeNull()
  })
})
