/**
 * The first schema. Times are milliseconds since 1970, durations milliseconds, JSON is text that nothing here parses
 * but the label filter. Foreign keys are off: every reference is written and deleted by the statement beside it, and an
 * edge must outlive its parent, so that `dependencies` is still told after the parent was pruned.
 */
export const tasksMigration = `
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;

-- A lane is one (queue, type) pair: what a claim filters by, as one small number in the row and in the index.
CREATE TABLE lanes (
  id    INTEGER PRIMARY KEY,
  queue TEXT NOT NULL,
  type  TEXT NOT NULL,
  UNIQUE (queue, type)
);

CREATE TABLE queues (
  name      TEXT PRIMARY KEY,
  is_paused INTEGER NOT NULL
) WITHOUT ROWID;

-- Exact, and written in the transaction that moves the tasks.
CREATE TABLE counters (
  lane  INTEGER NOT NULL,
  state TEXT NOT NULL,
  n     INTEGER NOT NULL,
  PRIMARY KEY (lane, state)
) WITHOUT ROWID;

-- What transitions write stands first, long text last: a row that spills over its page is then read only as far as needed.
CREATE TABLE tasks (
  number              INTEGER PRIMARY KEY,
  id                  TEXT NOT NULL,
  lane                INTEGER NOT NULL,
  state               TEXT NOT NULL,
  rank                REAL NOT NULL,
  due_at              INTEGER NOT NULL,
  priority            REAL NOT NULL,
  priority_source     TEXT NOT NULL,
  epoch               INTEGER NOT NULL DEFAULT 0,
  attempt             INTEGER NOT NULL DEFAULT 0,
  crashes             INTEGER NOT NULL DEFAULT 0,
  -- Of the running or the last attempt; null while the task waits.
  worker_id           TEXT,
  lease_until         INTEGER,
  started_at          INTEGER,
  cancel_requested_at INTEGER,
  created_at          INTEGER NOT NULL,
  run_at              INTEGER,
  finished_at         INTEGER,
  -- How the last attempt ended where it ended the task; every other ended attempt has a row in attempts.
  end_outcome         TEXT,
  -- What the worker itself said then, by which a repeated settle is known; null where another ended it.
  settled_as          TEXT,
  waiting_count       INTEGER NOT NULL,
  parent_count        INTEGER NOT NULL,
  has_dependents      INTEGER NOT NULL,
  timeout_ms          INTEGER,
  max_retries         INTEGER NOT NULL,
  -- What the client said at submit, by which a repeat is known; priority and run_at may have moved on since.
  delay_ms            INTEGER,
  asked_priority      REAL,
  policy              TEXT NOT NULL,
  -- A long payload is in payloads: every transition rewrites the whole row.
  is_payload_apart    INTEGER NOT NULL,
  idempotency_key     TEXT,
  submitted_by        TEXT,
  trace               TEXT,
  name                TEXT,
  labels              TEXT,
  progress            TEXT,
  payload             TEXT,
  error               TEXT,
  description         TEXT,
  result              TEXT
);

-- taskFacts, recordById and every other look-up by id; insertTask finds its conflicts here.
CREATE UNIQUE INDEX tasks_id ON tasks (id);

-- insertTask and taskByKey.
CREATE UNIQUE INDEX tasks_key ON tasks (idempotency_key) WHERE idempotency_key IS NOT NULL;

-- candidates and rankBefore walk it in the order of claims; oldestDue reads due_at from it without touching the rows.
CREATE INDEX tasks_pending ON tasks (lane, rank, number, due_at) WHERE state = 'pending';

-- leasesOfWorker and holdsOfWorker seek a worker; expiredLeases and runningPage scan it whole, which is as long as the
-- workers have slots.
CREATE INDEX tasks_running ON tasks (worker_id, lease_until) WHERE state = 'running';

-- dueTasks, nextDue and scheduledPage.
CREATE INDEX tasks_scheduled ON tasks (run_at) WHERE state = 'scheduled';

-- blockedPage, failedPage, cancelledPage: a list of few failed tasks does not walk a million completed ones. Three
-- indexes with one comparison each, since every update of state evaluates every condition: one index over
-- "state IN (...)" costs 2.3 us an update more than these three together.
CREATE INDEX tasks_blocked ON tasks (number) WHERE state = 'blocked';
CREATE INDEX tasks_failed ON tasks (number) WHERE state = 'failed';
CREATE INDEX tasks_cancelled ON tasks (number) WHERE state = 'cancelled';

CREATE TABLE payloads (
  number INTEGER PRIMARY KEY,
  text   TEXT NOT NULL
);

-- One row for each entry of a task's dependencies, in their order. A parent named again is kept for the record only.
CREATE TABLE edges (
  child     INTEGER NOT NULL,
  position  INTEGER NOT NULL,
  parent    INTEGER NOT NULL,
  parent_id TEXT NOT NULL,
  policy    TEXT NOT NULL,
  -- The parent has ended and the child was told. Set exactly once, so that a child is released exactly once.
  resolved  INTEGER NOT NULL,
  is_repeat INTEGER NOT NULL,
  PRIMARY KEY (child, position)
) WITHOUT ROWID;

-- openEdges (resolved = 0), childrenOf and isNeeded.
CREATE INDEX edges_parent ON edges (parent, resolved, child);

-- Ended tasks whose edges no transaction had room for yet; unblock goes on with them, oldest first.
CREATE TABLE unresolved (
  turn   INTEGER PRIMARY KEY,
  parent INTEGER NOT NULL UNIQUE
);

-- Attempts that ended but not the task, and those of former lives. The last one is told by the task's own row.
CREATE TABLE attempts (
  number     INTEGER NOT NULL,
  epoch      INTEGER NOT NULL,
  attempt    INTEGER NOT NULL,
  worker_id  TEXT,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER NOT NULL,
  outcome    TEXT NOT NULL,
  settled_as TEXT,
  error      TEXT,
  PRIMARY KEY (number, epoch)
) WITHOUT ROWID;

CREATE TABLE logs (
  number  INTEGER NOT NULL,
  line    INTEGER NOT NULL,
  epoch   INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  level   TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (number, line)
) WITHOUT ROWID;

CREATE TABLE workers (
  id            TEXT PRIMARY KEY,
  instance      TEXT,
  capabilities  TEXT,
  queues        TEXT,
  slots         INTEGER NOT NULL,
  labels        TEXT,
  types         TEXT,
  is_draining   INTEGER NOT NULL,
  system_info   TEXT,
  lease_ms      INTEGER NOT NULL,
  registered_at INTEGER NOT NULL,
  last_seen_at  INTEGER NOT NULL
) WITHOUT ROWID;

-- What a claim with a request id handed out. Leases are [number, epoch] pairs as JSON.
CREATE TABLE claim_requests (
  worker_id  TEXT NOT NULL,
  request_id TEXT NOT NULL,
  leases     TEXT NOT NULL,
  at         INTEGER NOT NULL,
  PRIMARY KEY (worker_id, request_id)
) WITHOUT ROWID;

-- pruneRequests.
CREATE INDEX claim_requests_at ON claim_requests (at);
`
