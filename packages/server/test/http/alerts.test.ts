import { limits } from '@tasklane/protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import { defaultRules } from '../../src/core/alert-defaults.ts'
import { bearer, type Guarded, startGuarded } from './auth/guarded.ts'

let node: Guarded
let admin: Record<string, string>
let operator: Record<string, string>
let viewer: Record<string, string>

beforeEach(async () => {
  node = await startGuarded({ settings: { metricsEnabled: true } })
  admin = bearer(await node.token('root', 'admin'))
  operator = bearer(await node.token('shift', 'operator'))
  viewer = bearer(await node.token('eyes', 'viewer'))
})

/** Alerts that fire, one for each queue, of a rule of the test's own. */
async function fire(...queues: readonly string[]): Promise<string> {
  const rule = { name: 'Paused', kind: 'queue_paused', for: 0, severity: 'critical' }
  const made = await node.call('POST', '/api/alerts/rules', rule, admin)
  for (const queue of queues) {
    await node.call('PATCH', `/api/queues/${queue}`, { paused: true }, operator)
    await node.call('POST', '/api/tasks', { task_type: 'noop', queue }, operator)
  }
  await node.engine.alerts.look()
  return String(made.body.rule_id)
}

const list = async (query: string): Promise<readonly Record<string, unknown>[]> => {
  const { status, body } = await node.call('GET', `/api/alerts${query}`, undefined, viewer)
  expect(status).toBe(200)
  return body.alerts as readonly Record<string, unknown>[]
}

describe('GET /api/alerts', () => {
  it('lists alerts by state, severity and rule, page by page', async () => {
    const rule = await fire('a', 'b', 'c')
    const mine = `?rule=${rule}&state=firing,resolved&severity=critical`
    expect((await list(mine)).map(alert => alert.queue).sort()).toEqual(['a', 'b', 'c'])
    expect(await list(`${mine}x`.replace('criticalx', 'warning'))).toEqual([])
    expect(await list(`?rule=${rule}&state=pending`)).toEqual([])
    const first = await node.call('GET', `/api/alerts${mine}&limit=2`, undefined, viewer)
    const cursor = String(first.body.next_cursor)
    expect(await list(`${mine}&limit=2&cursor=${cursor}`)).toHaveLength(1)
    const other = await node.call('GET', `/api/alerts?cursor=${cursor}`, undefined, viewer)
    expect(other).toMatchObject({ status: 422, body: { code: 'cursor_invalid' } })
    const wrong = await node.call('GET', '/api/alerts?state=burning', undefined, viewer)
    expect(wrong.body.detail).toBe("Unknown state 'burning'; known are pending, firing, resolved.")
  })

  it('tells one alert by its number', async () => {
    await fire('a')
    const [alert] = await list('?state=firing')
    const one = await node.call('GET', `/api/alerts/${alert?.alert_id}`, undefined, viewer)
    expect(one.body).toEqual(alert)
    expect(one.body).toMatchObject({ rule: 'Paused', kind: 'queue_paused', queue: 'a', value: 1, silence: null })
    for (const id of ['99', '0', 'x', '-1', '1.5', '9'.repeat(30)]) {
      expect((await node.call('GET', `/api/alerts/${id}`, undefined, viewer)).body.code, id).toBe('alert_unknown')
    }
  })
})

