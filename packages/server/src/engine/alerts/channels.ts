import {
  type AlertChannel,
  type AlertChannelChange,
  type AlertNotice,
  alertSeverities,
  limits,
} from '@tasklane/protocol'
import { Problem } from '../../core/problem.ts'
import type { AlertChannelRecord, AlertChannelSettings } from '../../ports/alerts.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Courier } from '../../ports/courier.ts'
import type { Store } from '../../ports/store.ts'
import type { Alerts } from './alerts.ts'
import { changeKept } from './change-kept.ts'
import { type Deliveries, faultOf } from './deliver.ts'
import { toChannel } from './wire.ts'

export function createChannels(parts: {
  readonly store: Store
  readonly courier: Courier | null
  readonly clock: Clock
  readonly deliveries: Deliveries
  readonly newId: () => string
  readonly onChange: () => void
}): Pick<Alerts, 'channels' | 'createChannel' | 'changeChannel' | 'removeChannel' | 'testChannel'> {
  const { store, courier, clock, newId, onChange } = parts

  async function put(
    id: string,
    settings: AlertChannelSettings,
    after: number | null,
  ): Promise<AlertChannel | 'stale'> {
    const put = await store.putAlertChannel({ id, settings }, after, limits.alertChannelsMax)
    if (put === 'stale') return put
    if (put === 'full') {
      throw new Problem('alert_limit', `There are ${limits.alertChannelsMax} channels already; remove one first.`)
    }
    onChange()
    return toChannel(put)
  }

  function refuseFaults({ name, url }: { readonly name?: string; readonly url?: string }): void {
    if (name?.trim() === '') refuse('/name', 'The name is empty; give the channel one.')
    const detail = url === undefined ? null : (courier?.refusalOf(url) ?? null)
    if (detail !== null) refuse('/url', detail)
  }

  async function known(id: string): Promise<AlertChannelRecord> {
    const channel = (await store.alertChannels()).find(each => each.id === id)
    if (channel === undefined) throw unknownChannel(id)
    return channel
  }

  return {
    channels: async () => (await store.alertChannels()).map(toChannel),
    async createChannel({
      name,
      url,
      secret = null,
      severities = alertSeverities,
      enabled = true,
      remind_every_s = null,
    }) {
      refuseFaults({ name, url })
      const remindEveryMs = toMs(remind_every_s)
      const settings = { name, url, secret, severities: [...new Set(severities)], isEnabled: enabled, remindEveryMs }
      const made = await put(newId(), settings, null)
      if (made === 'stale') throw new Error('Assertion failed: a new channel has an id of its own')
      return made
    },
    changeChannel: (id, change) =>
      changeKept(async () => {
        const channel = await known(id)
        refuseFaults(change)
        return put(id, changed(channel.settings, change), channel.version)
      }),
    async removeChannel(id) {
      if (!(await store.removeAlertChannel(id))) throw unknownChannel(id)
      onChange()
    },
    async testChannel(id) {
      const { settings } = await known(id)
      const startedMs = clock.monotonic()
      const message = { id: newId(), test: true, alerts: [testNotice(clock.now())] }
      const delivery = await parts.deliveries.send(settings, message)
      const fault = faultOf(delivery)
      const isAnswered = delivery.kind === 'answered'
      return {
        delivered: fault === null,
        status: isAnswered ? delivery.status : null,
        duration_ms: Math.round(clock.monotonic() - startedMs),
        detail: fault ?? 'The receiver took it.',
        body: isAnswered ? delivery.body : null,
      }
    },
  }
}

function refuse(pointer: string, detail: string): never {
  throw new Problem('validation_failed', detail, [{ pointer, detail }])
}

function changed(channel: AlertChannelSettings, change: AlertChannelChange): AlertChannelSettings {
  return {
    name: change.name ?? channel.name,
    url: change.url ?? channel.url,
    secret: change.secret === undefined ? channel.secret : change.secret,
    severities: change.severities === undefined ? channel.severities : [...new Set(change.severities)],
    isEnabled: change.enabled ?? channel.isEnabled,
    remindEveryMs: change.remind_every_s === undefined ? channel.remindEveryMs : toMs(change.remind_every_s),
  }
}

function toMs(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1_000
}

/** Nothing is wrong: it shows a receiver what comes when something is. */
function testNotice(nowMs: number): AlertNotice {
  const time = new Date(nowMs).toISOString()
  return {
    alert_id: 0,
    rule_id: 'test',
    rule: 'Test',
    kind: 'queue_unserved',
    severity: 'warning',
    state: 'firing',
    detail: 'This is a test. Nothing is wrong.',
    value: 0,
    queue: null,
    task_type: null,
    worker_id: null,
    fingerprint: null,
    rest: false,
    since: time,
    fired_at: time,
    resolved_at: null,
    reminder: 0,
    url: null,
  }
}

function unknownChannel(id: string): Problem {
  return new Problem('alert_channel_unknown', `No channel has the id '${id}'.`)
}
