import type { Database, Statement } from './database.ts'
import { prepareAll } from './statements.ts'

const alertColumns = `a.number, a.turn, a.rule_id, a.state, a.severity, a.value, a.since_at, a.fired_at, a.resolved_at,
  a.noted_at, a.facts, a.told, a.detail, s.until_at, s.at, s.reason, s.actor,
  a.tellings`

/** With the silence of its subject that lasts at ?1. */
const alerts = `SELECT ${alertColumns} FROM alerts AS a
  LEFT JOIN alert_silences AS s ON s.rule_id = a.rule_id AND s.subject = a.subject AND s.until_at > ?1`

const channelColumns = `id, settings, version, created_at, changed_at, last_sent_at, last_failed_at, last_failure,
  (SELECT count(*) FROM alert_notices AS n WHERE n.channel_id = c.id)`

export const alertTexts = {
  raiseAlerts: `INSERT INTO meta (name, value) VALUES ('alerts_version', 1)
    ON CONFLICT (name) DO UPDATE SET value = value + 1`,

  alertRules: 'SELECT id, settings, version, changed_at FROM alert_rules ORDER BY id',
  alertRule: 'SELECT id, settings, version, changed_at FROM alert_rules WHERE id = ?',
  countAlertRules: 'SELECT count(*) FROM alert_rules',
  insertAlertRule: `INSERT INTO alert_rules (id, settings, version, changed_at) VALUES (?, ?, 1, ?)
    ON CONFLICT DO NOTHING`,
  writeAlertRule: `UPDATE alert_rules SET settings = ?2, version = version + 1, changed_at = ?3
    WHERE id = ?1 AND version = ?4`,
  deleteAlertRule: 'DELETE FROM alert_rules WHERE id = ?',

  openAlerts: `${alerts} WHERE a.state <> 'resolved' ORDER BY a.number`,
  alert: `${alerts} WHERE a.number = ?2`,
  // ?2 below number, ?3 states and ?4 severities as JSON, ?5 rule; a condition is off where its parameter is null.
  alertPage: `${alerts} WHERE a.number < ?2 AND (?3 IS NULL OR a.state IN (SELECT value FROM json_each(?3)))
    AND (?4 IS NULL OR a.severity IN (SELECT value FROM json_each(?4))) AND (?5 IS NULL OR a.rule_id = ?5)
    ORDER BY a.number DESC LIMIT ?6 + 0`,
  openAlert: `INSERT INTO alerts (turn, rule_id, subject, state, severity, value, since_at, fired_at, noted_at, facts, told,
      detail, tellings)
    VALUES (1, ?2, ?3, ?4, ?5, ?6, ?1, CASE ?4 WHEN 'firing' THEN ?1 END, ?1, ?7, ?8, ?9, ?10)
    ON CONFLICT (rule_id, subject) WHERE state <> 'resolved' DO NOTHING RETURNING number`,
  changeAlert: `UPDATE alerts SET turn = turn + 1, state = ?4, severity = ?5, value = ?6, detail = ?7, told = ?8, tellings = ?10,
      noted_at = ?1, fired_at = CASE WHEN state = 'pending' AND ?4 = 'firing' THEN ?1 ELSE fired_at END,
      since_at = CASE ?9 WHEN 1 THEN ?1 ELSE since_at END
    WHERE number = ?2 AND turn = ?3`,
  resolveAlert: `UPDATE alerts SET turn = turn + 1, state = 'resolved', resolved_at = ?1 WHERE number = ?2 AND turn = ?3`,
  dropAlert: 'DELETE FROM alerts WHERE number = ? AND turn = ?',

  silences: 'SELECT rule_id, subject, until_at FROM alert_silences WHERE until_at > ?',
  putSilence: `INSERT INTO alert_silences (rule_id, subject, until_at, at, reason, actor)
    SELECT rule_id, subject, ?3, ?1, ?4, ?5 FROM alerts WHERE number = ?2
    ON CONFLICT (rule_id, subject) DO UPDATE SET until_at = excluded.until_at, at = excluded.at,
      reason = excluded.reason, actor = excluded.actor`,
  dropSilence: `DELETE FROM alert_silences
    WHERE (rule_id, subject) = (SELECT a.rule_id, a.subject FROM alerts AS a WHERE a.number = ?)`,

  alertChannels: `SELECT ${channelColumns} FROM alert_channels AS c ORDER BY created_at, id`,
  alertChannel: `SELECT ${channelColumns} FROM alert_channels AS c WHERE id = ?`,
  countAlertChannels: 'SELECT count(*) FROM alert_channels',
  insertAlertChannel: `INSERT INTO alert_channels (id, settings, version, created_at, changed_at) VALUES (?1, ?2, 1, ?3, ?3)
    ON CONFLICT DO NOTHING`,
  writeAlertChannel: `UPDATE alert_channels SET settings = ?2, version = version + 1, changed_at = ?3
    WHERE id = ?1 AND version = ?4`,
  deleteAlertChannel: 'DELETE FROM alert_channels WHERE id = ?',
  noteSent: 'UPDATE alert_channels SET last_sent_at = ?2 WHERE id = ?1',
  noteFailed: 'UPDATE alert_channels SET last_failed_at = ?2, last_failure = ?3 WHERE id = ?1',

  insertNotice: `INSERT INTO alert_notices (id, channel_id, created_at, due_at, attempts, alerts)
    SELECT ?2, ?3, ?1, ?1, 0, ?4 WHERE EXISTS (SELECT 1 FROM alert_channels WHERE id = ?3)`,
  deleteNoticesOf: 'DELETE FROM alert_notices WHERE channel_id = ?',
  dueNotices: `SELECT n.number, n.id, n.channel_id, c.settings, n.attempts, n.created_at, n.alerts
    FROM alert_notices AS n JOIN alert_channels AS c ON c.id = n.channel_id
    WHERE n.due_at <= ?1 AND json_extract(c.settings, '$.isEnabled') AND NOT EXISTS (SELECT 1 FROM alert_notices AS o
      WHERE o.channel_id = n.channel_id AND o.number < n.number AND o.attempts < ?2)
    ORDER BY n.number LIMIT ?3 + 0`,
  takeNotice: 'UPDATE alert_notices SET attempts = attempts + 1, due_at = ?2 WHERE number = ?1',
  noticeChannel: 'SELECT channel_id FROM alert_notices WHERE number = ? AND attempts = ?',
  delayNotice: 'UPDATE alert_notices SET due_at = ?2 WHERE number = ?1',
  deleteNotice: 'DELETE FROM alert_notices WHERE number = ?',

  pruneOldAlerts: `DELETE FROM alerts WHERE number IN
    (SELECT number FROM alerts WHERE resolved_at < ? ORDER BY resolved_at LIMIT ? + 0)`,
  pruneManyAlerts: `DELETE FROM alerts WHERE number IN
    (SELECT number FROM alerts WHERE resolved_at IS NOT NULL ORDER BY number DESC LIMIT ?2 + 0 OFFSET ?1 + 0)`,
  pruneNotices: `DELETE FROM alert_notices WHERE number IN
    (SELECT number FROM alert_notices WHERE created_at < ? ORDER BY number LIMIT ? + 0)`,
  pruneSilences: `DELETE FROM alert_silences WHERE (rule_id, subject) IN
    (SELECT rule_id, subject FROM alert_silences WHERE until_at <= ? LIMIT ? + 0)`,
} as const

export type AlertStatements = Readonly<Record<keyof typeof alertTexts, Statement>>

export function prepareAlerts(database: Database): AlertStatements {
  return prepareAll(database, alertTexts)
}
