/**
 * Column lists and the readers that take them apart again (rows.ts): the order of one is the order of the other. `t` is
 * the row of tasklane.tasks.
 */

/** The ids of a task's parents as one JSON text; null where it has none. */
const dependencies = `CASE t.parent_count WHEN 0 THEN NULL ELSE
    (SELECT json_agg(e.parent_id ORDER BY e.position)::text FROM tasklane.edges AS e WHERE e.child = t.number) END`

export const recordColumns = `t.number, t.id, t.lane, t.state, t.priority, t.priority_source, t.epoch, t.attempt, t.crashes,
  t.worker_id, t.started_at, t.cancel_requested_at, t.created_at, t.run_at, t.finished_at, t.timeout_ms, t.max_retries,
  t.policy, t.idempotency_key, t.submitted_by, t.trace, t.name, t.labels, t.progress, t.payload, t.error, t.description,
  t.result, ${dependencies}, t.lease_until`

/** What a claim hands out, of a row that it has just written: the rest of a running task's record is known. */
export const claimedColumns = `t.number, t.id, t.lane, t.priority, t.priority_source, t.epoch, t.attempt, t.crashes,
  t.created_at, t.run_at, t.timeout_ms, t.max_retries, t.policy, t.idempotency_key, t.submitted_by, t.trace, t.name,
  t.labels, t.payload, t.error, t.description, t.lease_until`

/** What every transition is decided from and writes. */
export const stateColumns = `t.number, t.id, t.lane, t.state, t.epoch, t.attempt, t.crashes, t.worker_id, t.lease_until,
  t.started_at, t.cancel_requested_at, t.run_at, t.due_at, t.priority, t.priority_source, t.rank, t.finished_at,
  t.end_outcome, t.settled_as, t.waiting_count, t.has_dependents, left(t.error, 27),
  coalesce(octet_length(t.payload), 0) + coalesce(octet_length(t.error), 0)`

/** A live lease, and what core needs to decide how its attempt ends. */
export const leaseColumns = `t.id, t.epoch, t.worker_id, t.attempt, t.crashes, t.max_retries, t.started_at, t.timeout_ms`
