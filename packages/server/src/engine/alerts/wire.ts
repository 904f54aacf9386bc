import type { Alert, AlertChannel, AlertNotice, AlertRule } from '@tasklane/protocol'
import type { AlertRecord } from '../../core/alert.ts'
import { isDefaultRule } from '../../core/alert-defaults.ts'
import type { NoticedAlert } from '../../core/alert-notice.ts'
import type { AlertRuleSettings } from '../../core/alert-rule.ts'
import type { AlertChannelRecord } from '../../ports/alerts.ts'

/** Alerts, rules and channels in the words of the API. */
export function toAlert(record: AlertRecord): Alert {
  const { silence } = record
  return {
    ...common(record, record.state),
    ...remindersOf(record),
    silence:
      silence === null
        ? null
        : { until: time(silence.untilMs), reason: silence.reason, by: silence.by, at: time(silence.atMs) },
  }
}

/** @param publicUrl where people open the pages; null where nobody said */
export function toNotice(alert: NoticedAlert, publicUrl: string | null): AlertNotice {
  return {
    ...common(alert, alert.state === 'resolved' ? 'resolved' : 'firing'),
    reminder: alert.reminder,
    url: publicUrl === null ? null : `${publicUrl}/ui/#/alerts?alert=${alert.number}`,
  }
}

function common<State>(
  alert: Omit<NoticedAlert, 'reminder'>,
  state: State,
): Omit<Alert, 'state' | 'silence' | 'reminders' | 'reminded_at'> & { readonly state: State } {
  const { queue, type, workerId, fingerprint, isRest } = alert.subject
  return {
    alert_id: alert.number,
    rule_id: alert.ruleId,
    rule: alert.ruleName,
    kind: alert.kind,
    severity: alert.severity,
    state,
    detail: alert.detail,
    value: alert.value,
    queue,
    task_type: type,
    worker_id: workerId,
    fingerprint,
    rest: isRest,
    since: time(alert.sinceMs),
    fired_at: timeOrNull(alert.firedAtMs),
    resolved_at: timeOrNull(alert.resolvedAtMs),
  }
}

/** Of all channels together. */
function remindersOf({ tellings }: AlertRecord): Pick<Alert, 'reminders' | 'reminded_at'> {
  const reminded = Object.values(tellings).filter(telling => telling.reminders > 0)
  const lastMs = reminded.reduce((last, { atMs }) => Math.max(last, atMs), 0)
  return {
    reminders: reminded.reduce((sum, { reminders }) => sum + reminders, 0),
    reminded_at: reminded.length === 0 ? null : time(lastMs),
  }
}

export function toRule(id: string, settings: AlertRuleSettings, changedAtMs: number | null): AlertRule {
  return {
    rule_id: id,
    name: settings.name,
    kind: settings.kind,
    threshold: settings.threshold,
    window: settings.windowSeconds,
    least: settings.least,
    for: settings.forMs / 1_000,
    severity: settings.severity,
    queue: settings.queue,
    task_type: settings.type,
    enabled: settings.isEnabled,
    default: isDefaultRule(id),
    changed_at: timeOrNull(changedAtMs),
  }
}

export function toChannel({ id, settings, ...channel }: AlertChannelRecord): AlertChannel {
  return {
    channel_id: id,
    name: settings.name,
    url: settings.url,
    signed: settings.secret !== null,
    severities: settings.severities,
    enabled: settings.isEnabled,
    remind_every_s: settings.remindEveryMs === null ? null : settings.remindEveryMs / 1_000,
    created_at: time(channel.createdAtMs),
    changed_at: time(channel.changedAtMs),
    last_sent_at: timeOrNull(channel.lastSentAtMs),
    last_failed_at: timeOrNull(channel.lastFailedAtMs),
    last_failure: channel.lastFailure,
    undelivered: channel.undelivered,
  }
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : time(ms)
}
