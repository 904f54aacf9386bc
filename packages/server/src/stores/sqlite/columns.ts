/**
 * Column lists and the readers that take them apart again: the order of one is the order of the other. A task's
 * dependencies are rows of their own and come separately.
 */
export const recordColumns = `number, id, lane, state, rank, due_at, priority, priority_source, epoch, attempt, crashes,
  worker_id, lease_until, started_at, cancel_requested_at, created_at, run_at, finished_at, parent_count, timeout_ms,
  max_retries, policy, idempotency_key, submitted_by, trace, name, labels, progress,
  CASE is_payload_apart WHEN 0 THEN payload ELSE (SELECT text FROM payloads WHERE payloads.number = tasks.number) END,
  error, description, result`

/** What a claim reads: the rest of a pending task's record is known. A third less to read is a tenth of a claim. */
export const candidateColumns = `number, id, rank, due_at, priority, priority_source, epoch, attempt, crashes, created_at,
  run_at, parent_count, timeout_ms, max_retries, policy, idempotency_key, submitted_by, trace, name, labels,
  CASE is_payload_apart WHEN 0 THEN payload ELSE (SELECT text FROM payloads WHERE payloads.number = tasks.number) END,
  error, description, has_dependents`

/** What an attempt's end is decided and told from. */
export const settleColumns = `number, lane, state, epoch, worker_id, lease_until, cancel_requested_at, attempt, due_at,
  started_at, has_dependents, end_outcome, settled_as`

/** A live lease, and what core needs to decide how its attempt ends. */
export const leaseColumns = `number, id, state, epoch, worker_id, attempt, crashes, max_retries, started_at, timeout_ms,
  lease_until, cancel_requested_at`
