import type { AlertMove, AlertRecord, AlertSight, AlertSubject } from '../../src/core/alert.ts'
import { completeRule } from '../../src/core/alert-rule.ts'
import type { AlertChannelSettings, AlertRuleDraft, AlertStore } from '../../src/ports/alerts.ts'

/** Short sentences over alerts, for tests. */
const nothing: AlertSubject = { queue: null, type: null, workerId: null, fingerprint: null, isRest: false }
const sight: AlertSight = { severity: 'warning', detail: 'It is bad.', value: 3 }

export type OpenMove = Extract<AlertMove, { kind: 'open' }>

export function opening(queue: string, more: Partial<OpenMove> & { readonly rule?: string } = {}): OpenMove {
  const { rule = 'r1', ...rest } = more
  const subject = { ...nothing, queue }
  const facts = { ruleId: rule, ruleName: `Rule ${rule}`, kind: 'queue_unserved', subject } as const
  return { kind: 'open', facts, state: 'pending', sight, tell: [], ...rest }
}

type ChangeMove = Extract<AlertMove, { kind: 'change' }>

export function changing(
  { number, turn, state, told, tellings }: AlertRecord,
  more: Partial<ChangeMove> = {},
): ChangeMove {
  const of = state === 'resolved' ? 'firing' : state
  const tell = more.tell ?? []
  const said = { told: [...told, ...tell], tell, remind: [], tellings } as const
  const change = { number, turn, state: of, isNew: false, isNews: true, sight, ...said } as const
  return { kind: 'change', ...change, ...more }
}

export function resolving({ number, turn, told }: AlertRecord): AlertMove {
  return { kind: 'resolve', number, turn, tell: told }
}

export function dropping({ number, turn }: AlertRecord): AlertMove {
  return { kind: 'drop', number, turn }
}

let notices = 0

export async function move(
  store: Pick<AlertStore, 'moveAlerts'>,
  ...moves: readonly AlertMove[]
): Promise<readonly (AlertRecord | null)[]> {
  return store.moveAlerts(moves, () => {
    notices += 1
    return `notice-${notices}`
  })
}

/** The one alert that this move leads to. */
export async function moved(store: Pick<AlertStore, 'moveAlerts'>, one: AlertMove): Promise<AlertRecord> {
  const [record] = await move(store, one)
  if (record == null) throw new Error(`The move '${one.kind}' was not made.`)
  return record
}

export function ruleDraft(id: string, more: object = {}): AlertRuleDraft {
  return { id, settings: { ...completeRule({ name: id, kind: 'queue_depth' }), ...more } }
}

export function channelSettings(more: Partial<AlertChannelSettings> = {}): AlertChannelSettings {
  return {
    name: 'Night shift',
    url: 'https://hooks.example/1',
    secret: null,
    severities: ['warning', 'critical'],
    isEnabled: true,
    remindEveryMs: null,
    ...more,
  }
}