describe('a silence', () => {
  it('lasts until a time or for a time, tells who and why, and is taken back', async () => {
    await fire('a')
    const [alert] = await list('?state=firing')
    const path = `/api/alerts/${alert?.alert_id}/silence`
    expect((await node.call('POST', path, { for: 60, reason: 'x' }, viewer)).status).toBe(403)
    const now = node.clock.now()
    const silenced = await node.call('POST', path, { for: 60, reason: 'Known.' }, operator)
    expect(silenced.body.silence).toEqual({
      until: new Date(now + 60_000).toISOString(),
      reason: 'Known.',
      by: 'token:shift',
      at: new Date(now).toISOString(),
    })
    const until = new Date(now + 3_600_000).toISOString()
    expect((await node.call('POST', path, { until, reason: 'Longer.' }, operator)).body.silence).toMatchObject({
      until,
    })
    expect((await node.call('DELETE', path, undefined, operator)).body.silence).toBeNull()
    const audit = await node.call('GET', '/api/audit?limit=3', undefined, admin)
    const actions = (audit.body.entries as readonly { readonly action: string }[]).map(entry => entry.action)
    expect(actions).toEqual(['alert.unsilence', 'alert.silence', 'alert.silence'])
  })

  it.each<readonly [string, object, string]>([
    ['has an end', { reason: 'x' }, '/until'],
    ['has one end', { reason: 'x', for: 5, until: '2030-01-02T00:00:00Z' }, '/for'],
    ['ends at a time', { reason: 'x', until: '2030-01-02' }, '/until'],
    ['ends in the future', { reason: 'x', until: '2029-01-01T00:00:00Z' }, '/until'],
    ['ends within a month', { reason: 'x', until: '2030-03-01T00:00:00Z' }, '/until'],
    ['has a reason', { reason: ' ', for: 5 }, '/reason'],
  ])('%s', async (_, body, pointer) => {
    await fire('a')
    const [alert] = await list('?state=firing')
    const answer = await node.call('POST', `/api/alerts/${alert?.alert_id}/silence`, body, operator)
    expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', errors: [{ pointer }] } })
  })

  it('is not for an alert that was resolved', async () => {
    await fire('a')
    const [alert] = await list('?state=firing')
    await node.call('PATCH', '/api/queues/a', { paused: false }, operator)
    await node.engine.alerts.look()
    const answer = await node.call('POST', `/api/alerts/${alert?.alert_id}/silence`, { for: 5, reason: 'x' }, operator)
    expect(answer).toMatchObject({ status: 409, body: { code: 'alert_resolved' } })
  })

  it('is of the queues of a token that is limited to some', async () => {
    await fire('a', 'b')
    const limited = bearer(await node.token('of-a', 'operator', { queues: ['a'] }))
    for (const alert of await list('?state=firing')) {
      const path = `/api/alerts/${alert.alert_id}/silence`
      const { status } = await node.call('POST', path, { for: 5, reason: 'x' }, limited)
      expect(status).toBe(alert.queue === 'a' ? 200 : 403)
    }
  })
})

describe('alert rules', () => {
  const rules = '/api/alerts/rules'

  it('are there from the start, can be changed and disabled, and stay', async () => {
    const { body } = await node.call('GET', rules, undefined, viewer)
    const told = body.rules as readonly Record<string, unknown>[]
    expect(told.map(rule => rule.rule_id)).toEqual(defaultRules.map(rule => rule.id))
    expect(told.every(rule => rule.default === true && rule.changed_at === null)).toBe(true)
    const changed = await node.call('PATCH', `${rules}/failing`, { threshold: 3, window: 300, enabled: false }, admin)
    expect(changed.body).toMatchObject({ rule_id: 'failing', threshold: 3, window: 300, for: 0, enabled: false })
    expect(changed.body.changed_at).not.toBeNull()
    expect((await node.call('PATCH', `${rules}/failing`, { enabled: true }, admin)).body).toMatchObject({
      threshold: 3,
    })
    const gone = await node.call('DELETE', `${rules}/failing`, undefined, admin)
    expect(gone).toMatchObject({ status: 409, body: { code: 'alert_rule_default' } })
  })

  it('are made, changed and removed by admins', async () => {
    const draft = { name: 'Mail is deep', kind: 'queue_depth', threshold: 5, queue: 'mail', severity: 'critical' }
    expect((await node.call('POST', rules, draft, operator)).status).toBe(403)
    const made = await node.call('POST', rules, draft, admin)
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ ...draft, for: 60, task_type: null, enabled: true, default: false })
    const path = `${rules}/${made.body.rule_id}`
    const change = { queue: null, for: 1.5, name: 'Deep' }
    expect((await node.call('PATCH', path, change, admin)).body).toMatchObject({ ...draft, ...change })
    expect((await node.call('PATCH', path, { kind: 'failing' }, admin)).status).toBe(422)
    expect((await node.call('DELETE', path, undefined, admin)).status).toBe(204)
    for (const method of ['PATCH', 'DELETE'] as const) {
      const answer = await node.call(method, path, method === 'PATCH' ? {} : undefined, admin)
      expect(answer.body.code).toBe('alert_rule_unknown')
    }
  })

  it.each<readonly [object, string]>([
    [{ kind: 'worker_lost', threshold: 5 }, '/threshold'],
    [{ kind: 'failing', threshold: 5, window: 7 }, '/window'],
    [{ kind: 'queue_paused', task_type: 'a' }, '/task_type'],
    [{ kind: 'schedule_late', queue: 'a' }, '/queue'],
    [{ kind: 'queue_depth', least: 5 }, '/least'],
    [{ kind: 'failure_rate', threshold: 100 }, '/threshold'],
    [{ kind: 'queue_depth', name: ' ' }, '/name'],
  ])('say what their kind can say, and not %j', async (body, pointer) => {
    const answer = await node.call('POST', rules, { name: 'A rule', ...body }, admin)
    expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', errors: [{ pointer }] } })
  })

  it('are bounded in number', async () => {
    const create = () => node.call('POST', rules, { name: 'r', kind: 'queue_depth' }, admin)
    for (let made = 0; made < limits.alertRulesMax; made += 1) expect((await create()).status).toBe(201)
    for (let made = 0; made < defaultRules.length; made += 1) await create()
    expect((await create()).body.code).toBe('alert_limit')
  })
})

