import { type AlertKind, type AlertSeverity, type AlertState, limits } from '@tasklane/protocol'
import { type AlertRule, isTrouble, type Trouble } from './alert-rule.ts'
import { channelsToRemind, type RemindableChannel, type Tellings } from './alert-telling.ts'

/**
 * What is to be done about alerts, decided from what was seen: values in, moves out.
 *
 *     nothing ──open──► pending ──fire──► firing ──resolve──► resolved
 *        ▲                 │
 *        └──────drop───────┘       (where a rule waits for nothing, open leads to firing at once)
 *
 * Any number of nodes may look at the same time and come to the same moves. A move names the turn of the alert that it is
 * for, and the store makes it once: whose move it was tells of it.
 */
export interface AlertRecord extends AlertFacts, AlertSight {
  /** Counts up. */
  readonly number: number
  readonly state: AlertState
  /** +1 at every move; a move for another turn is not made. */
  readonly turn: number
  /** Since when its condition holds without a break that was seen. */
  readonly sinceMs: number
  readonly firedAtMs: number | null
  readonly resolvedAtMs: number | null
  /** When its sight was written last. */
  readonly notedAtMs: number
  /** Channels that were told, or are being told, that it fires. */
  readonly told: readonly string[]
  /** When each of them was told last, and how often it was reminded. */
  readonly tellings: Tellings
  readonly silence: Silence | null
}

/** What does not change as long as an alert lives. */
export interface AlertFacts {
  readonly ruleId: string
  readonly ruleName: string
  readonly kind: AlertKind
  readonly subject: AlertSubject
}

/** What an alert is about; what does not apply is null. */
export interface AlertSubject {
  readonly queue: string | null
  readonly type: string | null
  readonly workerId: string | null
  readonly fingerprint: string | null
  /** Stands for all subjects of its rule beyond those that have an alert of their own. */
  readonly isRest: boolean
}

/** How it was seen last. */
export interface AlertSight {
  readonly severity: AlertSeverity
  readonly detail: string
  readonly value: number
}

/** Of one subject of one rule, whether or not an alert is open. */
export interface Silence {
  readonly untilMs: number
  readonly reason: string
  readonly by: string | null
  readonly atMs: number
}

/**
 * `tell` names the channels that are told by this very move, `remind` those that are told once more, `told` all that were told
 * that it fires, and `tellings` how, up to this move.
 */
export type AlertMove =
  | {
      readonly kind: 'open'
      readonly facts: AlertFacts
      readonly state: 'pending' | 'firing'
      readonly sight: AlertSight
      readonly tell: readonly string[]
    }
  | {
      readonly kind: 'change'
      readonly number: number
      readonly turn: number
      readonly state: 'pending' | 'firing'
      /** The time of its condition begins anew. */
      readonly isNew: boolean
      /** False where it only says that what is known lasts. */
      readonly isNews: boolean
      readonly sight: AlertSight
      readonly tell: readonly string[]
      readonly remind: readonly string[]
      readonly told: readonly string[]
      readonly tellings: Tellings
    }
  | { readonly kind: 'resolve'; readonly number: number; readonly turn: number; readonly tell: readonly string[] }
  | { readonly kind: 'drop'; readonly number: number; readonly turn: number }

export interface AlertLook {
  readonly nowMs: number
  readonly rules: readonly AlertRule[]
  readonly channels: readonly TellableChannel[]
  /** Pending and firing ones. */
  readonly open: readonly AlertRecord[]
  /** The silences of subjects that have no open alert. */
  readonly silenced: readonly SilencedSubject[]
  /** The worst of a kind first. */
  readonly troubles: readonly Trouble[]
}

export interface TellableChannel extends RemindableChannel {
  readonly severities: readonly AlertSeverity[]
  readonly isEnabled: boolean
}

export interface SilencedSubject {
  readonly ruleId: string
  /** As `subjectKey` writes it. */
  readonly subject: string
  readonly untilMs: number
}

/** What is seen of an open alert is written so often, also that its condition still holds. */
export const noteEveryMs = 30_000
/** Where nobody has looked for longer, nobody knows whether a condition held all the while: its time begins anew. */
export const unseenMs = 3 * noteEveryMs

export function decideAlerts(look: AlertLook): readonly AlertMove[] {
  const openOf = new Map<string, AlertRecord[]>()
  for (const alert of look.open) openOf.set(alert.ruleId, [...(openOf.get(alert.ruleId) ?? []), alert])
  const moves = look.rules
    .filter(rule => rule.isEnabled)
    .flatMap(rule => {
      const open = openOf.get(rule.id) ?? []
      openOf.delete(rule.id)
      return movesOfRule(look, rule, open)
    })
  // What is left has no rule any more, or one that is disabled.
  return [...moves, ...[...openOf.values()].flat().map(ending)]
}

/** One text for one subject: of one rule it has one open alert at most. */
export function subjectKey({ queue, type, workerId, fingerprint, isRest }: AlertSubject): string {
  return isRest ? 'rest' : JSON.stringify([queue, type, workerId, fingerprint])
}

