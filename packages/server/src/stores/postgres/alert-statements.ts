import { name } from './statements.ts'

const alertColumns = `a.number, a.turn, a.rule_id, a.state, a.severity, a.value, a.since_at, a.fired_at, a.resolved_at,
  a.noted_at, a.facts, a.told, a.detail, s.until_at, s.at, s.reason, s.actor,
  a.tellings`

/** With the silence of its subject that lasts at $1. */
const alerts = `SELECT ${alertColumns} FROM tasklane.alerts AS a
  LEFT JOIN tasklane.alert_silences AS s ON s.rule_id = a.rule_id AND s.subject = a.subject AND s.until_at > $1::bigint`

const channelColumns = `id, settings, version, created_at, changed_at, last_sent_at, last_failed_at, last_failure,
  (SELECT count(*) FROM tasklane.alert_notices AS n WHERE n.channel_id = c.id)`

export const alertStatements = name({
  alertsVersion: `SELECT value FROM tasklane.meta WHERE name = 'alerts_version'`,
  // By a step of chance, as with the accounts: what was read before a failover must not look as fresh as what came after.
  raiseAlertsVersion: `INSERT INTO tasklane.meta AS m (name, value)
    VALUES ('alerts_version', 1 + floor(random() * 1000000)::bigint)
    ON CONFLICT (name) DO UPDATE SET value = m.value + excluded.value`,
  // Also where the clock was set back since; a little ahead is only a transaction that began a little later.
  takeAlertTurn: `INSERT INTO tasklane.meta AS m (name, value) VALUES ('alerts_looked_at', $1::bigint)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
    WHERE m.value <= $1::bigint - $2::bigint OR m.value > $1::bigint + $2::bigint`,

  lockAlertRules: 'LOCK TABLE tasklane.alert_rules IN SHARE ROW EXCLUSIVE MODE',
  alertRules: 'SELECT id, settings, version, changed_at FROM tasklane.alert_rules ORDER BY id',
  alertRule: 'SELECT id, settings, version, changed_at FROM tasklane.alert_rules WHERE id = $1',
  countAlertRules: 'SELECT count(*) FROM tasklane.alert_rules',
  insertAlertRule: `INSERT INTO tasklane.alert_rules (id, settings, version, changed_at) VALUES ($1, $2, 1, $3::bigint)
    ON CONFLICT DO NOTHING`,
  writeAlertRule: `UPDATE tasklane.alert_rules SET settings = $2, version = version + 1, changed_at = $3::bigint
    WHERE id = $1 AND version = $4::int`,
  deleteAlertRule: 'DELETE FROM tasklane.alert_rules WHERE id = $1',

  openAlerts: `${alerts} WHERE a.state <> 'resolved' ORDER BY a.number`,
  alert: `${alerts} WHERE a.number = $2::bigint`,
  // $2 below number, $3 states, $4 severities, $5 rule; a condition is off where its parameter is null.
  alertPage: `${alerts} WHERE a.number < $2::bigint AND ($3::text[] IS NULL OR a.state = ANY($3))
    AND ($4::text[] IS NULL OR a.severity = ANY($4)) AND ($5::text IS NULL OR a.rule_id = $5)
    ORDER BY a.number DESC LIMIT $6::int`,
  // Whoever makes moves takes the rows in one order.
  lockAlerts: 'SELECT number FROM tasklane.alerts WHERE number = ANY($1::bigint[]) ORDER BY number FOR UPDATE',
  openAlert: `INSERT INTO tasklane.alerts (turn, rule_id, subject, state, severity, value, since_at, fired_at, noted_at, facts,
      told, detail, tellings)
    VALUES (1, $2, $3, $4::text, $5, $6, $1::bigint, CASE $4::text WHEN 'firing' THEN $1::bigint END, $1::bigint, $7, $8, $9, $10)
    ON CONFLICT (rule_id, subject) WHERE state <> 'resolved' DO NOTHING RETURNING number`,
  changeAlert: `UPDATE tasklane.alerts SET turn = turn + 1, state = $4::text, severity = $5, value = $6, detail = $7, told = $8,
      tellings = $10, noted_at = $1::bigint,
      fired_at = CASE WHEN state = 'pending' AND $4::text = 'firing' THEN $1::bigint ELSE fired_at END,
      since_at = CASE WHEN $9::boolean THEN $1::bigint ELSE since_at END
    WHERE number = $2::bigint AND turn = $3::int`,
  resolveAlert: `UPDATE tasklane.alerts SET turn = turn + 1, state = 'resolved', resolved_at = $1::bigint
    WHERE number = $2::bigint AND turn = $3::int`,
  dropAlert: 'DELETE FROM tasklane.alerts WHERE number = $1::bigint AND turn = $2::int',

  silences: 'SELECT rule_id, subject, until_at FROM tasklane.alert_silences WHERE until_at > $1::bigint',
  putSilence: `INSERT INTO tasklane.alert_silences (rule_id, subject, until_at, at, reason, actor)
    SELECT rule_id, subject, $3::bigint, $1::bigint, $4, $5 FROM tasklane.alerts WHERE number = $2::bigint
    ON CONFLICT (rule_id, subject) DO UPDATE SET until_at = excluded.until_at, at = excluded.at,
      reason = excluded.reason, actor = excluded.actor`,
  dropSilence: `DELETE FROM tasklane.alert_silences WHERE (rule_id, subject) =
    (SELECT a.rule_id, a.subject FROM tasklane.alerts AS a WHERE a.number = $1::bigint)`,

  lockAlertChannels: 'LOCK TABLE tasklane.alert_channels IN SHARE ROW EXCLUSIVE MODE',
  alertChannels: `SELECT ${channelColumns} FROM tasklane.alert_channels AS c ORDER BY created_at, id`,
  alertChannel: `SELECT ${channelColumns} FROM tasklane.alert_channels AS c WHERE id = $1`,
  countAlertChannels: 'SELECT count(*) FROM tasklane.alert_channels',
  insertAlertChannel: `INSERT INTO tasklane.alert_channels (id, settings, version, created_at, changed_at)
    VALUES ($1, $2, 1, $3::bigint, $3::bigint) ON CONFLICT DO NOTHING`,
  writeAlertChannel: `UPDATE tasklane.alert_channels SET settings = $2, version = version + 1, changed_at = $3::bigint
    WHERE id = $1 AND version = $4::int`,
  deleteAlertChannel: 'DELETE FROM tasklane.alert_channels WHERE id = $1',
  noteSent: 'UPDATE tasklane.alert_channels SET last_sent_at = $2::bigint WHERE id = $1',
  noteFailed: 'UPDATE tasklane.alert_channels SET last_failed_at = $2::bigint, last_failure = $3 WHERE id = $1',

  // A channel that is being removed is waited for, and told nothing.
  insertNotice: `INSERT INTO tasklane.alert_notices (id, channel_id, created_at, due_at, attempts, alerts)
    SELECT $2, c.id, $1::bigint, $1::bigint, 0, $4
    FROM (SELECT id FROM tasklane.alert_channels WHERE id = $3 FOR SHARE) AS c`,
  deleteNoticesOf: 'DELETE FROM tasklane.alert_notices WHERE channel_id = $1',
  takeNotices: `UPDATE tasklane.alert_notices AS t SET attempts = t.attempts + 1, due_at = $1::bigint + $4::bigint
    FROM (SELECT n.number, c.settings FROM tasklane.alert_notices AS n JOIN tasklane.alert_channels AS c ON c.id = n.channel_id
      WHERE n.due_at <= $1::bigint AND (c.settings::json ->> 'isEnabled')::boolean AND NOT EXISTS (
        SELECT 1 FROM tasklane.alert_notices AS o
        WHERE o.channel_id = n.channel_id AND o.number < n.number AND o.attempts < $2::int)
      ORDER BY n.number LIMIT $3::int FOR UPDATE OF n SKIP LOCKED) AS due
    WHERE t.number = due.number
    RETURNING t.number, t.id, t.channel_id, due.settings, t.attempts, $1::bigint - t.created_at, t.alerts`,
  noticeChannel: `SELECT channel_id FROM tasklane.alert_notices WHERE number = $1::bigint AND attempts = $2::int FOR UPDATE`,
  delayNotice: 'UPDATE tasklane.alert_notices SET due_at = $2::bigint WHERE number = $1::bigint',
  deleteNotice: 'DELETE FROM tasklane.alert_notices WHERE number = $1::bigint',

  pruneOldAlerts: `DELETE FROM tasklane.alerts WHERE number IN
    (SELECT number FROM tasklane.alerts WHERE resolved_at < $1::bigint ORDER BY resolved_at LIMIT $2::int)`,
  pruneManyAlerts: `DELETE FROM tasklane.alerts WHERE number IN
    (SELECT number FROM tasklane.alerts WHERE resolved_at IS NOT NULL ORDER BY number DESC OFFSET $1::int LIMIT $2::int)`,
  pruneNotices: `DELETE FROM tasklane.alert_notices WHERE number IN
    (SELECT number FROM tasklane.alert_notices WHERE created_at < $1::bigint ORDER BY number LIMIT $2::int)`,
  pruneSilences: `DELETE FROM tasklane.alert_silences WHERE (rule_id, subject) IN
    (SELECT rule_id, subject FROM tasklane.alert_silences WHERE until_at <= $1::bigint LIMIT $2::int)`,
})