describe('channels', () => {
  const channels = '/api/alerts/channels'
  const draft = { name: 'Night shift', url: 'https://hooks.example/secret-path', secret: 'a secret of the two' }

  it('are seen and changed by admins only, and never tell their secret', async () => {
    const made = await node.call('POST', channels, draft, admin)
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({
      name: draft.name,
      url: draft.url,
      signed: true,
      severities: ['warning', 'critical'],
    })
    const path = `${channels}/${made.body.channel_id}`
    const listed = await node.call('GET', channels, undefined, admin)
    expect(listed.body.channels).toEqual([made.body])
    for (const role of [viewer, operator]) expect((await node.call('GET', channels, undefined, role)).status).toBe(403)
    const unsigned = await node.call('PATCH', path, { secret: null, severities: ['critical'], enabled: false }, admin)
    expect(unsigned.body).toMatchObject({ signed: false, severities: ['critical'], enabled: false, name: draft.name })
    const texts = [made, listed, unsigned].map(answer => answer.text).join()
    expect(texts + JSON.stringify(node.log)).not.toContain(draft.secret)
    expect((await node.call('DELETE', path, undefined, admin)).status).toBe(204)
    for (const call of [node.call('PATCH', path, {}, admin), node.call('POST', `${path}/test`, {}, admin)]) {
      expect((await call).body.code).toBe('alert_channel_unknown')
    }
  })

  it('are reminded after whole seconds, a minute at least and a week at most, or never', async () => {
    const made = await node.call('POST', channels, draft, admin)
    expect(made.body.remind_every_s).toBeNull()
    const path = `${channels}/${made.body.channel_id}`
    const set = (seconds: unknown) => node.call('PATCH', path, { remind_every_s: seconds }, admin)
    for (const seconds of [limits.alertRemindSecondsMin, limits.alertRemindSecondsMax, null]) {
      expect(await set(seconds)).toMatchObject({ status: 200, body: { remind_every_s: seconds } })
    }
    for (const seconds of [limits.alertRemindSecondsMin - 1, limits.alertRemindSecondsMax + 1, 90.5, '3600']) {
      expect(await set(seconds)).toMatchObject({ status: 422, body: { errors: [{ pointer: '/remind_every_s' }] } })
    }
    expect((await node.call('GET', channels, undefined, admin)).body.channels).toMatchObject([{ remind_every_s: null }])
  })

  it('are bounded in number', async () => {
    for (let made = 0; made < limits.alertChannelsMax; made += 1) await node.call('POST', channels, draft, admin)
    expect((await node.call('POST', channels, draft, admin)).body.code).toBe('alert_limit')
  })

  it('are tested where nothing can be sent, and say so', async () => {
    const made = await node.call('POST', channels, draft, admin)
    const answer = await node.call('POST', `${channels}/${made.body.channel_id}/test`, {}, admin)
    expect(answer.body).toMatchObject({ delivered: false, status: null, detail: 'This node sends no messages.' })
  })
})

describe('the metrics', () => {
  it('count open alerts by state and severity', async () => {
    await fire('a', 'b')
    const { text } = await node.call('GET', '/metrics', undefined, viewer)
    expect(text).toContain('tasklane_alerts{state="firing",severity="critical"} 2')
    expect(text).toContain('tasklane_alerts{state="pending",severity="warning"} 2')
  })
})
