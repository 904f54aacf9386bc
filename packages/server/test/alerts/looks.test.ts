import { type AlertRuleDraft, alertKinds, limits } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { defaultRules } from '../../src/core/alert-defaults.ts'
import { emptyCell, writeCell } from '../../src/core/rate-cells.ts'
import { startNode, type TestNode } from '../engine/harness.ts'
import { draft } from '../support/drafts.ts'

/** With this rule alone, that waits for nothing unless it says so. */
async function nodeWith(rule: AlertRuleDraft): Promise<TestNode> {
  const node = await startNode()
  for (const { id } of defaultRules) await node.engine.alerts.changeRule(id, { enabled: false })
  await node.engine.alerts.createRule({ for: 0, ...rule })
  return node
}

async function firing(node: TestNode) {
  await node.engine.alerts.look()
  const open = await node.engine.alerts.open()
  return open
    .filter(alert => alert.state === 'firing')
    .map(({ subject, value, detail }) => ({ ...subject, value, detail }))
}

async function failTask(node: TestNode, id: string): Promise<void> {
  await node.engine.submit([draft(id, { type: 'mail', maxRetries: 0 })])
  const task = await node.claimOne('w1')
  await node.settle(task, { outcome: 'failed', error: { message: 'No disk' }, isRetryable: false })
}

const cases: Readonly<Record<(typeof alertKinds)[number], () => Promise<void>>> = {
  async queue_unserved() {
    const node = await nodeWith({ name: 'r', kind: 'queue_unserved' })
    await node.engine.submit([draft('a', { queue: 'mail' }), draft('b', { queue: 'mail' })])
    expect(await firing(node)).toMatchObject([{ queue: 'mail', type: null, value: 2 }])
    await node.register('w1', { queues: ['mail'] })
    expect(await firing(node)).toEqual([])
  },
  async type_unserved() {
    const node = await nodeWith({ name: 'r', kind: 'type_unserved', task_type: 'scan' })
    await node.register('w1', { capabilities: ['other'] })
    await node.engine.submit([draft('a', { type: 'scan' }), draft('b', { type: 'print' })])
    expect(await firing(node)).toMatchObject([{ queue: 'default', type: 'scan', value: 1 }])
  },
  async worker_lost() {
    const node = await nodeWith({ name: 'r', kind: 'worker_lost' })
    await node.register('w1')
    expect(await firing(node)).toEqual([])
    node.clock.pause(20_000)
    expect(await firing(node)).toMatchObject([{ workerId: 'w1', detail: "Worker 'w1' has stopped answering." }])
    await node.beat('w1')
    expect(await firing(node)).toEqual([])
  },
  async failing() {
    const node = await nodeWith({ name: 'r', kind: 'failing', threshold: 3, window: 300 })
    await node.register('w1')
    for (const id of ['a', 'b']) await failTask(node, id)
    expect(await firing(node)).toEqual([])
    await failTask(node, 'c')
    expect(await firing(node)).toMatchObject([
      { type: 'mail', fingerprint: expect.any(String), value: 3, detail: "Type 'mail' failed 3 times: No disk" },
    ])
    // They are out of the window then.
    node.clock.pause(301_000)
    expect(await firing(node)).toEqual([])
  },
  async waiting_long() {
    const node = await nodeWith({ name: 'r', kind: 'waiting_long', threshold: 30, queue: 'default' })
    await node.register('w1')
    await node.engine.submit([draft('a')])
    node.clock.pause(31_000)
    await node.register('w1')
    expect(await firing(node)).toMatchObject([{ queue: 'default', type: 'noop', value: 31 }])
    await node.claimOne('w1')
    expect(await firing(node)).toEqual([])
  },
  async schedule_late() {
    const node = await nodeWith({ name: 'r', kind: 'schedule_late', threshold: 10 })
    await node.engine.submit([draft('a', { runAtMs: node.clock.now() + 1_000 })])
    // A paused machine: nothing promotes the task.
    node.clock.pause(12_000)
    expect(await firing(node)).toMatchObject([{ queue: null, value: 11 }])
  },
  async queue_paused() {
    const node = await nodeWith({ name: 'r', kind: 'queue_paused' })
    await node.engine.setQueue('mail', { isPaused: true })
    expect(await firing(node)).toEqual([])
    await node.engine.submit([draft('a', { queue: 'mail' })])
    expect(await firing(node)).toMatchObject([{ queue: 'mail', value: 1 }])
  },
  async queue_depth() {
    const node = await nodeWith({ name: 'r', kind: 'queue_depth', threshold: 2 })
    await node.engine.submit(['a', 'b', 'c'].map((id, at) => draft(id, { queue: 'mail', type: `t${at}` })))
    await node.engine.submit(['d', 'e'].map(id => draft(id)))
    expect(await firing(node)).toMatchObject([{ queue: 'mail', value: 3, detail: "3 tasks wait in queue 'mail'." }])
  },
  async failure_rate() {
    const node = await nodeWith({ name: 'r', kind: 'failure_rate', threshold: 40, least: 4, queue: 'mail' })
    const count = (completed: number, failed: number, of: string, queue = 'mail') => {
      const cell = writeCell({ ...emptyCell(), completed, failed, cancelled: 100 })
      return node.store.putHistory([{ stepMs: 5_000, queue, atMs: node.clock.now(), node: of, cell }])
    }
    await count(1, 2, 'n1')
    await count(0, 100, 'n1', 'other')
    expect(await firing(node)).toEqual([])
    await count(1, 0, 'n2')
    const detail = "50 % of the tasks of queue 'mail' that ended in the last 5 minutes failed: 2 of 4."
    expect(await firing(node)).toMatchObject([{ queue: 'mail', value: 50, detail }])
    await count(5, 0, 'n2')
    expect(await firing(node)).toEqual([])
  },
  async workers_few() {
    const node = await nodeWith({ name: 'r', kind: 'workers_few', threshold: 2, queue: 'mail' })
    await node.register('w1', { queues: ['mail'] })
    await node.register('w2', { queues: ['other'] })
    expect(await firing(node)).toMatchObject([
      { queue: 'mail', value: 1, detail: "1 live worker serves queue 'mail'." },
    ])
    await node.register('w3', { queues: null })
    expect(await firing(node)).toEqual([])
  },
}

