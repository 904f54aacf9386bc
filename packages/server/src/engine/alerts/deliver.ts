import type { AlertMessage, AlertNotice } from '@tasklane/protocol'
import { type NoticedAlert, noticeKeepMs, readNotice, retryNoticeInMs, triesInOrder } from '../../core/alert-notice.ts'
import { signatureOf } from '../../core/alert-signature.ts'
import type { AlertChannelSettings, NoticeOutcome, NoticeRecord } from '../../ports/alerts.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Courier, Delivery } from '../../ports/courier.ts'
import type { Log } from '../../ports/log.ts'
import type { Store } from '../../ports/store.ts'
import { toNotice } from './wire.ts'

export interface Deliveries {
  /** Delivers what is due, as long as there is something, bounded. What this node leaves behind, another takes up. */
  deliver(): Promise<void>
  /** One message by hand, whatever the channel is set to. */
  send(channel: AlertChannelSettings, message: Omit<AlertMessage, 'sent_at' | 'environment'>): Promise<Delivery>
}

export interface DeliveriesParts {
  readonly store: Pick<Store, 'takeNotices' | 'settleNotice' | 'alert'>
  /** Null: nothing leaves this node, and nothing is taken up for it. */
  readonly courier: Courier | null
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  readonly environment: string | null
  readonly publicUrl: string | null
  readonly onOutcome: (outcome: 'sent' | 'failed' | 'given_up') => void
}

/** Taken at once, each of another channel but for those that others have failed to hold up. */
const atOnceMax = 10
const roundsMax = 10
/** Three times what a courier takes for one at the most: after it another node may think that this one has died. */
const leaseMs = 30_000

export function createDeliveries(parts: DeliveriesParts): Deliveries {
  const { store, courier, clock, log, environment, publicUrl } = parts

  async function deliverOne(notice: NoticeRecord): Promise<void> {
    const timely = await timelyOf(readNotice(notice.alerts))
    const alerts = timely.map(alert => toNotice(alert, publicUrl))
    const outcome: NoticeOutcome = alerts.length === 0 ? { kind: 'dropped' } : await outcomeOf(notice, alerts)
    if (!(await store.settleNotice(notice, outcome)) || outcome.kind === 'dropped') return
    const fields = { channel: notice.channelId, name: notice.channel.name, notice: notice.id, alerts: alerts.length }
    if (outcome.kind === 'sent') {
      log.info(fields, 'A channel was told of alerts.')
      parts.onOutcome('sent')
      return
    }
    const { detail, retryInMs } = outcome
    const what = retryInMs === null ? 'it is given up' : 'it is tried again'
    log.warn(
      { ...fields, attempts: notice.attempts, retryInMs, detail },
      `A channel could not be told of alerts; ${what}.`,
    )
    parts.onOutcome(retryInMs === null ? 'given_up' : 'failed')
  }

  /** A reminder that was held up says nothing any more where the alert is over by now, or silenced. */
  async function timelyOf(alerts: readonly NoticedAlert[]): Promise<readonly NoticedAlert[]> {
    const reminders = alerts.filter(alert => alert.reminder > 0)
    const now = await Promise.all(reminders.map(alert => store.alert(alert.number)))
    const isOver = (alert: NoticedAlert): boolean => {
      const known = now[reminders.indexOf(alert)]
      return alert.reminder > 0 && (known?.state !== 'firing' || known.silence !== null)
    }
    return alerts.filter(alert => !isOver(alert))
  }

  async function outcomeOf(
    notice: NoticeRecord,
    alerts: readonly AlertNotice[],
  ): Promise<Exclude<NoticeOutcome, { readonly kind: 'dropped' }>> {
    if (notice.ageMs > noticeKeepMs) return { kind: 'failed', detail: 'Nobody took it in time.', retryInMs: null }
    const fault = faultOf(await send(notice.channel, { id: notice.id, test: false, alerts }))
    if (fault === null) return { kind: 'sent' }
    return { kind: 'failed', detail: fault, retryInMs: retryNoticeInMs(notice.attempts, notice.ageMs, clock.random()) }
  }

  async function send(
    { url, secret }: AlertChannelSettings,
    message: Omit<AlertMessage, 'sent_at' | 'environment'>,
  ): Promise<Delivery> {
    if (courier === null) return { kind: 'failed', detail: 'This node sends no messages.' }
    const nowMs = clock.now()
    const { id, test, alerts } = message
    const whole: AlertMessage = { id, sent_at: new Date(nowMs).toISOString(), test, environment, alerts }
    const body = JSON.stringify(whole)
    const timestamp = String(Math.floor(nowMs / 1_000))
    const headers = {
      'content-type': 'application/json',
      'user-agent': `tasklane/${parts.version}`,
      'tasklane-id': id,
      'tasklane-timestamp': timestamp,
      ...(secret === null ? {} : { 'tasklane-signature': signatureOf(secret, timestamp, body) }),
    }
    return courier.post({ url, headers, body })
  }

  return Object.freeze<Deliveries>({
    send,
    async deliver() {
      if (courier === null) return
      for (let round = 0; round < roundsMax; round += 1) {
        const taken = await store.takeNotices({ limit: atOnceMax, leaseMs, triesInOrder })
        await Promise.all(taken.map(deliverOne))
        if (taken.length === 0) return
      }
    },
  })
}

/** Why this is no delivery, as a sentence; null where it is one. */
export function faultOf(delivery: Delivery): string | null {
  if (delivery.kind === 'failed') return delivery.detail
  const { status } = delivery
  if (status >= 200 && status < 300) return null
  return status >= 300 && status < 400
    ? `The receiver answered with ${status}, which leads elsewhere; redirects are not followed.`
    : `The receiver answered with ${status}.`
}
