/** Failures in groups, and the history of rates. */
export const dashboardMigration = `
-- Set when a task ends as failed, cleared when it starts anew. Nothing that happens to other tasks names these two columns,
-- so that their indexes cost a completed task nothing. Tasks that failed before have none, and are in no group.
ALTER TABLE tasks ADD COLUMN fingerprint TEXT;
ALTER TABLE tasks ADD COLUMN failed_at INTEGER;

-- failures: a walk over what failed lately, without touching the rows.
CREATE INDEX tasks_failures ON tasks (failed_at, fingerprint, number) WHERE failed_at IS NOT NULL;
-- fingerprintPage.
CREATE INDEX tasks_fingerprint ON tasks (fingerprint, number) WHERE fingerprint IS NOT NULL;

-- What each node counted, by cells of time: step and at are milliseconds, the queue is empty for all together.
CREATE TABLE history (
  step  INTEGER NOT NULL,
  queue TEXT NOT NULL,
  at    INTEGER NOT NULL,
  node  TEXT NOT NULL,
  cell  TEXT NOT NULL,
  PRIMARY KEY (step, queue, at, node)
) WITHOUT ROWID;
`
