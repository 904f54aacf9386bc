import type { AlertSeverity, AlertState } from '@tasklane/protocol'
import { type AlertMove, type AlertRecord, isNews, subjectKey } from '../../core/alert.ts'
import { readChannel } from '../../core/alert-channel.ts'
import { noticesOf } from '../../core/alert-notice.ts'
import type { AlertRuleSettings } from '../../core/alert-rule.ts'
import { tellingsAfter } from '../../core/alert-telling.ts'
import {
  readFacts,
  readSettings,
  readTellings,
  readTold,
  writeFacts,
  writeSettings,
  writeTellings,
  writeTold,
} from '../../core/alert-text.ts'
import { assert } from '../../core/assert.ts'
import { namesText } from '../../core/names.ts'
import type {
  AlertChannelDraft,
  AlertChannelRecord,
  AlertRuleDraft,
  AlertRuleRecord,
  AlertStore,
  PruneAlertsAsk,
  SilenceDraft,
} from '../../ports/alerts.ts'
import type { SqlRow } from './database.ts'
import { createNotices } from './notices.ts'
import { number, numberOrNull, text, textOrNull } from './rows.ts'
import type { Session, Transaction } from './session.ts'

/** Rules, alerts, silences and channels. `run` turns the world's faults into problems. */
export function createAlerts(session: Session, run: <Value>(work: () => Value) => Promise<Value>): AlertStore {
  const { alerts, clock } = session
  const transact = <Value>(work: (tx: Transaction) => Value): Promise<Value> => run(() => session.transact(work))
  return {
    ...createNotices(session, run),
    alertsVersion: () => run(() => number(session.sql.readMeta.get('alerts_version')?.[0] ?? 0)),
    // The file is of this node alone.
    takeAlertTurn: async () => true,

    alertRules: () => run(() => alerts.alertRules.all().map(toRule)),
    putAlertRule: (rule, after, most) => transact(tx => putRule(session, rule, after, most, tx.nowMs)),
    removeAlertRule: id => transact(() => raisedIf(session, alerts.deleteAlertRule.run(id).changes > 0)),

    openAlerts: () => run(() => alerts.openAlerts.all(clock.now()).map(toAlert)),
    alerts: ({ states, severities, ruleId }, { limit, before }) =>
      run(() => {
        const from = before ?? Number.MAX_SAFE_INTEGER
        const rows = alerts.alertPage.all(clock.now(), from, namesText(states), namesText(severities), ruleId, limit)
        return rows.map(toAlert)
      }),
    alert: number => run(() => alertOf(session, number, clock.now())),
    moveAlerts: (moves, newNoticeId) => transact(tx => moveAlerts(session, moves, newNoticeId, tx.nowMs)),

    silences: () =>
      run(() =>
        alerts.silences
          .all(clock.now())
          .map(row => ({ ruleId: text(row[0]), subject: text(row[1]), untilMs: number(row[2]) })),
      ),
    silenceAlert: (number, silence) => transact(tx => silenceAlert(session, number, silence, tx.nowMs)),

    alertChannels: () => run(() => alerts.alertChannels.all().map(toChannel)),
    putAlertChannel: (channel, after, most) => transact(tx => putChannel(session, channel, after, most, tx.nowMs)),
    removeAlertChannel: id =>
      transact(() => {
        alerts.deleteNoticesOf.run(id)
        return raisedIf(session, alerts.deleteAlertChannel.run(id).changes > 0)
      }),

    pruneAlerts: ask => transact(tx => pruneAlerts(session, ask, tx.nowMs)),
  }
}

/** What others are to notice. */
function raisedIf({ alerts }: Session, isChanged: boolean): boolean {
  if (isChanged) alerts.raiseAlerts.run()
  return isChanged
}

// ─── Rules and channels ──────────────────────────────────────────────────────────────────────────────────────────────

function putRule(
  session: Session,
  { id, settings }: AlertRuleDraft,
  after: number | null,
  most: number,
  nowMs: number,
): AlertRuleRecord | 'stale' | 'full' {
  const { alertRule, countAlertRules, insertAlertRule, writeAlertRule } = session.alerts
  const content = writeSettings(settings)
  if (after === null && alertRule.get(id) === undefined && number(countAlertRules.get()?.[0]) >= most) return 'full'
  const put = after === null ? insertAlertRule.run(id, content, nowMs) : writeAlertRule.run(id, content, nowMs, after)
  if (!raisedIf(session, put.changes > 0)) return 'stale'
  const row = alertRule.get(id)
  assert(row !== undefined, 'a rule that was written is there')
  return toRule(row)
}

function toRule(row: SqlRow): AlertRuleRecord {
  return {
    id: text(row[0]),
    settings: readSettings<AlertRuleSettings>(text(row[1])),
    version: number(row[2]),
    changedAtMs: number(row[3]),
  }
}