/** Whether others are to notice the move. */
export function isNews(move: AlertMove): boolean {
  return move.kind !== 'change' || move.isNews
}

function movesOfRule(look: AlertLook, rule: AlertRule, open: readonly AlertRecord[]): readonly AlertMove[] {
  const wanted = sightsOf(rule, look.troubles, new Set(open.map(alert => subjectKey(alert.subject))))
  const known = new Map(open.map(alert => [subjectKey(alert.subject), alert]))
  const moves = [...wanted].flatMap(([key, { subject, sight }]) => {
    const alert = known.get(key)
    return alert === undefined ? [opening(look, rule, subject, sight)] : changing(look, rule, alert, sight)
  })
  return [...moves, ...open.filter(alert => !wanted.has(subjectKey(alert.subject))).map(ending)]
}

interface Seen {
  readonly subject: AlertSubject
  readonly sight: AlertSight
}

/**
 * The subjects that are in trouble by this rule, bounded: those that have an alert keep it, the worst of the others come
 * next, and one more stands for all that are left.
 */
function sightsOf(rule: AlertRule, troubles: readonly Trouble[], open: ReadonlySet<string>): ReadonlyMap<string, Seen> {
  const all = new Map<string, Seen>()
  for (const trouble of troubles) {
    if (!isTrouble(rule, trouble)) continue
    const { queue, type, workerId, fingerprint, detail, value } = trouble
    const subject = { queue, type, workerId, fingerprint, isRest: false }
    const key = subjectKey(subject)
    if (!all.has(key)) all.set(key, { subject, sight: { severity: rule.severity, detail, value } })
  }
  if (all.size <= limits.alertsOfRuleMax) return all
  const kept = [...all].filter(([key]) => open.has(key))
  const others = [...all].filter(([key]) => !open.has(key))
  const chosen = [...kept, ...others].slice(0, limits.alertsOfRuleMax)
  const value = all.size - chosen.length
  const detail = `${value} more of the same: ${all.size} by the rule '${rule.name}' in all.`
  const sight = { severity: rule.severity, detail, value }
  return new Map([...chosen, [subjectKey(rest), { subject: rest, sight }]])
}

const rest: AlertSubject = { queue: null, type: null, workerId: null, fingerprint: null, isRest: true }

function opening(look: AlertLook, rule: AlertRule, subject: AlertSubject, sight: AlertSight): AlertMove {
  const state = rule.forMs === 0 ? 'firing' : 'pending'
  const facts = { ruleId: rule.id, ruleName: rule.name, kind: rule.kind, subject }
  const key = subjectKey(subject)
  const isSilenced = look.silenced.some(
    each => each.ruleId === rule.id && each.subject === key && each.untilMs > look.nowMs,
  )
  const tell = state === 'firing' && !isSilenced ? channelsFor(look, sight.severity, []) : []
  return { kind: 'open', facts, state, sight, tell }
}

function changing(look: AlertLook, rule: AlertRule, alert: AlertRecord, sight: AlertSight): readonly AlertMove[] {
  const { nowMs } = look
  const { number, turn } = alert
  const isNew = alert.state === 'pending' && nowMs - alert.notedAtMs > unseenMs
  const hasHeld = alert.state === 'firing' || (!isNew && nowMs - alert.sinceMs >= rule.forMs)
  const state = hasHeld ? 'firing' : 'pending'
  const isSilenced = alert.silence !== null && alert.silence.untilMs > nowMs
  const tell = state === 'firing' && !isSilenced ? channelsFor(look, sight.severity, alert.told) : []
  const remind = alert.state === 'firing' && !isSilenced ? reminded(look, alert, sight.severity) : []
  const isOld = nowMs - alert.notedAtMs >= noteEveryMs || nowMs < alert.notedAtMs
  const isSame = state === alert.state && !isNew && sight.severity === alert.severity
  if (isSame && !isOld && tell.length + remind.length === 0) return []
  const told = [...alert.told, ...tell]
  const isNews = !isSame || remind.length > 0
  return [{ kind: 'change', number, turn, state, isNew, isNews, sight, tell, remind, told, tellings: alert.tellings }]
}

/** Whoever was told that it fires is told that it does not any more, silenced or not. */
function ending({ number, turn, state, told }: AlertRecord): AlertMove {
  return state === 'pending' ? { kind: 'drop', number, turn } : { kind: 'resolve', number, turn, tell: told }
}

function channelsFor(look: AlertLook, severity: AlertSeverity, told: readonly string[]): readonly string[] {
  return channelsOf(look, severity)
    .filter(channel => !told.includes(channel.id))
    .map(channel => channel.id)
}

function reminded(look: AlertLook, alert: AlertRecord, severity: AlertSeverity): readonly string[] {
  const times = { nowMs: look.nowMs, otherwiseMs: alert.firedAtMs ?? alert.sinceMs }
  return channelsToRemind(channelsOf(look, severity), alert, times)
}

function channelsOf({ channels }: AlertLook, severity: AlertSeverity): readonly TellableChannel[] {
  return channels.filter(channel => channel.isEnabled && channel.severities.includes(severity))
}
