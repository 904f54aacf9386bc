/** Each is a trouble that is watched for. The first seven are those of the attention list. */
export const alertKinds = Object.freeze([
  'queue_unserved',
  'type_unserved',
  'worker_lost',
  'failing',
  'waiting_long',
  'schedule_late',
  'queue_paused',
  'queue_depth',
  'failure_rate',
  'workers_few',
] as const)

export type AlertKind = (typeof alertKinds)[number]

/** The milder first. */
export const alertSeverities = Object.freeze(['warning', 'critical'] as const)

export type AlertSeverity = (typeof alertSeverities)[number]

/** `pending`: the condition holds, but not yet for as long as the rule says. */
export const alertStates = Object.freeze(['pending', 'firing', 'resolved'] as const)

export type AlertState = (typeof alertStates)[number]

/** What a rule of a kind can say. What it cannot say is null in the rule, and refused. */
export interface AlertKindFacts {
  /** In a few words, for a list to choose from. */
  readonly title: string
  readonly threshold: ThresholdFacts | null
  /** Seconds that are looked back, one of these; the first is taken where a rule says none. */
  readonly windows: readonly number[] | null
  /** Below so many ended tasks a rate says nothing; what is taken where a rule says none. */
  readonly least: number | null
  /** `each`: a rule without a queue watches each by itself. `whole`: it watches all of them together. */
  readonly queue: 'each' | 'whole' | null
  readonly takesType: boolean
}

export interface ThresholdFacts {
  /** What is counted: a number of these. */
  readonly unit: 'tasks' | 'seconds' | 'percent' | 'workers'
  /** The condition holds at the threshold and beyond, or only beyond it, or only below it. */
  readonly holds: 'at_least' | 'above' | 'below'
  readonly min: number
  readonly max: number
  readonly otherwise: number
}

const seconds = { unit: 'seconds', holds: 'above', min: 1, max: 31_536_000 } as const
const tasks = { unit: 'tasks', min: 1, max: 1_000_000_000 } as const
const plain = { threshold: null, windows: null, least: null, queue: null, takesType: false } as const

export const alertKindFacts: Readonly<Record<AlertKind, AlertKindFacts>> = Object.freeze({
  queue_unserved: { ...plain, title: 'No live worker serves a queue that has tasks', queue: 'each' },
  type_unserved: { ...plain, title: 'No live worker takes a type from its queue', queue: 'each', takesType: true },
  worker_lost: { ...plain, title: 'A worker has stopped answering' },
  failing: {
    ...plain,
    title: 'Tasks fail for the same cause',
    threshold: { ...tasks, holds: 'at_least', otherwise: 10 },
    windows: [3_600, 300, 900, 21_600, 86_400],
    takesType: true,
  },
  waiting_long: {
    ...plain,
    title: 'The first in a line waits for long',
    threshold: { ...seconds, otherwise: 600 },
    queue: 'each',
    takesType: true,
  },
  schedule_late: { ...plain, title: 'Scheduled tasks are behind', threshold: { ...seconds, otherwise: 60 } },
  queue_paused: { ...plain, title: 'A paused queue has tasks', queue: 'each' },
  queue_depth: {
    ...plain,
    title: 'Many tasks wait in a queue',
    threshold: { ...tasks, holds: 'above', otherwise: 10_000 },
    queue: 'each',
  },
  failure_rate: {
    ...plain,
    title: 'A large share of the tasks that end has failed',
    threshold: { unit: 'percent', holds: 'above', min: 0.1, max: 99.9, otherwise: 25 },
    windows: [300, 900, 3_600],
    least: 20,
    queue: 'whole',
  },
  workers_few: {
    ...plain,
    title: 'Few live workers',
    threshold: { unit: 'workers', holds: 'below', min: 1, max: 1_000_000, otherwise: 1 },
    queue: 'whole',
  },
})

/** What to watch for. */
export interface AlertRule {
  readonly rule_id: string
  readonly name: string
  readonly kind: AlertKind
  readonly threshold: number | null
  /** Seconds. */
  readonly window: number | null
  readonly least: number | null
  /** For so many seconds the condition has to hold before an alert fires. */
  readonly for: number
  readonly severity: AlertSeverity
  readonly queue: string | null
  readonly task_type: string | null
  readonly enabled: boolean
  /** One of those that are there from the start: it can be changed and disabled, and stays. */
  readonly default: boolean
  /** Null where it is still as it was from the start. */
  readonly changed_at: string | null
}