describe('a look finds', () => {
  it.each(alertKinds)('%s', kind => cases[kind]())
})

describe('a look', () => {
  it('finds nothing in a scheduler where nothing happens, by the default rules', async () => {
    const node = await startNode()
    expect(await node.engine.alerts.look()).toBe(0)
    expect(await node.engine.alerts.counts()).toEqual({
      pending: { warning: 0, critical: 0 },
      firing: { warning: 0, critical: 0 },
    })
  })

  it('lets an alert fire after its time, resolves it, and writes a line for each', async () => {
    const node = await startNode()
    await node.engine.submit([draft('a', { queue: 'mail' })])
    const { alerts } = node.engine
    expect(await alerts.look()).toBe(1)
    expect((await alerts.open()).map(alert => [alert.ruleId, alert.state])).toEqual([['queue-unserved', 'pending']])
    for (let passed = 0; passed < 120_000; passed += 30_000) {
      node.clock.pause(30_000)
      await alerts.look()
    }
    expect(await alerts.counts()).toMatchObject({ firing: { critical: 1 } })
    const [alert] = (
      await alerts.list({ states: ['firing'], severities: null, ruleId: null }, { limit: 1, cursor: null })
    ).alerts
    expect(alert).toMatchObject({ rule: 'Queue without a worker', queue: 'mail', value: 1, resolved_at: null })
    expect(alert?.fired_at).not.toBeNull()
    await node.engine.setQueue('mail', { isPaused: true })
    await alerts.look()
    expect(await alerts.one(alert?.alert_id ?? 0)).toMatchObject({ state: 'resolved', resolved_at: expect.any(String) })
    const lines = node.log.filter(line => /^An alert/.test(line.message))
    expect(lines).toEqual([
      { level: 'warn', message: 'An alert fires.' },
      { level: 'info', message: 'An alert is resolved.' },
    ])
  })

  it('has a bounded list of lost workers, and one alert that counts all others', async () => {
    const node = await nodeWith({ name: 'r', kind: 'worker_lost' })
    const count = limits.alertsOfRuleMax + 30
    for (let at = 0; at < count; at += 1) await node.register(`w${at}`)
    node.clock.pause(60_000)
    const found = await firing(node)
    expect(found).toHaveLength(limits.alertsOfRuleMax + 1)
    expect(found.filter(alert => alert.isRest)).toMatchObject([{ value: 30 }])
    const { items, more } = await node.engine.attention()
    expect(items.every(item => item.kind === 'alert')).toBe(true)
    expect(items.length + more).toBe(limits.alertsOfRuleMax + 1)
  })

  it('finds nothing for rules that are disabled or removed', async () => {
    const node = await nodeWith({ name: 'r', kind: 'queue_depth', threshold: 1 })
    await node.engine.submit([draft('a'), draft('b')])
    expect(await firing(node)).toHaveLength(1)
    const made = (await node.engine.alerts.rules()).find(rule => !rule.default)
    const id = made?.rule_id ?? ''
    await node.engine.alerts.changeRule(id, { enabled: false })
    expect(await firing(node)).toEqual([])
    await node.engine.alerts.changeRule(id, { enabled: true })
    expect(await firing(node)).toHaveLength(1)
    await node.engine.alerts.removeRule(id)
    expect(await firing(node)).toEqual([])
  })
})

describe('what needs attention', () => {
  it('are alerts first, the worst first, and nothing that they are about', async () => {
    const node = await nodeWith({ name: 'r', kind: 'queue_depth', threshold: 1, severity: 'critical' })
    await node.engine.alerts.createRule({ name: 'p', kind: 'queue_paused', for: 0, queue: 'mail' })
    for (const queue of ['mail', 'post']) await node.engine.setQueue(queue, { isPaused: true })
    await node.engine.submit([
      draft('a', { queue: 'mail' }),
      draft('b', { queue: 'mail' }),
      draft('c', { queue: 'post' }),
    ])
    await node.engine.alerts.look()
    const { items } = await node.engine.attention()
    expect(items).toMatchObject([
      { kind: 'alert', alert_kind: 'queue_depth', severity: 'critical', queue: 'mail', count: 2, task_id: null },
      { kind: 'alert', alert_kind: 'queue_paused', severity: 'warning', queue: 'mail', alert_id: expect.any(Number) },
      { kind: 'queue_paused', queue: 'post', alert_id: null, alert_kind: null, severity: null },
    ])
    expect(items[0]?.since).not.toBeNull()
    // What is silenced is told as what it is about.
    const silence = { ends: { afterMs: 60_000 }, reason: 'Known.', by: 'ada' }
    await node.engine.alerts.silence(items[1]?.alert_id ?? 0, silence)
    expect((await node.engine.attention()).items.map(item => [item.kind, item.queue])).toEqual([
      ['alert', 'mail'],
      ['queue_paused', 'mail'],
      ['queue_paused', 'post'],
    ])
  })
})
