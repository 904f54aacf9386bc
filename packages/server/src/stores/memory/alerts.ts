import { type AlertMove, type AlertRecord, type Silence, subjectKey } from '../../core/alert.ts'
import { noticesOf } from '../../core/alert-notice.ts'
import { tellingsAfter } from '../../core/alert-telling.ts'
import type { JsonText } from '../../core/task.ts'
import type { AlertChannelRecord, AlertFilter, AlertRuleRecord, AlertStore, NoticeRecord } from '../../ports/alerts.ts'
import type { Clock } from '../../ports/clock.ts'

interface Notice {
  readonly number: number
  readonly id: string
  readonly channelId: string
  readonly createdAtMs: number
  readonly alerts: JsonText
  dueAtMs: number
  attempts: number
}

interface Shelf {
  readonly clock: Clock
  readonly rules: Map<string, AlertRuleRecord>
  readonly alerts: Map<number, AlertRecord>
  readonly silences: Map<string, Silence & { readonly ruleId: string; readonly subject: string }>
  readonly channels: Map<string, AlertChannelRecord>
  readonly notices: Map<number, Notice>
  version: number
  lastAlert: number
  lastNotice: number
}

/** Rules, alerts, silences, channels and notices of the model. */
export function createMemoryAlerts({ clock }: { readonly clock: Clock }): AlertStore {
  const shelf: Shelf = {
    clock,
    rules: new Map(),
    alerts: new Map(),
    silences: new Map(),
    channels: new Map(),
    notices: new Map(),
    version: 0,
    lastAlert: 0,
    lastNotice: 0,
  }
  return { ...settingsOf(shelf), ...alertsOf(shelf), ...noticesIn(shelf) }
}

// ─── Rules and channels ──────────────────────────────────────────────────────────────────────────────────────────────

function settingsOf(shelf: Shelf) {
  const { rules, channels, notices, clock } = shelf
  const undelivered = (id: string): number => [...notices.values()].filter(notice => notice.channelId === id).length
  const withCount = (channel: AlertChannelRecord): AlertChannelRecord => ({
    ...channel,
    undelivered: undelivered(channel.id),
  })
  return {
    alertsVersion: async () => shelf.version,
    takeAlertTurn: async () => true,
    alertRules: async () => [...rules.values()].sort((one, other) => (one.id < other.id ? -1 : 1)),
    putAlertRule: async (rule, after, most) => {
      const verdict = verdictOf(rules, rule.id, after, most)
      if (verdict !== null) return verdict
      const record = { ...rule, version: (after ?? 0) + 1, changedAtMs: clock.now() }
      rules.set(rule.id, record)
      shelf.version += 1
      return record
    },
    removeAlertRule: async id => {
      const isGone = rules.delete(id)
      if (isGone) shelf.version += 1
      return isGone
    },
    alertChannels: async () =>
      [...channels.values()]
        .sort((one, other) => one.createdAtMs - other.createdAtMs || (one.id < other.id ? -1 : 1))
        .map(withCount),
    putAlertChannel: async (channel, after, most) => {
      const verdict = verdictOf(channels, channel.id, after, most)
      if (verdict !== null) return verdict
      const nowMs = clock.now()
      const before = channels.get(channel.id)
      const fresh = { createdAtMs: nowMs, lastSentAtMs: null, lastFailedAtMs: null, lastFailure: null, undelivered: 0 }
      const record = { ...fresh, ...before, ...channel, version: (after ?? 0) + 1, changedAtMs: nowMs }
      channels.set(channel.id, record)
      shelf.version += 1
      return withCount(record)
    },
    removeAlertChannel: async id => {
      for (const notice of [...notices.values()]) if (notice.channelId === id) notices.delete(notice.number)
      const isGone = channels.delete(id)
      if (isGone) shelf.version += 1
      return isGone
    },
  } satisfies Partial<AlertStore>
}

function verdictOf(
  kept: ReadonlyMap<string, { readonly version: number }>,
  id: string,
  after: number | null,
  most: number,
): 'stale' | 'full' | null {
  if ((kept.get(id)?.version ?? null) !== after) return 'stale'
  return after === null && kept.size >= most ? 'full' : null
}

