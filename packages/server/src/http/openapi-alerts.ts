import { alertKinds, alertSeverities, alertStates } from '@tasklane/protocol'

/** Replies about alerts, for the document. */
const string = { type: 'string' }
const integer = { type: 'integer' }
const boolean = { type: 'boolean' }
const time = { type: 'string', format: 'date-time' }
const timeOrNull = { type: ['string', 'null'], format: 'date-time' }
const stringOrNull = { type: ['string', 'null'] }
const numberOrNull = { type: ['number', 'null'] }
const kind = { enum: [...alertKinds] }
const severity = { enum: [...alertSeverities] }

function object(properties: Readonly<Record<string, object>>): object {
  return { type: 'object', properties, required: Object.keys(properties) }
}

function listOf(name: string): object {
  return { type: 'array', items: { $ref: `${name}#` } }
}

export const alertReplies = {
  Alert: object({
    alert_id: integer,
    rule_id: string,
    rule: { ...string, description: 'The name of the rule when the alert began.' },
    kind,
    severity,
    state: { enum: [...alertStates], description: 'Pending: not yet for as long as the rule says.' },
    detail: string,
    value: { ...numberOrNull, description: 'What was measured last.' },
    queue: stringOrNull,
    task_type: stringOrNull,
    worker_id: stringOrNull,
    fingerprint: stringOrNull,
    rest: { ...boolean, description: 'Stands for all subjects of its rule beyond those with an alert of their own.' },
    since: { ...time, description: 'When the condition was seen first.' },
    fired_at: timeOrNull,
    resolved_at: timeOrNull,
    reminders: { ...integer, description: 'How often channels were reminded that it fires, all together.' },
    reminded_at: timeOrNull,
    silence: {
      ...object({ until: time, reason: string, by: stringOrNull, at: time }),
      type: ['object', 'null'],
    },
  }),
  AlertPage: object({ alerts: listOf('Alert'), next_cursor: stringOrNull }),
  AlertRule: object({
    rule_id: string,
    name: string,
    kind,
    threshold: numberOrNull,
    window: { ...numberOrNull, description: 'Seconds that are looked back.' },
    least: { ...numberOrNull, description: 'Below so many ended tasks a rate says nothing.' },
    for: { type: 'number', description: 'Seconds.' },
    severity,
    queue: stringOrNull,
    task_type: stringOrNull,
    enabled: boolean,
    default: { ...boolean, description: 'There from the start: it can be changed and disabled, and stays.' },
    changed_at: { ...timeOrNull, description: 'Null where it is as it was from the start.' },
  }),
  AlertRuleList: object({ rules: listOf('AlertRule') }),
  AlertChannel: object({
    channel_id: string,
    name: string,
    url: string,
    signed: boolean,
    severities: { type: 'array', items: severity },
    enabled: boolean,
    remind_every_s: {
      ...numberOrNull,
      description: 'Told again of what goes on firing, after so many seconds; null never.',
    },
    created_at: time,
    changed_at: time,
    last_sent_at: timeOrNull,
    last_failed_at: timeOrNull,
    last_failure: stringOrNull,
    undelivered: { ...integer, description: 'Messages that are kept for it.' },
  }),
  AlertChannelList: object({ channels: listOf('AlertChannel') }),
  AlertChannelTest: object({
    delivered: boolean,
    status: { type: ['integer', 'null'], description: 'Null where there was no answer.' },
    duration_ms: integer,
    detail: string,
    body: { ...stringOrNull, description: 'The beginning of what the receiver answered.' },
  }),
} as const satisfies Record<string, object>
