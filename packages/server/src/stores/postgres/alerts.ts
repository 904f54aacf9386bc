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
import type {
  AlertChannelDraft,
  AlertChannelRecord,
  AlertRuleDraft,
  AlertRuleRecord,
  AlertStore,
  PruneAlertsAsk,
  SilenceDraft,
} from '../../ports/alerts.ts'
import { alertStatements as sql } from './alert-statements.ts'
import type { Connection, SqlRow } from './database.ts'
import { createNotices } from './notices.ts'
import { number, numberOrNull, text, textOrNull } from './rows.ts'
import type { Reader, Session, Transaction } from './session.ts'

/** Rules, alerts, silences and channels. `run` turns the world's faults into problems. */
export function createAlerts(session: Session, run: <Value>(work: () => Promise<Value>) => Promise<Value>): AlertStore {
  const read = <Value>(work: (reader: Reader) => Promise<Value>): Promise<Value> => run(() => session.read(work))
  const transact = <Value>(work: (tx: Transaction) => Promise<Value>): Promise<Value> =>
    run(() => session.transact(work))
  return {
    ...createNotices(session, run),
    alertsVersion: () =>
      read(async ({ connection }) => number((await connection.rows(sql.alertsVersion))[0]?.[0] ?? 0)),
    takeAlertTurn: everyMs =>
      transact(async ({ connection, nowMs }) => (await connection.run(sql.takeAlertTurn, nowMs, everyMs)) > 0),

    alertRules: () => read(async ({ connection }) => (await connection.rows(sql.alertRules)).map(toRule)),
    putAlertRule: (rule, after, most) => transact(tx => putRule(tx, rule, after, most)),
    removeAlertRule: id =>
      transact(async ({ connection }) => raisedIf(connection, (await connection.run(sql.deleteAlertRule, id)) > 0)),

    openAlerts: () =>
      read(async ({ connection, now }) => (await connection.rows(sql.openAlerts, await now())).map(toAlert)),
    alerts: ({ states, severities, ruleId }, { limit, before }) =>
      read(async ({ connection, now }) => {
        const from = before ?? Number.MAX_SAFE_INTEGER
        const rows = await connection.rows(sql.alertPage, await now(), from, states, severities, ruleId, limit)
        return rows.map(toAlert)
      }),
    alert: number => read(async ({ connection, now }) => alertOf(connection, number, await now())),
    moveAlerts: (moves, newNoticeId) => transact(tx => moveAlerts(tx, moves, newNoticeId)),

    silences: () =>
      read(async ({ connection, now }) =>
        (await connection.rows(sql.silences, await now())).map(row => ({
          ruleId: text(row[0]),
          subject: text(row[1]),
          untilMs: number(row[2]),
        })),
      ),
    silenceAlert: (number, silence) => transact(tx => silenceAlert(tx, number, silence)),

    alertChannels: () => read(async ({ connection }) => (await connection.rows(sql.alertChannels)).map(toChannel)),
    putAlertChannel: (channel, after, most) => transact(tx => putChannel(tx, channel, after, most)),
    removeAlertChannel: id =>
      transact(async ({ connection }) => {
        const isGone = (await connection.run(sql.deleteAlertChannel, id)) > 0
        await connection.run(sql.deleteNoticesOf, id)
        return raisedIf(connection, isGone)
      }),

    pruneAlerts: ask => transact(tx => pruneAlerts(tx, ask)),
  }
}

/** What others are to notice. */
async function raisedIf(connection: Connection, isChanged: boolean): Promise<boolean> {
  if (isChanged) await connection.run(sql.raiseAlertsVersion)
  return isChanged
}

// ─── Rules and channels ──────────────────────────────────────────────────────────────────────────────────────────────