function putChannel(
  session: Session,
  { id, settings }: AlertChannelDraft,
  after: number | null,
  most: number,
  nowMs: number,
): AlertChannelRecord | 'stale' | 'full' {
  const { alertChannel, countAlertChannels, insertAlertChannel, writeAlertChannel } = session.alerts
  const content = writeSettings(settings)
  if (after === null && alertChannel.get(id) === undefined && number(countAlertChannels.get()?.[0]) >= most) {
    return 'full'
  }
  const put =
    after === null ? insertAlertChannel.run(id, content, nowMs) : writeAlertChannel.run(id, content, nowMs, after)
  if (!raisedIf(session, put.changes > 0)) return 'stale'
  const row = alertChannel.get(id)
  assert(row !== undefined, 'a channel that was written is there')
  return toChannel(row)
}

function toChannel(row: SqlRow): AlertChannelRecord {
  return {
    id: text(row[0]),
    settings: readChannel(text(row[1])),
    version: number(row[2]),
    createdAtMs: number(row[3]),
    changedAtMs: number(row[4]),
    lastSentAtMs: numberOrNull(row[5]),
    lastFailedAtMs: numberOrNull(row[6]),
    lastFailure: textOrNull(row[7]),
    undelivered: number(row[8]),
  }
}

// ─── Alerts and silences ─────────────────────────────────────────────────────────────────────────────────────────────

function moveAlerts(
  session: Session,
  moves: readonly AlertMove[],
  newNoticeId: () => string,
  nowMs: number,
): readonly (AlertRecord | null)[] {
  const written = moves.map(move => moveAlert(session, move, nowMs))
  for (const { channelId, alerts } of noticesOf(moves, written)) {
    session.alerts.insertNotice.run(nowMs, newNoticeId(), channelId, alerts)
  }
  raisedIf(
    session,
    moves.some((move, at) => written[at] !== null && isNews(move)),
  )
  return written
}

function moveAlert(session: Session, move: AlertMove, nowMs: number): AlertRecord | null {
  const { openAlert, changeAlert, resolveAlert, dropAlert } = session.alerts
  switch (move.kind) {
    case 'open': {
      const { facts, state, sight, tell } = move
      const { severity, value, detail } = sight
      const tellings = tellingsAfter({}, { tell, remind: [] }, nowMs)
      const of = [facts.ruleId, subjectKey(facts.subject), state, severity, value] as const
      const row = openAlert.get(nowMs, ...of, writeFacts(facts), writeTold(tell), detail, writeTellings(tellings))
      return row === undefined ? null : alertOf(session, number(row[0]), nowMs)
    }
    case 'change': {
      const { state, sight, told, isNew } = move
      const { severity, value, detail } = sight
      const tellings = writeTellings(tellingsAfter(move.tellings, move, nowMs))
      const of = [state, severity, value, detail, writeTold(told), isNew ? 1 : 0, tellings] as const
      const { changes } = changeAlert.run(nowMs, move.number, move.turn, ...of)
      return changes === 0 ? null : alertOf(session, move.number, nowMs)
    }
    case 'resolve': {
      const { changes } = resolveAlert.run(nowMs, move.number, move.turn)
      return changes === 0 ? null : alertOf(session, move.number, nowMs)
    }
    case 'drop': {
      const before = alertOf(session, move.number, nowMs)
      return dropAlert.run(move.number, move.turn).changes === 0 ? null : before
    }
  }
}

function alertOf({ alerts }: Session, number: number, nowMs: number): AlertRecord | null {
  const row = alerts.alert.get(nowMs, number)
  return row === undefined ? null : toAlert(row)
}

function toAlert(row: SqlRow): AlertRecord {
  const untilMs = numberOrNull(row[13])
  return {
    number: number(row[0]),
    turn: number(row[1]),
    ruleId: text(row[2]),
    state: text(row[3]) as AlertState, // Written from one.
    severity: text(row[4]) as AlertSeverity, // Written from one.
    value: number(row[5]),
    sinceMs: number(row[6]),
    firedAtMs: numberOrNull(row[7]),
    resolvedAtMs: numberOrNull(row[8]),
    notedAtMs: number(row[9]),
    ...readFacts(text(row[10])),
    told: readTold(text(row[11])),
    tellings: readTellings(textOrNull(row[17])),
    detail: text(row[12]),
    silence:
      untilMs === null ? null : { untilMs, atMs: number(row[14]), reason: text(row[15]), by: textOrNull(row[16]) },
  }
}

function silenceAlert(
  session: Session,
  number: number,
  silence: SilenceDraft | null,
  nowMs: number,
): AlertRecord | null {
  const { putSilence, dropSilence, raiseAlerts } = session.alerts
  if (silence === null) dropSilence.run(number)
  else {
    const { ends, reason, by } = silence
    putSilence.run(nowMs, number, 'atMs' in ends ? ends.atMs : nowMs + ends.afterMs, reason, by)
  }
  raiseAlerts.run()
  return alertOf(session, number, nowMs)
}

function pruneAlerts(session: Session, { keepMs, most, noticeKeepMs, limit }: PruneAlertsAsk, nowMs: number): number {
  const { pruneOldAlerts, pruneManyAlerts, pruneNotices, pruneSilences } = session.alerts
  return (
    pruneOldAlerts.run(nowMs - keepMs, limit).changes +
    pruneManyAlerts.run(most, limit).changes +
    pruneNotices.run(nowMs - noticeKeepMs, limit).changes +
    pruneSilences.run(nowMs, limit).changes
  )
}
