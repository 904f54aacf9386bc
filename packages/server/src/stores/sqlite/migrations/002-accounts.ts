/** Users, service tokens and the audit log; and a way to the tasks of one submitter. */
export const accountsMigration = `
-- Rows are never deleted: a name stands for one person for good. Versions count up, and void the tokens given out before.
CREATE TABLE users (
  number        INTEGER PRIMARY KEY,
  name          TEXT NOT NULL UNIQUE,
  password_hash TEXT NOT NULL,
  role          TEXT NOT NULL,
  is_disabled   INTEGER NOT NULL,
  version       INTEGER NOT NULL,
  created_at    INTEGER NOT NULL,
  changed_at    INTEGER NOT NULL
);

-- Queues and types are lists as JSON, null is all. The hash is of the secret, which is kept nowhere.
CREATE TABLE tokens (
  turn         INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  name         TEXT NOT NULL,
  hash         TEXT NOT NULL UNIQUE,
  role         TEXT NOT NULL,
  queues       TEXT,
  types        TEXT,
  created_by   TEXT,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  revoked_at   INTEGER,
  last_used_at INTEGER
);
CREATE INDEX tokens_name ON tokens (name);

CREATE TABLE audit (
  number     INTEGER PRIMARY KEY AUTOINCREMENT,
  at         INTEGER NOT NULL,
  actor      TEXT,
  action     TEXT NOT NULL,
  subject    TEXT,
  address    TEXT,
  outcome    TEXT NOT NULL,
  request_id TEXT
);
-- The few entries of one actor, action or subject are found among millions.
CREATE INDEX audit_actor ON audit (actor, number) WHERE actor IS NOT NULL;
CREATE INDEX audit_action ON audit (action, number);
CREATE INDEX audit_subject ON audit (subject, number) WHERE subject IS NOT NULL;

-- submitterPage. Where nobody has to log in, nothing is in it.
CREATE INDEX tasks_submitter ON tasks (submitted_by, number) WHERE submitted_by IS NOT NULL;
`
