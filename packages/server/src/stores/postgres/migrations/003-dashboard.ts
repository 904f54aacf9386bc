/** Failures in groups, and the history of rates. */
export const dashboardMigration = `
-- Set when a task ends as failed, cleared when it starts anew. Tasks that failed before have none, and are in no group.
ALTER TABLE tasklane.tasks ADD COLUMN failed_at bigint;
ALTER TABLE tasklane.tasks ADD COLUMN fingerprint text COLLATE "C";

-- failures: a walk over what failed lately.
CREATE INDEX tasks_failures ON tasklane.tasks (failed_at, fingerprint, number) WHERE failed_at IS NOT NULL;
-- fingerprintPage.
CREATE INDEX tasks_fingerprint ON tasklane.tasks (fingerprint, (number + 0)) WHERE fingerprint IS NOT NULL;

-- What each node counted, by cells of time: step and at are milliseconds, the queue is empty for all together.
CREATE TABLE tasklane.history (
  step  integer NOT NULL,
  at    bigint NOT NULL,
  queue text COLLATE "C" NOT NULL,
  node  text COLLATE "C" NOT NULL,
  cell  text COLLATE "C" NOT NULL,
  PRIMARY KEY (step, queue, at, node)
) WITH (fillfactor = 70);
`
