/** What is watched for, what is in trouble, who is told of it, and what they are still to be told. */
export const alertsMigration = `
-- Settings as JSON, also those of defaults that somebody changed. Versions count up.
CREATE TABLE alert_rules (
  id         TEXT PRIMARY KEY,
  settings   TEXT NOT NULL,
  version    INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) WITHOUT ROWID;

-- turn: +1 at every move, so that each is made once. facts: what never changes, as JSON. told: channels as JSON.
CREATE TABLE alerts (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  turn        INTEGER NOT NULL,
  rule_id     TEXT NOT NULL,
  subject     TEXT NOT NULL,
  state       TEXT NOT NULL,
  severity    TEXT NOT NULL,
  value       REAL NOT NULL,
  since_at    INTEGER NOT NULL,
  fired_at    INTEGER,
  resolved_at INTEGER,
  noted_at    INTEGER NOT NULL,
  facts       TEXT NOT NULL,
  told        TEXT NOT NULL,
  detail      TEXT NOT NULL
);
-- Of one rule, one open alert for a subject; openAlerts.
CREATE UNIQUE INDEX alerts_open ON alerts (rule_id, subject) WHERE state <> 'resolved';
-- pruneOldAlerts.
CREATE INDEX alerts_resolved ON alerts (resolved_at) WHERE resolved_at IS NOT NULL;

CREATE TABLE alert_silences (
  rule_id  TEXT NOT NULL,
  subject  TEXT NOT NULL,
  until_at INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  reason   TEXT NOT NULL,
  actor    TEXT,
  PRIMARY KEY (rule_id, subject)
) WITHOUT ROWID;

-- settings: JSON, the secret that messages are signed with among them.
CREATE TABLE alert_channels (
  id             TEXT PRIMARY KEY,
  settings       TEXT NOT NULL,
  version        INTEGER NOT NULL,
  created_at     INTEGER NOT NULL,
  changed_at     INTEGER NOT NULL,
  last_sent_at   INTEGER,
  last_failed_at INTEGER,
  last_failure   TEXT
) WITHOUT ROWID;

-- due_at: when it may be taken; who takes it moves it on by the time it has to deliver it. attempts: the fence of that.
CREATE TABLE alert_notices (
  number     INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT NOT NULL,
  channel_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  due_at     INTEGER NOT NULL,
  attempts   INTEGER NOT NULL,
  alerts     TEXT NOT NULL
);
-- takeNotices: what stands before one, how many are kept.
CREATE INDEX alert_notices_channel ON alert_notices (channel_id, number);
`