// ─── Alerts and silences ─────────────────────────────────────────────────────────────────────────────────────────────

function alertsOf(shelf: Shelf) {
  const { alerts, silences, clock } = shelf
  const keyOf = ({ ruleId, subject }: AlertRecord): string => JSON.stringify([ruleId, subjectKey(subject)])
  const told = (alert: AlertRecord): AlertRecord => {
    const silence = silences.get(keyOf(alert))
    if (silence === undefined || silence.untilMs <= clock.now()) return { ...alert, silence: null }
    const { untilMs, reason, by, atMs } = silence
    return { ...alert, silence: { untilMs, reason, by, atMs } }
  }
  return {
    openAlerts: async () => [...alerts.values()].filter(alert => alert.state !== 'resolved').map(told),
    alerts: async (filter, { limit, before }) =>
      [...alerts.values()]
        .filter(alert => (before === null || alert.number < before) && matches(alert, filter))
        .sort((one, other) => other.number - one.number)
        .slice(0, limit)
        .map(told),
    alert: async number => {
      const alert = alerts.get(number)
      return alert === undefined ? null : told(alert)
    },
    moveAlerts: async (moves, newNoticeId) => {
      const written = moves.map(move => moveAlert(shelf, move))
      for (const { channelId, alerts: text } of noticesOf(moves, written)) {
        if (!shelf.channels.has(channelId)) continue
        const nowMs = clock.now()
        shelf.lastNotice += 1
        const number = shelf.lastNotice
        const notice = { number, id: newNoticeId(), channelId, createdAtMs: nowMs, alerts: text }
        shelf.notices.set(number, { ...notice, dueAtMs: nowMs, attempts: 0 })
      }
      return written.map(alert => (alert === null ? null : told(alert)))
    },
    silences: async () =>
      [...silences.values()]
        .filter(silence => silence.untilMs > clock.now())
        .map(({ ruleId, subject, untilMs }) => ({ ruleId, subject, untilMs })),
    silenceAlert: async (number, silence) => {
      const alert = alerts.get(number)
      if (alert === undefined) return null
      if (silence === null) silences.delete(keyOf(alert))
      else {
        const { ends, reason, by } = silence
        const untilMs = 'atMs' in ends ? ends.atMs : clock.now() + ends.afterMs
        const of = { ruleId: alert.ruleId, subject: subjectKey(alert.subject) }
        silences.set(keyOf(alert), { ...of, untilMs, reason, by, atMs: clock.now() })
      }
      shelf.version += 1
      return told(alert)
    },
    pruneAlerts: async ({ keepMs, most, noticeKeepMs, limit }) => {
      const nowMs = clock.now()
      const resolved = (): AlertRecord[] => [...alerts.values()].filter(alert => alert.state === 'resolved')
      const resolvedAt = ({ resolvedAtMs }: AlertRecord): number => resolvedAtMs ?? nowMs
      const old = resolved()
        .filter(alert => resolvedAt(alert) < nowMs - keepMs)
        .sort((one, other) => resolvedAt(one) - resolvedAt(other))
        .slice(0, limit)
      for (const { number } of old) alerts.delete(number)
      const tooMany = resolved()
        .sort((one, other) => other.number - one.number)
        .slice(most, most + limit)
      for (const { number } of tooMany) alerts.delete(number)
      const late = [...shelf.notices.values()].filter(notice => notice.createdAtMs < nowMs - noticeKeepMs)
      for (const { number } of late.slice(0, limit)) shelf.notices.delete(number)
      const over = [...silences].filter(([, silence]) => silence.untilMs <= nowMs).slice(0, limit)
      for (const [key] of over) silences.delete(key)
      return old.length + tooMany.length + Math.min(limit, late.length) + over.length
    },
  } satisfies Partial<AlertStore>
}

function matches(alert: AlertRecord, { states, severities, ruleId }: AlertFilter): boolean {
  return (
    (states === null || states.includes(alert.state)) &&
    (severities === null || severities.includes(alert.severity)) &&
    (ruleId === null || alert.ruleId === ruleId)
  )
}