async function putRule(
  { connection, nowMs }: Transaction,
  { id, settings }: AlertRuleDraft,
  after: number | null,
  most: number,
): Promise<AlertRuleRecord | 'stale' | 'full'> {
  await connection.run(sql.lockAlertRules)
  const [before] = await connection.rows(sql.alertRule, id)
  if (after === null && before === undefined) {
    if (number((await connection.rows(sql.countAlertRules))[0]?.[0]) >= most) return 'full'
  }
  const content = writeSettings(settings)
  const count =
    after === null
      ? await connection.run(sql.insertAlertRule, id, content, nowMs)
      : await connection.run(sql.writeAlertRule, id, content, nowMs, after)
  if (!(await raisedIf(connection, count > 0))) return 'stale'
  const [row] = await connection.rows(sql.alertRule, id)
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

async function putChannel(
  { connection, nowMs }: Transaction,
  { id, settings }: AlertChannelDraft,
  after: number | null,
  most: number,
): Promise<AlertChannelRecord | 'stale' | 'full'> {
  await connection.run(sql.lockAlertChannels)
  const [before] = await connection.rows(sql.alertChannel, id)
  if (after === null && before === undefined) {
    if (number((await connection.rows(sql.countAlertChannels))[0]?.[0]) >= most) return 'full'
  }
  const content = writeSettings(settings)
  const count =
    after === null
      ? await connection.run(sql.insertAlertChannel, id, content, nowMs)
      : await connection.run(sql.writeAlertChannel, id, content, nowMs, after)
  if (!(await raisedIf(connection, count > 0))) return 'stale'
  const [row] = await connection.rows(sql.alertChannel, id)
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

async function moveAlerts(
  { connection, nowMs }: Transaction,
  moves: readonly AlertMove[],
  newNoticeId: () => string,
): Promise<readonly (AlertRecord | null)[]> {
  const numbers = moves.flatMap(move => (move.kind === 'open' ? [] : [move.number]))
  if (numbers.length > 0) await connection.rows(sql.lockAlerts, numbers)
  const written: (AlertRecord | null)[] = []
  for (const [at, move] of inOrder(moves)) written[at] = await moveAlert(connection, move, nowMs)
  for (const { channelId, alerts } of noticesOf(moves, written)) {
    await connection.run(sql.insertNotice, nowMs, newNoticeId(), channelId, alerts)
  }
  await raisedIf(
    connection,
    moves.some((move, at) => written[at] !== null && isNews(move)),
  )
  return written
}

/** Nodes that open the same alerts at once wait for each other in one order, and not in a circle. */
function inOrder(moves: readonly AlertMove[]): readonly (readonly [at: number, move: AlertMove, key: string])[] {
  const keyOf = (move: AlertMove): string =>
    move.kind === 'open' ? `${move.facts.ruleId} ${subjectKey(move.facts.subject)}` : ''
  const keyed = [...moves.entries()].map(([at, move]) => [at, move, keyOf(move)] as const)
  return keyed.sort(([, , one], [, , other]) => (one === other ? 0 : one < other ? -1 : 1))
}

async function moveAlert(connection: Connection, move: AlertMove, nowMs: number): Promise<AlertRecord | null> {
  switch (move.kind) {
    case 'open': {
      const { facts, state, sight, tell } = move
      const { severity, value, detail } = sight
      const tellings = tellingsAfter({}, { tell, remind: [] }, nowMs)
      const of = [facts.ruleId, subjectKey(facts.subject), state, severity, value] as const
      const texts = [writeFacts(facts), writeTold(tell), detail, writeTellings(tellings)] as const
      const [row] = await connection.rows(sql.openAlert, nowMs, ...of, ...texts)
      return row === undefined ? null : alertOf(connection, number(row[0]), nowMs)
    }
    case 'change': {
      const { state, sight, told, isNew } = move
      const { severity, value, detail } = sight
      const tellings = writeTellings(tellingsAfter(move.tellings, move, nowMs))
      const of = [state, severity, value, detail, writeTold(told), isNew, tellings] as const
      const count = await connection.run(sql.changeAlert, nowMs, move.number, move.turn, ...of)
      return count === 0 ? null : alertOf(connection, move.number, nowMs)
    }
    case 'resolve': {
      const count = await connection.run(sql.resolveAlert, nowMs, move.number, move.turn)
      return count === 0 ? null : alertOf(connection, move.number, nowMs)
    }
    case 'drop': {
      const before = await alertOf(connection, move.number, nowMs)
      return (await connection.run(sql.dropAlert, move.number, move.turn)) === 0 ? null : before
    }
  }
}

async function alertOf(connection: Connection, number: number, nowMs: number): Promise<AlertRecord | null> {
  const [row] = await connection.rows(sql.alert, nowMs, number)
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

async function silenceAlert(
  { connection, nowMs }: Transaction,
  number: number,
  silence: SilenceDraft | null,
): Promise<AlertRecord | null> {
  if (silence === null) await connection.run(sql.dropSilence, number)
  else {
    const { ends, reason, by } = silence
    const untilMs = 'atMs' in ends ? ends.atMs : nowMs + ends.afterMs
    await connection.run(sql.putSilence, nowMs, number, untilMs, reason, by)
  }
  await connection.run(sql.raiseAlertsVersion)
  return alertOf(connection, number, nowMs)
}

async function pruneAlerts(
  { connection, nowMs }: Transaction,
  { keepMs, most, noticeKeepMs, limit }: PruneAlertsAsk,
): Promise<number> {
  const old = await connection.run(sql.pruneOldAlerts, nowMs - keepMs, limit)
  const many = await connection.run(sql.pruneManyAlerts, most, limit)
  const notices = await connection.run(sql.pruneNotices, nowMs - noticeKeepMs, limit)
  return old + many + notices + (await connection.run(sql.pruneSilences, nowMs, limit))
}