export interface AlertRuleList {
  readonly rules: readonly AlertRule[]
}

/** What is left out is as `alertKindFacts` says; `for` is 60, the severity `warning`, and it is enabled. */
export interface AlertRuleDraft {
  readonly name: string
  readonly kind: AlertKind
  readonly threshold?: number
  readonly window?: number
  readonly least?: number
  readonly for?: number
  readonly severity?: AlertSeverity
  readonly queue?: string | null
  readonly task_type?: string | null
  readonly enabled?: boolean
}

/** What is left out stays. The kind of a rule never changes. */
export type AlertRuleChange = Partial<Omit<AlertRuleDraft, 'kind'>>

/** One trouble of one rule with one subject. What does not apply is null. */
export interface Alert {
  /** Counts up. */
  readonly alert_id: number
  readonly rule_id: string
  /** The name of the rule when the alert began. */
  readonly rule: string
  readonly kind: AlertKind
  readonly severity: AlertSeverity
  readonly state: AlertState
  /** In one sentence, as it was seen last. */
  readonly detail: string
  /** What was measured last, in the unit of the kind's threshold; of kinds without one, how many tasks it is about. */
  readonly value: number | null
  readonly queue: string | null
  readonly task_type: string | null
  readonly worker_id: string | null
  readonly fingerprint: string | null
  /** Stands for all subjects of its rule beyond those that have an alert of their own; `value` says how many. */
  readonly rest: boolean
  /** When the condition was seen first; RFC 3339, as all times. */
  readonly since: string
  readonly fired_at: string | null
  readonly resolved_at: string | null
  /** How often channels were reminded that it fires, all together, and when that was last. */
  readonly reminders: number
  readonly reminded_at: string | null
  readonly silence: AlertSilence | null
}

/** While it lasts, no channel is told that this subject of this rule fires, also if it ends and begins anew. */
export interface AlertSilence {
  readonly until: string
  readonly reason: string
  readonly by: string | null
  readonly at: string
}

/** Newest first. */
export interface AlertPage {
  readonly alerts: readonly Alert[]
  readonly next_cursor: string | null
}

/** Either `until`, RFC 3339, or `for`, seconds from now. */
export interface AlertSilenceRequest {
  readonly until?: string
  readonly for?: number
  readonly reason: string
}

/** Where people are told of alerts: an address that takes a POST. */
export interface AlertChannel {
  readonly channel_id: string
  readonly name: string
  readonly url: string
  /** Whether messages are signed; the secret is never shown. */
  readonly signed: boolean
  readonly severities: readonly AlertSeverity[]
  readonly enabled: boolean
  /** It is told again of what goes on firing, after so many seconds each time; null never. */
  readonly remind_every_s: number | null
  readonly created_at: string
  readonly changed_at: string
  /** Of messages, not of tests. */
  readonly last_sent_at: string | null
  readonly last_failed_at: string | null
  /** Why the last one that failed did, in a sentence. */
  readonly last_failure: string | null
  /** Messages that have not been delivered yet. */
  readonly undelivered: number
}

export interface AlertChannelList {
  readonly channels: readonly AlertChannel[]
}

/** All severities, enabled and without reminders, if not said. */
export interface AlertChannelDraft {
  readonly name: string
  readonly url: string
  readonly secret?: string | null
  readonly severities?: readonly AlertSeverity[]
  readonly enabled?: boolean
  readonly remind_every_s?: number | null
}

/** What is left out stays; a secret of null takes the signature away. */
export type AlertChannelChange = Partial<AlertChannelDraft>

/** What came back of a message that is marked as a test. */
export interface AlertChannelTest {
  readonly delivered: boolean
  /** Null where there was no answer. */
  readonly status: number | null
  readonly duration_ms: number
  /** In one sentence. */
  readonly detail: string
  /** The beginning of what the receiver answered. */
  readonly body: string | null
}

/** The body of the POST to a channel. */
export interface AlertMessage {
  /** The same for every try of the same message. */
  readonly id: string
  readonly sent_at: string
  /** True of messages that somebody sends to try a channel. */
  readonly test: boolean
  readonly environment: string | null
  readonly alerts: readonly AlertNotice[]
}

export interface AlertNotice extends Omit<Alert, 'state' | 'silence' | 'reminders' | 'reminded_at'> {
  readonly state: 'firing' | 'resolved'
  /** Which reminder it is of those that the channel got of this alert; 0 where it is none. */
  readonly reminder: number
  /** Where a person sees it; null where the scheduler was not told its public address. */
  readonly url: string | null
}