/** The alert after the move, without its silence. */
function moveAlert(shelf: Shelf, move: AlertMove): AlertRecord | null {
  const { alerts, clock } = shelf
  const nowMs = clock.now()
  if (move.kind === 'open') return openAlert(shelf, move)
  const alert = alerts.get(move.number)
  if (alert === undefined || alert.turn !== move.turn) return null
  if (move.kind === 'drop') {
    alerts.delete(move.number)
    shelf.version += 1
    return alert
  }
  const turn = alert.turn + 1
  if (move.kind === 'resolve') {
    const resolved = { ...alert, turn, state: 'resolved' as const, resolvedAtMs: nowMs }
    alerts.set(alert.number, resolved)
    shelf.version += 1
    return resolved
  }
  const { state, sight, told, isNew, isNews } = move
  const tellings = tellingsAfter(alert.tellings, move, nowMs)
  if (isNews) shelf.version += 1
  const firedAtMs = alert.state === 'pending' && state === 'firing' ? nowMs : alert.firedAtMs
  const sinceMs = isNew ? nowMs : alert.sinceMs
  const changed = { ...alert, ...sight, turn, state, told, tellings, firedAtMs, sinceMs, notedAtMs: nowMs }
  alerts.set(alert.number, changed)
  return changed
}

function openAlert(shelf: Shelf, move: Extract<AlertMove, { kind: 'open' }>): AlertRecord | null {
  const { facts, state, sight, tell } = move
  const key = subjectKey(facts.subject)
  const isOpen = (alert: AlertRecord) =>
    alert.state !== 'resolved' && alert.ruleId === facts.ruleId && subjectKey(alert.subject) === key
  if ([...shelf.alerts.values()].some(isOpen)) return null
  const nowMs = shelf.clock.now()
  shelf.lastAlert += 1
  const alert: AlertRecord = {
    ...facts,
    ...sight,
    number: shelf.lastAlert,
    state,
    turn: 1,
    sinceMs: nowMs,
    firedAtMs: state === 'firing' ? nowMs : null,
    resolvedAtMs: null,
    notedAtMs: nowMs,
    told: tell,
    tellings: tellingsAfter({}, { tell, remind: [] }, nowMs),
    silence: null,
  }
  shelf.alerts.set(alert.number, alert)
  shelf.version += 1
  return alert
}

// ─── Notices ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function noticesIn(shelf: Shelf) {
  const { notices, channels, clock } = shelf
  return {
    takeNotices: async ({ limit, leaseMs, triesInOrder }) => {
      const nowMs = clock.now()
      const all = [...notices.values()]
      const isHeldUp = (notice: Notice) =>
        all.some(
          other =>
            other.channelId === notice.channelId && other.number < notice.number && other.attempts < triesInOrder,
        )
      const due = all
        .filter(notice => notice.dueAtMs <= nowMs && channels.get(notice.channelId)?.settings.isEnabled === true)
        .filter(notice => !isHeldUp(notice))
        .slice(0, limit)
      return due.flatMap((notice): NoticeRecord[] => {
        const channel = channels.get(notice.channelId)
        if (channel === undefined) return []
        notice.attempts += 1
        notice.dueAtMs = nowMs + leaseMs
        const { number, id, channelId, attempts, alerts } = notice
        const ageMs = nowMs - notice.createdAtMs
        return [{ number, id, channelId, channel: channel.settings, attempts, ageMs, alerts }]
      })
    },
    settleNotice: async ({ number, attempts }, outcome) => {
      const notice = notices.get(number)
      if (notice === undefined || notice.attempts !== attempts) return false
      const channel = channels.get(notice.channelId)
      const nowMs = clock.now()
      if (outcome.kind !== 'failed') {
        notices.delete(number)
        if (channel !== undefined && outcome.kind === 'sent')
          channels.set(channel.id, { ...channel, lastSentAtMs: nowMs })
        return true
      }
      if (outcome.retryInMs === null) notices.delete(number)
      else notice.dueAtMs = nowMs + outcome.retryInMs
      const failed = { lastFailedAtMs: nowMs, lastFailure: outcome.detail }
      if (channel !== undefined) channels.set(channel.id, { ...channel, ...failed })
      return true
    },
  } satisfies Partial<AlertStore>
}
